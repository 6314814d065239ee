"""Generalised advantage estimation against numbers worked out by hand (gamma 0.5, lambda 0.5 unless said)."""

import numpy as np
import pytest

from algos.common.returns import gae, representatives, team_values


def column(*numbers):
    return np.array(numbers, np.float32)[:, None, None]


def flags(*numbers):
    return np.array(numbers, bool)[:, None]


def estimate(rewards, values, terminated, truncated, final=(0, 0, 0), alive=None, gamma=0.5, lam=0.5):
    alive = None if alive is None else np.array(alive, bool)[:, None, None]
    result = gae(
        column(*rewards),
        column(*values),
        flags(*terminated),
        flags(*truncated),
        column(*final),
        gamma,
        lam,
        alive,
    )
    return [x[:, 0, 0].tolist() for x in result]


def test_running_episode_bootstraps_with_the_next_value():
    # deltas: 1+1-1=1, 2+2-2=2, 3+4-4=3; advantages from the back: 3, 2+3/4, 1+2.75/4
    advantages, returns = estimate((1, 2, 3), (1, 2, 4, 8), (0, 0, 0), (0, 0, 0))
    assert advantages == [1.6875, 2.75, 3.0]
    assert returns == [2.6875, 4.75, 7.0]


def test_termination_is_worth_nothing_afterwards_and_cuts():
    # delta[1] = 2 + 0 - 2 = 0; the 4 and 8 belong to the next episode
    advantages, _ = estimate((1, 2, 3), (1, 2, 4, 8), (0, 1, 0), (0, 0, 0))
    assert advantages == [1.0, 0.0, 3.0]


def test_truncation_bootstraps_with_the_last_observation():
    # delta[1] = 2 + 0.5*6 - 2 = 3 with the final value 6, not with 4 of the next episode
    advantages, _ = estimate((1, 2, 3), (1, 2, 4, 8), (0, 0, 0), (0, 1, 0), final=(0, 6, 0))
    assert advantages == [1.75, 3.0, 3.0]


def test_termination_wins_over_truncation_in_the_same_step():
    advantages, _ = estimate((1, 2, 3), (1, 2, 4, 8), (0, 1, 0), (0, 1, 0), final=(0, 6, 0))
    assert advantages == [1.0, 0.0, 3.0]


def test_lambda_one_is_the_discounted_return():
    _, returns = estimate((1, 2, 3), (5, 6, 7, 8), (0, 0, 1), (0, 0, 0), lam=1.0)
    assert returns == [1 + 0.5 * (2 + 0.5 * 3), 2 + 0.5 * 3, 3.0]


def test_dead_steps_pass_on_what_was_earned():
    # dead at t = 1: its value is replaced by 2 + 0.5*4 = 4, so delta[0] = 1 + 0.5*4 - 1 = 2
    advantages, returns = estimate((1, 2, 3), (1, 100, 4, 8), (0, 0, 0), (0, 0, 0), alive=(1, 0, 1, 1))
    assert advantages == [2.0 + 0.25 * 0.75, 0.75, 3.0]  # 0.75 = 0.25 * advantage[2]
    assert returns[1] == 4.75


def test_who_is_dead_at_the_end_of_the_rollout_is_worth_nothing():
    # t = 2, dead: passes on 3; t = 1: 2 + 0.5*3 - 2 = 1.5; t = 0: 1 + 0.5*2 - 1 = 1, and 0.25 * 1.5
    advantages, returns = estimate((1, 2, 3), (1, 2, 100, 100), (0, 0, 0), (0, 0, 0), alive=(1, 1, 0, 0))
    assert advantages == [1.375, 1.5, 0.0]
    assert returns == [2.375, 3.5, 3.0]


def test_who_is_dead_when_the_episode_is_cut_is_worth_nothing():
    # t = 1, dead and cut: passes on 2, without the final value 6; t = 0: 1 + 0.5*2 - 1 = 1
    flags = (0, 0, 0), (0, 1, 0)
    advantages, returns = estimate((1, 2, 3), (1, 100, 4, 8), *flags, final=(0, 6, 0), alive=(1, 0, 1, 1))
    assert advantages == [1.0, 0.0, 3.0]
    assert returns == [2.0, 2.0, 7.0]


def test_a_reward_after_a_death_reaches_the_steps_before():
    # dead from t = 1 on, -1 at the end, and 9s that nobody may read: -1 * 0.5^2 = -0.25 before the death
    advantages, returns = estimate((0, 0, -1), (0.5, 9, 9, 9), (0, 0, 1), (0, 0, 0), alive=(1, 0, 0, 1))
    assert advantages == [-0.75, 0.0, 0.0]
    assert returns == [-0.25, -0.5, -1.0]


def test_a_dead_agent_has_its_living_team_mates_value():
    values = np.array([[1, 2, 6, 10, 20]], np.float32)
    alive = np.array([[False, True, True, False, False]])
    filled = team_values(values, alive, np.array([1, 1, 1, 2, 2]))
    assert filled.tolist() == [[4, 2, 6, 10, 20]]  # team 2 is all dead and keeps its own
    assert values[0, 0] == 1, "the input is left as it is"


def test_the_first_seat_stands_in_for_a_dead_team():
    alive = np.array([[[0, 1, 1, 0, 0]], [[0, 0, 0, 0, 1]]], bool)
    found = representatives(alive, np.array([1, 1, 1, 2, 2]))
    assert found.astype(int).tolist() == [[[0, 0, 0, 1, 0]], [[1, 0, 0, 0, 0]]]


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 2)])
def test_shapes_and_types(shape):
    T, B, N = shape
    ends = np.zeros((T, B), bool)
    zeros = np.zeros(shape, np.float32)
    for result in gae(zeros, np.zeros((T + 1, B, N), np.float32), ends, ends, zeros, 0.99, 0.95):
        assert result.shape == shape
        assert result.dtype == np.float32
