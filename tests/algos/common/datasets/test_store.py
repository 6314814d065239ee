"""Our episode store: exact round trip, all or nothing, every broken file, and the padded view."""

import json
import os
import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from algos.common import checkpoint
from algos.common.datasets import store
from algos.common.datasets.dataset import DatasetError


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


def broken(path, **changes):
    """The file's arrays, changed; None takes one away."""
    arrays = {**load_file(path), **changes}
    header = {store.KIND: json.dumps({"format": 1, "num_actions": 0, "info": {}})}
    save_file({name: array for name, array in arrays.items() if array is not None}, path, header)


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
    ],
)
def test_what_does_not_hold_together_is_named(tmp_path, small, changes, text):
    path = store.save(tmp_path / "a.safetensors", small)
    broken(path, **changes)
    with pytest.raises(DatasetError, match=text) as error:
        store.load(path)
    assert str(path) in str(error.value)


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
