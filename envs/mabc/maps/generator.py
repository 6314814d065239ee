"""Maps from a seed: patches of terrain, repeated by a symmetry so that no team has an advantage, and ways
carved through them so that whatever must be reachable is.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..params import MODES
from .grammar import BASE_LETTERS, ENTRY_LETTERS, MAX_BLOCKS, Map, MapError, nearest, parse

MIN_SIDE = 7

Cell = tuple[int, int]  # column, row of a block
Turn = Callable[[Cell, int, int], Cell]  # a cell of a width x height map → its image under a symmetry

_KINDS = "#####@~%%_"  # drawn from evenly: half of the patches are brick
_COST = {
    ".": 1,
    "_": 1,
    "%": 1,
    "#": 2,
    "@": 5,
    "~": 5,
}  # of a way through a block: it goes round steel and water
_RING_COST = 100  # a way opens the brick round a base only where there is no other


def _same(cell: Cell, width: int, height: int) -> Cell:
    return cell


def _mirror_x(cell: Cell, width: int, height: int) -> Cell:
    return width - 1 - cell[0], cell[1]


def _mirror_y(cell: Cell, width: int, height: int) -> Cell:
    return cell[0], height - 1 - cell[1]


def _rotate_180(cell: Cell, width: int, height: int) -> Cell:
    return width - 1 - cell[0], height - 1 - cell[1]


def _rotate_90(cell: Cell, width: int, height: int) -> Cell:
    return height - 1 - cell[1], cell[0]


def _rotate_270(cell: Cell, width: int, height: int) -> Cell:
    return cell[1], width - 1 - cell[0]


@dataclass
class _Plan:
    """What a map is drawn round: for team 1, 2, … the cells of its entries and of its bases."""

    width: int
    height: int
    turns: Sequence[Turn]  # the symmetry of the terrain: the images of a cell get what the cell gets
    walled: bool = False  # brick round the bases
    entries: list[list[Cell]] = field(default_factory=list)
    bases: list[list[Cell]] = field(default_factory=list)
    approaches: list[Cell] = field(default_factory=list)  # cells outside the brick to which a way must lead

    def orbit(self, cells: Iterable[Cell]) -> set[Cell]:
        return {turn(cell, self.width, self.height) for cell in cells for turn in self.turns}

    def ring(self, base: Cell) -> set[Cell]:
        around = {(base[0] + right, base[1] + down) for right in (-1, 0, 1) for down in (-1, 0, 1)} - {base}
        return {cell for cell in around if self.holds(cell)}

    def holds(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.width and 0 <= cell[1] < self.height

    def centre(self) -> list[Cell]:
        """One, two or four cells in the middle, which every symmetry keeps together."""
        columns = {(self.width - 1) // 2, self.width // 2}
        return [(col, row) for col in sorted(columns) for row in sorted({(self.height - 1) // 2, self.height // 2})]


def generate(
    seed: int,
    width: int = 13,
    height: int = 13,
    teams: int = 2,
    entries: int | Sequence[int] = 5,
    bases: bool = False,
    symmetric: bool = True,
    density: float = 0.35,
    mode: str = "skirmish",
) -> Map:
    """A map called `generator:<seed>`; the same arguments give the same map on every machine.

    width, height: blocks, 7 to 26; three and four teams need a square. entries: places a team, or one number
    for each team. bases: each team has one (always so in `versus`; the other modes know which they need).
    symmetric: no team has an advantage: rotated or mirrored for two teams, turned by 90 degrees for three and
    four, left and right alike in `defend` and `siege` of odd width; `scout` is never symmetric. density:
    share of the free blocks that get terrain, 0 to 0.9. mode: `skirmish` and `versus` (2 to 4 teams);
    `defend` (entries and base of the players at the bottom, three entries at the top), `siege` (a base at the
    top with guards round it), `scout` (up to four places for a target in the upper part, or more if team 2
    has more than eight entries, two posts beside each): 2 teams.

    Between all entries, and to the brick round every base, there is a way without a shot.
    Raises MapError for arguments that cannot be met, and ValueError for an unknown mode.
    """
    _check_arguments(seed, width, height, teams, density, mode)
    rng = np.random.Generator(np.random.PCG64(seed))
    counts = _counts(entries, teams)
    # A battle of two from left to right is one from top to bottom with columns and rows exchanged.
    sideways = mode in ("skirmish", "versus") and teams == 2 and rng.random() < 0.5
    if sideways:
        width, height = height, width
    plan = _plan(rng, mode, width, height, counts, bases or mode == "versus")
    if not symmetric:
        plan.turns = (_same,)
    grid = _draw(rng, plan, density)
    if sideways:
        grid = [list(column) for column in zip(*grid, strict=True)]
    return parse("\n".join(map("".join, grid)), name=f"generator:{seed}")


def _check_arguments(seed: int, width: int, height: int, teams: int, density: float, mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: did you mean {nearest(str(mode), MODES)!r}?")
    for name, value in (("seed", seed), ("width", width), ("height", height), ("teams", teams)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name}={value!r}: generate() takes a whole number there, not {type(value).__name__}")
    if seed < 0:
        raise MapError(f"seed={seed}: a number from 0")
    if not (MIN_SIDE <= width <= MAX_BLOCKS and MIN_SIDE <= height <= MAX_BLOCKS):
        raise MapError(f"{width}x{height} blocks: each side is {MIN_SIDE} to {MAX_BLOCKS}")
    if not 0 <= density <= 0.9:
        raise MapError(f"density={density}: a share from 0 to 0.9")
    if mode in ("skirmish", "versus"):
        if not 2 <= teams <= len(ENTRY_LETTERS):
            raise MapError(f"teams={teams}: mode {mode!r} is for 2 to 4")
        if teams > 2 and width != height:
            raise MapError(f"{width}x{height} blocks: three and four teams need a square map")
    elif teams != 2:
        raise MapError(f"teams={teams}: mode {mode!r} is for 2")


def _counts(entries: int | Sequence[int], teams: int) -> list[int]:
    counts = [entries] * teams if isinstance(entries, int) else list(entries)
    if len(counts) != teams or min(counts) < 1:
        raise MapError(f"entries={entries!r}: one number from 1 for each of {teams} teams, or one for all")
    return counts


def _plan(rng: np.random.Generator, mode: str, width: int, height: int, counts: list[int], bases: bool) -> _Plan:
    if mode == "defend":
        return _plan_defend(width, height, counts)
    if mode == "siege":
        return _plan_siege(width, height, counts)
    if mode == "scout":
        return _plan_scout(rng, width, height, counts)
    return _plan_battle(rng, width, height, counts, bases)


def _plan_battle(rng: np.random.Generator, width: int, height: int, counts: list[int], bases: bool) -> _Plan:
    """Team 1 at the bottom, round its base; the others are its images, with as many places as they need."""
    if len(counts) == 2:
        turns: Sequence[Turn] = (_same, _rotate_180 if rng.random() < 0.5 else _mirror_y)
    else:
        turns = (_same, _rotate_90, _rotate_180, _rotate_270)
    plan = _Plan(width, height, turns, walled=bases)
    base, approach = (width // 2, height - 1), (width // 2, height - 3)
    places = _home(plan, max(counts), sector=len(counts) > 2)
    for count, turn in zip(counts, turns, strict=False):
        plan.entries.append([turn(cell, width, height) for cell in places[:count]])
        if bases:
            plan.bases.append([turn(base, width, height)])
            plan.approaches.append(turn(approach, width, height))
    return plan


def _plan_defend(width: int, height: int, counts: list[int]) -> _Plan:
    plan = _Plan(width, height, _left_as_right(width), walled=True)
    middle = width // 2
    plan.entries = [_home(plan, counts[0]), [(0, 0), (middle, 0), (width - 1, 0)]]
    plan.bases = [[(middle, height - 1)]]
    plan.approaches = [(middle, height - 3)]
    return plan


def _plan_siege(width: int, height: int, counts: list[int]) -> _Plan:
    plan = _Plan(width, height, _left_as_right(width), walled=True)
    base = (width // 2, 1)
    # Guards on a chequered pattern round the brick: the nearest first, left and right in turn.
    upper = [(col, row) for row in range((height - 1) // 2) for col in range(width)]
    chequered = [(col, row) for col, row in upper if (col - base[0] + row - base[1]) % 2]
    outside = [(abs(col - base[0]), row, col) for col, row in chequered if (col, row) not in plan.ring(base)]
    outside.sort(key=lambda spot: (max(spot[0], abs(spot[1] - base[1])), spot[1], spot))
    guards = [(col, row) for _, row, col in outside]
    plan.entries = [_home(plan, counts[0]), _first(guards, counts[1], plan)]
    plan.bases = [[], [base]]
    plan.approaches = [(base[0], base[1] + 2)]
    return plan


def _plan_scout(rng: np.random.Generator, width: int, height: int, counts: list[int]) -> _Plan:
    plan = _Plan(width, height, (_same,))
    # Places four blocks apart, so that the posts of two never meet.
    sites = [(col, row) for row in range(1, (height + 1) // 2, 4) for col in range(2, width - 1, 4)]
    free = [site for site in sites if site not in plan.centre()]
    wanted = max(min(4, len(free)), (counts[1] + 1) // 2)
    targets = _first(_shuffled(rng, free), wanted, plan)
    posts = []
    for col, row in targets:
        beside = [(col - 1, row), (col + 1, row), (col, row - 1), (col, row + 1)]
        posts += _shuffled(rng, beside)[:2]
    plan.entries = [_home(plan, counts[0]), posts]
    plan.bases = [[], targets]
    return plan


def _left_as_right(width: int) -> Sequence[Turn]:
    """A base of one block has no middle to stand in where the width is even, so nothing is mirrored there."""
    return (_same, _mirror_x) if width % 2 else (_same,)


def _home(plan: _Plan, count: int, sector: bool = False) -> list[Cell]:
    """Places for a team along the bottom, chequered, from the middle to the sides and then one row up.

    sector: keep to the quarter of the map between the two diagonals, for the other sides have teams too.
    """
    width, height, middle = plan.width, plan.height, plan.width // 2
    base = (middle, height - 1)
    taken = plan.ring(base) | {base} if plan.walled else set()
    cells = []
    for depth in range((height - 3) // 2):
        columns = range(depth + 1, width - 1 - depth) if sector else range(width)
        chequered = [col for col in columns if (col - middle) % 2 == depth % 2]
        cells += [(col, height - 1 - depth) for col in sorted(chequered, key=lambda col: (abs(col - middle), col))]
    return _first([cell for cell in cells if cell not in taken], count, plan)


def _first(cells: list[Cell], count: int, plan: _Plan) -> list[Cell]:
    if count > len(cells):
        raise MapError(
            f"{plan.width}x{plan.height} blocks have room for {len(cells)}, not {count}, entries or targets "
            "of a team in this mode: ask for fewer, or for a larger map"
        )
    return cells[:count]


def _draw(rng: np.random.Generator, plan: _Plan, density: float) -> list[list[str]]:
    """The map as rows of characters."""
    grid = [["."] * plan.width for _ in range(plan.height)]
    entries = [cell for cells in plan.entries for cell in cells]
    bases = [cell for cells in plan.bases for cell in cells]
    clear = plan.orbit(entries)
    ring = plan.orbit(cell for base in bases for cell in plan.ring(base)) - clear if plan.walled else set()
    _paint_patches(rng, grid, plan, density, reserved=clear | ring | plan.orbit(bases))
    _fill(grid, ring, "#")
    _carve(grid, plan, [*entries, *plan.approaches], ring, set(bases))
    for letters, places in ((ENTRY_LETTERS, plan.entries), (BASE_LETTERS, plan.bases)):
        for letter, cells in zip(letters, places, strict=False):
            _fill(grid, cells, letter)
    return grid


def _paint_patches(
    rng: np.random.Generator, grid: list[list[str]], plan: _Plan, density: float, reserved: set[Cell]
) -> None:
    wanted = density * (plan.width * plan.height - len(reserved))
    painted: set[Cell] = set()
    while len(painted) < wanted:
        kind = _KINDS[_below(rng, len(_KINDS))]
        patch = plan.orbit(cell for cell in _patch(rng, plan) if plan.holds(cell)) - reserved
        _fill(grid, patch, kind)
        painted |= patch


def _patch(rng: np.random.Generator, plan: _Plan) -> list[Cell]:
    """A row or column of one to four cells, or a square of four."""
    col, row = _below(rng, plan.width), _below(rng, plan.height)
    shape, length = _below(rng, 3), 1 + _below(rng, 4)
    if shape == 0:
        return [(col + step, row) for step in range(length)]
    if shape == 1:
        return [(col, row + step) for step in range(length)]
    return [(col, row), (col + 1, row), (col, row + 1), (col + 1, row + 1)]


def _carve(grid: list[list[str]], plan: _Plan, wanted: list[Cell], ring: set[Cell], walls: set[Cell]) -> None:
    """Opens the cheapest way from the centre to every wanted cell, and its images."""
    came_from = _ways_from(plan.centre(), grid, plan, ring, walls)
    way = set(plan.centre())
    for cell in wanted:
        while cell not in way:
            way.add(cell)
            cell = came_from[cell]
    blocked = {(col, row) for col, row in plan.orbit(way) if grid[row][col] in "#@~"}
    _fill(grid, blocked, ".")


def _ways_from(
    starts: list[Cell], grid: list[list[str]], plan: _Plan, ring: set[Cell], walls: set[Cell]
) -> dict[Cell, Cell]:
    """The cell before each one on the cheapest way from `starts` (Dijkstra); walls are never entered."""
    cost = dict.fromkeys(starts, 0)
    came_from: dict[Cell, Cell] = {}
    queue = [(0, cell) for cell in starts]
    while queue:
        so_far, (col, row) = heapq.heappop(queue)
        if so_far > cost[col, row]:
            continue
        for cell in ((col + 1, row), (col - 1, row), (col, row + 1), (col, row - 1)):
            if not plan.holds(cell) or cell in walls:
                continue
            total = so_far + (_RING_COST if cell in ring else _COST[grid[cell[1]][cell[0]]])
            if total < cost.get(cell, total + 1):
                cost[cell], came_from[cell] = total, (col, row)
                heapq.heappush(queue, (total, cell))
    return came_from


def _fill(grid: list[list[str]], cells: Iterable[Cell], char: str) -> None:
    for col, row in cells:
        grid[row][col] = char


# Random numbers are drawn one at a time by `random()` alone: of numpy's methods the one least likely to ever
# change.
def _below(rng: np.random.Generator, bound: int) -> int:
    return int(rng.random() * bound)


def _shuffled(rng: np.random.Generator, cells: list[Cell]) -> list[Cell]:
    return [cell for _, cell in sorted((rng.random(), cell) for cell in cells)]
