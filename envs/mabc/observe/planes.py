"""The `planes` observation and state: images at tile resolution (8 px), uint8, for convolutions.

An agent gets a square window [C, S, S] with its own 2x2 tiles in the middle, S = 2 * ceil(sight / 8) (with
full observability the sight is the longer side of the largest field). The state is the whole field, [C, H,
W]; maps smaller than the largest of the scenario lie at the top left. `CHANNELS` and `STATE_CHANNELS` name
the planes.

Values: 255 where something is. Brick: share of its quarters; hits: a quarter of 255 for each left; level:
85 for each star; shield: 255 if shielded or entering; base: 255, destroyed 85; power_up: POWER_UP_STEP *
(1 + its number in POWER_UPS). Tanks (on their nearest 2x2 tiles), bullets and power-ups appear if the agent sees
them, bases if it knows of them; tiles of which it does not see the terrain are `unseen`. A dead agent's
planes are zero.
"""

import numpy as np
from gymnasium import spaces

from ..jit import kernel, rule
from ..params import BASE, BRICK, EMPTY, MAX_TILES, NOBODY, POWER_UPS, STEEL, TILE
from ..rules.sight import has_shadows, in_window, knows_base, sees_point, sees_tank, trace_window
from .kinds import Kind, View

TERRAIN = ("brick", "steel", "water", "forest", "ice")
_TANK = ("tank_up", "tank_right", "tank_down", "tank_left", "hits", "level", "shield")
_BULLET = ("bullet_up", "bullet_right", "bullet_down", "bullet_left")
CHANNELS = (
    *TERRAIN,
    *("own_base", "enemy_base", "self", "ally", "enemy"),
    *_TANK,
    *("own_bullet", "enemy_bullet"),
    *_BULLET,
    *("power_up", "outside", "unseen"),
)
STATE_CHANNELS = (
    *TERRAIN,
    *(f"base{t}" for t in (1, 2, 3, 4)),
    *(f"tank{t}" for t in (1, 2, 3, 4)),
    *_TANK,
    *(f"bullet{t}" for t in (1, 2, 3, 4)),
    *_BULLET,
    *("power_up", "outside"),
)
OWN_BASE, SELF, TANK_UP = CHANNELS.index("own_base"), CHANNELS.index("self"), CHANNELS.index("tank_up")
OWN_BULLET, BULLET_UP = CHANNELS.index("own_bullet"), CHANNELS.index("bullet_up")
POWER_UP, OUTSIDE, UNSEEN = CHANNELS.index("power_up"), CHANNELS.index("outside"), CHANNELS.index("unseen")
STATE_BASE, STATE_TANK = STATE_CHANNELS.index("base1"), STATE_CHANNELS.index("tank1")
STATE_TANK_UP = STATE_CHANNELS.index("tank_up")
STATE_BULLET, STATE_BULLET_UP = STATE_CHANNELS.index("bullet1"), STATE_CHANNELS.index("bullet_up")
STATE_POWER_UP, STATE_OUTSIDE = STATE_CHANNELS.index("power_up"), STATE_CHANNELS.index("outside")
DESTROYED = 85
POWER_UP_STEP = 240 // len(POWER_UPS)


