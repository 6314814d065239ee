"""Our episode store: exact round trip, all or nothing, every broken file, and the padded view."""

import json
import os
import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from algos.common import checkpoint
from algos.data import store
from algos.data.dataset import DatasetError


def test_round_trip_is_exact(tmp_path, small, team, same):
    for dataset in (small, team):
        same(store.load(store.save(tmp_path / "new folder" / "a.safetensors", dataset)), dataset)


def test_an_interrupted_run_leaves_what_was_there(tmp_path, small, team, same, monkeypatch):
    path = store.save(tmp_path / "a.safetensors", small)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store.save(path, team)
    assert [one.name for one in tmp_path.iterdir()] == ["a.safetensors"]
    same(store.load(path), small)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, small):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="MABC_DATA"):
        store.save(tmp_path / "file" / "a.safetensors", small)


HEADER = {"format": 1, "num_actions": 0, "info": {}}


def broken(path, header=HEADER, **changes):
    """The file's arrays, changed; None takes one away."""
    arrays = {**load_file(path), **changes}
    about = {store.KIND: json.dumps(header)}
    save_file({name: array for name, array in arrays.items() if array is not None}, path, about)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rewards": None}, "'rewards' is missing"),
        ({"actions": np.zeros((5, 2), np.float32)}, "'actions' has 5 rows, expected 6"),
        ({"obs": np.full((9, 4), np.nan, np.float32)}, "'obs' holds numbers that are not finite"),
        ({"terminals": np.ones(6, bool)}, "'terminals' is set within an episode"),
        ({"terminals": np.zeros(6, np.float32)}, "'terminals' is float32"),
        ({"starts": np.array([0, 2, 2, 6])}, "at least one step"),
        ({"end_seen": np.ones(2, bool)}, "'end_seen' has 2 rows, expected 3"),
        ({"rewards": np.zeros((6, 1), np.float32)}, "'rewards' has shape \\(6, 1\\)"),
        ({"rewards": np.zeros((), np.float32)}, "'rewards' has shape \\(\\)"),
        ({"starts": np.zeros((), np.int64)}, "'starts' has shape"),
        ({"terminals": np.zeros((6, 1), bool)}, "'terminals' has shape"),
        ({"obs": np.zeros(9, np.float32)}, "'obs' has shape"),
        ({"alive": np.ones((9, 1), bool)}, "'alive' has shape"),
        ({"alive": np.ones(9, bool)}, "'alive' is for teams, and 'obs' with shape \\(9, 4\\) is one agent's"),
        ({"extras/state": np.zeros((4, 2), np.float32)}, "extra 'state' has shape"),
        ({"actions": np.zeros((6, 2), np.int64)}, "'actions' is int64, and num_actions is 0"),
    ],
)
def test_what_does_not_hold_together_is_named(tmp_path, small, changes, text):
    path = store.save(tmp_path / "a.safetensors", small)
    broken(path, **changes)
    with pytest.raises(DatasetError, match=text) as error:
        store.load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ([], "format"),
        ({}, "format"),
        ({"format": 1}, "num_actions"),
        ({**HEADER, "num_actions": 2.0}, "num_actions"),
        ({**HEADER, "num_actions": -1}, "num_actions"),
        ({"format": 1, "num_actions": 0}, "info"),
        ({**HEADER, "info": [1]}, "info"),
        ({**HEADER, "info": {"env": "Hopper-v5"}}, "'env'"),
        ({**HEADER, "info": {"env": {"id": "Hopper-v5"}}}, "'env'"),
        ({**HEADER, "info": {"env": {"name": "gym"}}}, "'env'"),
        ({**HEADER, "info": {"env": {"name": ["gym"]}}}, "'env'"),
        ({**HEADER, "info": {"env": {"name": "d4rl", "task": ["hopper"]}}}, "'env'"),
        ({**HEADER, "info": {"env": {"name": "gym", "id": "a", "kwargs": 1}}}, "'kwargs'"),
        ({**HEADER, "info": {"made": "by hand"}}, "'made'"),
        ({**HEADER, "info": {"references": {"random": 1}}}, "'references'"),
        ({**HEADER, "info": {"references": [0, 1]}}, "'references'"),
        ({**HEADER, "info": {"references": {"random": 1, "expert": 1}}}, "'references'"),
        ({**HEADER, "info": {"references": {"random": 1, "expert": float("nan")}}}, "'references'"),
    ],
)
def test_a_header_that_is_none_of_ours_is_named(tmp_path, small, header, text):
    path = store.save(tmp_path / "a.safetensors", small)
    broken(path, header)
    with pytest.raises(DatasetError, match=text) as error:
        store.load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"actions": 7}, "'actions' reach from 7 to 7, of 5 actions: 0 to 4 exist"),
        ({"actions": -1}, "'actions' reach from -1"),
        ({"masks": False}, "'actions' holds one in step 0 that 'masks' forbids"),
    ],
)
def test_actions_that_do_not_exist_or_are_forbidden_are_named(tmp_path, team, changes, text):
    path = store.save(tmp_path / "a.safetensors", team)
    arrays = {name: np.full_like(getattr(team, name), value) for name, value in changes.items()}
    broken(path, {**HEADER, "num_actions": team.num_actions}, **arrays)
    with pytest.raises(DatasetError, match=text):
        store.load(path)


