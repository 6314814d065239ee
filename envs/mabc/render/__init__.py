"""Pictures of worlds: `frame`, `draw_world`, `draw_view`, `draw_fog`, `contact_sheet` in pixels, `ansi` in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..params import TILE
from ..rules.sight import look_around
from ..state import SEEN
from .ansi import ansi
from .draw import draw_agents, draw_fields, draw_seen
from .sprites import SHEET

__all__ = ["FOG", "ansi", "contact_sheet", "draw_fog", "draw_view", "draw_world", "enlarged", "frame", "seen_frame"]

_ONE = np.ones(1, bool)
FOG = 3
"""How many times darker fog makes a colour."""


def frame(world: np.void, spec: np.void, scale: int = 1) -> np.ndarray:
    """The whole field of a record of state.WORLD with its state.SPEC: uint8 [H * scale, W * scale, 3]."""
    out = np.empty((1, TILE * int(world["height"]), TILE * int(world["width"]), 3), np.uint8)
    draw_fields(np.array([world]), np.array([spec]), np.zeros(1, SEEN), SHEET, out, 0, 1, _ONE)
    return enlarged(out[0], scale)


def seen_frame(worlds: np.ndarray, spec: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The whole field of worlds[0] with what is seen alone, [1] of state.SEEN: uint8 [H, W, 3], teams as they are."""
    out = np.empty((TILE * int(worlds["height"][0]), TILE * int(worlds["width"][0]), 3), np.uint8)
    draw_seen(worlds, spec, seen, SHEET, out)
    return out


def fog(picture: np.ndarray, x: int, y: int, sight: int) -> np.ndarray:
    """Darken, in place, what lies more than `sight` px from (x, y) on either axis; picture uint8 [H, W, 3]."""
    clear = picture[max(y - sight, 0) : y + sight, max(x - sight, 0) : x + sight].copy()
    picture //= FOG
    picture[max(y - sight, 0) : y + sight, max(x - sight, 0) : x + sight] = clear
    return picture


def draw_world(env: Any, i: int = 0, scale: int = 1) -> np.ndarray:
    """The whole field of world i of a batched environment: uint8 [H * scale, W * scale, 3]."""
    return frame(env.worlds[i], env.view.spec[0], scale)


def draw_view(env: Any, i: int = 0, agent: int = 0, scale: int = 1) -> np.ndarray:
    """What an agent of world i sees (see observe/rgb.py): uint8 [P * scale, P * scale, 3]."""
    from ..observe.rgb import side

    spec = env.view.spec.copy()
    spec[0]["slot"][0], spec[0]["num_agents"] = spec[0]["slot"][agent], 1
    out = np.empty((1, 1, side(env.view), side(env.view), 3), np.uint8)
    draw_agents(env.worlds[i : i + 1], spec, np.zeros(1, SEEN), SHEET, out, 0, 1, _ONE)
    return enlarged(out[0, 0], scale)


def draw_fog(env: Any, i: int = 0, agent: int = 0, scale: int = 1) -> np.ndarray:
    """The whole field of world i as an agent knows it: what it does not see is dark, hatched or missing.

    uint8 [H * scale, W * scale, 3]. Beyond its sight the terrain stays visible, darkened, so that one finds one's way.
    """
    spec, worlds = env.view.spec, env.worlds[i : i + 1]
    seen = np.zeros(env.view.num_tanks, SEEN)
    look_around(worlds, spec, seen)
    slot = int(spec[0]["slot"][agent])
    picture = seen_frame(worlds, spec, seen[slot : slot + 1])
    if not spec[0]["full_observability"]:
        tank = worlds[0]["tanks"][slot]
        fog(picture, int(tank["x"]), int(tank["y"]), int(spec[0]["sight"]) if tank["alive"] else 0)
    return enlarged(picture, scale)


def contact_sheet(env: Any, worlds: Sequence[int] | None = None, columns: int = 0, gap: int = 4) -> np.ndarray:
    """Many worlds side by side (default all, near to a square): uint8 [rows * (H + gap) + gap, …, 3]."""
    chosen = list(range(env.num_envs)) if worlds is None else list(worlds)
    columns = columns or int(np.ceil(np.sqrt(len(chosen))))
    height, width = TILE * env.view.height, TILE * env.view.width
    sheet = np.full((-(-len(chosen) // columns) * (height + gap) + gap, columns * (width + gap) + gap, 3), 58, np.uint8)
    for n, i in enumerate(chosen):
        top, left = gap + n // columns * (height + gap), gap + n % columns * (width + gap)
        picture = draw_world(env, i)
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet


def enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel as a square of `scale` px."""
    if scale < 1:
        raise ValueError(f"scale={scale!r}: expected a whole number of at least 1")
    return picture.repeat(scale, axis=0).repeat(scale, axis=1) if scale > 1 else picture
