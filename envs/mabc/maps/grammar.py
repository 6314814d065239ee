"""The text of a map: reading it, writing it, and saying what is wrong with one that cannot be read."""

import difflib
import hashlib
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..params import (
    BASE,
    BLOCK,
    BRICK,
    EMPTY,
    FOREST,
    ICE,
    MAX_BASES,
    MAX_ENTRIES,
    MAX_TILES,
    STEEL,
    TILE,
    WATER,
)

UNITS = ("block", "tile")
ENTRY_LETTERS = "ABCD"
BASE_LETTERS = "EFGH"
MIN_BLOCKS = 3
MAX_BLOCKS = MAX_TILES // 2
MAX_BYTES = 64 * 1024

_GROUND = {".": EMPTY, "#": BRICK, "@": STEEL, "~": WATER, "%": FOREST, "_": ICE}
_PARTIAL = {f"{mask:x}": mask for mask in range(1, BRICK)}
_LETTERS = ENTRY_LETTERS + BASE_LETTERS
_MEANING = {".": "empty", "#": "brick", "@": "steel", "~": "water", "%": "forest", "_": "ice"} | {
    letter: f"{kind} of team {team}"
    for kind, letters in (("entry", ENTRY_LETTERS), ("base", BASE_LETTERS))
    for team, letter in enumerate(letters, 1)
}

# Characters that people and other tools write for a terrain, and the key one shift away from the right one.
_SLIPS = {
    **dict.fromkeys(" \t,>·0", "."),
    **dict.fromkeys("xX3£+|█▓▒", "#"),
    **dict.fromkeys("2$Ss■", "@"),
    **dict.fromkeys("`wW≈˜", "~"),
    **dict.fromkeys("5&*^tT♣", "%"),
    **dict.fromkeys("-iI–—", "_"),
    **{letter.lower(): letter for letter in _LETTERS},
}

_CODES = np.zeros(128, np.uint8)
for _char, _code in (_GROUND | _PARTIAL | dict.fromkeys(BASE_LETTERS, BASE)).items():
    _CODES[ord(_char)] = _code
_CHARS = {code: char for char, code in (_GROUND | _PARTIAL).items()}

Point = tuple[int, int]
TeamPoints = tuple[tuple[Point, ...], ...]


class MapError(ValueError):
    """A map that cannot be read or found; the message says where, why, and what would do."""


