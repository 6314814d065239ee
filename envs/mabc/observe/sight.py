"""Who sees what: a window round the tank, optionally cut by line of sight; forest hides from enemies."""

from ..jit import kernel, rule
from ..params import FOREST_RANGE, NOBODY, SCOUT, STEEL, TILE
from ..rules.terrain import tile_at


@rule
def has_line_to(world, spec, tank, dx, dy):
    """Whether no wall stands between a tank and the point (dx, dy) px from it; with full sight none ever does."""
    return spec.full_observability or line_is_free(world, tank.x, tank.y, tank.x + int(dx), tank.y + int(dy))


@rule
def sees_offset(world, spec, tank, dx, dy):
    """Whether a tank sees the point that lies (dx, dy) px from it."""
    if spec.full_observability:
        return True
    # `&` and `|` on purpose, here and below: one branch costs less than several that are hard to predict.
    inside = (abs(dx) <= spec.sight) & (abs(dy) <= spec.sight)
    if spec.line_of_sight and inside:
        return line_is_free(world, tank.x, tank.y, tank.x + int(dx), tank.y + int(dy))
    return inside


@rule
def sees_point(world, spec, tank, x, y):
    """Whether a tank sees the point (x, y), px."""
    return sees_offset(world, spec, tank, x - tank.x, y - tank.y)


@rule
def sees_tank(world, spec, i, j):
    """Whether tank i sees tank j: on the field, in sight, and not an enemy that forest hides."""
    tank, other = world.tanks[i], world.tanks[j]
    alive = other.alive != 0
    if spec.full_observability:
        return alive
    dx, dy = abs(other.x - tank.x), abs(other.y - tank.y)
    inside = alive & (dx <= spec.sight) & (dy <= spec.sight)
    if other.in_forest and other.team != tank.team and max(dx, dy) > FOREST_RANGE:
        return False
    if spec.line_of_sight and inside:
        return line_is_free(world, tank.x, tank.y, other.x, other.y)
    return inside


@rule
def line_is_free(world, x0, y0, x1, y1):
    """Whether no brick or steel tile lies on the line between two points, px, sampled every half tile."""
    steps = max(abs(x1 - x0), abs(y1 - y0)) // (TILE // 2)
    for k in range(1, steps):
        code = tile_at(world, (x0 + (x1 - x0) * k // steps) >> 3, (y0 + (y1 - y0) * k // steps) >> 3)
        if 0 < code <= STEEL:
            return False
    return True


@rule
def knows_base(world, spec, tank, base):
    """Whether a tank knows where a base stands: always, but the targets of `scout` must be seen."""
    return spec.mode != SCOUT or base.team == tank.team or sees_point(world, spec, tank, base.x, base.y)


@rule
def sees_tile(world, spec, tank, column, row):
    """Whether a tank sees a tile: its middle in sight, and no wall before it."""
    if spec.full_observability:
        return True
    x, y = column * TILE + TILE // 2, row * TILE + TILE // 2
    if abs(x - tank.x) > spec.sight or abs(y - tank.y) > spec.sight:
        return False
    return not spec.line_of_sight or line_reaches_tile(world, tank.x, tank.y, column, row)


@rule
def line_reaches_tile(world, x0, y0, column, row):
    """Whether the line from a point, px, to a tile's middle meets no brick or steel in an earlier tile."""
    dx, dy = column * TILE + TILE // 2 - x0, row * TILE + TILE // 2 - y0
    steps = max(abs(dx), abs(dy)) // (TILE // 2)
    for k in range(1, steps):
        at_column, at_row = (x0 + dx * k // steps) >> 3, (y0 + dy * k // steps) >> 3
        if at_column == column and at_row == row:
            return True
        if 0 < tile_at(world, at_column, at_row) <= STEEL:
            return False
    return True


@rule
def sight_range(world, spec):
    """The scale of distances in observations, px: the sight or, with full sight, the field's longer side."""
    if spec.full_observability:
        return TILE * max(world.width, world.height)
    return spec.sight


@rule
def look(world, spec, viewer, seen):
    """Note what tank `viewer` sees, or NOBODY, who sees everything, in seen, a record of state.SEEN.

    A destroyed tank is seen where it exploded. Who is off the field sees nothing, but knows where bases stand.
    """
    everything = viewer == NOBODY
    me = world.tanks[max(viewer, 0)]
    looks = me.alive != 0
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        there = sees_tank(world, spec, viewer, i) if tank.alive else sees_point(world, spec, me, tank.x, tank.y)
        seen.tanks[i] = everything | (looks & ((i == viewer) | there))
    for k in range(2 * spec.num_tanks):
        bullet = world.bullets[k]
        seen.bullets[k] = everything | (looks & sees_point(world, spec, me, bullet.x, bullet.y))
    for b in range(spec.num_bases):
        seen.bases[b] = everything | knows_base(world, spec, me, world.bases[b])
    seen.power_up = everything | (looks & sees_point(world, spec, me, world.power_up_x, world.power_up_y))
    walls = (not everything) & (spec.line_of_sight != 0) & (spec.full_observability == 0)
    for row in range(world.height):
        for column in range(world.width):
            free = not walls or (looks and line_reaches_tile(world, me.x, me.y, column, row))
            seen.tiles[row * world.width + column] = free


@kernel
def look_around(worlds, spec_array, seen):
    """What every tank of worlds[0] sees, into seen, [tanks] of state.SEEN."""
    for i in range(spec_array[0].num_tanks):
        look(worlds[0], spec_array[0], i, seen[i])
