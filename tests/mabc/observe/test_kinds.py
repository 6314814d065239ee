"""What all kinds have in common: spaces, last observations, copies, and the same bytes in any batch."""

import numpy as np
import pytest

import mabc
from mabc import Scenario, Team
from mabc.observe.entities import flatten
from mabc.observe.kinds import OBS_KINDS, STATE_KINDS

FIELD = "A.#.F.#.B\n..%...~..\n.##.._##.\n..@...%..\nA.#.E.#.B"
SCENARIO = Scenario("kinds", "versus", FIELD, (Team(("player",) * 2), Team(("fast", "armor"))), max_steps=40, sight=48)


def plain(observation, b=None):
    """Any kind's observation as a list of arrays or strings, of world b or of all."""
    if isinstance(observation, dict):
        return [part[b] if b is not None else part for pair in observation.values() for part in pair]
    return [observation[b] if b is not None else observation]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def walk(env, steps):
    """Steps of bots, from a seed."""
    env.reset(seed=3)
    for _ in range(steps):
        step = env.step(env.bot_actions("classic"))
    return step


@pytest.fixture(scope="module")
def running():
    """Three worlds after ten steps."""
    env = mabc.make_batch(SCENARIO, num_envs=3)
    walk(env, 10)
    return env


@pytest.mark.parametrize("kind", OBS_KINDS)
def test_observations_lie_in_their_space(running, kind):
    env = mabc.make_batch(SCENARIO, obs=kind, state=kind if kind in STATE_KINDS else "vector")
    observation = running.observe(kind)
    for b in range(3):
        for n in range(env.num_agents):
            if isinstance(observation, dict):
                one = flatten({name: (rows[b, n], mask[b, n]) for name, (rows, mask) in observation.items()})
            else:
                one = observation[b][n]
            assert env.obs_space.contains(one)
    if kind in STATE_KINDS:
        state = running.state(kind)
        one = flatten({k: (r[0], m[0]) for k, (r, m) in state.items()}) if isinstance(state, dict) else state[0]
        assert env.state_space.contains(one)


@pytest.mark.parametrize("kind", OBS_KINDS)
def test_the_last_observation_of_an_episode(kind):
    """An episode that time ends after three steps ends with what a longer one shows then, its clock apart."""
    state = kind if kind in STATE_KINDS else "vector"
    short = mabc.make_batch(SCENARIO, num_envs=2, obs=kind, state=state, max_steps=3)
    long = mabc.make_batch(SCENARIO, num_envs=2, obs=kind, state=state)
    first, _ = short.reset(seed=3)
    first = [np.array(part) for part in plain(first)]
    seen, _, terminated, truncated, info = walk(short, 3)
    wanted, *_ = walk(long, 3)
    assert (terminated | truncated).all()
    if kind == "text":
        last = [[text.split("\n")[1:] for text in world] for world in info["final_obs"]]
        assert last == [[text.split("\n")[1:] for text in world] for world in wanted]
        assert "0 of 3 steps left" in info["final_obs"][0][0]
        assert "3 of 3 steps left" in seen[0][0]
        return
    if kind == "entities":
        for found in (info["final_obs"], wanted):
            found["tanks"][0][..., -1] = 0.0
    if kind == "vector":
        for found in (info["final_obs"], wanted):
            found[..., 0] = 0.0
    assert same(plain(info["final_obs"]), plain(wanted))
    assert not same(plain(seen), plain(info["final_obs"])), "the next episode has begun"
    assert [part.shape for part in plain(seen)] == [part.shape for part in first]


@pytest.mark.parametrize("kind", OBS_KINDS)
def test_the_same_bytes_in_any_batch(running, kind):
    alone = mabc.make_batch(SCENARIO, first_world=2)
    walk(alone, 10)
    assert same(plain(alone.observe(kind), 0), plain(running.observe(kind), 2))
    if kind in STATE_KINDS:
        assert same(plain(alone.state(kind), 0), plain(running.state(kind), 2))


@pytest.mark.parametrize("kind", OBS_KINDS)
def test_copies_are_the_callers_own(kind):
    env = mabc.make_batch(SCENARIO, obs=kind, copy=True)
    first, _ = env.reset(seed=0)
    kept = [np.array(part) for part in plain(first)]
    for _ in range(5):
        env.step(env.bot_actions("classic"))
    assert same(plain(first), kept)
    assert not same(plain(env.observe(kind)), kept)


@pytest.mark.parametrize("kind", ["entities", "text"])
def test_opponents_get_the_same_kind(kind):
    got = []

    def policy(obs, mask, memory):
        got.append(obs)
        return mask.argmax(axis=-1), memory

    env = mabc.make_batch(SCENARIO, num_envs=2, obs=kind, opponents={2: policy})
    env.reset(seed=0)
    env.step(env.bot_actions("classic"))
    assert len(got[0][0]) == 2 if kind == "text" else got[0]["tanks"][0].shape[:3] == (2, 2, 4)
