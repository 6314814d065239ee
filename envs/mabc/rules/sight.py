"""Who sees what: a window round the tank, optionally cut by line of sight; forest hides from enemies."""

from ..jit import apart, kernel, large_rule, rule
from ..params import BASE, EMPTY, FOREST_RANGE, NOBODY, SCOUT, STEEL, TILE

FINE, FINE_TILE, FINE_NUDGE = 16, 19, 128
"""Bits behind the point on a line of sight, those of a tile, and more than the rounding errors of 104 steps."""
UNSEEN_TILE = -1
"""`seen_code` of a tile that a tank does not see."""


@large_rule
def in_view(world, spec, tank, x, y):
    """Whether the tank sees a tile that the point (x, y), px, touches: on the lattice there are up to four of them."""
    apart()
    for k in range(4):
        right, below = k & 1, k >> 1
        if (right & ((x & 7) != 0)) | (below & ((y & 7) != 0)):
            continue  # it does not lie between two tiles
        column, row = (x - right) >> 3, (y - below) >> 3
        if sees_tile(world, spec, tank, column, row):
            return True
    return False


@rule
def in_field(world, column, row):
    """Whether there is such a tile."""
    return (column >= 0) & (row >= 0) & (column < world.width) & (row < world.height)


@rule
def sees_point(world, spec, tank, x, y):
    """Whether a tank sees the point (x, y), px."""
    if spec.full_observability:
        return True
    # `&` and `|` on purpose, here and below: one branch costs less than several that are hard to predict.
    inside = (abs(x - tank.x) <= spec.sight) & (abs(y - tank.y) <= spec.sight)
    if spec.line_of_sight and inside:
        return in_view(world, spec, tank, x, y)
    return inside


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
        return in_view(world, spec, tank, other.x, other.y)
    return inside


@rule
def knows_base(world, spec, tank, base):
    """Whether a tank knows where a base stands: always, but the targets of `scout` must be seen."""
    return spec.mode != SCOUT or base.team == tank.team or sees_point(world, spec, tank, base.x, base.y)


@rule
def in_window(spec, tank, column, row):
    """Whether the middle of a tile is in sight, walls apart.

    Of two tiles whose middles lie just as far as the sight, one each way, the window of `planes` holds the one to the
    right or below; the other one does not count.
    """
    if spec.full_observability:
        return True
    dx, dy = column * TILE + TILE // 2 - tank.x, row * TILE + TILE // 2 - tank.y
    return (dx <= spec.sight) & (dy <= spec.sight) & (dx > -spec.sight) & (dy > -spec.sight)


@rule
def sees_tile(world, spec, tank, column, row):
    """Whether a tank sees a tile: its middle in sight, and no wall before it."""
    if not in_window(spec, tank, column, row):
        return False
    if not has_shadows(spec):
        return True
    return in_field(world, column, row) and line_reaches_tile(world, tank.x, tank.y, column, row)


@rule
def has_shadows(spec):
    """Whether walls hide what is behind them."""
    return (spec.line_of_sight != 0) & (spec.full_observability == 0)


