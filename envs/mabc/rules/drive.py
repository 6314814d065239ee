"""Driving: ice, turns, movement (facts: geometry, terrain, tanks)."""

from ..jit import rule
from ..params import DX, DY, PLAYER, SLIDE_FRAMES, SPEED, TILE
from .life import tick_tank
from .terrain import NOWHERE, near, on_ice, overlaps, packed, tank_on, way_is_clear


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
def note_places(world, spec, scratch):
    """List where the tanks on the field are: at the start of a step and after entries; driving keeps it up to date."""
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        scratch.places[i] = packed(tank.x, tank.y) if tank.alive else NOWHERE


@rule
def tank_ahead(world, spec, scratch, i, x, y):
    """Whether tank i, whose own place is set to NOWHERE, would push into another one at (x, y).

    Driving apart is always allowed.
    """
    tank = world.tanks[i]
    here = packed(x, y)
    for j in range(spec.num_tanks):
        if near(here, scratch.places[j]):
            other = world.tanks[j]
            ahead = (other.x - tank.x) * (x - tank.x) + (other.y - tank.y) * (y - tank.y) > 0
            if ahead & overlaps(x, y, other.x, other.y) & (other.alive != 0):
                return True
    return False


@rule
def pixels_this_frame(frame, tank_type):
    """How far a tank of this type drives in this frame: a speed of q quarters is q px over any 4 frames."""
    quarters = SPEED[tank_type]
    phase = frame & 3
    return ((phase + 1) * quarters >> 2) - (phase * quarters >> 2)


@rule
def drive_tank(world, spec, scratch, i):
    """Move tank i by at most one px along its heading."""
    tank = world.tanks[i]
    if pixels_this_frame(world.frame, tank.type) == 0:
        return
    x, y = tank.x + DX[tank.heading], tank.y + DY[tank.heading]
    scratch.places[i] = NOWHERE
    goes = way_is_clear(world, tank.x, tank.y, tank.heading) & (not tank_ahead(world, spec, scratch, i, x, y))
    tank.x, tank.y = x if goes else tank.x, y if goes else tank.y
    tank.moved = goes
    tank.blocked = not goes
    # A key held arms the slide, which counts down from the release; a wall ends it.
    armed = SLIDE_FRAMES + 1 if tank.move != 0 else tank.slide
    tank.slide = armed if goes else 0


@rule
def drive(world, spec, scratch):
    """Ice, turns and movement of every tank, in this step's order, then its clocks."""
    for k in range(spec.num_tanks):
        i = scratch.order[k]
        tank = world.tanks[i]
        slide(world, tank)
        idle = (tank.stun > 0) | ((tank.move == 0) & (tank.slide == 0))
        if idle | (tank.alive == 0) | (tank.entering > 0) | (world.frozen[tank.team - 1] > 0):
            if can_act(world, tank):
                tank.moved = 0
                tank.blocked = 0
        else:
            if tank.move != 0 and tank.move - 1 != tank.heading:
                turn(world, spec, i, tank.move - 1)
            drive_tank(world, spec, scratch, i)
            scratch.places[i] = packed(tank.x, tank.y)
        tick_tank(tank)
