"""From a Scenario to numbers: `spec_of` fills the SPEC record, `layouts_of` every start position of its maps."""

from __future__ import annotations

from itertools import combinations, permutations
from os import PathLike

import numpy as np

from . import maps
from .params import (
    BASE,
    CLASSIC_DELAY,
    DELAY_BASE,
    DELAY_PLAYER,
    DELAY_STAGE,
    DOWN,
    EMPTY,
    HITS,
    KNOWLEDGE,
    LEFT,
    MAX_BASES,
    MAX_ENTRIES,
    MODES,
    NOBODY,
    RIGHT,
    STANCES,
    TILE,
    TYPES,
    UP,
    driver_of,
)
from .scenarios import Scenario, ScenarioError
from .state import LAYOUT, SPEC, WEIGHTS

Point = tuple[int, int]


def spec_of(scenario: Scenario, base_teams: list[int]) -> np.ndarray:
    """The scenario in numbers: one SPEC record in an array of length 1."""
    array = np.zeros(1, SPEC)
    spec = array[0]
    spec["mode"] = MODES.index(scenario.mode)
    spec["num_tanks"], spec["num_teams"] = scenario.num_tanks, len(scenario.teams)
    spec["num_bases"] = len(base_teams)
    spec["base_team"][: len(base_teams)] = base_teams
    waves = any(team.wave for team in scenario.teams)
    for name in ("line_of_sight", "full_observability", "per_agent_reward", "frame_skip", "sight", "max_steps"):
        spec[name] = getattr(scenario, name)
    spec["power_ups"] = scenario.has_power_ups
    spec["random_start"] = scenario.random_start and scenario.mode != "defend"
    spec["entries"] = waves or scenario.has_power_ups or any(team.lives > 1 for team in scenario.teams)
    spec["power_up_period"] = scenario.power_up_period
    for n in scenario.carriers:
        spec["carriers"][n - 1] = 1
    players = sum(len(team.tanks) for team in scenario.teams if not team.wave)
    delay = DELAY_BASE - DELAY_STAGE * scenario.stage - DELAY_PLAYER * (players - 1)
    spec["entry_delay"] = max(delay, 1)
    spec["classic_delay"] = spec["entry_delay"] if waves else CLASSIC_DELAY
    _fill_tanks(spec, scenario)
    _fill_rewards(spec, scenario, base_teams)
    return array


def _fill_tanks(spec: np.void, scenario: Scenario) -> None:
    slot = 0
    agents: list[int] = []
    policies: list[int] = []
    bots: list[int] = []
    for t, team in enumerate(scenario.teams):
        spec["team_first"][t], spec["team_size"][t] = slot, len(team.tanks)
        spec["wave_size"][t] = len(team.wave)
        spec["knowledge"][t] = KNOWLEDGE.index(team.knowledge)
        spec["wave"][t, : len(team.wave)] = [TYPES.index(tank) for tank in team.wave]
        for tank in team.tanks:
            spec["type"][slot], spec["team"][slot] = TYPES.index(tank), t + 1
            spec["driver"][slot], spec["bot_level"][slot] = driver_of(team.driver)
            spec["stance"][slot] = STANCES.index(team.stance)
            spec["level"][slot], spec["lives"][slot] = team.level, team.lives
            {"learn": agents, "policy": policies}.get(team.driver, bots).append(slot)
            slot += 1
    spec["num_agents"], spec["num_bots"] = len(agents), len(bots)
    spec["bots"][: len(bots)] = bots
    spec["slot"][: len(agents + policies)] = agents + policies
    spec["column"][:] = NOBODY
    for column, owner in enumerate(agents + policies):
        spec["column"][owner] = column
    of_team = spec["team"][: scenario.num_tanks]
    for i in range(scenario.num_tanks):
        allies = [j for j in range(scenario.num_tanks) if j != i and of_team[j] == of_team[i]]
        enemies = [j for j in range(scenario.num_tanks) if of_team[j] != of_team[i]]
        spec["others"][i, : scenario.num_tanks - 1] = allies + enemies


def _fill_rewards(spec: np.void, scenario: Scenario, base_teams: list[int]) -> None:
    weights = scenario.rewards
    for name in WEIGHTS:
        spec["weights"][name] = getattr(weights, name)
    spec["gamma"] = weights.gamma
    tanks, hits, bases = [], [], []
    for t, team in enumerate(scenario.teams):
        types = team.wave or team.tanks * team.lives
        tanks.append(len(types))
        hits.append(sum(HITS[TYPES.index(tank)] for tank in types))
        bases.append(base_teams.count(t + 1))
    for t in range(len(scenario.teams)):
        spec["team_tanks"][t], spec["own_bases"][t] = tanks[t], bases[t]
        enemies = sum(tanks) - tanks[t]
        spec["enemy_tanks"][t], spec["enemy_hits"][t] = max(enemies, 1), max(sum(hits) - hits[t], 1)
        spec["enemy_bases"][t] = sum(bases) - bases[t]
        perfect = weights.win + (weights.kill + weights.damage if enemies else 0.0)
        perfect += weights.base if sum(bases) > bases[t] else 0.0
        spec["scale"][t] = 1.0 / perfect if perfect > 0.0 else 1.0


def load_maps(scenario: Scenario) -> list[maps.Map]:
    """The scenario's maps, as they are told; MapError or ScenarioError says what is wrong with one."""
    sources = (scenario.map,) if isinstance(scenario.map, str | PathLike) else tuple(scenario.map)
    if not sources:
        raise ScenarioError("map=(): expected a map's name, text or path, or a tuple of them")
    loaded = [maps.load(source, unit=scenario.map_unit) for source in sources]
    for one in loaded:
        found = maps.problems(one, scenario.mode, tuple(len(team.tanks) for team in scenario.teams))
        if found:
            raise ScenarioError(f"map {one.name or '(text)'!r} does not fit {scenario.name!r}: " + "; ".join(found))
    return loaded


