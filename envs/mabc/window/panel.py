"""The panel beside a game that people play: clock, teams, and how each person does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..params import PLAYER, TYPES
from ..render.sprites import SHEET
from ..scenarios import Scenario
from . import font
from .game import Game
from .shell import DIM, FAINT, GOLD, GREEN, LINE, RED, TEAMS, TEXT, WHITE, Pen, tank_art
from .words import clock

ICON = 16
MOST_ICONS = 12
"""Larger teams are counted."""
HURRY = 10  # seconds left when the clock turns red


@dataclass(frozen=True)
class TeamStatus:
    """One team: its tanks (type, level, whether it is still in the game), how many come after them, its bases."""

    team: int
    tanks: list[tuple[int, int, bool]]
    left: int
    total: int
    bases: list[bool]


def team_status(scenario: Scenario, world: np.void) -> list[TeamStatus]:
    """How every team stands; world: a record of state.WORLD."""
    found, slot = [], 0
    for number, team in enumerate(scenario.teams, 1):
        rows = world["tanks"][slot : slot + len(team.tanks)]
        slot += len(team.tanks)
        tanks = [(int(tank["type"]), int(tank["level"]), bool(tank["alive"] or tank["lives"] > 0)) for tank in rows]
        bases = [bool(base["alive"]) for base in world["bases"] if base["team"] == number]
        if team.wave:
            left = int(len(team.wave) - world["entered"][number - 1] + rows["alive"].sum())
            found.append(TeamStatus(number, [], left, len(team.wave), bases))
        else:
            left = int(sum(max(int(tank["lives"]), int(tank["alive"])) for tank in rows))
            found.append(TeamStatus(number, tanks, left, len(tanks) * team.lives, bases))
    return found


def draw_panel(pen: Pen, game: Game, fog: bool, foot: list[tuple[str, str]]) -> None:
    """Paint it; foot: keys and what they do."""
    x, y, room = 6, 7, pen.width - 12
    pen.text(x, y, game.scenario.name, WHITE, room=room)
    pen.text(x, y + font.LINE, f"seed {game.seed}" + ("  fog" if fog else ""), DIM, room=room)
    y = _draw_clock(pen, x, y + 2 * font.LINE + 4, room, game)
    for status in team_status(game.scenario, game.world):
        y = _draw_team(pen, x, y, room, status, game.teams)
    y = _rule(pen, x, y, room)
    for person in range(len(game.people)):
        y = _draw_person(pen, x, y, room, game, person)
    y = pen.height - len(foot) * font.LINE - 4
    for key, words in foot:
        pen.text(x + 8, y, key, GOLD, align="middle")
        pen.text(x + 22, y, words, DIM)
        y += font.LINE


def _rule(pen: Pen, x: int, y: int, room: int) -> int:
    pen.box(x, y, room, 1, LINE)
    return y + 6


def _draw_clock(pen: Pen, x: int, y: int, room: int, game: Game) -> int:
    left = game.seconds_left
    share = left * 60 / game.scenario.max_steps
    hurry = left <= HURRY and not game.ended
    colour = RED if hurry and int(left * 2) % 2 == 0 else WHITE
    pen.text(x, y, clock(left), colour, size=2)
    pen.text(x + room, y + 6, "left", DIM, align="right")
    pen.box(x, y + 20, room, 3, LINE)
    pen.box(x, y + 20, room * share, 3, RED if hurry else GREEN)
    return y + 30


def _draw_team(pen: Pen, x: int, y: int, room: int, status: TeamStatus, people: list[int]) -> int:
    """A heading in the team's colour, its tanks as icons, its bases."""
    _, middle, light = TEAMS[status.team]
    pen.box(x, y, 2, font.HEIGHT - 1, middle)
    name = f"Team {status.team}" + (" · you" if status.team in people else "")
    pen.text(x + 6, y, name, light if status.left else FAINT)
    pen.text(x + room, y, f"{status.left}", light if status.left else FAINT, align="right")
    y += font.LINE
    icons: list[tuple[np.ndarray, bool]] = [(SHEET.bases[int(alive)], not alive) for alive in status.bases]
    if status.tanks and len(status.tanks) <= MOST_ICONS:
        icons = [(tank_art(kind, level), not alive) for kind, level, alive in status.tanks] + icons
    else:
        kind = status.tanks[0][0] if status.tanks else TYPES.index("basic")
        icons = [(tank_art(kind), not status.left)] + icons
        pen.text(x + room, y + 4, f"of {status.total}", DIM, align="right")
    a_row = room // (ICON + 1)
    for k, (art, faded) in enumerate(icons):
        pen.sprite(x + k % a_row * (ICON + 1), y + k // a_row * (ICON + 1), art, status.team, faded)
    return y + -(-len(icons) // a_row) * (ICON + 1) + 5


def _draw_person(pen: Pen, x: int, y: int, room: int, game: Game, person: int) -> int:
    tank, team = game.tank(person), game.teams[person]
    kind, level = int(tank["type"]), int(tank["level"])
    pen.sprite(x, y, tank_art(kind, level), team, faded=not tank["alive"])
    label = f"Player {person + 1}" if len(game.people) > 1 else "You"
    pen.text(x + ICON + 5, y, label, WHITE)
    pen.text(x + room, y, f"{game.returns[person]:+.2f}", TEXT, align="right")
    words, colour = _state(game, tank)
    pen.text(x + ICON + 5, y + font.LINE - 2, words, colour, room=room - ICON - 5)
    return y + 2 * font.LINE + 2


def _state(game: Game, tank: np.void) -> tuple[str, tuple[int, int, int]]:
    """How a person's tank is, in two words."""
    lives = int(tank["lives"])
    if not tank["alive"]:
        return ("back soon", DIM) if lives > 0 else ("destroyed", RED)
    if game.world["frozen"][tank["team"] - 1] > 0:
        return "frozen", TEAMS[1][2]
    if tank["stun"] > 0:
        return "stunned", GOLD
    if tank["entering"] > 0:
        return "entering", DIM
    if game.scenario.teams[int(tank["team"]) - 1].lives > 1:
        return f"{lives} {'lives' if lives > 1 else 'life'}", DIM
    if tank["hits"] > 1:
        return f"{int(tank['hits'])} hits left", DIM
    return (f"level {int(tank['level'])}" if tank["type"] == PLAYER and tank["level"] else "in action"), DIM
