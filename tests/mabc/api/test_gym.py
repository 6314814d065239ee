"""Gymnasium: one environment, and many in one call."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import TimeAwareObservation, TimeLimit
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import mabc

SOLO = "mabc/Solo-v1"


@pytest.mark.filterwarnings("ignore")
def test_check_env(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pytest.importorskip("pygame", reason='check_env tries render_mode="human" (extra `render`)')
    check_env(gymnasium.make(SOLO).unwrapped)


def test_make_without_importing_mabc():
    code = "import gymnasium; print(gymnasium.make('mabc:mabc/Solo-v1').unwrapped)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "SoloEnv" in printed.stdout


def test_options():
    env = gymnasium.make(SOLO, scenario="duel", opponents={2: "tactical"}, max_steps=30, frame_skip=4).unwrapped
    assert env.batch.scenario.max_steps == 30
    assert env.metadata["render_fps"] == 15
    with pytest.raises(mabc.ScenarioError, match="has 3 agents; a Gymnasium environment drives exactly one"):
        gymnasium.make(SOLO, scenario="skirmish-3v3")
    with pytest.raises(mabc.ScenarioError, match="did you mean 'max_steps'"):
        gymnasium.make(SOLO, max_step=30)
    with pytest.raises(mabc.ScenarioError, match="unknown opponent 'clasic'; did you mean 'classic'"):
        gymnasium.make(SOLO, opponents="clasic")


def test_the_older_version_names_the_newer():
    with (
        pytest.warns(DeprecationWarning, match="v1"),
        pytest.raises(gymnasium.error.DeprecatedEnv, match="Please use `mabc/Solo-v1` instead"),
    ):
        gymnasium.make("mabc/Solo-v0")


def still(obs, mask, memory):
    return np.zeros(mask.shape[:2], np.int64), memory


EVEN = {"scenario": "duel", "opponents": {2: still}, "random_start": False}
"""A game that ends in a draw by time if nobody moves: both stand as far from the middle."""


def last_step(env):
    """How many steps the first episode has, and whether it was cut."""
    env.reset(seed=0)
    for step in range(1, 10_000):
        *_, terminated, truncated, _ = env.step(0)
        if terminated or truncated:
            return step, truncated
    raise AssertionError


@pytest.mark.parametrize("limit", [None, 6, 500])
def test_the_limit_is_in_the_spec_and_cuts_once(limit):
    """The scenario's own, however it was changed: no TimeLimit of the default is round it."""
    changes = {} if limit is None else {"max_steps": limit}
    env = gymnasium.make(SOLO, **EVEN, **changes)
    limit = limit or mabc.scenario("duel").max_steps
    assert env.spec.max_episode_steps == env.unwrapped.spec.max_episode_steps == limit
    assert last_step(env) == (limit, True)
    assert not isinstance(env, TimeLimit)
    assert TimeAwareObservation(env).max_timesteps == limit
    again = gymnasium.make(env.spec)
    assert again.spec.max_episode_steps == limit
    assert last_step(again) == (limit, True)
    assert last_step(gymnasium.make(env.spec, max_steps=9, max_episode_steps=-1)) == (9, True)


def test_the_spec_as_json():
    spec = EnvSpec.from_json(gymnasium.make(SOLO, max_steps=6, opponents="classic").spec.to_json())
    assert spec.max_episode_steps == 6
    assert last_step(gymnasium.make(spec)) == (6, True)


def test_gymnasiums_own_limit_can_only_shorten():
    for limit, steps in ((4, 4), (30, 8)):
        env = gymnasium.make(SOLO, **EVEN, max_episode_steps=limit, max_steps=8)
        assert env.spec.max_episode_steps == limit
        assert last_step(env) == (steps, True)


def test_gymnasiums_name_for_the_limit_of_many():
    envs = gymnasium.make_vec(SOLO, num_envs=2, **EVEN, max_episode_steps=5)
    assert envs.unwrapped.batch.max_steps == envs.spec.max_episode_steps == 5
    envs.reset(seed=0)
    cut = [envs.step(np.zeros(2, int))[3].all() for _ in range(5)]
    assert cut == [False, False, False, False, True]
    assert gymnasium.make_vec(envs.spec).spec.max_episode_steps == 5, "made again from its spec"
    assert gymnasium.make_vec(SOLO).spec.max_episode_steps == mabc.scenario("solo").max_steps
    with pytest.raises(mabc.ScenarioError, match="max_steps=6 and max_episode_steps=5 are one limit"):
        gymnasium.make_vec(SOLO, max_episode_steps=5, max_steps=6)


def test_an_opponent_of_ones_own():
    def shooter(obs, mask, memory):
        assert mask.shape == (1, 1, 10)
        return np.ones((len(obs), 1), np.int64), memory

    env = gymnasium.make(SOLO, opponents=shooter)
    env.reset(seed=0)
    owners = set()
    for _ in range(10):
        env.step(0)
        owners |= {bullet["owner"] for bullet in env.unwrapped.batch.world(0)["bullets"]}
    assert owners == {1}


