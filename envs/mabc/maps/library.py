"""The maps that ship with the suite, and the one way to get any map: by name, file, text or seed."""

import os
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from .generator import generate
from .grammar import MAX_BYTES, Map, MapError, check_map, nearest, parse, wrong_type

GENERATOR = "generator:"

# What each map is drawn for: the mode, and the most tanks of team 1, 2, … (for `defend`, of the players, and
# of the enemies on the field at once).
PURPOSES: dict[str, tuple[str, tuple[int, ...]]] = {
    "brickworks": ("defend", (2, 3)),
    "canal": ("skirmish", (7, 7)),
    "causeway": ("skirmish", (8, 8)),
    "citadel": ("siege", (6, 6)),
    "clearing": ("skirmish", (6, 6)),
    "courtyard": ("skirmish", (6, 6)),
    "crossing": ("skirmish", (6, 6)),
    "duel": ("skirmish", (3, 3)),
    "four_winds": ("versus", (4, 4, 4, 4)),
    "frozen_lake": ("skirmish", (6, 6)),
    "gatehouse": ("siege", (7, 8)),
    "hedges": ("skirmish", (6, 6)),
    "homestead": ("defend", (2, 3)),
    "island_fort": ("siege", (8, 8)),
    "marsh": ("scout", (7, 10)),
    "moat": ("versus", (6, 6)),
    "orchard": ("skirmish", (7, 7)),
    "parade_ground": ("skirmish", (11, 11)),
    "pinewood": ("scout", (5, 10)),
    "pinwheel": ("versus", (6, 6, 6, 6)),
    "quarry": ("skirmish", (6, 6)),
    "riverside": ("defend", (2, 3)),
    "roundabout": ("skirmish", (5, 5, 5, 5)),
    "ruins": ("skirmish", (6, 6)),
    "steppe": ("skirmish", (20, 20)),
    "strongholds": ("versus", (6, 6)),
    "trident": ("siege", (4, 4, 4)),
    "twin_keeps": ("versus", (6, 6)),
    "watchtowers": ("scout", (5, 8)),
    "winter_gate": ("defend", (2, 3)),
}


def names() -> tuple[str, ...]:
    """The names of the maps that ship, in alphabetical order."""
    return tuple(sorted(file.name[: -len(".txt")] for file in _folder().iterdir() if file.name.endswith(".txt")))


def load(source: str | os.PathLike[str], unit: str = "block") -> Map:
    """The map that `source` stands for.

    source: the name of a map that ships; a path that ends in .txt; the text of a map (more than one line); or
    `generator:<seed>`, a generated map of default size. unit: as in `parse`, for a path or a text. Raises
    MapError: unknown name (the nearest is offered), file that is missing, too large or no text, bad map; TypeError for
    what is neither a str nor a path.
    """
    if isinstance(source, os.PathLike):
        return _load_file(Path(source), unit)
    if not isinstance(source, str):
        raise TypeError(
            "load() takes a map's name, a path that ends in .txt, the text of a map or 'generator:SEED', "
            f"not {wrong_type(source)}"
        )
    if "\n" in source:
        return parse(source, unit)
    if source.endswith(".txt"):
        return _load_file(Path(source), unit)
    if source.startswith(GENERATOR):
        return _load_seed(source)
    return _load_named(source)


def split(map: Map) -> str:
    """The part of every experiment that a map belongs to: "train" (70%), "validation" (15%) or "test" (15%).

    Bound by the hash of the map's text alone, so that no list can be edited to move a map, and a generated
    map or a user's own has its place too.
    """
    check_map(map, "split")
    share = int(map.hash[:8], 16) / 16**8
    return "train" if share < 0.70 else "validation" if share < 0.85 else "test"


def _folder() -> Traversable:
    return resources.files(__package__).joinpath("data")


@cache
def _load_named(name: str) -> Map:
    if name not in names():
        hint = " (a file's name must end in .txt)" if "/" in name or "\\" in name else ""
        raise MapError(
            f"unknown map {name!r}{hint}: did you mean {nearest(name, names())!r}? Maps: {', '.join(names())}"
        )
    return parse(_folder().joinpath(f"{name}.txt").read_text(encoding="utf-8"), name=name)


def _load_file(path: Path, unit: str) -> Map:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)  # never more, however large the file is
        if len(content) > MAX_BYTES:
            raise MapError(f"{path}: larger than {MAX_BYTES // 1024} kB, which no map is")
        return parse(content.decode("utf-8-sig"), unit, name=path.stem)
    except OSError as error:
        raise MapError(f"cannot read the map {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MapError(f"{path} is no text in UTF-8, so no map") from None


def _load_seed(source: str) -> Map:
    seed = source[len(GENERATOR) :]
    if not (seed.isascii() and seed.isdigit()):
        raise MapError(f"{source!r}: after 'generator:' comes a seed, a number from 0, as in 'generator:7'")
    return generate(int(seed))
