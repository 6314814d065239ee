"""The named datasets: which snapshots make them, what their info tells, and that they come back as they were made."""

import json
import threading
import time

import numpy as np
import pytest

from algos.common import checkpoint
from algos.common.errors import BadInput
from algos.data import minari_files
from algos.data.dataset import DatasetError
from algos.data.recipes import behaviour, catalogue


def silent(_):
    pass


@pytest.fixture
def snapshots(tmp_path, monkeypatch):
    """A dozen policies of Hopper, committed with references of their own."""
    random = np.random.default_rng(0)
    found = []
    for k, value in enumerate([5, 10, 20, 30, 45, 60, 70, 80, 90, 100, 99, 20]):
        sizes = [(11, 8), (8, 8), (8, 3)]
        weights = {f"weight{i}": random.standard_normal(size).astype(np.float32) for i, size in enumerate(sizes)}
        weights |= {f"bias{i}": np.zeros(size[1], np.float32) for i, size in enumerate(sizes)}
        weights |= {"obs_mean": np.zeros(11, np.float32), "obs_std": np.ones(11, np.float32)}
        found.append({"step": 1000 * k, "return": float(value), "weights": {**weights, "std": np.ones(3, np.float32)}})
    monkeypatch.setattr(behaviour, "FOLDER", tmp_path)
    checkpoint.save(tmp_path / "hopper.safetensors", {"env": "Hopper-v5", "snapshots": found, "made": {}})
    committed = {"hopper": {"random": 1.0, "expert": 101.0, "digest": catalogue.digest("hopper")}}
    (tmp_path / "references.json").write_text(json.dumps(committed))
    monkeypatch.setattr(catalogue, "REFERENCES", tmp_path / "references.json")
    return found


RETURNS = [5, 10, 20, 30, 45, 60, 70, 80, 90, 100, 99, 33]


@pytest.mark.parametrize(
    ("kind", "chosen", "words"),
    [
        ("expert", [9], "the best snapshot, 10 of 12"),
        ("medium", [3], "nearest a third of the best one's, 4 of 12"),  # 30, not the 33 that came after the best
        ("medium-expert", [3, 9], "half by"),
        ("medium-replay", list(range(10)), "as fewer came before it"),
    ],
)
def test_which_snapshots(kind, chosen, words):
    found, how = catalogue.choose(kind, RETURNS)
    assert found == chosen
    assert words in how


def test_a_late_medium_brings_all_before_it():
    found, how = catalogue.choose("medium-replay", [*range(1, 21), 60])
    assert found == list(range(20))
    assert "as fewer" not in how


def test_equal_shares_by_each_snapshot(snapshots):
    plan = catalogue.plan_of("hopper-medium-replay", 1003)
    assert len(plan.parts) == 10
    assert {part.steps for part in plan.parts} == {100, 101}
    assert sum(part.steps for part in plan.parts) == 1003
    np.testing.assert_array_equal(plan.parts[4].policy["weight0"], snapshots[4]["weights"]["weight0"])
    assert [part.steps for part in catalogue.plan_of("hopper-medium-expert", 10).parts] == [5, 5]


def test_a_recipe_is_repeated_to_the_bit_and_kept(snapshots, same):
    pytest.importorskip("mujoco")
    pytest.importorskip("h5py")
    dataset = catalogue.make("hopper-medium-replay", steps=200, progress=silent, workers=1)
    same(catalogue.load("hopper-medium-replay"), dataset)
    same(catalogue.make("hopper-medium-replay", steps=200, progress=silent, workers=1), dataset)
    info = dataset.info
    assert info["env"] == {"name": "gym", "id": "Hopper-v5", "kwargs": {}}
    assert info["references"] == {"random": 1.0, "expert": 101.0}
    assert [one["return"] for one in info["made"]["snapshots"]] == [5, 10, 20, 30, 45, 60, 70, 80, 90, 100]
    assert (info["steps"], info["seed"], info["name"]) == (200, 0, "hopper-medium-replay")
    assert info["made"]["command"] == "python -m scripts.make_dataset hopper-medium-replay --steps 200 --seed 0"
    assert info["versions"]["mujoco"]
    json.dumps(info)