@dataclass(frozen=True)
class Map:
    """A map that has been read.

    name: for people; `text`: canonical (line feeds, no blank edges; a tile map starts with the line `tiles`),
    so that `parse(map.text) == map` but for the name. unit: "block" or "tile", what a character stands for.
    tiles: uint8 [H, W], read-only, the terrain codes of params.py, one a tile of 8 px; nothing under an
    entry. entries, bases: for each of four teams the centres (x, y) in px, in order of reading.
    """

    name: str
    text: str
    unit: str
    tiles: np.ndarray = field(compare=False, repr=False)
    entries: TeamPoints
    bases: TeamPoints

    @property
    def width(self) -> int:
        """Width in blocks of 16 px."""
        return self.tiles.shape[1] // 2

    @property
    def height(self) -> int:
        """Height in blocks of 16 px."""
        return self.tiles.shape[0] // 2

    @property
    def hash(self) -> str:
        """sha256 of the canonical text, in hex: what the split and a replay know a map by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse(text: str, unit: str = "block", name: str = "", need_entries: bool = True) -> Map:
    """Reads a map.

    unit: what a character stands for, "block" (16 px) or "tile" (8 px); a first line `tiles` makes it "tile".
    Common indentation, blank lines around the map and spaces at the ends of lines do not count.
    need_entries: False reads a map without any entry too, as `to_text` writes it.
    Raises MapError, with rows and columns counted from 1 (the line `tiles` is no row), and TypeError for what is no
    text.
    """
    if not isinstance(text, str):
        raise TypeError(f"parse() takes the text of a map, one str with a line for each row, not {wrong_type(text)}")
    try:
        return _parse(text, unit, name, need_entries)
    except MapError as error:
        if not name:
            raise
        raise MapError(f"map {name!r}: {error}") from None


def _parse(text: str, unit: str, name: str, need_entries: bool) -> Map:
    rows, unit = _rows(text, unit)
    _check_characters(rows, unit)
    _check_shape(rows, unit)
    entries, bases = _places(rows, unit)
    if need_entries and not any(entries):
        raise MapError("no entry: put at least one letter A (entry of team 1; B, C, D for teams 2 to 4)")
    header = ["tiles"] if unit == "tile" else []
    return Map(name, "\n".join(header + rows), unit, _tiles(rows, unit), entries, bases)


def to_text(tiles: np.ndarray, bases: Sequence[Sequence[Point]] = (), header: bool = False) -> str:
    """Writes terrain as the text of a tile map without entries: H lines of W characters.

    tiles: uint8 [H, W]; bases: per team the centres in px, as in `Map.bases`. header: put the line `tiles`
    first, as a file needs it. `parse(to_text(tiles, bases), "tile", need_entries=False)` has the same tiles
    and bases. Raises MapError for a code that is none and for BASE tiles that are not just those of `bases`, and
    TypeError for tiles that are no array.
    """
    if not isinstance(tiles, np.ndarray):
        raise TypeError(f"to_text() takes tiles as an array, uint8 [H, W], not {type(tiles).__name__}")
    chars = [[_CHARS.get(code, "") for code in row] for row in tiles.tolist()]
    for letter, centres in zip(BASE_LETTERS, bases, strict=False):
        for x, y in centres:
            for row, col in _square(y // TILE - 1, x // TILE - 1, 2):
                if tiles[row, col] != BASE:
                    raise MapError(f"base {letter} at ({x}, {y}) px stands on terrain code {tiles[row, col]}")
                chars[row][col] = letter
    for row, line in enumerate(chars):
        for col, char in enumerate(line):
            if not char:
                raise MapError(f"tile row {row}, column {col}: nothing is written for code {tiles[row, col]} here")
    return "\n".join(["tiles"] * header + ["".join(line) for line in chars])


def place(map: Map, point: Point) -> str:
    """Where a centre in px is in the map's text, for messages: "row 1, column 7", counted from 1."""
    cell_px = TILE if map.unit == "tile" else BLOCK
    return f"row {(point[1] - TILE) // cell_px + 1}, column {(point[0] - TILE) // cell_px + 1}"


def check_map(map: object, who: str) -> None:
    """Raise TypeError, with what would do, unless it is a Map; who: the function that was called."""
    if not isinstance(map, Map):
        raise TypeError(f"{who}() takes a Map, as mabc.maps.load() and parse() make it, not {type(map).__name__}")


def wrong_type(value: object) -> str:
    """What was given in place of what was wanted, for messages: its type, and how to make a text of it."""
    cure = {
        "list": r'; join its rows: "\n".join(rows)',
        "tuple": r'; join its rows: "\n".join(rows)',
        "bytes": "; decode it",
        "ndarray": "; mabc.maps.to_text writes tiles as text",
    }
    return type(value).__name__ + cure.get(type(value).__name__, "")


def nearest(word: str, words: Sequence[str]) -> str:
    """The one of `words` that looks most like `word`."""
    return difflib.get_close_matches(word, words, n=1, cutoff=0.0)[0]


def _rows(text: str, unit: str) -> tuple[list[str], str]:
    if unit not in UNITS:
        raise MapError(f"unknown unit {unit!r}: 'block' or 'tile'")
    if len(text) > MAX_BYTES:
        raise MapError(f"{len(text)} characters are too many: a map has at most {MAX_BYTES}")
    # Not str.splitlines, which also splits at characters that should be reported as wrong ones.
    lines = [line.rstrip() for line in textwrap.dedent(text.replace("\r\n", "\n")).strip("\n").split("\n")]
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    if not lines:
        raise MapError("the text is empty")
    if lines[0] == "tiles":
        lines, unit = lines[1:], "tile"
    elif lines[0].lower().rstrip(":s") == "tile":
        raise MapError(f"the first line is {lines[0]!r}: did you mean `tiles`?")
    if not lines:
        raise MapError("nothing follows the line `tiles`")
    return lines, unit


def _legal(unit: str) -> str:
    return "".join(_GROUND) + _LETTERS + ("".join(_PARTIAL) if unit == "tile" else "")


