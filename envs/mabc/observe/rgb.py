"""The `rgb` observation and state: pictures, uint8, drawn by render/draw.py.

An agent gets its window [P, P, 3], P = 2 * sight px, itself in the middle and its own team always in the
first team's colours; what it does not see is hatched (terrain behind walls) or not drawn (tanks, bullets).
A dead agent's window is black. With full observability the sight is the longer side of the largest field.
The state is the whole field [H, W, 3]; maps smaller than the largest of the scenario lie at the upper left.
"""

import numpy as np
from gymnasium import spaces

from ..params import TILE
from ..render.draw import draw_agents, draw_fields
from ..render.sprites import SHEET
from ..state import SEEN
from .kinds import Kind, View


def side(view: View) -> int:
    """P, the side of an agent's window in px."""
    sight = view.scenario.sight
    return 2 * (TILE * max(view.width, view.height) if view.scenario.full_observability else sight)


def obs_kind(view: View) -> Kind:
    """uint8 [B, N, P, P, 3]."""
    shape = (side(view), side(view), 3)
    return Kind(
        spaces.Box(0, 255, shape, np.uint8),
        lambda batch: np.zeros((batch, view.num_agents, *shape), np.uint8),
        lambda worlds, out, low, high, only: draw_agents(
            worlds, view.spec, np.zeros(1, SEEN), SHEET, out, low, high, only
        ),
    )


def state_kind(view: View) -> Kind:
    """uint8 [B, H, W, 3]."""
    shape = (TILE * view.height, TILE * view.width, 3)
    return Kind(
        spaces.Box(0, 255, shape, np.uint8),
        lambda batch: np.zeros((batch, *shape), np.uint8),
        lambda worlds, out, low, high, only: draw_fields(
            worlds, view.spec, np.zeros(1, SEEN), SHEET, out, low, high, only
        ),
    )