def test_episode():
    env = gymnasium.make(SOLO, scenario="defend-1", max_steps=6)
    _, info = env.reset(seed=0)
    for step in range(6):
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample(info["action_mask"]))
        assert env.observation_space.contains(obs)
        assert type(reward) is float
        assert (terminated, truncated) == (False, step == 5)
    assert info["outcome"] == 0
    assert info["is_success"] is False
    with pytest.raises(RuntimeError, match="episode that is over"):
        env.step(0)


@pytest.mark.parametrize("action", [10, -1, 0.5, "up", np.array([1])])
def test_wrong_actions(action):
    env = gymnasium.make(SOLO, disable_env_checker=True)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected an integer from 0 to 9"):
        env.step(action)


def test_step_before_reset():
    with pytest.raises(RuntimeError, match="before reset"):
        gymnasium.make(SOLO).unwrapped.step(0)


def test_vector_metadata_and_spaces():
    envs = gymnasium.make_vec(SOLO, num_envs=5)
    assert type(envs.unwrapped).__name__ == "SoloVectorEnv"
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    obs, info = envs.reset(seed=0)
    assert envs.observation_space.contains(obs)
    assert info["action_mask"].shape == (5, 10)
    assert info["_action_mask"].all()
    assert envs.action_space.sample().shape == (5,)


def test_vector_equals_gymnasiums_own():
    """World i plays what SyncVectorEnv's environment i plays, with the same info where episodes end."""
    options = {"num_envs": 3, "max_steps": 25, "opponents": "random"}
    ours = gymnasium.make_vec(SOLO, **options)
    mode = {"autoreset_mode": AutoresetMode.SAME_STEP}
    theirs = gymnasium.make_vec(SOLO, vectorization_mode="sync", vector_kwargs=mode, **options)
    obs, info = ours.reset(seed=7)
    obs_2, info_2 = theirs.reset(seed=7)
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(70):
        np.testing.assert_array_equal(obs, obs_2)
        assert info.keys() == info_2.keys()
        for key in ("action_mask", "is_success", "outcome", "_action_mask"):
            np.testing.assert_array_equal(info[key], info_2[key])
        if "final_obs" in info:
            ended += 1
            np.testing.assert_array_equal(info["_final_obs"], info_2["_final_obs"])
            for one, two in zip(info["final_obs"], info_2["final_obs"], strict=True):
                assert (one is None) == (two is None)
                assert one is None or np.array_equal(one, two)
            for key in ("is_success", "outcome", "_is_success"):
                np.testing.assert_array_equal(info["final_info"][key], info_2["final_info"][key])
        actions = rng.integers(0, 10, 3)
        obs, reward, terminated, truncated, info = ours.step(actions)
        obs_2, reward_2, terminated_2, truncated_2, info_2 = theirs.step(actions)
        np.testing.assert_array_equal(reward, reward_2)
        np.testing.assert_array_equal(terminated, terminated_2)
        np.testing.assert_array_equal(truncated, truncated_2)
    assert ended >= 2


def test_vector_arrays_are_the_callers():
    envs = gymnasium.make_vec(SOLO, num_envs=2)
    obs, info = envs.reset(seed=0)
    kept = obs.copy(), info["action_mask"].copy()
    envs.step(np.array([3, 5]))
    np.testing.assert_array_equal(obs, kept[0])
    np.testing.assert_array_equal(info["action_mask"], kept[1])


def test_vector_wrappers_of_gymnasium():
    envs = RecordEpisodeStatistics(gymnasium.make_vec(SOLO, num_envs=4, max_steps=10))
    envs.reset(seed=0)
    for _ in range(10):
        *_, info = envs.step(envs.action_space.sample())
    assert (info["episode"]["l"][info["_episode"]] == 10).any()


def test_vector_seeds():
    envs = gymnasium.make_vec(SOLO, num_envs=3, opponents="random")
    envs.reset(seed=[4, None, 6])
    with pytest.raises(ValueError, match="2 seeds for 3 environments"):
        envs.reset(seed=[1, 2])
    with pytest.raises(ValueError, match="reset_mask"):
        envs.reset(options={"reset_mask": np.ones(3, bool)})


@pytest.mark.parametrize("actions", [np.zeros((3, 1), int), np.zeros(4, int), np.full(3, 10), np.zeros(3)])
def test_vector_wrong_actions(actions):
    envs = gymnasium.make_vec(SOLO, num_envs=3)
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="actions"):
        envs.step(actions)


def test_vector_render():
    envs = gymnasium.make_vec(SOLO, num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    frames = envs.render()
    assert len(frames) == 2
    assert frames[0].dtype == np.uint8
    assert frames[0].ndim == 3
