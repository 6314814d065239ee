"""Fog of war over the whole field: what some tanks see together, the rest in the dark."""

from __future__ import annotations

import numpy as np

from ..params import TILE
from ..render import FOG, seen_frame
from ..rules.sight import look_around
from ..state import SEEN


def seen_by(worlds: np.ndarray, spec: np.ndarray, tanks: list[int]) -> np.ndarray:
    """What some tanks of worlds[0] see together, [1] of state.SEEN."""
    each = np.zeros(int(spec[0]["num_tanks"]), SEEN)
    look_around(worlds, spec, each)
    together = np.zeros(1, SEEN)
    for name in SEEN.names or ():
        if tanks:
            together[name][0] = each[name][tanks].max(axis=0)
    return together


def in_sight(world: np.void, spec: np.void, tanks: list[int]) -> np.ndarray:
    """The pixels of the field that lie in the window of any of the tanks, bool [H, W]."""
    height, width = TILE * int(world["height"]), TILE * int(world["width"])
    if spec["full_observability"]:
        return np.full((height, width), bool(tanks))
    lit, reach = np.zeros((height, width), bool), int(spec["sight"])
    for i in tanks:
        x, y = int(world["tanks"][i]["x"]), int(world["tanks"][i]["y"])
        lit[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = True
    return lit


def picture_of(worlds: np.ndarray, spec: np.ndarray, tanks: list[int]) -> np.ndarray:
    """The field of worlds[0] as some tanks see it together, uint8 [H, W, 3]."""
    world = worlds[0]
    lit = in_sight(world, spec[0], tanks)
    picture = seen_frame(worlds, spec, seen_by(worlds, spec, tanks))
    picture[~lit] //= FOG
    return picture
