"""No scenario is won by looking at nothing: a small version of scripts/audit_scenarios.py."""

import numpy as np
import pytest

import mabc
from mabc.endgames import ENDGAMES
from mabc.params import NUM_ACTIONS

GAMES = 64
BENCHMARK, ELSEWHERE = 0.10, 0.30  # win rates that the audit's larger counts hold to
LINES = {endgame.scenario.name: endgame.line for endgame in ENDGAMES}


def wins(scenario: mabc.Scenario, team: int, act) -> int:
    """Games won of the first episodes of GAMES worlds; act: env -> actions int [B, N]."""
    learning = [number for number, one in enumerate(scenario.teams, 1) if one.driver == "learn"]
    others = {number: "tactical:regular" for number in learning if number != team}
    env = mabc.make_batch(scenario, GAMES, **({"opponents": others} if others else {}))
    env.reset(seed=1)
    outcome = np.full(GAMES, -1)
    while (outcome < 0).any():
        _, _, terminated, truncated, info = env.step(act(env))
        ended = (terminated | truncated) & (outcome < 0)
        outcome[ended] = info["outcome"][ended]
    return int((outcome == team).sum())


def allowed(rate: float) -> float:
    """Wins of GAMES that a rate leaves possible: four standard deviations above it."""
    return GAMES * rate + 4 * (GAMES * rate * (1 - rate)) ** 0.5


def uniform(env: mabc.BatchedEnv) -> np.ndarray:
    """Random legal actions."""
    score = np.random.default_rng(int(env.worlds["step"].sum())).random(env.action_mask().shape)
    return (score * env.action_mask()).argmax(-1)


def first_learning(scenario: mabc.Scenario) -> int:
    """The number of the first team that learns."""
    return next(number for number, team in enumerate(scenario.teams, 1) if team.driver == "learn")


@pytest.mark.parametrize("name", [name for name in mabc.scenarios() if name not in LINES])
def test_nothing_is_won_by_looking_at_nothing(name):
    """A first lesson may be."""
    scenario = mabc.scenario(name)
    team = first_learning(scenario)
    most = allowed(BENCHMARK if name in mabc.STANDARD else ELSEWHERE)
    for action in range(NUM_ACTIONS):
        won = wins(scenario, team, lambda env, a=action: np.full((GAMES, env.num_agents), a))
        assert won <= most, f"action {action} for ever"
    if "first lesson" not in scenario.note:
        assert wins(scenario, team, uniform) <= most, "uniform"


@pytest.mark.parametrize("name", LINES)
def test_an_endgame_is_won_by_its_line_and_by_no_single_action(name):
    scenario = mabc.scenario(name)
    steps = iter(LINES[name])
    line = wins(scenario, 1, lambda env: np.broadcast_to(next(steps, (0,) * env.num_agents), (GAMES, env.num_agents)))
    assert line == GAMES
    for action in range(NUM_ACTIONS):
        assert wins(scenario, 1, lambda env, a=action: np.full((GAMES, env.num_agents), a)) == 0
