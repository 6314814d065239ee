"""Scenarios: the frozen dataclass, and how one is read and changed. The named ones are in catalogue.py."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from os import PathLike
from typing import Any

import numpy as np

from .params import (
    BOTS,
    KNOWLEDGE,
    MAX_BASES,
    MAX_LEVEL,
    MAX_TANKS,
    MAX_TEAMS,
    MAX_WAVE,
    MODES,
    PLAYER_LIVES,
    STANCES,
    TYPES,
)

MAX_SIGHT = 416  # px: the longest side of the largest field
MODE_BASES = {"defend": (1,), "skirmish": (), "siege": (-1,), "versus": (1, 2, 3, 4), "scout": (-1,)}
"""Whose bases a mode has; -1 is the last team."""


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the field, its value and what would do."""


def unknown(what: str, name: object, known: Iterable[str]) -> ScenarioError:
    """The error for a name that does not exist, with the nearest one that does."""
    near = get_close_matches(str(name), list(known), n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ScenarioError(f"unknown {what} {name!r}{hint} (known: {', '.join(map(str, known))})")


@dataclass(frozen=True)
class Rewards:
    """Weights of the reward terms (see reward.py) and the discount of the shaping term."""

    kill: float = 1.0
    loss: float = 0.5
    damage: float = 0.0
    base: float = 1.0
    win: float = 1.0
    time: float = 0.0
    pick_up: float = 0.0
    shaping: float = 0.0
    gamma: float = 0.99


@dataclass(frozen=True)
class Team:
    """One side: its tanks by type, who drives them, their lives, and how bots behave.

    tanks: types in order of slots. driver: "learn" (agents), or a bot of the kernel (`tactical:novice`, …). knowledge:
    what its bots know of the present step: what each sees itself ("agent"), what the team sees ("team"), or "all".
    stance: "hunt", "hold" (stay at the start) or "patrol" (to and fro along its row). wave: types of tanks that enter
    one after another, in place of `lives`; `tanks` then only says how many fit on the field.
    """

    tanks: tuple[str, ...] = ("player",)
    driver: str = "learn"
    lives: int = 1
    level: int = 0
    stance: str = "hunt"
    knowledge: str = "team"
    wave: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """Everything that a game needs to start. Frozen: `changed` makes another one.

    map: a map's name, its text, a path ending in .txt, "generator:SEED", or a tuple of those (one is drawn at each
    reset). sight: px from the tank's centre to each side of its window. max_steps: steps of frame_skip frames.
    targets: `scout` only, how many of the map's bases are targets in an episode (0: all). stage: sets the delay
    between entries. power_up_period: frames until a power-up appears, in modes without waves; 0: none. random_start:
    draw at reset at which of their team's entries tanks start, the guards of targets apart, and where they look; not in
    `defend`. random_rotation: draw at reset by how many quarter turns the map is rotated.
    """

    name: str
    mode: str
    map: str | PathLike[str] | tuple[str | PathLike[str], ...]
    teams: tuple[Team, ...]
    map_unit: str = "block"
    max_steps: int = 150
    frame_skip: int = 8
    sight: int = 64
    line_of_sight: bool = False
    full_observability: bool = False
    per_agent_reward: bool = False
    swap_sides: bool = True
    random_start: bool = True
    random_rotation: bool = False
    targets: int = 0
    stage: int = 1
    power_up_period: int = 0
    carriers: tuple[int, ...] = (4, 11, 18)
    rewards: Rewards = field(default_factory=Rewards)
    version: int = 1
    note: str = ""

    def __post_init__(self) -> None:
        check(self)

    def changed(self, **changes: Any) -> Scenario:
        """The same scenario with some fields changed; `opponents` and reward weights are accepted too."""
        return change(self, changes)

    @property
    def num_tanks(self) -> int:
        """Places on the field, over all teams."""
        return sum(len(team.tanks) for team in self.teams)

    @property
    def has_power_ups(self) -> bool:
        """Whether a power-up can appear."""
        carried = any(0 < n <= len(team.wave) for team in self.teams for n in self.carriers)
        return self.power_up_period > 0 or carried

    @property
    def base_teams(self) -> tuple[int, ...]:
        """The teams (from 1) that own bases in this mode."""
        teams = tuple(len(self.teams) if t == -1 else t for t in MODE_BASES[self.mode])
        return tuple(t for t in teams if t <= len(self.teams))


def wave_team(players: int, wave: tuple[str, ...], driver: str = "classic") -> Team:
    """A team of enemies that enter in a wave: four at a time against one player, six against two or more (fact)."""
    return Team(tanks=("basic",) * (4 if players == 1 else 6), driver=driver, wave=wave)


def _check_range(scenario: Scenario, name: str, low: int, high: int) -> None:
    value = getattr(scenario, name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ScenarioError(f"{name}={value!r}: expected a whole number from {low} to {high}")


def _check_team(number: int, team: Team, may_be_empty: bool) -> None:
    where = f"teams[{number}]"
    for name, known in (("driver", ("learn", *BOTS, "policy")), ("stance", STANCES), ("knowledge", KNOWLEDGE)):
        if getattr(team, name) not in known:
            raise unknown(f"{where}.{name}", getattr(team, name), known)
    for tank in (*team.tanks, *team.wave):
        if tank not in TYPES:
            raise unknown(f"{where} tank type", tank, TYPES)
    if not team.tanks and not may_be_empty:
        raise ScenarioError(f"{where}.tanks is empty: a team needs at least one tank")
    for name in ("lives", "level"):
        value = getattr(team, name)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise ScenarioError(f"{where}.{name}={value!r}: expected a whole number")
    if not 1 <= team.lives <= 99:
        raise ScenarioError(f"{where}.lives={team.lives!r}: expected 1 to 99 (the original gives {PLAYER_LIVES})")
    if not 0 <= team.level <= MAX_LEVEL:
        raise ScenarioError(f"{where}.level={team.level!r}: expected 0 to {MAX_LEVEL}")
    if len(team.wave) > MAX_WAVE:
        raise ScenarioError(f"{where}.wave has {len(team.wave)} tanks; at most {MAX_WAVE}")
    if team.wave and team.driver in ("learn", "policy"):
        raise ScenarioError(f"{where}: a team with a wave is driven by a bot, not by {team.driver!r}")


def check(scenario: Scenario) -> None:
    """Raise ScenarioError if a field is out of range. Maps are checked when they are loaded."""
    if scenario.mode not in MODES:
        raise unknown("mode", scenario.mode, MODES)
    if scenario.map_unit not in ("block", "tile"):
        raise unknown("map_unit", scenario.map_unit, ("block", "tile"))
    if not 2 <= len(scenario.teams) <= MAX_TEAMS:
        raise ScenarioError(f"teams: {len(scenario.teams)} given; expected 2 to {MAX_TEAMS}")
    unguarded = len(scenario.teams) - 1 if scenario.mode in ("siege", "scout") else None
    for number, team in enumerate(scenario.teams):
        _check_team(number, team, may_be_empty=number == unguarded)
    if scenario.num_tanks > MAX_TANKS:
        raise ScenarioError(f"teams hold {scenario.num_tanks} tanks; at most {MAX_TANKS}")
    if scenario.mode not in ("defend",) and any(team.wave for team in scenario.teams):
        raise ScenarioError(f"mode={scenario.mode!r}: waves enter only in mode 'defend'")
    _check_range(scenario, "max_steps", 1, 1_000_000)
    _check_range(scenario, "frame_skip", 1, 64)
    _check_range(scenario, "sight", 16, MAX_SIGHT)
    _check_range(scenario, "targets", 0, MAX_BASES)
    _check_range(scenario, "stage", 1, 35)
    _check_range(scenario, "power_up_period", 0, 30_000)
    for name in (
        "line_of_sight",
        "full_observability",
        "per_agent_reward",
        "swap_sides",
        "random_start",
        "random_rotation",
    ):
        if getattr(scenario, name) not in (False, True):
            raise ScenarioError(f"{name}={getattr(scenario, name)!r}: expected True or False")
    for n in scenario.carriers:
        if not isinstance(n, int) or not 1 <= n <= MAX_WAVE:
            raise ScenarioError(f"carriers={scenario.carriers!r}: expected numbers in a wave, 1 to {MAX_WAVE}")
    for name, weight in dataclasses.asdict(scenario.rewards).items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
            raise ScenarioError(f"{name}={weight!r}: weights are not negative, each term has its sign already")
    if scenario.rewards.gamma > 1:
        raise ScenarioError(f"gamma={scenario.rewards.gamma!r}: expected 0 to 1, the discount of the shaping term")


def change(scenario: Scenario, changes: dict) -> Scenario:
    """Apply changes by name: fields of Scenario, weights of Rewards (`win=2.0`), and `opponents`.

    opponents: a driver's name or a callable for every team that is not "learn"; or {team: name or callable}, which
    reaches the learning teams too. A callable's team is driven as "policy".
    """
    changes = dict(changes)
    opponents = changes.pop("opponents", None)
    fields = {f.name for f in dataclasses.fields(Scenario)}
    weights = {f.name for f in dataclasses.fields(Rewards)}
    for name in changes:
        if name not in fields | weights:
            raise unknown("option", name, sorted(fields | weights | {"opponents"}))
    rewards = {name: changes.pop(name) for name in list(changes) if name in weights}
    if rewards:
        changes["rewards"] = dataclasses.replace(changes.get("rewards", scenario.rewards), **rewards)
    if opponents is not None:
        changes["teams"] = _with_drivers(changes.get("teams", scenario.teams), opponents)
    return dataclasses.replace(scenario, **changes)


def _check_opponent(opponent: Any) -> None:
    if not callable(opponent) and opponent not in ("learn", *BOTS):
        raise unknown("opponent", opponent, BOTS)


def _with_drivers(teams: tuple[Team, ...], opponents: Any) -> tuple[Team, ...]:
    if not isinstance(opponents, dict):
        _check_opponent(opponents)
        given, opponents = opponents, {n: opponents for n, team in enumerate(teams, 1) if team.driver != "learn"}
        if not opponents:
            raise ScenarioError(
                f"opponents={given!r}: all {len(teams)} teams learn; say which one it drives: "
                f"opponents={{{len(teams)}: {given!r}}}"
            )
    drivers = list(teams)
    for number, opponent in opponents.items():
        if number not in range(1, len(teams) + 1):
            raise ScenarioError(f"opponents: there is no team {number!r}; teams are 1 to {len(teams)}")
        _check_opponent(opponent)
        driver = "policy" if callable(opponent) else opponent
        drivers[number - 1] = dataclasses.replace(teams[number - 1], driver=driver)
    return tuple(drivers)
