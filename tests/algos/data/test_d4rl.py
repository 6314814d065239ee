"""D4RL's files: where episodes are cut, which rows are known, and every file that is none."""

import pickle

import numpy as np
import pytest

from algos.data import d4rl
from algos.data.dataset import DatasetError, normalised_score

h5py = pytest.importorskip("h5py")


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            if array is not None:
                file[key] = array
    return path


def flat(terminals, timeouts=None, following=None, M=6):
    """M rows whose observation is their number, whose reward is ten times that."""
    rows = np.arange(M, dtype=np.float32)
    marks = {"terminals": terminals, "timeouts": timeouts}
    marks = {key: None if at is None else np.isin(np.arange(M), at) for key, at in marks.items()}
    return {
        "observations": np.stack([rows, -rows], 1),
        "actions": rows[:, None] / 10,
        "rewards": 10 * rows,
        "next_observations": None
        if following is None
        else np.stack([following, np.negative(following)], 1).astype("f4"),
        **marks,
    }


def shown(dataset):
    """Rows, rewards, starts and who saw its end, as lists."""
    seen = None if dataset.end_seen is None else dataset.end_seen.tolist()
    return dataset.obs[:, 0].tolist(), dataset.rewards.tolist(), dataset.starts.tolist(), seen


def test_with_next_observations_every_step_is_kept(tmp_path):
    path = write(tmp_path / "a.hdf5", **flat([1], [3], [1, 7, 3, 8, 5, 6]))
    dataset = d4rl.read(path)
    rows, rewards, starts, seen = shown(dataset)
    assert rows == [0, 1, 7, 2, 3, 8, 4, 5, 6]  # 7, 8 and 6 are what followed the last steps
    assert rewards == [0, 10, 20, 30, 40, 50]
    assert starts == [0, 2, 4, 6]
    assert seen is None
    assert dataset.terminals.tolist() == [False, True, False, False, False, False]
    assert dataset.next_known.all()


def test_an_unmarked_cut_is_found_by_the_observation_that_does_not_follow(tmp_path):
    path = write(tmp_path / "a.hdf5", **flat([], None, [1, 2, 3.0000002, 4, 5, 6]))
    assert d4rl.read(path).starts.tolist() == [0, 3, 6]  # to the bit: 3.0000002 is not 3


def test_without_next_observations_a_cut_drops_the_step_and_a_terminal_fills_the_row(tmp_path):
    path = write(tmp_path / "a.hdf5", **flat([1], [3]))
    dataset = d4rl.read(path)
    rows, rewards, starts, seen = shown(dataset)
    assert rows == [0, 1, 1, 2, 3, 4, 5]  # the second 1 only fills
    assert rewards == [0, 10, 20, 40]  # 30 and 50 lead to rows that nobody knows
    assert starts == [0, 2, 3, 4]
    assert seen == [False, True, True]
    assert dataset.next_known.tolist() == [True, False, True, True]
    assert dataset.actions[:, 0].tolist() == pytest.approx([0, 0.1, 0.2, 0.4])


def test_an_episode_of_one_cut_step_is_gone(tmp_path):
    path = write(tmp_path / "a.hdf5", **flat([4], [0, 2]))
    rows, rewards, starts, seen = shown(d4rl.read(path))
    assert (rows, rewards, starts, seen) == ([1, 2, 3, 4, 4], [10, 30, 40], [0, 1, 3], [True, False])


def test_a_terminal_that_is_a_timeout_too_is_a_terminal(tmp_path):
    dataset = d4rl.read(write(tmp_path / "a.hdf5", **flat([2], [2])))
    assert dataset.terminals.tolist() == [False, False, True, False, False]
    assert dataset.starts.tolist() == [0, 3, 5]


