"""Stable-Baselines3: its check_env on the solo environment, and short training through SuperSuit and TankVecEnv."""

import numpy as np
import pytest

import mabc

pytest.importorskip("stable_baselines3", reason="Stable-Baselines3 is optional (extra `interop`)")

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy

from mabc.interop.sb3 import TankVecEnv

SCENARIO = "skirmish-3v3"
SMALL = {"n_steps": 16, "batch_size": 32, "n_epochs": 1, "device": "cpu", "seed": 0}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def moved(model, before):
    return any(not torch.equal(new, old) for new, old in zip(model.policy.parameters(), before, strict=True))


def weights(model):
    return [parameter.clone() for parameter in model.policy.parameters()]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_check_env():
    check_env(gymnasium.make("mabc/Solo-v1").unwrapped)


def test_training_on_the_solo_environment():
    model = PPO("MlpPolicy", gymnasium.make("mabc/Solo-v1"), **SMALL | {"batch_size": 16})
    before = weights(model)
    model.learn(64)
    assert moved(model, before)


def test_training_through_supersuit():
    supersuit = pytest.importorskip("supersuit", reason="SuperSuit is optional (extra `interop`)")
    env = supersuit.pettingzoo_env_to_vec_env_v1(mabc.parallel_env(SCENARIO, max_steps=10))
    env = supersuit.concat_vec_envs_v1(env, 2, base_class="stable_baselines3")
    assert env.num_envs == 6
    model = PPO("MlpPolicy", env, **SMALL | {"seed": None})  # SuperSuit's VecEnv has no seed()
    before = weights(model)
    model.learn(6 * 32)
    assert moved(model, before)


def test_training_through_the_vec_env():
    env = TankVecEnv(mabc.make_batch(SCENARIO, num_envs=4, max_steps=10))
    assert env.num_envs == 12
    model = PPO("MlpPolicy", env, **SMALL)
    before = weights(model)
    model.learn(12 * 32)
    assert moved(model, before)
    assert len(model.ep_info_buffer) > 0, "episode statistics arrive"
    returns, lengths = evaluate_policy(model, env, n_eval_episodes=6, return_episode_rewards=True)
    assert len(returns) == 6
    assert max(lengths) <= 10
    model.set_env(env)
    env.close()


def test_masked_training():
    contrib = pytest.importorskip("sb3_contrib", reason="sb3-contrib is in no extra; its MaskablePPO reads the masks")
    env = TankVecEnv(mabc.make_batch(SCENARIO, num_envs=4, max_steps=10))
    contrib.MaskablePPO("MlpPolicy", env, **SMALL).learn(12 * 32)


def test_rows_and_ends():
    batch = mabc.make_batch("defend-2", num_envs=2, max_steps=3)
    other = mabc.make_batch("defend-2", num_envs=2, max_steps=3)
    env = TankVecEnv(batch)
    env.seed(7)
    rows = env.reset()
    obs, _ = other.reset(seed=7)
    np.testing.assert_array_equal(rows, obs.reshape(4, -1))
    for step in range(3):
        actions = np.full(4, 3)
        rows, rewards, dones, infos = env.step(actions)
        obs, reward, _, truncated, info = other.step(actions.reshape(2, 2))
        np.testing.assert_array_equal(rows, obs.reshape(4, -1))
        np.testing.assert_array_equal(rewards, reward.ravel())
        assert dones.tolist() == [step == 2] * 4
        assert all(bool(one) == (step == 2) for one in infos)
    assert truncated.all()
    for row, one in enumerate(infos):
        np.testing.assert_array_equal(one["terminal_observation"], info["final_obs"][row // 2, row % 2])
        assert one["TimeLimit.truncated"]
        assert one["episode"]["l"] == 3
        assert one["is_success"] is False


def test_masks_by_row():
    env = TankVecEnv(mabc.make_batch(SCENARIO, num_envs=2))
    env.reset()
    assert env.has_attr("action_masks")
    masks = env.env_method("action_masks")
    assert len(masks) == 6
    assert all(mask.shape == (10,) and mask.dtype == bool and mask.any() for mask in masks)
    assert len(env.env_method("action_masks", indices=[1, 4])) == 2


def test_what_is_refused():
    with pytest.raises(ValueError, match="obs='text' is no array"):
        TankVecEnv(mabc.make_batch(SCENARIO, obs="text"))
    env = TankVecEnv(mabc.make_batch(SCENARIO))
    with pytest.raises(AttributeError, match="only 'action_masks'"):
        env.env_method("render")
    with pytest.raises(AttributeError, match="cannot be set"):
        env.set_attr("sight", 3)
