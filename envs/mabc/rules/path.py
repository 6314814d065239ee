"""Shortest paths of a tank on the 8 px lattice, for the tactical opponent."""

from ..jit import rule
from ..params import BRICK, BRICK_COST, NOBODY, PLAN_MOVES
from .terrain import stops_tank, tile_at

FAR = 65535


@rule
def place_cost(world, column, row):
    """Cost of standing with the top left tile at (column, row): 1, more for brick to shoot away, 0 if barred."""
    if column < 0 or row < 0 or column + 2 > world.width or row + 2 > world.height:
        return 0
    bricks = 0
    for k in range(4):
        code = tile_at(world, column + (k & 1), row + (k >> 1))
        if 0 < code <= BRICK:
            bricks = 1
        elif stops_tank(code):
            return 0
    return 1 + BRICK_COST * bricks


@rule
def near_goal(column, row, goal_column, goal_row, reach):
    """Within `reach` tiles of the goal on both axes."""
    return abs(column - goal_column) <= reach and abs(row - goal_row) <= reach


@rule
def flood(world, scratch, column, row, goal_column, goal_row, reach):
    """Label-correcting search outward from (column, row); returns the cheapest place near the goal or NOBODY."""
    size = world.width * world.height
    for k in range(size):
        scratch.cost[k] = FAR
        scratch.queued[k] = 0
    start = row * world.width + column
    scratch.cost[start] = 0
    scratch.queue[0] = start
    head, tail = 0, 1
    best, best_cost = NOBODY, FAR
    mask = scratch.queue.shape[0] - 1
    while head != tail:
        at = scratch.queue[head & mask]
        head += 1
        scratch.queued[at] = 0
        cost = scratch.cost[at]
        if cost >= best_cost:
            continue
        c, r = at % world.width, at // world.width
        if near_goal(c, r, goal_column, goal_row, reach):
            best, best_cost = at, cost
            continue
        for k in range(4):
            nc = c + (k == 1) - (k == 3)
            nr = r + (k == 2) - (k == 0)
            step = place_cost(world, nc, nr)
            if step == 0:
                continue
            there = nr * world.width + nc
            if cost + step < scratch.cost[there]:
                scratch.cost[there] = cost + step
                if not scratch.queued[there] and tail - head < mask:
                    scratch.queued[there] = 1
                    scratch.queue[tail & mask] = there
                    tail += 1
    return best


@rule
def plan_path(world, scratch, i, goal_x, goal_y, reach):
    """Write tank i's next headings towards a goal (px) into its plan; true if there is a way."""
    tank = world.tanks[i]
    column, row = (tank.x - 4) >> 3, (tank.y - 4) >> 3
    tank.planned = 0
    tank.plan_x, tank.plan_y = (column + 1) * 8, (row + 1) * 8
    best = flood(world, scratch, column, row, (goal_x >> 3) - 1, (goal_y >> 3) - 1, reach)
    start = row * world.width + column
    if best == NOBODY or best == start:
        return False
    at, plan, length = best, 0, 0
    while at != start:  # walk back along falling cost; the newest heading goes to the low end
        c, r = at % world.width, at // world.width
        came, lowest = 0, scratch.cost[at]
        for k in range(4):
            nc = c - (k == 1) + (k == 3)
            nr = r - (k == 2) + (k == 0)
            if nc < 0 or nr < 0 or nc >= world.width or nr >= world.height:
                continue
            cost = scratch.cost[nr * world.width + nc]
            if cost < lowest:
                came, lowest = k, cost
        if lowest == scratch.cost[at]:
            return False
        plan = (plan << 2 | came) & 0xFFFFFF
        length += 1
        at += (-(came == 1) + (came == 3)) + (-(came == 2) + (came == 0)) * world.width
    tank.plan = plan
    tank.planned = min(length, PLAN_MOVES)
    return True
