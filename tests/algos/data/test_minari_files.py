"""Minari's format: others can read ours, we read theirs, and nothing half-written stays."""

import json
import warnings

import gymnasium as gym
import numpy as np
import pytest

from algos.data import minari_files as files
from algos.data.dataset import DatasetError

minari = pytest.importorskip("minari")
pytest.importorskip("h5py")


def whole(dataset):
    dataset.end_seen = None
    return dataset


def test_round_trip_is_exact(small, same):
    files.write(whole(small), files.minari_id("small"))
    same(files.read("mabc/small-v0"), small)


def test_others_read_it_with_minari(small):
    small.info |= {
        "env": {"name": "gym", "id": "MountainCarContinuous-v0", "kwargs": {}},
        "references": {"random": -1.0, "expert": 3.0},
    }
    small.obs, small.actions = small.obs[:, :2], small.actions[:, :1]
    files.write(whole(small), files.minari_id("small"))
    assert list(minari.list_local_datasets()) == ["mabc/small-v0"]
    found = minari.load_dataset("mabc/small-v0")
    assert (found.total_episodes, found.total_steps) == (3, 6)
    assert found.env_spec.id == "MountainCarContinuous-v0"
    assert found.action_space == gym.make("MountainCarContinuous-v0").action_space
    episode = found[1]
    assert episode.observations.shape == (2, 2)
    assert episode.truncations.tolist() == [True]
    assert found[0].terminations.tolist() == [False, True]
    assert minari.get_normalized_score(found, np.array([1.0])) == [0.5]


def test_an_interrupted_run_leaves_what_was_there(small, team, tmp_path, same, monkeypatch):
    small = whole(small)
    files.write(small, files.minari_id("small"))

    def two_then_stop(dataset):
        for number, buffer in enumerate(buffers(dataset)):
            if number == 2:
                raise KeyboardInterrupt
            yield buffer

    buffers = files._buffers
    monkeypatch.setattr(files, "_buffers", two_then_stop)
    with pytest.raises(KeyboardInterrupt):
        files.write(small, files.minari_id("small"))
    with pytest.raises(KeyboardInterrupt):
        files.write(small, files.minari_id("new"))
    there = sorted(path.name for path in (tmp_path / "minari" / "mabc").iterdir())
    assert there == ["namespace_metadata.json", "small-v0"]
    same(files.read("mabc/small-v0"), small)


def test_a_dataset_is_replaced_as_a_whole(small, same):
    files.write(whole(small), files.minari_id("small"))
    other = small.select(np.array([2]))
    files.write(other, files.minari_id("small"))
    same(files.read("mabc/small-v0"), other)


def theirs(dataset_id, observation_space, action_space, episodes):
    """A dataset of somebody else's, by Minari's own function."""
    from minari.data_collector.episode_buffer import EpisodeBuffer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        minari.create_dataset_from_buffers(
            dataset_id,
            [EpisodeBuffer(**episode) for episode in episodes],
            observation_space=observation_space,
            action_space=action_space,
            algorithm_name="guess",
            author="somebody",
        )