def window(view: View) -> int:
    """S, the side of an agent's window in tiles: always even, the tank's 2x2 tiles in its middle."""
    if view.scenario.full_observability:
        return 2 * max(view.width, view.height)
    return 2 * -(-view.scenario.sight // TILE)


@rule
def clear(planes):
    """Zero planes [C, H, W]."""
    for c in range(planes.shape[0]):
        for row in range(planes.shape[1]):
            for column in range(planes.shape[2]):
                planes[c, row, column] = 0


@rule
def put(planes, channel, column, row, value):
    """Set one cell, if it lies in the window."""
    if 0 <= column < planes.shape[2] and 0 <= row < planes.shape[1]:
        planes[channel, row, column] = value


@rule
def put_block(planes, channel, x, y, value):
    """Set the 2x2 tiles nearest to a thing of 16 px centred at (x, y), px from the window's corner."""
    column, row = (x - TILE // 2) >> 3, (y - TILE // 2) >> 3
    for k in range(4):
        put(planes, channel, column + (k & 1), row + (k >> 1), value)


@rule
def put_terrain(planes, code, column, row):
    """One tile of terrain; bases are drawn by themselves."""
    if code == EMPTY or code == BASE:
        return
    if code <= BRICK:
        quarters = (code & 1) + (code >> 1 & 1) + (code >> 2 & 1) + (code >> 3)
        planes[0, row, column] = quarters * 255 // 4
    else:
        planes[1 + code - STEEL, row, column] = 255


@rule
def put_tank(planes, first, tank, x, y):
    """Heading, hits, level and shield of a tank."""
    put_block(planes, first + tank.heading, x, y, 255)
    put_block(planes, first + 4, x, y, tank.hits * 255 // 4)
    put_block(planes, first + 5, x, y, tank.level * 85)
    put_block(planes, first + 6, x, y, 255 if tank.shield > 0 or tank.entering > 0 else 0)


@rule
def observe_field(world, spec, tank, left, top, planes, tiles):
    """Terrain, the outside and what is unseen; (left, top) is the window's corner in tiles; tiles: working memory."""
    shadows = has_shadows(spec)
    if shadows:
        trace_window(world, spec, tank, tiles)
    for row in range(planes.shape[1]):
        for column in range(planes.shape[2]):
            at_column, at_row = left + column, top + row
            if at_column < 0 or at_row < 0 or at_column >= world.width or at_row >= world.height:
                planes[OUTSIDE, row, column] = 255
                continue
            at = at_row * world.width + at_column
            if in_window(spec, tank, at_column, at_row) and (not shadows or tiles[at] != 0):
                put_terrain(planes, world.terrain[at], column, row)
            else:
                planes[UNSEEN, row, column] = 255


@rule
def observe_tanks(world, spec, i, x0, y0, planes):
    """Tanks and bullets that tank i sees; (x0, y0) is the window's corner in px."""
    me = world.tanks[i]
    for j in range(spec.num_tanks):
        tank = world.tanks[j]
        own = tank.team == me.team
        if j == i or sees_tank(world, spec, i, j):
            put_block(planes, SELF + (0 if j == i else 1 if own else 2), tank.x - x0, tank.y - y0, 255)
            put_tank(planes, TANK_UP, tank, tank.x - x0, tank.y - y0)
        if world.flying == 0:
            continue
        for k in range(2 * j, 2 * j + 2):
            bullet = world.bullets[k]
            if bullet.speed != 0 and sees_point(world, spec, me, bullet.x, bullet.y):
                column, row = (bullet.x - x0) >> 3, (bullet.y - y0) >> 3
                put(planes, OWN_BULLET if own else OWN_BULLET + 1, column, row, 255)
                put(planes, BULLET_UP + bullet.heading, column, row, 255)


@rule
def observe_agent(world, spec, i, planes, tiles):
    """Write the planes of tank i, uint8 [C, S, S]; tiles: working memory, uint8 [tiles of the field]."""
    clear(planes)
    tank = world.tanks[i]
    if not tank.alive:
        return
    half = planes.shape[1] // 2
    left, top = ((tank.x - TILE // 2) >> 3) + 1 - half, ((tank.y - TILE // 2) >> 3) + 1 - half
    x0, y0 = left * TILE, top * TILE
    observe_field(world, spec, tank, left, top, planes, tiles)
    for b in range(spec.num_bases):
        base = world.bases[b]
        if knows_base(world, spec, tank, base):
            channel = OWN_BASE if base.team == tank.team else OWN_BASE + 1
            put_block(planes, channel, base.x - x0, base.y - y0, 255 if base.alive else DESTROYED)
    observe_tanks(world, spec, i, x0, y0, planes)
    if world.power_up != NOBODY and sees_point(world, spec, tank, world.power_up_x, world.power_up_y):
        x, y = world.power_up_x - x0, world.power_up_y - y0
        put_block(planes, POWER_UP, x, y, POWER_UP_STEP * (1 + world.power_up))


@rule
def state_of_world(world, spec, planes):
    """Write the whole field, uint8 [C, H, W]."""
    clear(planes)
    for row in range(planes.shape[1]):
        for column in range(planes.shape[2]):
            if column < world.width and row < world.height:
                put_terrain(planes, world.terrain[row * world.width + column], column, row)
            else:
                planes[STATE_OUTSIDE, row, column] = 255
    for b in range(spec.num_bases):
        base = world.bases[b]
        put_block(planes, STATE_BASE + base.team - 1, base.x, base.y, 255 if base.alive else DESTROYED)
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        if tank.alive:
            put_block(planes, STATE_TANK + tank.team - 1, tank.x, tank.y, 255)
            put_tank(planes, STATE_TANK_UP, tank, tank.x, tank.y)
        for k in range(2 * i, 2 * i + 2):
            bullet = world.bullets[k]
            if bullet.speed != 0:
                put(planes, STATE_BULLET + tank.team - 1, bullet.x >> 3, bullet.y >> 3, 255)
                put(planes, STATE_BULLET_UP + bullet.heading, bullet.x >> 3, bullet.y >> 3, 255)
    if world.power_up != NOBODY:
        put_block(planes, STATE_POWER_UP, world.power_up_x, world.power_up_y, POWER_UP_STEP * (1 + world.power_up))


@kernel
def write_obs(worlds, spec_array, tiles, out, low, high, only):
    """Observations of worlds low..high into out, uint8 [B, N, C, S, S]; tiles: uint8 [MAX_TILES ** 2], to write on."""
    spec = spec_array[0]
    for b in range(low, high):
        if only[b]:
            for n in range(spec.num_agents):
                observe_agent(worlds[b], spec, spec.slot[n], out[b, n], tiles)


@kernel
def write_state(worlds, spec_array, out, low, high, only):
    """States of worlds low..high into out, uint8 [B, C, H, W]."""
    for b in range(low, high):
        if only[b]:
            state_of_world(worlds[b], spec_array[0], out[b])


def obs_kind(view: View) -> Kind:
    """uint8 [B, N, C, S, S]; `CHANNELS` names the planes."""
    shape = (len(CHANNELS), window(view), window(view))
    return Kind(
        spaces.Box(0, 255, shape, np.uint8),
        lambda batch: np.zeros((batch, view.num_agents, *shape), np.uint8),
        lambda worlds, out, low, high, only: write_obs(
            worlds, view.spec, np.zeros(MAX_TILES * MAX_TILES, np.uint8), out, low, high, only
        ),
    )


def state_kind(view: View) -> Kind:
    """uint8 [B, C, H, W]; `STATE_CHANNELS` names the planes."""
    shape = (len(STATE_CHANNELS), view.height, view.width)
    return Kind(
        spaces.Box(0, 255, shape, np.uint8),
        lambda batch: np.zeros((batch, *shape), np.uint8),
        lambda worlds, out, low, high, only: write_state(worlds, view.spec, out, low, high, only),
    )
