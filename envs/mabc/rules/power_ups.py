"""Power-ups: where they appear, picking up, effects (facts: power-ups)."""

from ..jit import rule
from ..params import (
    BLOCK,
    EXTRA_TANK,
    FREEZE_FRAMES,
    GRENADE,
    HELMET,
    HELMET_FRAMES,
    MAX_LEVEL,
    NOBODY,
    PICK_UP_POINTS,
    PICK_UP_RANGE,
    PLAYER,
    POWER_UP_GRID_START,
    POWER_UP_GRID_STEP,
    POWER_UP_ODDS,
    SHOVEL,
    SHOVEL_FRAMES,
    STAR,
    TILE,
    TIMER,
)
from .bases import wall_bases
from .chance import POWER_UP_STREAM, draw
from .life import destroy, earn
from .terrain import overlaps


@rule
def grid_size(tiles):
    """How many power-up places lie along a side: 4 on the classic field."""
    return (tiles * TILE - POWER_UP_GRID_START - BLOCK) // POWER_UP_GRID_STEP + 1


@rule
def grid_at(k):
    """The centre of the k-th power-up place along a side, px."""
    return POWER_UP_GRID_START + POWER_UP_GRID_STEP * k


@rule
def on_player(world, spec, x, y):
    """Whether a player's tank stands at (x, y)."""
    for j in range(spec.num_tanks):
        tank = world.tanks[j]
        if tank.alive and tank.type == PLAYER and overlaps(x, y, tank.x, tank.y):
            return True
    return False


@rule
def drop_power_up(world, spec):
    """A power-up of random kind appears at a random place of the grid that is not on a player."""
    bits = draw(world, POWER_UP_STREAM)
    world.power_up = POWER_UP_ODDS[bits & 7]
    columns, rows = grid_size(world.width), grid_size(world.height)
    free = 0
    for place in range(columns * rows):
        free += not on_player(world, spec, grid_at(place % columns), grid_at(place // columns))
    left = (bits >> 3) % max(free, 1)
    for place in range(columns * rows):
        x, y = grid_at(place % columns), grid_at(place // columns)
        if free > 0 and on_player(world, spec, x, y):
            continue
        if left == 0:
            world.power_up_x, world.power_up_y = x, y
            return
        left -= 1


@rule
def power_up_by_clock(world, spec):
    """In modes without waves a scenario may let one appear every so often (our choice)."""
    if spec.power_up_period > 0 and world.power_up == NOBODY:
        world.power_up_wait -= 1
        if world.power_up_wait <= 0:
            world.power_up_wait = spec.power_up_period
            drop_power_up(world, spec)


@rule
def pick_up(world, spec):
    """The first player's tank within 12 px takes the power-up."""
    if not spec.power_ups:
        return
    power_up_by_clock(world, spec)
    if world.power_up == NOBODY:
        return
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        if (
            tank.alive
            and tank.entering == 0
            and tank.type == PLAYER
            and abs(tank.x - world.power_up_x) < PICK_UP_RANGE
            and abs(tank.y - world.power_up_y) < PICK_UP_RANGE
        ):
            kind = world.power_up
            world.power_up = NOBODY
            tank.pick_ups += 1
            earn(tank, PICK_UP_POINTS)
            apply(world, spec, i, kind)
            return


@rule
def apply(world, spec, i, kind):
    """The effect of a power-up that tank i took."""
    tank = world.tanks[i]
    if kind == HELMET:
        tank.shield = HELMET_FRAMES
    elif kind == STAR:
        tank.level = min(tank.level + 1, MAX_LEVEL)
    elif kind == EXTRA_TANK:
        tank.lives += 1
    elif kind == SHOVEL:
        world.shovel[tank.team - 1] = SHOVEL_FRAMES
        wall_bases(world, spec, tank.team, True)
    elif kind == TIMER:
        for t in range(spec.num_teams):
            if t != tank.team - 1:
                world.frozen[t] = FREEZE_FRAMES
    elif kind == GRENADE:
        for j in range(spec.num_tanks):
            other = world.tanks[j]
            if other.alive and other.entering == 0 and other.team != tank.team:
                destroy(world, j, i, False)