@rule
def tiles_in_sight(sight, position):
    """How many tiles beyond its own two a tank sees along an axis: (towards 0, away from it).

    sight, position: px. The same tiles as of `in_window`.
    """
    first = (position - TILE // 2) >> 3
    return first - ((position - sight + TILE // 2) >> 3), ((position + sight - TILE // 2) >> 3) - first - 1


@large_rule
def hides_target(world, spec, tank, column, row):
    """Whether a tile of a base belongs to a target of `scout` that the tank does not see."""
    apart()
    if spec.mode != SCOUT:
        return False
    x, y = column * TILE + TILE // 2, row * TILE + TILE // 2
    for b in range(spec.num_bases):
        base = world.bases[b]
        if abs(x - base.x) < TILE and abs(y - base.y) < TILE:
            return not knows_base(world, spec, tank, base)
    return False


@large_rule
def seen_code(world, spec, tank, column, row):
    """Terrain code of a tile as a tank sees it, UNSEEN_TILE if it does not; outside the field all is steel."""
    apart()
    if not in_field(world, column, row):
        return STEEL if in_window(spec, tank, column, row) else UNSEEN_TILE
    if not sees_tile(world, spec, tank, column, row):
        return UNSEEN_TILE
    return known_code(world, spec, tank, column, row)


@rule
def known_code(world, spec, tank, column, row):
    """Terrain code of a tile that a tank sees. An unseen target looks like empty ground, as in every picture."""
    code = world.terrain[row * world.width + column]
    if code == BASE and hides_target(world, spec, tank, column, row):
        return EMPTY
    return code


@rule
def is_wall(code):
    """Brick, even one quarter of it, and steel hide what is behind them."""
    return (code != EMPTY) & (code <= STEEL)


@rule
def line_to_tile(x0, y0, column, row):
    """The line from a point, px, to a tile's middle, sampled every half tile: start, step, and number of steps.

    In whole numbers of 2^-16 px, so that a line takes two divisions. FINE_NUDGE makes up for what they round off: the
    samples lie in the very pixels in which exact ones would.
    """
    dx, dy = column * TILE + TILE // 2 - x0, row * TILE + TILE // 2 - y0
    steps = max(max(abs(dx), abs(dy)) // (TILE // 2), 1)
    x, y = (int(x0) << FINE) + FINE_NUDGE, (int(y0) << FINE) + FINE_NUDGE
    return x, y, (int(dx) << FINE) // steps, (int(dy) << FINE) // steps, steps


@large_rule
def line_reaches_tile(world, x0, y0, column, row):
    """Whether the line from a point, px, to a tile's middle meets no brick or steel in an earlier tile."""
    apart()
    x, y, step_x, step_y, steps = line_to_tile(x0, y0, column, row)
    for _ in range(1, steps):
        x, y = x + step_x, y + step_y
        at_column, at_row = x >> FINE_TILE, y >> FINE_TILE
        if at_column == column and at_row == row:
            return True
        if is_wall(world.terrain[at_row * world.width + at_column]):
            return False
    return True


@rule
def trace_line(world, x0, y0, column, row, tiles):
    """Note in tiles, uint8 [H * W], what the line of `line_reaches_tile` touches, the first wall too."""
    x, y, step_x, step_y, steps = line_to_tile(x0, y0, column, row)
    for _ in range(1, steps):
        x, y = x + step_x, y + step_y
        at = (y >> FINE_TILE) * world.width + (x >> FINE_TILE)
        tiles[at] = 1
        if is_wall(world.terrain[at]):
            return
    tiles[row * world.width + column] = 1


@large_rule
def trace_lines(world, tank, left, top, right, bottom, tiles):
    """Note which tiles of the field no wall hides, in tiles, uint8 [H * W].

    Lines go to the middles of all tiles from (left, top) up to, without it, (right, bottom). All that they touch is
    seen, walls too: whether a tile or a thing is seen never depends on a tile that is not.
    """
    apart()
    for at in range(world.width * world.height):
        tiles[at] = 0
    for row in range(max(top, 0), min(bottom, world.height)):
        for column in range(max(left, 0), min(right, world.width)):
            trace_line(world, tank.x, tank.y, column, row, tiles)


@rule
def sight_range(world, spec):
    """The scale of distances in observations, px: the sight or, with full sight, the field's longer side."""
    if spec.full_observability:
        return TILE * max(world.width, world.height)
    return spec.sight


@rule
def trace_window(world, spec, tank, tiles):
    """`trace_lines` to all tiles in sight."""
    column, row = (tank.x - TILE // 2) >> 3, (tank.y - TILE // 2) >> 3
    left, right = tiles_in_sight(spec.sight, tank.x)
    up, down = tiles_in_sight(spec.sight, tank.y)
    trace_lines(world, tank, column - left, row - up, column + 2 + right, row + 2 + down, tiles)


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
    shadows = (not everything) & has_shadows(spec)
    if shadows and looks:
        trace_lines(world, me, 0, 0, world.width, world.height, seen.tiles)
    else:
        for at in range(world.width * world.height):
            seen.tiles[at] = not shadows


@kernel
def look_around(worlds, spec_array, seen):
    """What every tank of worlds[0] sees, into seen, [tanks] of state.SEEN."""
    for i in range(spec_array[0].num_tanks):
        look(worlds[0], spec_array[0], i, seen[i])
