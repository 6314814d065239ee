"""A world as text: for terminals, logs and tests. At most 80 columns and 30 rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..params import BRICK, FOREST, ICE, MAX_TEAMS, NOBODY, POWER_UPS, RUNNING, STEEL, WATER

CELLS = 26
"""Rows and columns of cells, two characters each; a larger field shows a block of 2x2 tiles in a cell."""

_TEAM_LETTERS = "ABCD"
_BRICK_HALF = " ▀▄█"  # by the quarters of one column: 1 the upper, 2 the lower
_TERRAIN = {STEEL: "▓▓", WATER: "~~", FOREST: "%%", ICE: "··"}
_BRICK_COLOUR = "38;5;131"
_COLOURS = {STEEL: "38;5;250", WATER: "38;5;33", FOREST: "38;5;34", ICE: "38;5;153"}
_TEAM_COLOURS = ("1;38;5;75", "1;38;5;214", "1;38;5;176", "1;38;5;79")


def ansi(env: Any, i: int = 0, colour: bool = False) -> str:
    """World i of a batched environment as text, one cell of two characters a tile; colour: with ANSI colours.

    Tanks cover 2x2 cells: team letter, number in the team, and where the gun points. `*` is a bullet, `HELM`,
    `TIME`, `SHOV`, `TANK`, `STAR`, `GREN` a power-up, `/AA\\` a base and `xxxx` its ruin.
    """
    world, spec = env.worlds[i], env.view.spec[0]
    canvas = _Canvas(world)
    _draw_terrain(canvas, world)
    for base in world["bases"][: spec["num_bases"]]:
        letter = _TEAM_LETTERS[base["team"] - 1]
        rows = (f"/{letter}{letter}\\", "|__|") if base["alive"] else ("xxxx", "xxxx")
        canvas.block(base["x"], base["y"], rows, _TEAM_COLOURS[base["team"] - 1])
    numbers = _numbers(spec)
    for k in range(int(spec["num_tanks"])):
        _draw_tank(canvas, world["tanks"][k], numbers[k])
    for k in range(2 * int(spec["num_tanks"])):
        bullet = world["bullets"][k]
        if bullet["speed"]:
            canvas.point(bullet["x"], bullet["y"], "*", "1;37")
    if world["power_up"] != NOBODY:
        name = POWER_UPS[world["power_up"]][:4].upper()
        canvas.block(world["power_up_x"], world["power_up_y"], (name, "\\__/"), "1;33")
    edge = "-" * (2 * canvas.columns)
    lines = [_headline(env, world), f"+{edge}+", *canvas.lines(colour), f"+{edge}+", _teams_line(world, spec)]
    return "\n".join(line[:80] if not colour else line for line in lines)


class _Canvas:
    """Characters and their colours, [rows, 2 * columns]."""

    def __init__(self, world: np.void):
        width, height = int(world["width"]), int(world["height"])
        self.tiles = 1 if max(width, height) <= CELLS else 2  # tiles a cell, each way
        self.columns, self.rows = -(-width // self.tiles), -(-height // self.tiles)
        self.marks = np.full((self.rows, 2 * self.columns), " ", "U1")
        self.colours = np.full((self.rows, 2 * self.columns), "", "U16")

    def put(self, row: int, column: int, text: str, colour: str) -> None:
        """Write text at a character's place; what lies outside is left out."""
        for k, mark in enumerate(text):
            if 0 <= row < self.rows and 0 <= column + k < 2 * self.columns:
                self.marks[row, column + k], self.colours[row, column + k] = mark, colour

    def point(self, x: int, y: int, mark: str, colour: str) -> None:
        """One character at a place in px."""
        size = 8 * self.tiles
        self.put(int(y) // size, 2 * int(x) // size, mark, colour)

    def block(self, x: int, y: int, rows: tuple[str, str], colour: str) -> None:
        """Something of 16 px with its centre at (x, y): 2x2 cells, or one where a cell is a block."""
        if self.tiles == 2:
            self.put(int(y) // 16, int(x) // 16 * 2, rows[0][1:3], colour)
            return
        column, row = (int(x) - 4) >> 3, (int(y) - 4) >> 3
        for k in range(2):
            self.put(row + k, 2 * column, rows[k], colour)

    def lines(self, colour: bool) -> list[str]:
        """The rows between borders."""
        if not colour:
            return ["|" + "".join(row) + "|" for row in self.marks]
        painted = [_paint(*row) for row in zip(self.marks, self.colours, strict=True)]
        return [f"|{row}|" for row in painted]


def _paint(marks: np.ndarray, colours: np.ndarray) -> str:
    """One row with an escape sequence wherever the colour changes."""
    out, last = "", ""
    for mark, colour in zip(marks.tolist(), colours.tolist(), strict=True):
        if colour != last:
            out += f"\x1b[{colour or 0}m" if not last or not colour else f"\x1b[0;{colour}m"
            last = colour
        out += mark
    return out + "\x1b[0m" if last else out


def _draw_terrain(canvas: _Canvas, world: np.void) -> None:
    width, height = int(world["width"]), int(world["height"])
    tiles = world["terrain"][: width * height].reshape(height, width)
    for row in range(canvas.rows):
        for column in range(canvas.columns):
            top, left = row * canvas.tiles, column * canvas.tiles
            code = int(tiles[top : top + canvas.tiles, left : left + canvas.tiles].max())
            if 0 < code <= BRICK:
                halves = (code & 1) + (code >> 1 & 2), (code >> 1 & 1) + (code >> 2 & 2)
                canvas.put(row, 2 * column, "".join(_BRICK_HALF[half] for half in halves), _BRICK_COLOUR)
            elif code in _TERRAIN:
                canvas.put(row, 2 * column, _TERRAIN[code], _COLOURS[code])


def _numbers(spec: np.void) -> list[str]:
    """Team letter and number in the team of every tank: A0, A1, ... B0; beyond nine, letters."""
    names, counts = [], [0] * MAX_TEAMS
    for team in spec["team"][: spec["num_tanks"]].tolist():
        names.append(_TEAM_LETTERS[team - 1] + "0123456789abcdefghijklmnopqrstuvwxyzABCD"[counts[team - 1]])
        counts[team - 1] += 1
    return names


def _draw_tank(canvas: _Canvas, tank: np.void, name: str) -> None:
    colour = _TEAM_COLOURS[tank["team"] - 1]
    if not tank["alive"]:
        return
    if tank["entering"] > 0:
        canvas.block(tank["x"], tank["y"], ("\\" + name + "/", "/++\\"), colour)
        return
    heading = int(tank["heading"])
    if canvas.tiles == 2:
        canvas.block(tank["x"], tank["y"], (f" {name[0]}{'^>v<'[heading]} ", ""), colour)
    elif heading in (0, 2):
        rows = (("[^^]", f"[{name}]"), (f"[{name}]", "[vv]"))[heading == 2]
        canvas.block(tank["x"], tank["y"], rows, colour)
    else:
        pattern = "[{}=>" if heading == 1 else "<={}]"
        canvas.block(tank["x"], tank["y"], (pattern.format(name[0]), pattern.format(name[1])), colour)


def _headline(env: Any, world: np.void) -> str:
    outcome = int(world["outcome"])
    ended = {RUNNING: "", 0: " - draw"}.get(outcome, f" - team {outcome} wins")
    clock = f"step {int(world['step'])}/{env.max_steps}  frame {int(world['frame'])}"
    return f"{env.scenario.name}  {clock}{ended}"


def _teams_line(world: np.void, spec: np.void) -> str:
    parts = []
    for t in range(int(spec["num_teams"])):
        tanks = world["tanks"][spec["team_first"][t] : spec["team_first"][t] + spec["team_size"][t]]
        waiting = int(spec["wave_size"][t]) - int(world["entered"][t])
        coming = f" +{waiting}" if waiting > 0 else ""
        parts.append(f"{_TEAM_LETTERS[t]}: {int(tanks['alive'].sum())}/{len(tanks)} tanks{coming}")
    return "   ".join(parts)
