"""The same seed and actions give the same bytes, whatever the batch, the threads, and the breaks in between."""

import numpy as np
import pytest

import mabc
from mabc import Scenario, Team
from mabc.params import BOTS, KNOWLEDGE

MAP = "\n".join(
    [
        "B.B.#F#.B.B",
        "..#.###.#..",
        "...........",
        ".#~.%%%.~#.",
        "...._@_....",
        "##.__.__.##",
        "...._@_....",
        ".#~.%%%.~#.",
        "...........",
        "..#.###.#..",
        "A.A.#E#.A.A",
    ]
)
BATTLE = Scenario(
    "battle",
    "versus",
    MAP,
    (
        Team(("player", "player", "armor"), lives=2),
        Team(("player", "fast", "power"), "classic", lives=2),
    ),
    max_steps=40,  # short, so that the steps below see automatic resets
    power_up_period=60,
)
STEPS = 60


def orders(worlds: range, agents: int = 3) -> np.ndarray:
    """Actions of all steps, int [T, B, N]."""
    draws = np.random.default_rng(5).integers(0, 10, (STEPS, 1000, agents))
    return draws[:, np.array(worlds) % 1000]


def play(env, acts, first=0):
    """Step through acts; the bytes of everything that each step returned, by world."""
    seen = []
    for k in range(first, len(acts)):
        obs, reward, terminated, truncated, info = env.step(acts[k])
        ended = (terminated | truncated)[:, None]
        rows = [
            obs,
            reward,
            terminated,
            truncated,
            env.state(),
            env.action_mask(),
            info["alive"],
            info["outcome"],
        ]
        rows += [info["success"], info["episode_return"], info["episode_length"]]
        zero = np.float32(0)  # of worlds that did not end these rows are left over from earlier
        rows += [
            np.where(ended[..., None], info["final_obs"], zero),
            np.where(ended, info["final_state"], zero),
        ]
        seen.append(
            np.concatenate([np.ascontiguousarray(row).reshape(env.num_envs, -1).view(np.uint8) for row in rows], 1)
        )
    return np.stack(seen), worlds_of(env)


def worlds_of(env):
    """The worlds' own bytes, [B, bytes]."""
    return env.worlds.view(np.uint8).reshape(env.num_envs, -1).copy()


def start(num_envs, first_world=0, seed=7, **options):
    env = mabc.make_batch(BATTLE, num_envs=num_envs, first_world=first_world, **options)
    obs, _ = env.reset(seed=seed)
    return env, obs.copy()


@pytest.fixture(scope="module")
def thousand():
    """What 1,000 worlds on one thread do."""
    env, obs = start(1000, threads=1)
    return obs, *play(env, orders(range(1000)))


@pytest.mark.parametrize("world", [0, 1, 499, 500, 999])
def test_batch_of_1_equals_batch_of_1000(thousand, world):
    env, obs = start(1, first_world=world)
    assert np.array_equal(obs[0], thousand[0][world])
    seen, records = play(env, orders(range(world, world + 1)))
    assert np.array_equal(seen[:, 0], thousand[1][:, world])
    assert np.array_equal(records[0], thousand[2][world])


def test_two_threads_equal_one(thousand):
    env, _ = start(1000, threads=2)
    assert env.threads == 2
    seen, records = play(env, orders(range(1000)))
    assert np.array_equal(seen, thousand[1])
    assert np.array_equal(records, thousand[2])


def test_worlds_500_to_999_started_there(thousand):
    env, obs = start(500, first_world=500)
    assert np.array_equal(obs, thousand[0][500:])
    seen, records = play(env, orders(range(500, 1000)))
    assert np.array_equal(seen, thousand[1][:, 500:])
    assert np.array_equal(records, thousand[2][500:])


@pytest.mark.parametrize("at", [1, 25, 39, 41])
def test_before_and_after_a_snapshot(thousand, at):
    acts = orders(range(300))
    env, _ = start(300)
    play(env, acts[:at])
    snapshot = env.snapshot()
    once, records = play(env, acts, first=at)
    env.restore(snapshot)
    assert np.array_equal(play(env, acts, first=at)[0], once)
    other, _ = start(300, seed=1234)  # another environment, elsewhere in its random stream
    play(other, acts[:5])
    other.restore(snapshot)
    again, other_records = play(other, acts, first=at)
    assert np.array_equal(again, once)
    assert np.array_equal(other_records, records)
    assert np.array_equal(once, thousand[1][at:, :300])


def test_a_snapshot_is_plain_arrays_and_its_own():
    env, _ = start(3)
    snapshot = env.snapshot()
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in snapshot.values())
    before = snapshot["worlds"].copy()
    play(env, orders(range(3))[:5])
    assert np.array_equal(snapshot["worlds"], before)


def test_a_restored_observation_is_that_of_the_snapshot():
    env, _ = start(3)
    acts = orders(range(3))
    play(env, acts[:10])
    snapshot, obs, mask = env.snapshot(), env.observe("vector").copy(), env.action_mask().copy()
    play(env, acts[10:20])
    env.restore(snapshot)
    assert np.array_equal(env.observe("vector"), obs)
    assert np.array_equal(env.action_mask(), mask)


def test_other_seeds_and_worlds_differ():
    one, _ = start(2)
    other, _ = start(2, seed=8)
    a, b = play(one, orders(range(2)))[1], play(other, orders(range(2)))[1]
    assert not np.array_equal(a, b)
    assert not np.array_equal(a[0], a[1])


def test_reset_with_a_seed_starts_the_streams_anew():
    env, first = start(4)
    acts = orders(range(4))
    seen, _ = play(env, acts)
    obs, _ = env.reset(seed=7)
    assert np.array_equal(obs, first)
    assert np.array_equal(play(env, acts)[0], seen)


def test_bot_actions_change_nothing():
    env, _ = start(50)
    acts = orders(range(50))
    play(env, acts[:20])
    before = worlds_of(env)
    for bot in BOTS:
        for knowledge in KNOWLEDGE:
            assert env.bot_actions(bot, knowledge=knowledge).shape == (50, 3)
            assert np.array_equal(worlds_of(env), before)


@pytest.mark.parametrize("driver", BOTS)
def test_every_bot_is_deterministic(driver):
    runs = []
    for threads in (1, 2):
        env = mabc.make_batch(BATTLE, num_envs=300, threads=threads, opponents={1: driver, 2: driver})
        env.reset(seed=3)
        for _ in range(30):
            env.step(np.zeros((300, 0), np.int64))
        runs.append(worlds_of(env))
    assert np.array_equal(*runs)