def _check_characters(rows: list[str], unit: str) -> None:
    legal = set(_legal(unit))
    for row, line in enumerate(rows, 1):
        for col, char in enumerate(line, 1):
            if char not in legal:
                raise MapError(f"row {row}, column {col}: {_wrong_character(char, unit)}")


def _wrong_character(char: str, unit: str) -> str:
    meant = "#" if (char, unit) == ("f", "tile") else _SLIPS.get(char)
    hint = f"; did you mean {meant!r} ({_MEANING[meant]})?" if meant else ";"
    if unit == "block" and char in _PARTIAL:
        hint += " Partial bricks are for tile maps, whose first line is `tiles`."
    ground = ", ".join(f"{known} {_MEANING[known]}" for known in _GROUND)
    partial = ", 1-9 and a-e partial brick" if unit == "tile" else ""
    letters = "A-D entries and E-H bases of teams 1-4"
    return f"{char!r} is no {unit} of a map{hint} Legal: {ground}{partial}, {letters}"


def _check_shape(rows: list[str], unit: str) -> None:
    width = Counter(map(len, rows)).most_common(1)[0][0]
    for row, line in enumerate(rows, 1):
        if len(line) != width:
            raise MapError(f"row {row} has {len(line)} characters, expected {width} as in most rows")
    height = len(rows)
    scale = 2 if unit == "tile" else 1
    if width % scale or height % scale:
        raise MapError(f"{width}x{height} tiles: both must be even, for a map is made of whole blocks of 2x2 tiles")
    if not all(MIN_BLOCKS <= side // scale <= MAX_BLOCKS for side in (width, height)):
        raise MapError(
            f"{width // scale}x{height // scale} blocks: "
            f"the least is {MIN_BLOCKS}x{MIN_BLOCKS}, the most {MAX_BLOCKS}x{MAX_BLOCKS}"
        )


def _places(rows: list[str], unit: str) -> tuple[TeamPoints, TeamPoints]:
    cell_px = TILE if unit == "tile" else BLOCK
    found: dict[str, list[Point]] = {letter: [] for letter in _LETTERS}
    for letter, row, col in _letters(rows, span=2 if unit == "tile" else 1):
        found[letter].append((cell_px * col + TILE, cell_px * row + TILE))
    entries = tuple(tuple(found[letter]) for letter in ENTRY_LETTERS)
    bases = tuple(tuple(found[letter]) for letter in BASE_LETTERS)
    for letter, places in zip(ENTRY_LETTERS, entries, strict=True):
        if len(places) > MAX_ENTRIES:
            raise MapError(f"{len(places)} entries {letter!r}: a team has at most {MAX_ENTRIES}")
    if sum(map(len, bases)) > MAX_BASES:
        raise MapError(f"{sum(map(len, bases))} bases: a map has at most {MAX_BASES}, all teams together")
    return entries, bases


def _letters(rows: list[str], span: int) -> Iterator[tuple[str, int, int]]:
    """(letter, row, column) of the squares of span x span cells with a letter, in order of reading.

    The first cell of a letter that no square has taken can only be the top left of one, so greedy is
    unambiguous.
    """
    taken: set[tuple[int, int]] = set()
    for row, line in enumerate(rows):
        for col, char in enumerate(line):
            if char not in _LETTERS or (row, col) in taken:
                continue
            square = set(_square(row, col, span))
            if square & taken or not all(_char_at(rows, cell) == char for cell in square):
                raise MapError(
                    f"row {row + 1}, column {col + 1}: in a tile map the {_MEANING[char]} covers 2x2 tiles, "
                    f"all four written {char!r}"
                )
            taken |= square
            yield char, row, col


def _square(row: int, col: int, span: int) -> list[tuple[int, int]]:
    return [(row + down, col + right) for down in range(span) for right in range(span)]


def _char_at(rows: list[str], cell: tuple[int, int]) -> str:
    row, col = cell
    return rows[row][col] if row < len(rows) and col < len(rows[row]) else ""


def _tiles(rows: list[str], unit: str) -> np.ndarray:
    cells = np.frombuffer("".join(rows).encode("ascii"), np.uint8).reshape(len(rows), -1)
    tiles = _CODES[cells]
    if unit == "block":
        tiles = tiles.repeat(2, axis=0).repeat(2, axis=1)
    tiles.flags.writeable = False
    return tiles
