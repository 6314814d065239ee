"""Maps: their grammar, checks, the ones that ship, and a generator.

A map is text, one character a block of 16 px:

    .  empty      #  brick      @  steel      ~  water      %  forest      _  ice
    A B C D  an entry point of team one to four        E F G H  a base of team one to four

for instance, two tanks a side with a base each:

    >>> from mabc import maps
    >>> field = maps.parse('''
    ...     B.#F#.B
    ...     ..###..
    ...     .%...%.
    ...     ~~._.~~
    ...     .%...%.
    ...     ..###..
    ...     A.#E#.A
    ... ''', name="ford")
    >>> field.width, field.height, field.entries[0], field.bases[1]
    (7, 7, ((8, 104), (104, 104)), ((56, 8),))
    >>> maps.problems(field, "skirmish", teams=(2, 2, 1))
    ["team 3 has no entry: put at least one 'C' on the map"]

or one character a tile of 8 px, after a first line `tiles` (or with unit="tile"). There every entry and base
covers 2x2 tiles with its letter, and `1`-`9`, `a`-`e` are brick of which only some quarters of 4 px still
stand: the hex digit is their mask, 1 top left, 2 top right, 4 bottom left, 8 bottom right.

    tiles
    AA..5##a..BB
    AA..5##a..BB
    ....3333....
    %%%%....%%%%
    %%%%....%%%%
    ....cccc....
"""

from ..params import MODES
from .checks import fits, problems, reachable, regions, touching
from .generator import generate
from .grammar import Map, MapError, parse, place, to_text
from .library import PURPOSES, load, names, split
from .symmetry import rotated, symmetries

__all__ = [
    "MODES",
    "PURPOSES",
    "Map",
    "MapError",
    "fits",
    "generate",
    "load",
    "names",
    "parse",
    "place",
    "problems",
    "reachable",
    "regions",
    "rotated",
    "split",
    "symmetries",
    "to_text",
    "touching",
]
