"""What a bot may know: what it sees itself, what its team sees, or everything; of the present moment only (ours).

The map as it was at the start is known to all bots; what has changed on it since must be seen.
"""

from ..jit import apart, large_rule, rule
from ..params import BASE, BY_AGENT, BY_ALL, EMPTY, SCOUT
from .sight import knows_base, sees_point, sees_tank, sees_tile
from .terrain import tile_at


@rule
def watches(world, spec, i, m, knowledge):
    """Whether bot i is told what tank m sees."""
    tank, mate = world.tanks[i], world.tanks[m]
    return mate.alive and mate.team == tank.team and (m == i or knowledge != BY_AGENT)


@large_rule
def knows_tank(world, spec, i, j, knowledge):
    """Whether bot i knows where tank j is."""
    apart()
    if not world.tanks[j].alive:
        return False
    if knowledge == BY_ALL or sees_tank(world, spec, i, j):
        return True
    first = spec.team_first[world.tanks[i].team - 1]
    for m in range(first, first + spec.team_size[world.tanks[i].team - 1]):
        if m != i and watches(world, spec, i, m, knowledge) and sees_tank(world, spec, m, j):
            return True
    return False


@large_rule
def knows_point(world, spec, i, x, y, knowledge):
    """Whether bot i knows what is at the point (x, y), px."""
    apart()
    if knowledge == BY_ALL:
        return True
    first = spec.team_first[world.tanks[i].team - 1]
    for m in range(first, first + spec.team_size[world.tanks[i].team - 1]):
        if watches(world, spec, i, m, knowledge) and sees_point(world, spec, world.tanks[m], x, y):
            return True
    return False


@large_rule
def knows_goal(world, spec, i, b, knowledge):
    """Whether bot i knows where base b is: always, but the targets of `scout` must be seen."""
    apart()
    base = world.bases[b]
    if knowledge == BY_ALL or knows_base(world, spec, world.tanks[i], base):
        return True
    return knows_point(world, spec, i, base.x, base.y, knowledge)


@large_rule
def knows_tile(world, spec, i, column, row, knowledge):
    """Whether bot i knows the present state of a tile. Most that are asked for lie in its own sight."""
    apart()
    if sees_tile(world, spec, world.tanks[i], column, row):
        return True
    first = spec.team_first[world.tanks[i].team - 1]
    for m in range(first, first + spec.team_size[world.tanks[i].team - 1]):
        if m != i and watches(world, spec, i, m, knowledge) and sees_tile(world, spec, world.tanks[m], column, row):
            return True
    return False


@rule
def known_tile(world, spec, layout, i, column, row, knowledge):
    """The code of a tile for all that bot i knows: as it is where that is known, else as it was at the start.

    Few tiles ever change, so who sees them is seldom asked.
    """
    code = tile_at(world, column, row)
    if knowledge == BY_ALL or column < 0 or row < 0 or column >= world.width or row >= world.height:
        return code
    before = layout.terrain[row * world.width + column]
    hidden = spec.mode == SCOUT and code == BASE
    if (code == before and not hidden) or knows_tile(world, spec, i, column, row, knowledge):
        return code
    return EMPTY if hidden else before
