"""Driving: ice, turns, movement (facts: geometry, terrain, tanks)."""

from ..jit import rule
from ..params import DX, DY, PLAYER, SLIDE_FRAMES, SPEED, TILE
from .terrain import on_ice, overlaps, tank_on, way_is_clear


@rule
def can_act(world, tank):
    """On the field, past its entry and not frozen by an enemy's timer."""
    return tank.alive and tank.entering == 0 and world.frozen[tank.team - 1] == 0


@rule
def slide(world, tank):
    """A player's tank that lets go of the key on ice drives on for SLIDE_FRAMES."""
    if (tank.move == 0) & (tank.slide > 0):
        tank.slide -= 1
        if tank.type != PLAYER or not on_ice(world, tank.x, tank.y):
            tank.slide = 0


@rule
def snapped(position):
    """The nearest multiple of a tile; half way goes up."""
    return (position + TILE // 2) & -TILE


@rule
def turn(world, spec, i, heading):
    """Turn tank i. A 90 degree turn snaps both coordinates to the nearest multiple of 8, a reversal does not.

    Where the snap would put the tank into another one it takes the next multiple back along its way; where
    that is taken too, the turn waits (our choice; see docs/decisions.md).
    """
    tank = world.tanks[i]
    if (heading - tank.heading) & 1:
        x, y = snapped(tank.x), snapped(tank.y)
        if (x != tank.x or y != tank.y) and tank_on(world, spec, x, y, i):
            x += TILE * ((tank.x > x) - (tank.x < x))
            y += TILE * ((tank.y > y) - (tank.y < y))
            if tank_on(world, spec, x, y, i):
                return
        tank.x, tank.y = x, y
    tank.heading = heading
    tank.blocked = 0


@rule
def tank_ahead(world, spec, i, x, y):
    """Whether tank i would push into another one at (x, y). Driving apart is always allowed.

    `&` and `|` in place of `and` and `or`: one test for all, where a branch each would be mispredicted.
    """
    tank = world.tanks[i]
    dx, dy = x - tank.x, y - tank.y
    found = False
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        ahead = (other.x - tank.x) * dx + (other.y - tank.y) * dy > 0
        found |= overlaps(x, y, other.x, other.y) & ahead & (other.alive != 0) & (j != i)
    return found


@rule
def pixels_this_frame(frame, tank_type):
    """How far a tank of this type drives in this frame: a speed of q quarters is q px over any 4 frames."""
    quarters = SPEED[tank_type]
    phase = frame & 3
    return ((phase + 1) * quarters >> 2) - (phase * quarters >> 2)


@rule
def drive_tank(world, spec, i):
    """Move tank i by at most one px along its heading."""
    tank = world.tanks[i]
    if pixels_this_frame(world.frame, tank.type) == 0:
        return
    x, y = tank.x + DX[tank.heading], tank.y + DY[tank.heading]
    goes = way_is_clear(world, tank.x, tank.y, tank.heading) & (not tank_ahead(world, spec, i, x, y))
    tank.x, tank.y = x if goes else tank.x, y if goes else tank.y
    tank.moved = goes
    tank.blocked = not goes
    # A key held arms the slide, which counts down from the release; a wall ends it.
    armed = SLIDE_FRAMES + 1 if tank.move != 0 else tank.slide
    tank.slide = armed if goes else 0


@rule
def drive(world, spec):
    """Ice, turns and movement of every tank. The order of slots alternates, so that no side always goes first."""
    last = spec.num_tanks - 1
    for k in range(spec.num_tanks):
        i = last - k if world.frame & 1 else k
        tank = world.tanks[i]
        slide(world, tank)
        idle = (tank.stun > 0) | ((tank.move == 0) & (tank.slide == 0))
        if idle | (tank.alive == 0) | (tank.entering > 0) | (world.frozen[tank.team - 1] > 0):
            if can_act(world, tank):
                tank.moved = 0
                tank.blocked = 0
            continue
        if tank.move != 0 and tank.move - 1 != tank.heading:
            turn(world, spec, i, tank.move - 1)
        drive_tank(world, spec, i)