def test_two_that_want_the_same_make_it_once(snapshots, tmp_path, monkeypatch, same):
    """The second waits for the first, and then reads what it has made."""
    monkeypatch.setattr(catalogue, "default_steps", lambda name: 200)
    told, found, started = [], [], threading.Event()
    make_gym = catalogue.make_gym

    def slowly(*arguments):
        started.set()
        deadline = time.time() + 60
        while "hopper-random is being made by another process: waiting for it" not in told and time.time() < deadline:
            time.sleep(0.01)
        return make_gym(*arguments)

    monkeypatch.setattr(catalogue, "make_gym", slowly)
    find = [threading.Thread(target=lambda: found.append(catalogue.find("hopper-random", told.append))) for _ in "ab"]
    find[0].start()
    started.wait()
    find[1].start()
    for thread in find:
        thread.join()
    assert [line.partition(":")[0] for line in told].count("making hopper-random") == 1
    same(*found)


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MABC_DATA", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match="MABC_DATA"):
        catalogue.make("skirmish-2v2-random", progress=silent)


def test_references_of_other_snapshots_are_measured_anew(snapshots, tmp_path, monkeypatch):
    path = tmp_path / "hopper.safetensors"
    assert catalogue.references("hopper-medium", 1, silent) == {"random": 1.0, "expert": 101.0}
    tree = checkpoint.load(path)
    tree["made"] = {"seed": 1}
    checkpoint.save(path, tree)
    monkeypatch.setattr(catalogue, "measure", lambda task, workers: {"random": 2.0, "expert": 3.0, "more": 0})
    told = []
    assert catalogue.references("hopper-medium", 1, told.append) == {"random": 2.0, "expert": 3.0}
    assert "measuring the random and the expert policy of hopper" in told[0]


def test_what_did_not_change_is_not_measured_again(snapshots, monkeypatch):
    monkeypatch.setattr(catalogue, "MAZES", {})
    monkeypatch.setattr(catalogue, "measure", lambda task, workers: {"random": 2.0, "expert": 3.0, "digest": "new"})
    catalogue.commit_references(1, silent)
    assert json.loads(catalogue.REFERENCES.read_text())["hopper"]["random"] == 1
    catalogue.commit_references(1, silent, anew=True)
    assert json.loads(catalogue.REFERENCES.read_text()) == {"hopper": {"random": 2.0, "expert": 3.0, "digest": "new"}}


def test_references_are_means_over_whole_episodes(snapshots):
    pytest.importorskip("mujoco")
    found = catalogue.measure("hopper", 1, episodes=5)
    returns = catalogue.episode_returns({"id": "Hopper-v5"}, "random", 5, catalogue.REFERENCE_SEED, 1)
    assert found["random"] == returns.mean()
    assert found["expert"] != found["random"]
    assert found["digest"] == catalogue.digest("hopper")


def test_without_snapshots_it_says_how_they_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(behaviour, "FOLDER", tmp_path)
    with pytest.raises(DatasetError, match=r"make_behaviour.py walker2d"):
        catalogue.make("walker2d-medium", steps=10, progress=silent)


def test_unknown_names_lead_to_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'hopper-medium'"):
        catalogue.make("hoper-medium")
    with pytest.raises(BadInput, match="Did you mean 'skirmish-3v3-expert'"):
        catalogue.check_name("skirmish-3v3-exprt")


def test_a_broken_one_says_how_to_make_it_again(small):
    pytest.importorskip("h5py")
    small.end_seen = None
    folder = minari_files.write(small, minari_files.minari_id("hopper-medium"))
    (folder / "data" / "main_data.hdf5").write_bytes(b"")
    with pytest.raises(DatasetError, match="make_dataset hopper-medium --force"):
        catalogue.load("hopper-medium")


@pytest.mark.parametrize("task", ["hopper", "halfcheetah", "walker2d"])
def test_what_is_committed(task):
    """Snapshots and references belong together."""
    found = behaviour.load_snapshots(task)
    assert found["env"] == catalogue.LOCOMOTION[task]
    assert len(found["snapshots"]) >= catalogue.REPLAY_SNAPSHOTS
    references = json.loads(catalogue.REFERENCES.read_text("utf-8"))[task]
    assert references["digest"] == catalogue.digest(task)
    assert references["random"] < references["expert"]
