"""Who sees what: a window round the tank, optionally cut by line of sight; forest hides from enemies."""

from ..jit import rule
from ..params import FOREST_RANGE, STEEL, TILE
from ..rules.terrain import tile_at


@rule
def sees_point(world, spec, tank, x, y):
    """Whether a tank sees the point (x, y), px."""
    if spec.full_observability:
        return True
    if abs(x - tank.x) > spec.sight or abs(y - tank.y) > spec.sight:
        return False
    return not spec.line_of_sight or line_is_free(world, tank.x, tank.y, x, y)


@rule
def sees_tank(world, spec, i, j):
    """Whether tank i sees tank j: on the field, in sight, and not an enemy that forest hides."""
    tank, other = world.tanks[i], world.tanks[j]
    if not other.alive:
        return False
    if spec.full_observability:
        return True
    dx, dy = abs(other.x - tank.x), abs(other.y - tank.y)
    if dx > spec.sight or dy > spec.sight:
        return False
    if other.in_forest and other.team != tank.team and (dx > FOREST_RANGE or dy > FOREST_RANGE):
        return False
    return not spec.line_of_sight or line_is_free(world, tank.x, tank.y, other.x, other.y)


@rule
def line_is_free(world, x0, y0, x1, y1):
    """Whether no brick or steel tile lies on the straight line between two points, px, sampled every half tile."""
    steps = max(abs(x1 - x0), abs(y1 - y0)) // (TILE // 2)
    for k in range(1, steps):
        code = tile_at(world, (x0 + (x1 - x0) * k // steps) >> 3, (y0 + (y1 - y0) * k // steps) >> 3)
        if 0 < code <= STEEL:
            return False
    return True


@rule
def sight_range(world, spec):
    """The scale of distances in observations, px: the sight, or the longer side of the field with full sight."""
    if spec.full_observability:
        return TILE * max(world.width, world.height)
    return spec.sight
