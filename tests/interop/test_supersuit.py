"""SuperSuit: the wrappers of CleanRL's multi-agent Atari script, in its order, and those that read agents' names."""

import numpy as np
import pytest

import mabc

ss = pytest.importorskip("supersuit", reason="SuperSuit is optional (extra `interop`)")


def test_the_chain_of_cleanrl():
    env = mabc.parallel_env("skirmish-3v3", obs="rgb", max_steps=30)
    env = ss.max_observation_v0(env, 2)
    env = ss.frame_skip_v0(env, 4)
    env = ss.clip_reward_v0(env, lower_bound=-1, upper_bound=1)
    env = ss.color_reduction_v0(env, mode="B")
    env = ss.resize_v1(env, x_size=84, y_size=84)
    env = ss.frame_stack_v1(env, 4)
    env = ss.agent_indicator_v0(env, type_only=False)
    env = ss.pettingzoo_env_to_vec_env_v1(env)
    envs = ss.concat_vec_envs_v1(env, 2, num_cpus=0, base_class="gymnasium")
    obs, _ = envs.reset(seed=0)
    assert obs.shape == (6, 84, 84, 7)
    ends = 0
    for _ in range(10):  # of four steps each: an episode has thirty
        obs, reward, terminated, truncated, _ = envs.step(np.full(6, 3))
        assert reward.shape == (6,)
        ends += int((terminated | truncated).sum())
    assert ends == 6
    envs.close()


def test_frame_skip_draws_from_the_seed():
    def steps(seed):
        env = ss.frame_skip_v0(mabc.parallel_env("duel"), (1, 6))
        env.reset(seed=seed)
        clock = []
        for _ in range(8):
            env.step(dict.fromkeys(env.agents, 0))
            clock.append(int(env.unwrapped.batch.worlds["step"][0]))
        return clock

    assert steps(5) == steps(5) != steps(6)
    assert len(set(np.diff(steps(5)))) > 1, "how many steps are skipped is drawn"


def test_the_indicator_of_the_kind_of_agent():
    """It reads the kind from the name, and refuses names of another form."""
    env = ss.agent_indicator_v0(mabc.parallel_env("versus-2v2"), type_only=True)
    obs, _ = env.reset(seed=0)
    plain = mabc.parallel_env("versus-2v2").observation_space("blue_0").shape[0]
    kinds = {agent: tuple(row[plain:]) for agent, row in obs.items()}
    assert kinds["blue_0"] == kinds["blue_1"] != kinds["orange_0"] == kinds["orange_1"]
