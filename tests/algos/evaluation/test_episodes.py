"""Evaluation: intervals, and no preference for short episodes."""

import numpy as np
import pytest

from algos.common.cli import number
from algos.common.errors import BadInput
from algos.evaluation.episodes import RIVAL, controlled, evaluate_bot, evaluate_policy, play_episodes, table, wilson
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
    assert played["world"].tolist() == [0, 0, 1, 2, 3, 1, 2, 3]
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
    row = {"episodes": 512, "greedy": True, "win_rate": 0.5, "interval": [0.4, 0.6], "return": 0.1, "length": 12.0}
    bot = {key: value for key, value in row.items() if key != "return"}
    text = table({**row, "algo": "ippo", "scenario": "skirmish-3v3", "bots": {"classic": bot}})
    assert "ippo" in text
    assert "classic (bot)" in text
    assert "0.400 to 0.600" in text
    assert "of skirmish-3v3:" in text
    text = table({**row, "algo": "ippo", "scenario": "versus-5v5", "against": "classic", "bots": {}})
    assert "of versus-5v5 against classic:" in text
    assert text.startswith("Deterministic evaluation")
    sampled = table({**row, "greedy": False, "algo": "bc", "scenario": "a", "bots": {}})
    assert sampled.startswith("Stochastic evaluation")


@pytest.mark.parametrize(
    ("scenario", "opponent", "bot", "expected"),
    [
        ("skirmish-3v3", None, None, (None, 1, None)),
        ("skirmish-3v3", None, "random", ({1: "random"}, 1, None)),
        ("skirmish-3v3", "tactical", "random", ({1: "random", 2: "tactical"}, 1, None)),
        ("versus-5v5", None, None, ({2: RIVAL}, 1, RIVAL)),
        ("versus-5v5", "tactical", "random", ({1: "random", 2: "tactical"}, 1, "tactical")),
        ("siege-race-2x2", None, None, ({2: RIVAL}, 1, RIVAL)),
        ("skirmish-3x3", None, None, ({2: RIVAL, 3: RIVAL}, 1, RIVAL)),
    ],
)
def test_who_sits_where(scenario, opponent, bot, expected):
    config, team, against = controlled({"scenario": scenario, "opponent": opponent}, bot)
    assert (config["opponent"], team, against) == expected


def test_self_play_is_measured_against_a_bot():
    config = {"name": "mabc", "scenario": "duel", "num_envs": 4, "obs": "vector", "state": "vector", "max_steps": 60}
    shapes = set()

    def idle(obs, mask, memory):
        shapes.add(obs.shape[:2])
        return np.zeros(obs.shape[:2], int), None

    result = evaluate_policy(config, idle, 32)
    assert shapes == {(32, 1)}, "one team's seats"
    assert result["against"] == RIVAL
    assert result["rules"]
    assert result["win_rate"] + result["draw_rate"] < 1, "tactical beats somebody who stands still"
    weak, strong = (evaluate_bot(config, bot, 64)["win_rate"] for bot in ("random", "tactical"))
    assert weak < 0.3 < strong


def test_teams_that_only_meet_each_other_have_no_win_rate():
    def idle(obs, mask, memory):
        return np.zeros(obs.shape[:2], int), None

    config = {"name": "batched", "id": "tests.toy_env:make", "num_envs": 4, "kwargs": {"teams": [1, 1, 2]}}
    result = evaluate_policy(config, idle, 8)
    assert result["win_rate"] is result["interval"] is result["against"] is None
    assert result["return"] > 0
    assert evaluate_policy({**config, "kwargs": {}}, idle, 8)["win_rate"] is not None


def test_numbers_of_the_command_line():
    assert number({}, "seed", 3) == 3
    assert number({"seed": "0"}, "seed", 3) == 0
    assert number({"fps": "0.5"}, "fps", 8.0, float, above=0) == 0.5
    for given, message in (("x", "a whole number of at least 0"), ("1.5", "a whole number"), ("-1", "at least 0")):
        with pytest.raises(BadInput, match=f"seed={given}: .*{message}"):
            number({"seed": given}, "seed", 3)
    for given in ("0", "-2", "fast", "nan"):
        with pytest.raises(BadInput, match=f"fps={given}: a number above 0 is needed"):
            number({"fps": given}, "fps", 8.0, float, above=0)
    with pytest.raises(BadInput, match="episodes=0: a whole number of at least 1"):
        number({"episodes": "0"}, "episodes", 512, above=0)
