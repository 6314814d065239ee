"""Names of tanks: the team's colour and the number in the team, `blue_0`, of the form that PettingZoo asks for."""

from __future__ import annotations

from collections.abc import Iterable

from .params import TEAM_NAMES


def names_of(teams: Iterable[int]) -> list[str]:
    """A name for each tank, whose team (from 1) is given: blue_0, blue_1, ..., orange_0, ..."""
    counts: dict[int, int] = {}
    names = []
    for team in teams:
        names.append(f"{TEAM_NAMES[team - 1]}_{counts.get(team, 0)}")
        counts[team] = counts.get(team, 0) + 1
    return names


def team_of(name: str) -> int:
    """The team, from 1, of a tank that `names_of` named."""
    return TEAM_NAMES.index(name.partition("_")[0]) + 1
