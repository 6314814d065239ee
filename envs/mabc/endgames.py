"""Endgames: small set positions with a known winning line, to see at once whether a policy has learnt anything."""

from __future__ import annotations

from dataclasses import dataclass

from .scenarios import Scenario


@dataclass(frozen=True)
class Endgame:
    """A position and a line that wins it: one tuple of actions, one an agent, for each step."""

    scenario: Scenario
    line: tuple[tuple[int, ...], ...]


ENDGAMES: tuple[Endgame, ...] = ()
