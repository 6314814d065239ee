"""Foreign environments as batched ones: shapes, restarts, masks, agents that leave."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from algos.adapters import make_env
from algos.adapters.pettingzoo import ParallelBatch
from algos.common.errors import BadInput
from algos.common.protocol import BatchedEnv


def gym_config(name, **kwargs):
    return {"name": "gym", "id": name, "num_envs": 2, "kwargs": kwargs}


def test_cart_pole():
    env = make_env(gym_config("CartPole-v1"))
    assert isinstance(env, BatchedEnv)
    obs, info = env.reset(seed=0)
    assert obs.shape == (2, 1, 4)
    assert obs.dtype == np.float32
    assert env.max_steps == 500
    lengths = np.zeros(2, int)
    for _ in range(60):
        before = obs.copy()
        obs, reward, terminated, truncated, info = env.step(np.zeros((2, 1), int))
        lengths += 1
        assert reward.shape == (2, 1)
        for b in np.flatnonzero(terminated | truncated):
            assert info["episode_length"][b] == lengths[b] == info["episode_return"][b, 0]
            assert np.abs(info["final_obs"][b, 0, 2]) > 0.2, "the pole's angle at the end"
            assert np.abs(obs[b]).max() < 0.06, "a new episode has begun"
            assert not np.allclose(before[b], obs[b])
            lengths[b] = 0
    env.close()


def test_same_seed_same_episodes():
    first, second = (make_env(gym_config("CartPole-v1")) for _ in range(2))
    assert np.array_equal(first.reset(seed=3)[0], second.reset(seed=3)[0])


def test_continuous_actions_are_clipped():
    env = make_env(gym_config("Pendulum-v1"))
    env.reset(seed=0)
    assert env.num_actions == 0
    assert env.action_mask().shape == (2, 1, 0)
    _, reward, *_ = env.step(np.full((2, 1, 1), 99, np.float32))
    assert np.isfinite(reward).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (gym_config("Nope-v0"), "env.id=Nope-v0: "),
        (gym_config("CartPole-v1", wrong=1), "env.id=CartPole-v1: "),
        ({"name": "pettingzoo", "id": "no.such", "num_envs": 1, "kwargs": {}}, "env.id=no.such: "),
        ({"name": "pettingzoo", "id": "json", "num_envs": 1, "kwargs": {}}, "the module has no parallel_env"),
        (
            {"name": "batched", "id": "tests.toy_env:nope", "num_envs": 1, "kwargs": {}},
            "Give it as module:function",
        ),
        ({**gym_config("CartPole-v1"), "num_envs": 0}, "env.num_envs=0: at least one world"),
    ],
)
def test_wrong_ids(config, message):
    with pytest.raises(BadInput, match=message):
        make_env(config)


@pytest.mark.parametrize(
    ("name", "id"),
    [("pettingzoo", "absent_zoo.simple_v3"), ("gym", "absent_gym:Env-v0"), ("batched", "absent_games:make")],
)
def test_a_package_that_is_not_installed(name, id):
    package = id.replace(":", ".").partition(".")[0]
    with pytest.raises(BadInput, match=rf"env.id={id}: No module named '{package}'.*pip install {package}$"):
        make_env({"name": name, "id": id, "num_envs": 1, "kwargs": {}})


def test_a_package_that_an_environment_misses_when_it_is_made(monkeypatch):
    def parallel_env(**kwargs):
        import absent_pictures  # noqa: F401

    monkeypatch.setitem(sys.modules, "fake_zoo", SimpleNamespace(parallel_env=parallel_env))
    with pytest.raises(BadInput, match=r"No module named 'absent_pictures'\. .*pip install absent_pictures"):
        make_env({"name": "pettingzoo", "id": "fake_zoo", "num_envs": 1, "kwargs": {}})
    monkeypatch.setitem(sys.modules, "fake_zoo", SimpleNamespace(parallel_env=lambda size: size))
    with pytest.raises(BadInput, match="unexpected keyword argument 'colour'"):
        make_env({"name": "pettingzoo", "id": "fake_zoo", "num_envs": 1, "kwargs": {"colour": 1}})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"obs": "text"}, "env.obs=text: an algorithm here needs numbers; use vector, entities, planes or rgb"),
        ({"obs": "vectors"}, "unknown observation 'vectors'"),
    ],
)
def test_observations_that_are_no_arrays(settings, message):
    config = {"name": "mabc", "scenario": "solo", "num_envs": 1, "obs": "vector", "state": "vector"}
    with pytest.raises(BadInput, match=message):
        make_env({**config, **settings})


class Countdown:
    """Two PettingZoo agents with different spaces; the second leaves a step early, the first is cut off."""

    possible_agents = ["long", "short"]

    def __init__(self):
        self.agents = []

    def observation_space(self, agent):
        box = spaces.Box(-9, 9, (3 if agent == "long" else 1,), np.float32)
        return spaces.Dict({"observation": box, "action_mask": spaces.MultiBinary(2)}) if agent == "long" else box

    def action_space(self, agent):
        return spaces.Discrete(2) if agent == "long" else spaces.Discrete(3, start=5)

    def reset(self, seed=None, options=None):
        self.agents, self.left = list(self.possible_agents), 3
        return self._obs(self.agents), {agent: {} for agent in self.agents}

    def _obs(self, agents):
        seen = {"long": {"observation": np.full(3, self.left, np.float32), "action_mask": np.array([0, 1])}}
        return {agent: seen.get(agent, np.full(1, self.left, np.float32)) for agent in agents}

    def step(self, actions):
        acting, self.left = self.agents, self.left - 1
        assert set(actions) == set(acting)
        assert actions.get("short", 5) in (5, 6, 7)
        ended = {agent: agent == "short" and self.left == 1 for agent in acting}
        cut = dict.fromkeys(acting, self.left == 0)
        self.agents = [agent for agent in acting if not ended[agent] and not cut[agent]]
        rewards = dict.fromkeys(acting, 1.0)
        return self._obs(acting), rewards, ended, cut, {agent: {} for agent in acting}

    def close(self):
        pass


def test_agents_of_different_sizes_that_leave():
    env = ParallelBatch([Countdown(), Countdown()])
    assert isinstance(env, BatchedEnv)
    obs, info = env.reset(seed=0)
    assert obs[0].tolist() == [[3, 3, 3], [3, 0, 0]]
    assert env.action_mask()[0].tolist() == [[False, True, False], [True, True, True]]
    assert env.state_shape == (6,)
    actions = np.tile([1, 2], (2, 1))
    env.step(actions)
    obs, reward, terminated, truncated, info = env.step(actions)
    assert info["alive"][0].tolist() == [True, False]
    assert env.action_mask()[0, 1].tolist() == [True, False, False]
    assert not terminated.any()
    obs, reward, terminated, truncated, info = env.step(actions)
    assert truncated.all()
    assert not terminated.any()
    assert reward[0].tolist() == [1, 0]
    assert info["episode_return"][0].tolist() == [3, 2]
    assert info["final_obs"][0, 0].tolist() == [0, 0, 0]
    assert obs[0].tolist() == [[3, 3, 3], [3, 0, 0]]
    assert info["alive"].all()


def test_simple_spread():
    pytest.importorskip("mpe2")
    env = make_env({"name": "pettingzoo", "id": "mpe2.simple_spread_v3", "num_envs": 2, "kwargs": {"N": 2}})
    obs, _ = env.reset(seed=0)
    assert obs.shape == (2, 2, 12)
    for _ in range(25):
        *_, truncated, info = env.step(np.zeros((2, 2), int))
    assert truncated.all()
    assert info["episode_length"].tolist() == [25, 25]
    assert env.state().shape == (2, 24)
