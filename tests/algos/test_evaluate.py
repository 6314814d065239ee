"""Evaluation: intervals, and no preference for short episodes."""

import numpy as np
import pytest

from algos.evaluate import play_episodes, table, wilson
from tests.toy_env import ToyEnv, make


def test_wilson_by_the_book():
    assert wilson(0, 0) == [0.0, 1.0]
    low, high = wilson(8, 10)  # a worked example found in many textbooks
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert wilson(512, 512)[1] == pytest.approx(1)


class Uneven(ToyEnv):
    """World 0 has episodes of one step, the others of max_steps."""

    def step(self, actions):
        self.arrays["step"][0] = self.max_steps - 1
        return super().step(actions)


def test_every_world_counts_equally():
    played = play_episodes(Uneven(4, length=7), lambda obs, mask, memory: (np.zeros((4, 3), int), None), 8)
    assert len(played["length"]) == 8
    assert sorted(played["outcome"].tolist()) == [2] * 8
    assert {name: len(values) for name, values in played.items()} == dict.fromkeys(played, 8)


def test_memory_is_cleared_where_an_episode_begins():
    seen = []

    def policy(obs, mask, memory):
        memory = np.zeros((4, 3, 1)) if memory is None else memory
        seen.append(memory[0, 0, 0])
        return np.zeros((4, 3), int), memory + 1

    play_episodes(make(4, length=3), policy, 8)
    assert seen == [0, 1, 2, 0, 1, 2]


def test_table_names_everybody():
    row = {"episodes": 512, "win_rate": 0.5, "interval": [0.4, 0.6], "return": 0.1, "length": 12.0}
    bot = {key: value for key, value in row.items() if key != "return"}
    text = table({**row, "algo": "ippo", "scenario": "skirmish-3v3", "bots": {"classic": bot}})
    assert "ippo" in text
    assert "classic (bot)" in text
    assert "0.400 to 0.600" in text
