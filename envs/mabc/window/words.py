"""What a game is about and how it ended, in plain words."""

from __future__ import annotations

import numpy as np

from ..params import RUNNING
from ..scenarios import Scenario


def objective(scenario: Scenario, team: int) -> str:
    """What a team (from 1) has to do."""
    owner = scenario.base_teams[-1] if scenario.base_teams else 0
    several = len(scenario.teams) > 2
    others = "all other teams" if several else "the other team"
    seconds = round(scenario.max_steps * scenario.frame_skip / 60)
    minutes = f"{seconds} seconds" if seconds <= 60 else f"{clock(seconds)} minutes"
    match scenario.mode:
        case "skirmish":
            return f"Destroy {others} within {minutes}."
        case "defend":
            guard = team == owner
            return f"Guard the base against {_enemies(scenario, owner)}." if guard else "Destroy the base."
        case "siege":
            return f"Hold the base for {minutes}." if team == owner else f"Destroy the base within {minutes}."
        case "scout":
            what = f"{scenario.targets} targets" if scenario.targets > 1 else "the target"
            return f"Keep them from {what} for {minutes}." if team == owner else f"Drive to {what} within {minutes}."
        case _:
            bases = "the other bases" if several else "the other base"
            return f"Destroy {bases}, or {others}; guard your own."


def _enemies(scenario: Scenario, owner: int) -> str:
    """How many tanks come for the base of a team."""
    count = sum(len(team.wave or team.tanks) for number, team in enumerate(scenario.teams, 1) if number != owner)
    return f"{count} tanks" if count > 1 else "one tank"


def headline(outcome: int, teams: list[int]) -> str:
    """Who has won, for people who sit in these teams."""
    if outcome == 0:
        return "Draw"
    if len(set(teams)) == 1:
        return "You win!" if outcome == teams[0] else "You lose"
    if teams.count(outcome) == 1:
        return f"Player {teams.index(outcome) + 1} wins!"
    return f"Team {outcome} wins"


def reason(scenario: Scenario, world: np.void, outcome: int) -> str:
    """Why the game ended so; world: its last record of state.WORLD."""
    bases = [base for base in world["bases"] if base["team"]]
    fallen = [int(base["team"]) for base in bases if not base["alive"] and base["team"] != outcome]
    time_up = int(world["step"]) >= scenario.max_steps
    if outcome == RUNNING:
        return "The game was cut short."
    if outcome == 0:
        return "Time is up and nobody has won." if time_up else "Nobody is left."
    if scenario.mode == "scout" and fallen and not any(base["alive"] for base in bases):
        return f"Team {outcome} has found {'every target' if len(bases) > 1 else 'the target'}."
    if scenario.mode in ("defend", "siege", "versus") and fallen:
        return f"The base of team {fallen[-1]} is destroyed."
    if scenario.mode == "defend":
        guard = scenario.base_teams[0] == outcome
        return "Every enemy is destroyed and the base stands." if guard else "Nobody is left to guard the base."
    if scenario.mode in ("siege", "scout") and time_up:
        return f"Time is up: team {outcome} has held out."
    return f"Team {outcome} is the last one standing."


def clock(seconds: float) -> str:
    """Seconds as 1:05."""
    whole = int(seconds + 0.999)  # 0:00 is shown when it is over, not a second before
    return f"{whole // 60}:{whole % 60:02d}"
