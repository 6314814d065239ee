"""The table of a replay's sections: what the recorder writes, checks demand, the page reads and docs/replay.md tells.

`python scripts/make_sections.py` writes what the page and the documentation have of it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..params import BASE, NUM_ACTIONS, PLAYER
from .events import EVENT_KINDS

HASH_EVERY = 64  # steps


class Section(NamedTuple):
    """An array of a file."""

    dtype: str
    shape: str  # sides, with a space between them: numbers, or words of `sides`
    what: str  # for people
    delta: bool = False  # stored as differences along the first axis
    optional: bool = False
    high: int | str | None = None  # the greatest value that may stand there, a number or a word of `sides`
    low: int = 0
    shift: int = 0  # of the bits that `high` holds for
    ascending: bool = False


SECTIONS = {
    "step_frame": Section(
        "i4", "T+1", "the frame at which step t ended; the first is 0", True, high="F", ascending=True
    ),
    "actions": Section(
        "i1", "T C", "2 · move + fire; columns are the agents, then tanks driven by callables", high=NUM_ACTIONS - 1
    ),
    "hold": Section(
        "i2",
        "T C",
        "frames for which each action holds, 0 in a step without; only where a caller gave any",
        True,
        True,
        high=2**15 - 1,
    ),
    "reward": Section("f4", "T N", "what each agent was paid"),
    "hash": Section("u1", "hashes 16", "BLAKE2b of the world's fields, in order, at step 0, 64, 128 … and at the end"),
    "tank.x": Section("u2", "F+1 M", "centre, px", True),
    "tank.y": Section("u2", "F+1 M", "centre, px", True),
    "tank.look": Section(
        "u1",
        "F+1 M",
        "heading (bits 0–1: up, right, down, left), level (2–3), type (4–6: basic, fast, power, armor, player)",
        True,
        high=PLAYER,
        shift=4,
    ),
    "tank.state": Section(
        "u1", "F+1 M", "alive (bit 0), shield (1), stunned (2), carrier (3), hits left (4–6)", True, high=4, shift=4
    ),
    "tank.clock": Section(
        "u1", "F+1 M", "alive: frames of its entry left; dead: frames left of its explosion, from 32", True
    ),
    "tank.lives": Section("u1", "F+1 M", "left, the running one included", True),
    "bullet.x": Section("u2", "F+1 2M", "px; bullets 2i and 2i + 1 are tank i's", True),
    "bullet.y": Section("u2", "F+1 2M", "px", True),
    "bullet.look": Section("u1", "F+1 2M", "0: none; else 1 + heading", True, high=4),
    "field": Section(
        "u2",
        "F+1 5",
        "power-up kind + 1 (0: none), its x, its y, teams that are frozen (bit team − 1), bases that stand (bit b)",
        True,
    ),
    "terrain": Section(
        "u1",
        "tiles",
        "tiles at frame 0: 0 empty, 1–15 brick (mask of quarters: 1 top left, 2 top right, 4 bottom left, 8 bottom "
        "right), 16 steel, 17 water, 18 forest, 19 ice, 20 base",
        high=BASE,
    ),
    "change.frame": Section("i4", "changes", "a tile becomes code, from that frame on", True, high="F", ascending=True),
    "change.tile": Section("u2", "changes", "which tile, row by row", True, high="tiles-1"),
    "change.code": Section("u1", "changes", "as in `terrain`", high=BASE),
    "event.frame": Section("i4", "events", "when", True, high="F", ascending=True),
    "event.kind": Section("u1", "events", "what happened, see below", high=len(EVENT_KINDS) - 1),
    "event.tank": Section("i1", "events", "−1: nobody", high="M-1", low=-1),
    "event.by": Section("i1", "events", "−1: nobody", high="M-1", low=-1),
    "event.x": Section("i2", "events", "px"),
    "event.y": Section("i2", "events", "px"),
    "seen": Section(
        "u1",
        "T+1 M seen_bytes",
        "bits, lowest first: tanks, bullets, bases, the power-up, as tank i sees them at the end of step t",
        True,
    ),
    "seen_tiles": Section(
        "u1", "T+1 M tile_bytes", "bits of tiles that no wall hides; only with line of sight", True, True
    ),
    "extra.value": Section("f2", "T N", "an extra that viewers know, see below", optional=True),
    "extra.probs": Section("f2", "T N A", "an extra that viewers know, see below", optional=True),
    "extra.predicted": Section("f2", "T N M 2", "an extra that viewers know, see below", optional=True),
}
DELTA = {name for name, section in SECTIONS.items() if section.delta}
"""The sections that are stored as differences."""


def columns_of(group: str) -> dict[str, str]:
    """The columns of a group of sections and their types, in order: columns_of("event")["frame"] is "i4"."""
    prefix = f"{group}."
    return {name.removeprefix(prefix): s.dtype for name, s in SECTIONS.items() if name.startswith(prefix)}


def sides(tanks: int, bases: int, agents: int, orders: int, steps: int, frames: int, tiles: int) -> dict[str, int]:
    """The words of shapes as numbers, but `changes` and `events`, which each file says itself."""
    return {
        "T": steps, "T+1": steps + 1, "F": frames, "F+1": frames + 1, "M": tanks, "M-1": tanks - 1, "2M": 2 * tanks,
        "N": agents, "C": orders, "A": NUM_ACTIONS, "tiles": tiles, "tiles-1": tiles - 1,
        "hashes": -(-steps // HASH_EVERY) + 1, "seen_bytes": (3 * tanks + bases + 8) // 8,
        "tile_bytes": (tiles + 7) // 8,
    }  # fmt: skip


def number(word: str | int, known: dict[str, int]) -> int:
    """A side or a limit as a number."""
    return known[word] if word in known else int(word)


def shape_of(section: Section, known: dict[str, int]) -> tuple[int, ...]:
    """A section's shape."""
    return tuple(number(word, known) for word in section.shape.split())
