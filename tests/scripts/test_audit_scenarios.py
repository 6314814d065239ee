"""The audit of scenarios, small: fails when a scenario leaves its class."""

from pathlib import Path

import numpy as np
import pytest

import mabc
from mabc.params import NUM_ACTIONS

ROOT = Path(__file__).resolve().parents[2]
GAMES = 64
BENCHMARK, ELSEWHERE = 0.10, 0.30  # what a policy that looks at nothing may win, in the audit's 512 games


@pytest.fixture
def audit(monkeypatch):
    """scripts/audit_scenarios.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import audit_scenarios

    return audit_scenarios


def allowed(rate: float) -> float:
    """As a share of GAMES: four standard deviations more."""
    return rate + 4 * (rate * (1 - rate) / GAMES) ** 0.5


@pytest.mark.parametrize("name", mabc.scenarios())
def test_nothing_is_won_by_looking_at_nothing(audit, name):
    """Two exceptions: uniformly random actions may win a first lesson, and an endgame is won by its line."""
    scenario = mabc.scenario(name)
    team = audit.learning_teams(scenario)[0]
    endgame = name.startswith("endgame-")
    env = audit.make_env(scenario, team, GAMES)
    most = 0 if endgame else allowed(BENCHMARK if name in mabc.STANDARD else ELSEWHERE)
    tried = {f"action {action} for ever": audit.constant(action) for action in range(NUM_ACTIONS)}
    if "first lesson" not in scenario.note and not endgame:
        tried["uniform"] = audit.uniform()
    for who, act in tried.items():
        assert audit.play(env, act).summary(team)["win"] <= most, who
    if endgame:
        assert audit.play(env, audit.line_of(name)).summary(team)["win"] == 1


@pytest.mark.parametrize("bot", ["classic", "tactical:regular", "tactical:expert"])
@pytest.mark.parametrize("name", ["duel", "skirmish-4x2", "versus-1v1"])
def test_games_between_equals_are_decided_and_fair(audit, name, bot):
    """Of the symmetric scenarios, those with the most draws."""
    scenario = mabc.scenario(name)
    found = audit.mirror(scenario, bot, 512)
    assert found["draw"] <= 0.2 + 4 * (0.2 * 0.8 / 512) ** 0.5
    teams = len(scenario.teams)
    decided = sum(found["by_team"])
    for won in found["by_team"]:
        assert abs(won / decided - 1 / teams) <= 4 * (1 / teams * (1 - 1 / teams) / decided) ** 0.5


def test_a_fixed_sequence_is_found_where_one_wins(audit):
    field = ["..F.."] + ["....."] * 4 + ["#####", ".....", "..A.."] + ["....."] * 5
    teams = (mabc.Team(("player",)), mabc.Team(()))
    scenario = mabc.Scenario("wall", "scout", "\n".join(field), teams, targets=1, max_steps=40, random_start=False)
    assert audit.trivial(scenario, 1, 8)["constant-2"]["win"] == 0  # driving up alone ends at the wall
    options = audit.Options(generations=6, sequences=32, games_each=1)
    found = audit.open_loop(scenario, 1, options)
    assert found["win"] == 1
    assert np.array(found["sequence"]).shape == (10, 1)