def test_a_type_that_numpy_has_not_is_named(tmp_path, small):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_torch

    path = tmp_path / "a.safetensors"
    save_torch({"obs": torch.zeros(9, 4, dtype=torch.bfloat16)}, path, {store.KIND: json.dumps(HEADER)})
    with pytest.raises(DatasetError, match="bf"):
        store.load(path)


def test_files_of_another_kind_are_refused(tmp_path, small):
    path = store.save(tmp_path / "a.safetensors", small)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cut short"):
        store.load(path)
    path.write_bytes(pickle.dumps({"obs": 1}))
    with pytest.raises(DatasetError, match="not a safetensors file"):
        store.load(path)
    checkpoint.save(path, {"obs": np.zeros(3)})
    with pytest.raises(DatasetError, match="not a dataset of this suite"):
        store.load(path)
    with pytest.raises(DatasetError, match="is a folder"):
        store.load(tmp_path)
    with pytest.raises(DatasetError, match="is not there"):
        store.load(tmp_path / "b.safetensors")


def test_a_newer_format_is_refused(tmp_path, small, monkeypatch):
    monkeypatch.setattr(store, "FORMAT", 2)
    path = store.save(tmp_path / "a.safetensors", small)
    monkeypatch.setattr(store, "FORMAT", 1)
    with pytest.raises(DatasetError, match="format 2, this version reads 1"):
        store.load(path)


def test_where_it_is_kept(tmp_path, monkeypatch):
    assert store.path_of("duel-expert") == tmp_path / "data" / "duel-expert.safetensors"
    monkeypatch.delenv("MABC_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert store.folder() == tmp_path / "cache" / "mabc" / "datasets"


def test_pad_by_hand(small):
    padded = store.pad(small, [2, 1])
    assert padded["filled"].tolist() == [[True, True, True], [True, False, False]]
    assert padded["rewards"].tolist() == [[3, 4, 5], [2, 0, 0]]
    assert padded["terminals"].tolist() == [[False, False, True], [False, False, False]]
    assert padded["obs"].shape == (2, 4, 4)
    np.testing.assert_array_equal(padded["obs"][0], small.obs[5:9])
    np.testing.assert_array_equal(padded["obs"][1, :2], small.obs[3:5])
    assert not padded["obs"][1, 2:].any()


def test_pad_of_a_team_keeps_all_that_was_recorded(team):
    padded = store.pad(team, [0, 1], length=5)
    assert padded["actions"].shape == (2, 5, 2)
    assert padded["masks"].shape == (2, 6, 2, 5)
    assert padded["state"].shape == (2, 6, 7)
    assert padded["success"].tolist() == [True, False]
    np.testing.assert_array_equal(padded["state"][1, :4], team.extras["state"][2:6])
    with pytest.raises(ValueError, match="an episode has 3 steps"):
        store.pad(team, [1], length=2)


def test_pad_of_one_episode_of_one_step(team):
    padded = store.pad(team, [0])
    assert padded["rewards"].tolist() == [[0]]
    assert padded["state"].shape == (1, 2, 7)
