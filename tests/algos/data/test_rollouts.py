"""Episodes of Gymnasium environments: exact sizes, what was seen and done is what the environment says, repeatable."""

import os

import numpy as np
import pytest

from algos.data.recipes import rollouts
from algos.data.recipes.rollouts import Part, play, record, shards_of

pytest.importorskip("mujoco")
HOPPER = {"id": "Hopper-v5", "kwargs": {}}


def silent(_):
    pass


def wild(obs=11, actions=3, noise=5.0):
    """Weights of a Behaviour whose actions mostly pass the bounds."""
    random = np.random.default_rng(0)
    sizes = [(obs, 8), (8, 8), (8, actions)]
    weights = {f"weight{i}": random.standard_normal(size).astype(np.float32) for i, size in enumerate(sizes)}
    weights |= {f"bias{i}": np.zeros(size[1], np.float32) for i, size in enumerate(sizes)}
    norm = {"obs_mean": np.zeros(obs, np.float32), "obs_std": np.ones(obs, np.float32)}
    return {**weights, **norm, "std": np.full(actions, noise, np.float32)}


def test_shards_are_the_same_for_any_machine():
    parts = [Part(HOPPER, "random", 65_000), Part(HOPPER, "random", 3)]
    found = shards_of(parts, 7)
    assert [shard.streams for shard in found] == [[10_000] * 5, [10_000, 5_000], [3]]
    assert len({shard.seed for shard in found}) == 3


def test_as_many_steps_as_asked_for_and_the_rest_is_cut_off():
    dataset = record([Part(HOPPER, "random", 130), Part(HOPPER, wild(), 50)], 0, 1, silent).check()
    assert dataset.num_steps == 180
    assert dataset.obs.dtype == dataset.actions.dtype == dataset.rewards.dtype == np.float32
    ends = dataset.terminals[dataset.starts[1:] - 1]
    assert not ends[-1]
    assert ends.sum() == dataset.num_episodes - 2  # each part's stream was cut once


def test_it_is_what_the_environment_does(monkeypatch):
    shard = shards_of([Part(HOPPER, "random", 120)], 3)[0]
    dataset = play(shard)
    env = rollouts.make_world(HOPPER)
    obs, _ = env.reset(seed=int(np.random.default_rng(shard.seed).integers(2**31, size=1)[0]))
    for e in range(dataset.num_episodes):
        rows = dataset.obs[dataset.starts[e] + e : dataset.starts[e + 1] + e + 1]
        np.testing.assert_array_equal(rows[0], obs.astype(np.float32))
        for k, i in enumerate(range(*dataset.starts[e : e + 2])):
            obs, reward, terminated, _, _ = env.step(dataset.actions[i])
            np.testing.assert_array_equal(rows[k + 1], obs.astype(np.float32))
            assert dataset.rewards[i] == np.float32(reward)
            assert dataset.terminals[i] == terminated
        obs, _ = env.reset()
    assert dataset.num_episodes > 2


def test_actions_are_clipped_before_they_are_recorded():
    dataset = record([Part(HOPPER, wild(), 60)], 0, 1, silent)
    assert np.abs(dataset.actions).max() == 1
    assert (np.abs(dataset.actions) == 1).mean() > 0.5


def test_the_same_to_the_bit_whoever_plays(same, monkeypatch):
    monkeypatch.setattr(rollouts, "STREAM", 40)
    monkeypatch.setattr(rollouts, "SIDE_BY_SIDE", 2)
    parts = [Part(HOPPER, "random", 130), Part(HOPPER, wild(), 50)]
    alone = record(parts, 5, 1, silent)
    same(record(parts, 5, 1, silent), alone)
    same(record(parts, 5, 2, silent), alone)  # two processes
    assert record(parts, 6, 1, silent).obs.tobytes() != alone.obs.tobytes()


def test_no_process_no_harm(same, monkeypatch):
    class Broken:
        def __init__(self, *_):
            raise rollouts.BrokenProcessPool

    monkeypatch.setattr(rollouts, "SIDE_BY_SIDE", 1)
    monkeypatch.setattr(rollouts, "STREAM", 30)
    alone = record([Part(HOPPER, "random", 60)], 0, 1, silent)
    monkeypatch.setattr(rollouts, "ProcessPoolExecutor", Broken)
    same(record([Part(HOPPER, "random", 60)], 0, 2, silent), alone)


def test_a_time_limit_is_no_terminal():
    env = {"id": "HalfCheetah-v5", "kwargs": {"max_episode_steps": 20}}
    dataset = record([Part(env, "random", 50)], 0, 1, silent)
    assert dataset.lengths.tolist() == [20, 20, 10]
    assert not dataset.terminals.any()


def test_returns_are_of_whole_episodes():
    returns = rollouts.episode_returns(HOPPER, "random", 7, 0, 1)
    assert returns.shape == (7,)
    assert len(set(returns)) == 7
    assert returns.tobytes() == rollouts.episode_returns(HOPPER, "random", 7, 0, 1).tobytes()


def test_mujoco_keeps_quiet_and_writes_no_log(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    rollouts.make_world({"id": "HalfCheetah-v5"}).close()
    assert "settotalmass" not in "".join(capfd.readouterr())
    assert not os.listdir(tmp_path)


def test_progress_is_told_in_fifths(monkeypatch):
    lines = []
    monkeypatch.setattr(rollouts, "STREAM", 10)
    monkeypatch.setattr(rollouts, "SIDE_BY_SIDE", 1)
    record([Part(HOPPER, "random", 100)], 0, 1, lines.append)
    assert [line.split()[0] for line in lines] == ["20", "40", "60", "80", "100"]
