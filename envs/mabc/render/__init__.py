"""Pictures of worlds: `frame`, `draw_world` and `draw_view` in pixels, `ansi` in text."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..params import TILE
from .ansi import ansi
from .draw import draw_agents, draw_fields
from .sprites import SHEET

__all__ = ["ansi", "draw_view", "draw_world", "frame"]

_ONE = np.ones(1, bool)


def frame(world: np.void, spec: np.void, scale: int = 1) -> np.ndarray:
    """The whole field of a record of state.WORLD with its state.SPEC: uint8 [H * scale, W * scale, 3]."""
    out = np.empty((1, TILE * int(world["height"]), TILE * int(world["width"]), 3), np.uint8)
    draw_fields(np.array([world]), np.array([spec]), SHEET, out, 0, 1, _ONE)
    return _scaled(out[0], scale)


def draw_world(env: Any, i: int = 0, scale: int = 1) -> np.ndarray:
    """The whole field of world i of a batched environment: uint8 [H * scale, W * scale, 3]."""
    return frame(env.worlds[i], env.view.spec[0], scale)


def draw_view(env: Any, i: int = 0, agent: int = 0, scale: int = 1) -> np.ndarray:
    """What an agent of world i sees (see observe/rgb.py): uint8 [P * scale, P * scale, 3]."""
    from ..observe.rgb import side

    spec = env.view.spec.copy()
    spec[0]["slot"][0], spec[0]["num_agents"] = spec[0]["slot"][agent], 1
    out = np.empty((1, 1, side(env.view), side(env.view), 3), np.uint8)
    draw_agents(env.worlds[i : i + 1], spec, SHEET, out, 0, 1, _ONE)
    return _scaled(out[0, 0], scale)


def _scaled(picture: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel as a square of `scale` px."""
    if scale < 1:
        raise ValueError(f"scale={scale!r}: expected a whole number of at least 1")
    return picture.repeat(scale, axis=0).repeat(scale, axis=1) if scale > 1 else picture