def test_without_any_mark_the_time_limit_is_needed(tmp_path):
    path = write(tmp_path / "a.hdf5", **flat([1]))
    with pytest.raises(DatasetError, match="give max_episode_steps"):
        d4rl.read(path)
    dataset = d4rl.read(path, max_episode_steps=3)
    assert dataset.starts.tolist() == [0, 2, 4]  # 2, 3, 4 and its cut; then 5 alone, which is gone
    assert dataset.obs[:, 0].tolist() == [0, 1, 1, 2, 3, 4]


def test_columns_are_flattened(tmp_path):
    arrays = flat([1], [3])
    arrays["rewards"], arrays["terminals"] = arrays["rewards"][:, None], arrays["terminals"][:, None].astype(np.uint8)
    assert d4rl.read(write(tmp_path / "a.hdf5", **arrays)).starts.tolist() == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rewards": None}, "'rewards' is missing"),
        ({"actions": np.zeros((5, 1))}, r"'actions' is float64 \(5, 1\)"),
        ({"actions": np.zeros(6)}, r"shape \(6, width\)"),
        ({"observations": np.full((6, 2), np.inf)}, "'observations' holds numbers that are not finite, first in row 0"),
        ({"terminals": np.zeros((6, 2), bool)}, "'terminals'"),
        ({"next_observations": np.zeros((6, 3))}, "they must agree"),
        ({"timeouts": np.zeros(3, bool)}, "'timeouts'"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, changes, text):
    path = write(tmp_path / "a.hdf5", **{**flat([1], [3]), **changes})
    with pytest.raises(DatasetError, match=text) as error:
        d4rl.read(path)
    assert str(path) in str(error.value)


def test_a_file_without_steps(tmp_path):
    empty = {key: None if array is None else array[:0] for key, array in flat([1], [3]).items()}
    with pytest.raises(DatasetError, match="not a single step"):
        d4rl.read(write(tmp_path / "a.hdf5", **empty))
    with pytest.raises(DatasetError, match="no episode of them has a step"):
        d4rl.read(write(tmp_path / "b.hdf5", **flat([], [0], M=1)))


def test_files_that_are_no_hdf5(tmp_path):
    path = tmp_path / "a.hdf5"
    path.write_bytes(pickle.dumps({"observations": 1}))
    with pytest.raises(DatasetError, match="nothing is read with pickle"):
        d4rl.read(path)
    with pytest.raises(DatasetError, match="is a folder"):
        d4rl.read(tmp_path)
    with pytest.raises(DatasetError, match="is not there"):
        d4rl.read(tmp_path / "b.hdf5")
    whole = write(path, **flat([1], [3])).read_bytes()
    path.write_bytes(whole[: len(whole) - 500])
    with pytest.raises(DatasetError, match="cut short or broken"):
        d4rl.read(path)


def test_scores_are_those_of_d4rl(tmp_path):
    info = d4rl.read(write(tmp_path / "hopper_medium-v2.hdf5", **flat([1], [3]))).info
    assert info["references"] == {"random": -20.272305, "expert": 3234.3}
    assert normalised_score([-20.272305, 3234.3], info).tolist() == [0, 100]
    assert normalised_score(1.0, {}) is None


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("hopper-medium-v2", "hopper"),
        ("halfcheetah_medium_replay-v2", "halfcheetah"),
        ("antmaze-umaze-v2", "antmaze"),
        ("ant-medium-v2", "ant"),
        ("maze2d-large-sparse-v1", "maze2d-large"),
        ("maze2d-umaze-dense-v1", "maze2d-umaze-dense"),
        ("Ant_maze_u-maze_noisy_multistart_False_multigoal_False_sparse_fixed", "antmaze"),
        ("walker_mixed", "walker2d"),
        ("kitchen_microwave_kettle_light_slider-v0", "kitchen"),
        ("mini_kitchen_microwave_kettle_light_slider-v0", "kitchen"),
        ("mine", None),
    ],
)
def test_the_task_in_a_name(name, task):
    assert d4rl.task_of(name) == task