def test_dictionaries_and_discrete_actions_of_others_are_flattened():
    box = gym.spaces.Box(-9, 9, (2,), np.float64)
    space = gym.spaces.Dict({"b": box, "a": gym.spaces.Box(-9, 9, (1,), np.float64), "c": gym.spaces.Discrete(3)})
    obs = {"a": np.array([[1.0], [2.0]]), "b": np.array([[3.0, 4.0], [5.0, 6.0]]), "c": np.array([0, 2])}
    episode = {"observations": obs, "actions": np.array([6]), "rewards": [1.0]}
    episode |= {"terminations": [False], "truncations": [False]}
    theirs("theirs-v0", space, gym.spaces.Discrete(4, start=5), [episode])
    dataset = files.read("theirs-v0")
    assert dataset.obs.tolist() == [[1, 3, 4, 1, 0, 0], [2, 5, 6, 0, 0, 1]]
    flat = gym.spaces.flatten(space, {"a": obs["a"][0], "b": obs["b"][0], "c": 0})
    np.testing.assert_array_equal(dataset.obs[0], flat)
    assert dataset.actions.tolist() == [1]
    assert dataset.num_actions == 4
    assert dataset.info["made"] == {"policies": "guess", "author": "somebody"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"observations": np.zeros((2, 2))}, "episode 0 has 2 rewards, 2 actions and 2 observations"),
        ({"actions": np.zeros((3, 1))}, "2 rewards, 3 actions"),
        ({"terminations": [True, False]}, "'terminals' is set within an episode"),
        ({"rewards": [0.0, np.nan]}, "'rewards' holds numbers that are not finite"),
    ],
)
def test_what_does_not_hold_together_is_named(changes, text):
    box = gym.spaces.Box(-1, 1, (2,), np.float64)
    episode = {"observations": np.zeros((3, 2)), "actions": np.zeros((2, 1)), "rewards": [0.0, 0.0]}
    episode |= {"terminations": [False, False], "truncations": [False, True], **changes}
    theirs("theirs-v0", box, gym.spaces.Box(-1, 1, (1,)), [episode])
    with pytest.raises(DatasetError, match=text) as error:
        files.read("theirs-v0")
    assert "theirs-v0" in str(error.value)


@pytest.mark.parametrize("info", ["{", "[1]", '{"env": "Hopper-v5"}'])
def test_a_broken_info_is_named(small, info):
    folder = files.write(small, "mabc/small-v0")
    path = folder / "data" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), files.INFO: info}))
    with pytest.raises(DatasetError, match="mabc/small-v0"):
        files.read("mabc/small-v0")


def test_a_store_that_cannot_be_written_is_named(small, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match="MINARI_DATASETS_PATH"):
        files.write(small, "mabc/small-v0")


def test_bytes_are_as_the_environment_gives_them():
    """Pixels alone are scaled to 0..1, within a dictionary they are not: what a policy sees through env=gym."""
    from algos.adapters.foreign import flat

    pixels = gym.spaces.Box(0, 255, (2,), np.uint8)
    values = np.array([[200, 100], [0, 255]], np.uint8)
    parts = {"image": values, "x": np.zeros((2, 1))}
    for number, (space, obs) in enumerate([
        (pixels, values),
        (gym.spaces.Dict({"image": pixels, "x": gym.spaces.Box(-1, 1, (1,), np.float64)}), parts),
    ]):  # fmt: skip
        episode = {"observations": obs, "actions": np.zeros((1, 1)), "rewards": [0.0]}
        episode |= {"terminations": [True], "truncations": [False]}
        theirs(f"theirs{number}-v0", space, gym.spaces.Box(-1, 1, (1,)), [episode])
        first = {name: part[0] for name, part in obs.items()} if isinstance(obs, dict) else obs[0]
        np.testing.assert_allclose(files.read(f"theirs{number}-v0").obs[0], flat(space, first), rtol=1e-6)


def test_a_dataset_without_episodes_is_named():
    theirs("theirs-v0", gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-1, 1, (1,)), [])
    with pytest.raises(DatasetError, match="not a single step"):
        files.read("theirs-v0")


def test_text_is_refused():
    episode = {"observations": ["a", "b"], "actions": np.zeros((1, 1)), "rewards": [0.0]}
    episode |= {"terminations": [True], "truncations": [False]}
    theirs("theirs-v0", gym.spaces.Text(3), gym.spaces.Box(-1, 1, (1,)), [episode])
    with pytest.raises(DatasetError, match="Text"):
        files.read("theirs-v0")


def test_what_is_not_there_is_not_downloaded(tmp_path):
    with pytest.raises(DatasetError, match="minari download mujoco/hopper/medium-v0"):
        files.read("mujoco/hopper/medium-v0")


def test_a_broken_file_is_named(small):
    folder = files.write(whole(small), files.minari_id("small"))
    data = folder / "data" / "main_data.hdf5"
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(DatasetError, match="minari:mabc/small-v0 is broken"):
        files.read("mabc/small-v0")
    (folder / "data" / "metadata.json").write_text("{")
    with pytest.raises(DatasetError, match="is broken"):
        files.read("mabc/small-v0")
