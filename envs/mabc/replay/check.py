"""Whether what stands in a file may be used: every length as promised, every number that is an index in range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..params import MAX_BASES, MAX_TANKS, MAX_TEAMS, MAX_TILES, POWER_UPS, TILE
from .container import ReplayError
from .sections import SECTIONS, Section, number, shape_of, sides

PER_FRAME, MAX_LISTED = 64, 2_000_000
"""Events, or changed tiles, a frame on average, and in all."""


def check(header: dict[str, Any], sections: dict[str, np.ndarray]) -> None:
    """Raise ReplayError unless every number that drawing uses as an index is in range."""
    known = _check_header(header)
    for group in ("change", "event"):
        known[f"{group}s"] = _listed(group, sections, known["F"] + 1)
    for name, section in SECTIONS.items():
        if name not in sections:
            if section.optional:
                continue
            raise ReplayError(f"section {name!r} is missing: the file is damaged or not a replay of mabc")
        _check_section(name, section, sections[name], known)
    for name in (name for name in sections if name.startswith("extra.")):
        if sections[name].shape[:1] != (known["T"],):
            raise ReplayError(f"section {name!r} has {list(sections[name].shape)}, expected a row for each step")
    field = sections["field"]
    _limit("field", field[:, 0], len(POWER_UPS))
    for column, side in ((1, header["width"]), (2, header["height"])):
        _limit("field", field[field[:, 0] > 0, column], TILE * side - 1)
    if not np.isfinite(sections["reward"]).all():
        raise ReplayError("section 'reward' holds what is no finite number")
    if sections["step_frame"][0] != 0 or sections["step_frame"][-1] != known["F"]:
        raise ReplayError(f"section 'step_frame' does not lead from frame 0 to {known['F']}")


def _listed(group: str, sections: dict[str, np.ndarray], frames: int) -> int:
    """How many changes or events there are; no more of them than frames can have."""
    array = sections.get(f"{group}.frame")
    if array is None or array.ndim != 1:
        raise ReplayError(f"section '{group}.frame' is missing, or no list")
    if len(array) > min(PER_FRAME * frames, MAX_LISTED):
        raise ReplayError(f"section '{group}.frame' lists {len(array):,}, more than {frames} frames can have")
    return len(array)


def _check_section(name: str, section: Section, array: np.ndarray, known: dict[str, int]) -> None:
    """Type, shape and range of a section."""
    shape = shape_of(section, known)
    if array.dtype != np.dtype(f"<{section.dtype}") or array.shape != shape:
        found = f"{array.dtype.str[1:]}{list(array.shape)}"
        raise ReplayError(f"section {name!r} is {found}, expected {section.dtype}{list(shape)}")
    if section.high is not None:
        _limit(name, array >> section.shift if section.shift else array, number(section.high, known), section.low)
    if section.ascending and (np.diff(array) < 0).any():
        raise ReplayError(f"section {name!r} goes back in time: the file is damaged")


def _limit(name: str, values: np.ndarray, high: int, low: int = 0) -> None:
    if values.size and (values.max() > high or values.min() < low):
        bad = values[(values > high) | (values < low)].flat[0]
        raise ReplayError(f"section {name!r} holds {bad}; expected {low} to {high}")


def _number(header: dict[str, Any], key: str, low: int, high: int) -> int:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ReplayError(f"the header's {key} is {str(value)[:40]!r}; expected a whole number from {low} to {high}")
    return value


def _check_header(header: dict[str, Any]) -> dict[str, int]:
    """The words of shapes as numbers (`sections.sides`), after a look at every entry that readers use."""
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
    orders = sum(tank["driver"] in ("learn", "policy") for tank in header["tanks"])
    return sides(len(header["tanks"]), len(header["bases"]), len(agents), orders, steps, frames, width * height)
