"""Whether what stands in a file may be used: every length as promised, every number that is an index in range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..params import BASE, MAX_BASES, MAX_TANKS, MAX_TEAMS, MAX_TILES, PLAYER, POWER_UPS, TILE
from .container import ReplayError
from .events import EVENT_KINDS
from .trace import FRAME_SECTIONS, HASH_EVERY, LISTS, extra_shapes

PER_FRAME, MAX_LISTED = 64, 2_000_000
"""Events, or changed tiles, a frame on average, and in all."""


def check(header: dict[str, Any], sections: dict[str, np.ndarray]) -> None:
    """Raise ReplayError unless every number that drawing uses as an index is in range."""
    counts = _check_header(header)
    tanks, bases, steps, frames, area = counts
    for name, (dtype, shape) in _expected(header, sections, counts).items():
        if name not in sections:
            raise ReplayError(f"section {name!r} is missing: the file is damaged or not a replay of mabc")
        array = sections[name]
        if array.dtype != np.dtype(f"<{dtype}") or array.shape != shape:
            raise ReplayError(
                f"section {name!r} is {array.dtype.str[1:]}{list(array.shape)}, expected {dtype}{list(shape)}"
            )
    _check_lists(sections)
    _limit("tank.look", sections["tank.look"] >> 4, PLAYER)
    _limit("tank.state", sections["tank.state"] >> 4, 4)
    _limit("bullet.look", sections["bullet.look"], 4)
    field = sections["field"]
    _limit("field", field[:, 0], len(POWER_UPS))
    for column, side in ((1, header["width"]), (2, header["height"])):
        _limit("field", field[field[:, 0] > 0, column], TILE * side - 1)
    if not np.isfinite(sections["reward"]).all():
        raise ReplayError("section 'reward' holds what is no finite number")
    _limit("terrain", sections["terrain"], BASE)
    _limit("change.code", sections["change.code"], BASE)
    _limit("change.tile", sections["change.tile"], area - 1)
    _limit("event.kind", sections["event.kind"], len(EVENT_KINDS) - 1)
    for name in ("event.tank", "event.by"):
        _limit(name, sections[name], tanks - 1, -1)
    for name in ("change.frame", "event.frame", "step_frame"):
        _limit(name, sections[name], frames, 0)
        if (np.diff(sections[name]) < 0).any():
            raise ReplayError(f"section {name!r} goes back in time: the file is damaged")
    if sections["step_frame"][0] != 0 or sections["step_frame"][-1] != frames:
        raise ReplayError(f"section 'step_frame' does not lead from frame 0 to {frames}")


def _check_lists(sections: dict[str, np.ndarray]) -> None:
    """Changes and events: columns of one length each, and no more of them than frames can have."""
    frames = sections["tank.x"].shape[0]
    for group, columns in LISTS.items():
        for column, dtype in columns.items():
            name, first = f"{group}.{column}", f"{group}.frame"
            array = sections.get(name)
            if array is None or array.dtype != np.dtype(f"<{dtype}") or array.shape != sections[first].shape[:1]:
                raise ReplayError(f"section {name!r} is missing, or not {dtype} of the length of {first!r}")
        if len(sections[first]) > min(PER_FRAME * frames, MAX_LISTED):
            raise ReplayError(f"section {first!r} lists {len(sections[first]):,}, more than {frames} frames can have")


def _limit(name: str, values: np.ndarray, high: int, low: int = 0) -> None:
    if values.size and (values.max() > high or values.min() < low):
        bad = values[(values > high) | (values < low)].flat[0]
        raise ReplayError(f"section {name!r} holds {bad}; expected {low} to {high}")


def _number(header: dict[str, Any], key: str, low: int, high: int) -> int:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ReplayError(f"the header's {key} is {str(value)[:40]!r}; expected a whole number from {low} to {high}")
    return value


def _check_header(header: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """(tanks, bases, steps, frames, tiles), after a look at every entry that readers use."""
    width, height = _number(header, "width", 2, MAX_TILES), _number(header, "height", 2, MAX_TILES)
    steps, frames = _number(header, "num_steps", 0, 2**31), _number(header, "num_frames", 0, 2**31)
    _number(header, "rules_version", 0, 2**31)
    if header.get("outcome") is not None:
        _number(header, "outcome", 0, MAX_TEAMS)
    for key in ("mabc", "seed", "index", "episode"):
        if not isinstance(header.get(key), str) or len(header[key]) > 40:
            raise ReplayError(f"the header's {key} is {str(header.get(key))[:40]!r}; expected a short text")
    scenario = header.get("scenario")
    if not isinstance(scenario, dict) or not isinstance(scenario.get("name"), str):
        raise ReplayError("the header's scenario has no name")
    _number(scenario, "sight", 0, 2**15)
    if steps > _number(scenario, "max_steps", 0, 10**6) or frames > steps * _number(scenario, "frame_skip", 1, 64):
        raise ReplayError(f"{steps} steps, {frames} frames: more than the scenario's max_steps and frame_skip allow")
    agents = header.get("agents")
    if not isinstance(agents, list) or not all(isinstance(name, str) for name in agents) or len(agents) > MAX_TANKS:
        raise ReplayError(f"the header's agents are {str(agents)[:60]!r}; expected at most {MAX_TANKS} names")
    for key, limit in (("tanks", MAX_TANKS), ("bases", MAX_BASES)):
        entries = header.get(key)
        if not isinstance(entries, list) or len(entries) > limit or not all(isinstance(e, dict) for e in entries):
            raise ReplayError(f"the header's {key} are not a list of at most {limit}")
        for entry in entries:
            _number(entry, "team", 1, MAX_TEAMS)
    for tank in header["tanks"]:
        if not isinstance(tank.get("name"), str) or not isinstance(tank.get("driver"), str):
            raise ReplayError("a tank in the header has no name or no driver")
        if tank.get("agent") is not None:
            _number(tank, "agent", 0, len(agents) - 1)
    for base in header["bases"]:
        _number(base, "x", TILE, TILE * (width - 1))
        _number(base, "y", TILE, TILE * (height - 1))
    if not header["tanks"]:
        raise ReplayError("the header lists no tanks")
    return len(header["tanks"]), len(header["bases"]), steps, frames, width * height


def _expected(
    header: dict[str, Any], sections: dict[str, np.ndarray], counts: tuple[int, int, int, int, int]
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """dtype and shape of every section that must be there."""
    tanks, bases, steps, frames, area = counts
    columns = {"field": 5, "bullet": 2 * tanks, "tank": tanks}
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        name: (d, (frames + 1, columns[name.split(".")[0]])) for name, d in FRAME_SECTIONS.items()
    }
    agents = len(header["agents"])
    orders = sum(tank["driver"] in ("learn", "policy") for tank in header["tanks"])
    if "hold" in sections:
        wanted["hold"] = ("i2", (steps, orders))
    if "seen_tiles" in sections:
        wanted["seen_tiles"] = ("u1", (steps + 1, tanks, (area + 7) // 8))
    for name in (name for name in sections if name.startswith("extra.")):
        array = sections[name]
        wanted[name] = (array.dtype.str[1:], (steps, *array.shape[1:]))
    for name, shape in extra_shapes(agents, tanks).items():
        if f"extra.{name}" in sections:
            wanted[f"extra.{name}"] = ("f2", (steps, *shape))
    wanted |= {
        "step_frame": ("i4", (steps + 1,)),
        "actions": ("i1", (steps, orders)),
        "reward": ("f4", (steps, agents)),
        "hash": ("u1", (-(-steps // HASH_EVERY) + 1, 16)),
        "terrain": ("u1", (area,)),
        "seen": ("u1", (steps + 1, tanks, (3 * tanks + bases + 8) // 8)),
    }
    return wanted
