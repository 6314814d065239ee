"""Shaping: no policy gains by it, and no return exceeds 1."""

import numpy as np
import pytest

import mabc
from mabc.scenarios import Rewards

FIELD = "\n".join(["......F......", *["............."] * 11, "A...........B"])
RIGHT, UP = 4, 2


@pytest.fixture
def scout(play):
    """One scout at the lower left, 192 px below and 96 beside the target; a step is a frame."""

    def start(**rewards):
        team = mabc.Team(("basic",), "random", stance="hold")
        return play(FIELD, (mabc.Team(), team), "scout", max_steps=2000, rewards=Rewards(**rewards))

    return start


def drive(game, wait=0, at=0):
    """Up to the target's row, waiting at y = `at`, then to it: (rewards of all steps, and the last info)."""
    rewards, waited = [], 0
    while not game.terminated:
        y = game.at(0)[1]
        if y <= at and waited < wait:
            waited += 1
            order = ""
        else:
            order = "up" if y > 8 else "right"
        game.put(1, 200, 200)
        game.run(1, order)
        rewards.append(float(game.reward[0, 0]))
    return np.array(rewards), game.info


def test_the_terms_by_hand(scout):
    """phi = progress since the start, in shares of the field's two sides together, 416 px; F = gamma phi' - phi."""
    game = scout(kill=0, loss=0, base=0, win=1, shaping=1, gamma=0.5)
    assert game.world["start_distance"][0] == pytest.approx((192 + 96) / 416)
    assert game.world["potential"][0] == 0
    game.put(0, 8, 176, "up")
    game.run(1)
    assert game.reward[0, 0] == pytest.approx(0.5 * 24 / 416)
    game.put(0, 8, 192, "up")
    game.run(1)
    assert game.reward[0, 0] == pytest.approx(0.5 * 8 / 416 - 24 / 416)
    game.put(0, 0, 208, "up")  # farther than at the start
    game.run(1)
    assert game.reward[0, 0] == pytest.approx(-8 / 416)
    assert game.world["potential"][0] == 0


def test_the_discounted_sum_is_zero_in_every_game_that_ends(scout):
    for gamma in (0.5, 0.99, 1.0):
        shaped, _ = drive(scout(shaping=1, gamma=gamma, time=0.1))
        plain, _ = drive(scout(shaping=0, time=0.1))
        assert len(shaped) == len(plain) > 100
        assert (shaped - plain) @ gamma ** np.arange(len(plain)) == pytest.approx(0, abs=1e-5)


def test_with_gamma_one_returns_are_the_unshaped_ones():
    returns = {}
    for shaping in (0.0, 1.0):
        env = mabc.make_batch("ladder-2-under-fire", num_envs=64, shaping=shaping, gamma=1.0, seed=3)
        env.reset(seed=3)
        ended = []
        for _ in range(150):
            _, _, terminated, _, info = env.step(env.bot_actions("classic"))
            ended += info["episode_return"][terminated, 0].tolist()
        returns[shaping] = ended
    assert len(returns[0.0]) > 60
    assert returns[1.0] == pytest.approx(returns[0.0], abs=1e-5)


@pytest.mark.parametrize("bot", ["tactical", "random", "classic"])
def test_no_return_exceeds_one(bot):
    env = mabc.make_batch("ladder-1-reach", num_envs=256, seed=1)
    env.reset(seed=1)
    best, wins = -9.0, 0
    for _ in range(110):
        _, _, terminated, _, info = env.step(env.bot_actions(bot))
        wins += int(info["success"][:, 0].sum())
        best = max(best, info["episode_return"][terminated].max(initial=-9.0))
    assert wins > 10
    assert 0.5 < best <= 1.0


def test_a_fast_win_ranks_above_a_slow_one(scout):
    """Wherever the slow one waits. Rewards of a step that are not discounted are what a log shows."""
    weights = {"kill": 0, "loss": 0, "base": 1, "win": 1, "time": 0.1, "shaping": 1, "gamma": 0.99}
    fast, info = drive(scout(**weights))
    assert info["success"][0, 0]
    assert fast.sum() == pytest.approx(info["episode_return"][0, 0], abs=1e-4)
    assert fast.sum() <= 1
    for at in (200, 104, 8):
        slow, info = drive(scout(**weights), wait=300, at=at)
        assert info["success"][0, 0]
        assert len(slow) == len(fast) + 300
        assert slow.sum() < fast.sum() - 1e-3


def test_a_game_cut_off_keeps_its_potential(play):
    """It has not ended: a learner goes on from the value of its last state."""
    game = play(FIELD, max_steps=3, rewards=Rewards(shaping=1.0, gamma=1.0))
    game.put(0, 104, 200)
    game.put(1, 152, 152)  # as far from the middle: a draw
    game.run(3)
    assert game.truncated
    assert game.info["episode_return"][0, 0] == pytest.approx(0.5 * 96 / 416)
