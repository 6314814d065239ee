"""Bases: one is taken, the shovel walls one in, a scout finds one (facts: terrain, power-ups)."""

from ..jit import rule
from ..params import BASE, BRICK, FOUND_RANGE, HALF_TANK, SCOUT, STEEL
from .terrain import tank_on_tile, tile_at


@rule
def in_base(base, x, y):
    """Whether pixel (x, y) lies in the base's 16 px square."""
    return (abs(2 * (x - base.x) + 1) < 2 * HALF_TANK) & (abs(2 * (y - base.y) + 1) < 2 * HALF_TANK)


@rule
def take_base(world, base, i):
    """Tank i destroys or finds a base."""
    tank = world.tanks[i]
    base.alive = 0
    base.by = tank.team
    world.lost[base.team - 1] += 1
    world.toll = 1
    if base.team != tank.team:
        tank.bases += 1


@rule
def find_targets(world, spec):
    """In `scout` a base is found by a tank of another team within 24 px on both axes."""
    for b in range(spec.num_bases):
        base = world.bases[b]
        if not base.alive:
            continue
        for i in range(spec.num_tanks):
            tank = world.tanks[i]
            if (
                tank.alive
                and tank.entering == 0
                and tank.team != base.team
                and abs(tank.x - base.x) <= FOUND_RANGE
                and abs(tank.y - base.y) <= FOUND_RANGE
            ):
                take_base(world, base, i)
                break


@rule
def wall_bases(world, spec, team, steel):
    """Put steel, or fresh brick, on the ring of tiles round a team's bases, except under a tank."""
    for b in range(spec.num_bases):
        base = world.bases[b]
        if base.team != team or not base.alive:
            continue
        left, top = (base.x >> 3) - 2, (base.y >> 3) - 2
        for k in range(16):
            column, row = left + (k & 3), top + (k >> 2)
            if column < 0 or row < 0 or column >= world.width or row >= world.height:
                continue
            if tile_at(world, column, row) != BASE and not tank_on_tile(world, spec, column, row):
                world.terrain[row * world.width + column] = STEEL if steel else BRICK


@rule
def guard_bases(world, spec):
    """Targets that are found, and steel that turns to fresh brick when the shovel's time is over."""
    if spec.num_bases == 0:
        return
    if spec.mode == SCOUT:
        find_targets(world, spec)
    for t in range(spec.num_teams):
        if world.shovel[t] > 0:
            world.shovel[t] -= 1
            if world.shovel[t] == 0:
                wall_bases(world, spec, t + 1, False)
