"""Windows, contexts and splits of recorded episodes, by hand."""

import numpy as np

from world_models.episodes import Episodes, ahead, context

# Episode 0: rows 0 to 2 (two steps), episode 1: rows 3 to 7 (four steps). What is seen is the row's own number.
TWO = Episodes(
    np.arange(8, dtype=np.float32)[:, None],
    np.arange(6, dtype=np.float32)[:, None] * 10,
    np.zeros(6, np.float32),
    np.zeros(6, bool),
    np.array([0, 2, 6]),
)


def test_context_by_hand():
    obs, actions, lengths = context(TWO, np.array([1, 2, 5]), 3)
    np.testing.assert_array_equal(lengths, [2, 1, 3])
    np.testing.assert_array_equal(obs[..., 0], [[0, 0, 1], [0, 0, 3], [4, 5, 6]])
    np.testing.assert_array_equal(actions[..., 0], [[0, 0], [0, 0], [30, 40]])


def test_context_of_one_row_is_the_present():
    obs, actions, lengths = context(TWO, np.array([0, 4]), 1)
    assert obs[:, 0, 0].tolist() == [0, 5]
    assert actions.shape == (2, 0, 1)
    assert lengths.tolist() == [1, 1]


def test_ahead_by_hand():
    obs, actions, left = ahead(TWO, np.array([1, 3]), 2)
    np.testing.assert_array_equal(left, [1, 2])
    np.testing.assert_array_equal(obs[..., 0], [[1, 2, 2], [4, 5, 6]])
    np.testing.assert_array_equal(actions[..., 0], [[10, 10], [30, 40]])


def test_split_keeps_episodes_whole(recorded):
    learn, out = recorded.split(0.2, seed=1)
    assert not set(recorded.episode[learn]) & set(recorded.episode[out])
    assert sorted([*learn, *out]) == list(range(len(recorded.rewards)))
    assert 0.1 < len(out) / len(recorded.rewards) < 0.35
    assert set(recorded.split(0.2, seed=2)[1]) != set(out)


def test_split_of_one_episode_uses_it_twice():
    one = Episodes(TWO.obs[:3], TWO.actions[:2], TWO.rewards[:2], TWO.terminals[:2], np.array([0, 2]))
    learn, out = one.split(0.1)
    assert learn.tolist() == out.tolist() == [0, 1]
