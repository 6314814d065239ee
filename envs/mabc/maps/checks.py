"""What is wrong with a map for a mode and its teams, and who can get where on it.

A tank covers 2x2 tiles, and whenever it turns it stands on the lattice of 8 px. So where it can be is a grid
of [H - 1, W - 1] positions, position [row, column] having its centre at x = 8 (column + 1), y = 8 (row + 1),
and where it can go is where steps between neighbours lead. Steel, water and bases block; brick can be shot
away.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..params import BASE, BRICK, MODES, STEEL, TILE, WATER
from .grammar import BASE_LETTERS, ENTRY_LETTERS, Map, Point, check_map, nearest, place


def problems(map: Map, mode: str, teams: Sequence[int]) -> list[str]:
    """Sentences that say what keeps a map from serving a mode, and what would do; none if all is well.

    mode: one of MODES; teams: the number of tanks of team 1, 2, …; a team of 0 tanks needs no entry.
    Raises ValueError for an unknown mode.
    """
    check_map(map, "problems")
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: did you mean {nearest(str(mode), MODES)!r}?")
    if len(teams) > len(ENTRY_LETTERS):
        return [f"{len(teams)} teams are too many: a map has letters for {len(ENTRY_LETTERS)}"]
    return [
        *_missing_entries(map, mode, teams),
        *_missing_bases(map, mode, teams),
        *_cut_off_entries(map, teams),
        *_cut_off_bases(map, mode, teams),
    ]


def fits(tiles: np.ndarray, through_brick: bool = True) -> np.ndarray:
    """Where a tank fits: bool [H - 1, W - 1] of positions. tiles: uint8 [H, W]."""
    blocked = (tiles == STEEL) | (tiles == WATER) | (tiles == BASE)
    if not through_brick:
        blocked |= (tiles > 0) & (tiles <= BRICK)
    return ~(blocked[:-1, :-1] | blocked[:-1, 1:] | blocked[1:, :-1] | blocked[1:, 1:])


def regions(tiles: np.ndarray, through_brick: bool = True) -> np.ndarray:
    """Numbers the regions between which no tank can drive: int32 [H - 1, W - 1], 0 where no tank fits."""
    free = np.pad(fits(tiles, through_brick), 1)  # the blocked rim saves every test for the border
    stride = free.shape[1]
    labels = free.astype(np.int32).ravel().tolist()  # 1: free, not numbered yet
    label = 1
    for start in np.flatnonzero(free).tolist():
        if labels[start] != 1:
            continue
        label += 1
        labels[start] = label
        stack = [start]
        while stack:
            here = stack.pop()
            for there in (here - 1, here + 1, here - stride, here + stride):
                if labels[there] == 1:
                    labels[there] = label
                    stack.append(there)
    numbered = np.array(labels, np.int32).reshape(free.shape)[1:-1, 1:-1]
    return np.maximum(numbered - 1, 0)


def reachable(tiles: np.ndarray, start: Point, through_brick: bool = True) -> np.ndarray:
    """Where a tank can get to: bool [H - 1, W - 1] of positions, all False where it does not fit at `start`.

    start: a centre (x, y) in px, multiples of 8. through_brick: whether it may shoot its way.
    Raises ValueError for a start that is no position of the map.
    """
    row, col = _position(start)
    if not (0 <= row < tiles.shape[0] - 1 and 0 <= col < tiles.shape[1] - 1) or start[0] % TILE or start[1] % TILE:
        raise ValueError(f"{start} is no position on the lattice of a map of {tiles.shape[1]}x{tiles.shape[0]} tiles")
    labels = regions(tiles, through_brick)
    return (labels == labels[row, col]) & (labels > 0)


def touching(tiles: np.ndarray, base: Point) -> np.ndarray:
    """Where a tank shares an edge with the base at centre `base` (px): bool [H - 1, W - 1] of positions."""
    row, col = _position(base)
    rows, cols = np.ogrid[: tiles.shape[0] - 1, : tiles.shape[1] - 1]
    down, right = abs(rows - row), abs(cols - col)
    return (np.maximum(down, right) == 2) & (np.minimum(down, right) < 2)


def _missing_entries(map: Map, mode: str, teams: Sequence[int]) -> list[str]:
    sentences = []
    for team, (letter, tanks) in enumerate(zip(ENTRY_LETTERS, teams, strict=False), 1):
        there = len(map.entries[team - 1])
        if tanks and not there:
            sentences.append(f"team {team} has no entry: put at least one {letter!r} on the map")
        elif there < tanks and mode != "defend":  # there team 2 enters by and by through a few entries
            missing = tanks - there
            sentences.append(
                f"team {team} starts with {tanks} tanks at once, the map has {there} of its entries: "
                f"put {missing} more {letter!r} on it, or take {missing} tank{'s' * (missing > 1)} away"
            )
    return sentences


def _base_owners(mode: str, teams: Sequence[int]) -> list[int]:
    if mode == "versus":
        return [team for team, tanks in enumerate(teams, 1) if tanks]
    last = max([2, *[team for team, tanks in enumerate(teams, 1) if tanks]])
    return {"defend": [1], "siege": [last], "scout": [last]}.get(mode, [])


def _missing_bases(map: Map, mode: str, teams: Sequence[int]) -> list[str]:
    return [
        f"mode {mode!r} needs a base of team {team}: put {BASE_LETTERS[team - 1]!r} on the map"
        for team in _base_owners(mode, teams)
        if not map.bases[team - 1]
    ]


def _cut_off_entries(map: Map, teams: Sequence[int]) -> list[str]:
    """Teams must get at each other: with two or more, all entries must be in one region."""
    labels = regions(map.tiles)
    regions_of = {team: [_label(labels, entry) for entry in entries] for team, entries in _playing(map, teams)}
    if len(regions_of) < 2:
        return []
    main = Counter(label for found in regions_of.values() for label in found).most_common(1)[0][0]
    return [
        f"the entry {ENTRY_LETTERS[team - 1]!r} at {place(map, map.entries[team - 1][index])} is cut off: "
        "no way leads from it to the enemy's entries, even through brick; "
        "clear a gap of one block in the steel or water round it"
        for team, found in regions_of.items()
        for index, label in enumerate(found)
        if label != main
    ]


def _cut_off_bases(map: Map, mode: str, teams: Sequence[int]) -> list[str]:
    labels = regions(map.tiles)
    sentences = []
    for owner in _base_owners(mode, teams):
        for base in map.bases[owner - 1]:
            near = set(labels[touching(map.tiles, base)].tolist())
            for team, entries in _playing(map, teams):
                far = [entry for entry in entries if team != owner and _label(labels, entry) not in near]
                if far:
                    sentences.append(
                        f"the base {BASE_LETTERS[owner - 1]!r} at {place(map, base)} cannot be reached by "
                        f"team {team} from its entry at {place(map, far[0])}, even through brick; "
                        "clear a gap of one block in the steel or water between them"
                    )
    return sentences


def _playing(map: Map, teams: Sequence[int]) -> list[tuple[int, tuple[Point, ...]]]:
    """(team, entries) of the teams that have tanks and a place for them."""
    return [(t, map.entries[t - 1]) for t, tanks in enumerate(teams, 1) if tanks and map.entries[t - 1]]


def _position(centre: Point) -> tuple[int, int]:
    return centre[1] // TILE - 1, centre[0] // TILE - 1


def _label(labels: np.ndarray, centre: Point) -> int:
    return int(labels[_position(centre)])