def _at_start(team) -> int:
    """How many of a team's tanks need an entry of their own at the start."""
    return 0 if team.wave else len(team.tanks)


def layouts_of(scenario: Scenario) -> tuple[np.ndarray, list[int], list[maps.Map]]:
    """Every start position: a LAYOUT array, the team of each base, and the maps in every rotation that is drawn."""
    turns = range(4 if scenario.random_rotation else 1)
    loaded = [maps.rotated(one, quarter_turns) for one in load_maps(scenario) for quarter_turns in turns]
    found, base_teams = [], None
    for number, one in enumerate(loaded):
        for sides in _sides(scenario, one):
            for bases in _base_choices(scenario, one, sides):
                teams = [team for team, _ in bases]
                if base_teams is not None and teams != base_teams:
                    raise ScenarioError(f"map {one.name!r} has bases of teams {teams}, the first map {base_teams}")
                if len(teams) > MAX_BASES:
                    raise ScenarioError(f"map {one.name!r} has {len(teams)} bases in play; at most {MAX_BASES}")
                base_teams = teams
                found.append(_layout(scenario, one, number, sides, [place for _, place in bases]))
    return np.concatenate(found), base_teams or [], loaded


def _sides(scenario: Scenario, one: maps.Map) -> list[tuple[int, ...]]:
    """Which side of the map each team takes, where sides may be swapped: all rotations of the teams.

    On a map with more sides than teams, all ways to choose and share them out. In `siege` the attackers swap.
    """
    teams = len(scenario.teams)
    swapping = {"skirmish": teams, "versus": teams, "siege": teams - 1}.get(scenario.mode, 0)
    if not scenario.swap_sides or swapping < 2:
        return [tuple(range(teams))]
    sides = sum(1 for entries in one.entries if entries)
    if swapping == teams < sides:
        return list(permutations(range(sides), teams))
    rest = tuple(range(swapping, teams))
    return [(*((t + k) % swapping for t in range(swapping)), *rest) for k in range(swapping)]


def _base_choices(scenario: Scenario, one: maps.Map, sides: tuple[int, ...]) -> list[list[tuple[int, Point]]]:
    """The sets of bases (team, place) that episodes on this map may have."""
    owned = [(t, place) for t in scenario.base_teams for place in one.bases[sides[t - 1]]]
    if scenario.mode != "scout" or scenario.targets in (0, len(owned)):
        return [owned]
    if scenario.targets > len(owned):
        raise ScenarioError(f"targets={scenario.targets}: map {one.name!r} has only {len(owned)}")
    return [list(choice) for choice in combinations(owned, scenario.targets)]


def _layout(scenario: Scenario, one: maps.Map, number: int, sides, bases: list[Point]) -> np.ndarray:
    array = np.zeros(1, LAYOUT)
    layout = array[0]
    tiles = one.tiles.copy()
    tiles[tiles == BASE] = EMPTY
    for b, (x, y) in enumerate(bases):
        layout["base_x"][b], layout["base_y"][b] = x, y
        tiles[y // TILE - 1 : y // TILE + 1, x // TILE - 1 : x // TILE + 1] = BASE
    layout["height"], layout["width"] = tiles.shape
    layout["terrain"][: tiles.size] = tiles.ravel()
    layout["map"] = number
    layout["x"][:] = layout["y"][:] = -1
    slot = 0
    for t, team in enumerate(scenario.teams):
        entries = one.entries[sides[t]][:MAX_ENTRIES]
        layout["entries"][t] = len(entries)
        for e, (x, y) in enumerate(entries):
            layout["entry_x"][t, e], layout["entry_y"][t, e] = x, y
        for place in _posts(scenario, t, entries, bases):
            layout["x"][slot], layout["y"][slot] = place
            layout["heading"][slot] = _facing(place, tiles.shape)
            slot += 1
        if team.wave:
            layout["heading"][slot : slot + len(team.tanks)] = DOWN
            slot += len(team.tanks)
    return array


def _posts(scenario: Scenario, t: int, entries: tuple[Point, ...], bases: list[Point]) -> list[Point]:
    """Where the tanks of team t (from 0) start: guards of `scout` next to targets, others spread over their entries."""
    count = _at_start(scenario.teams[t])
    if count > len(entries):
        if scenario.mode != "defend":
            raise ScenarioError(
                f"swap_sides=True: team {t + 1} starts with {count} tanks at once, and on one of the sides that it "
                f"takes the map has {len(entries)} entries: put more there, or set swap_sides=False"
            )
        return [*entries, *[(-1, -1)] * (count - len(entries))]  # the rest enter as soon as there is room
    if scenario.mode == "scout" and t == len(scenario.teams) - 1:
        nearest = sorted(entries, key=lambda e: (min(max(abs(e[0] - x), abs(e[1] - y)) for x, y in bases), e))
        return nearest[:count]
    # Evenly spaced and the same from both ends, so that a mirrored map gives mirrored teams.
    spread = [round(k * (len(entries) - 1) / (count - 1)) for k in range(count)] if count > 1 else []
    if count == 1:
        spread = [(len(entries) - 1) // 2]
    return [entries[k] for k in spread]


def _facing(place: Point, shape: tuple[int, int]) -> int:
    """Towards the middle of the field, along the axis that lies farther from it."""
    dx, dy = shape[1] * TILE // 2 - place[0], shape[0] * TILE // 2 - place[1]
    if abs(dx) > abs(dy):
        return RIGHT if dx > 0 else LEFT
    return UP if dy < 0 else DOWN
