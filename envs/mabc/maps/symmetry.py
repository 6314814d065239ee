"""Turning and mirroring maps."""

from collections.abc import Callable

import numpy as np

from ..params import BRICK, TILE
from .grammar import Map, Point, check_map, parse


def symmetries(map: Map) -> dict[str, tuple[int, ...]]:
    """The symmetries of a map, each with the team that takes the place of team 1, 2, …

    A symmetry keeps the terrain and takes the entries and bases of each team to those of one team. Keys:
    `mirror_x` (left and right change places), `mirror_y`, `rotate_180`, `rotate_90` (clockwise, square maps
    only). One that maps to (2, 1) makes a map fair for two teams.
    """
    check_map(map, "symmetries")
    homes: list[tuple[set[Point], ...]] = [
        (set(entries), set(bases)) for entries, bases in zip(map.entries, map.bases, strict=True)
    ]
    while homes and not any(homes[-1]):
        homes.pop()
    found = {}
    for name, steps in _SYMMETRIES.items():
        if not np.array_equal(_turn_tiles(map.tiles, steps), map.tiles):
            continue
        moved = [tuple({_turn_point(p, steps, map.tiles.shape) for p in kind} for kind in home) for home in homes]
        if all(home in homes for home in moved):
            found[name] = tuple(homes.index(home) + 1 for home in moved)
    return found


def rotated(map: Map, quarter_turns: int = 1) -> Map:
    """The map turned clockwise, called "<name>, turned <degrees>"; itself for no turn.

    Its entries and bases are in order of reading again.
    """
    check_map(map, "rotated")
    turns = quarter_turns % 4
    if turns == 0:
        return map
    header = ["tiles"] * (map.unit == "tile")
    rows = map.text.split("\n")[len(header) :]
    for _ in range(turns):
        rows = ["".join(column).translate(_QUARTERS) for column in zip(*reversed(rows), strict=True)]
    name = ", ".join(filter(None, [map.name, f"turned {90 * turns}"]))
    return parse("\n".join(header + rows), name=name)


# Every symmetry of a rectangle is made of two steps: t, columns and rows change places; x, left and right do.
_SYMMETRIES = {"mirror_x": "x", "mirror_y": "txt", "rotate_180": "xtxt", "rotate_90": "tx"}


def _brick_table(bit_of: Callable[[int, int], int]) -> np.ndarray:
    """The codes after a step that takes the quarter at (down, right) to the bit `bit_of(down, right)`."""
    table = np.arange(256, dtype=np.uint8)
    for mask in range(1, BRICK + 1):
        quarters = [(down, right) for down in (0, 1) for right in (0, 1) if mask >> (2 * down + right) & 1]
        table[mask] = sum(1 << bit_of(down, right) for down, right in quarters)
    return table


_BRICKS = {
    "t": _brick_table(lambda down, right: 2 * right + down),
    "x": _brick_table(lambda down, right: 2 * down + 1 - right),
}


def _turn_tiles(tiles: np.ndarray, steps: str) -> np.ndarray:
    for step in steps:
        tiles = _BRICKS[step][tiles.T if step == "t" else tiles[:, ::-1]]
    return tiles


def _turn_point(point: Point, steps: str, shape: tuple[int, ...]) -> Point:
    (x, y), (height, width) = point, shape
    for step in steps:
        if step == "t":
            x, y, height, width = y, x, width, height
        else:
            x = TILE * width - x
    return x, y


# Partial bricks as a map's text has them, turned clockwise.
_QUARTERS = {ord(f"{mask:x}"): f"{_BRICKS['x'][_BRICKS['t'][mask]]:x}" for mask in range(1, BRICK)}
