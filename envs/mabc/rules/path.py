"""Shortest paths of a tank on the 8 px lattice, for the tactical opponent."""

from ..jit import apart, large_rule, rule
from ..params import BRICK, BRICK_COST, LINE_COST, NOBODY
from ..state import QUEUE_BUCKETS
from .knowledge import known_tile
from .terrain import nearest_tiles, stops_tank

FAR = 65535


@rule
def place_cost(world, spec, layout, i, column, row, knowledge):
    """Cost of standing with the top left tile at (column, row): 1, more for brick to shoot away, 0 if barred."""
    if column < 0 or row < 0 or column + 2 > world.width or row + 2 > world.height:
        return 0
    bricks = 0
    for k in range(4):
        code = known_tile(world, spec, layout, i, column + (k & 1), row + (k >> 1), knowledge)
        if 0 < code <= BRICK:
            bricks = 1
        elif stops_tank(code):
            return 0
    return 1 + BRICK_COST * bricks


@rule
def moves_left(column, row, goal_column, goal_row, reach):
    """Moves that a way to within `reach` tiles of the goal, on both axes, has at least."""
    return max(abs(column - goal_column) - reach, 0) + max(abs(row - goal_row) - reach, 0)


@rule
def push(scratch, place, total, count):
    """Queue a place at its total cost, known and still to come."""
    scratch.queue[count] = place
    scratch.below[count] = scratch.bucket[total & (QUEUE_BUCKETS - 1)]
    scratch.bucket[total & (QUEUE_BUCKETS - 1)] = count


@large_rule
def search(world, spec, layout, scratch, i, goal_column, goal_row, reach, knowledge, first):
    """A* from tank i's place (Hart, Nilsson and Raphael, 1968); returns the goal that it found, or NOBODY.

    Totals rise by less than QUEUE_BUCKETS a move, so that as many buckets in a ring are a queue by cost. first: the
    heading that is tried first, drawn, so that none of equal ways is preferred.
    """
    apart()
    width = world.width
    for k in range(width * world.height):
        scratch.cost[k] = FAR
    for k in range(QUEUE_BUCKETS):
        scratch.bucket[k] = NOBODY
    column, row = nearest_tiles(world.tanks[i].x, world.tanks[i].y)
    start = row * width + column
    total = moves_left(column, row, goal_column, goal_row, reach)
    scratch.cost[start] = 0
    push(scratch, start, total, 0)
    count, waiting = 1, 1
    while waiting > 0:
        while scratch.bucket[total & (QUEUE_BUCKETS - 1)] == NOBODY:
            total += 1
        at = scratch.bucket[total & (QUEUE_BUCKETS - 1)]
        scratch.bucket[total & (QUEUE_BUCKETS - 1)] = scratch.below[at]
        waiting -= 1
        here = scratch.queue[at]
        c, r = here % width, here // width
        left = moves_left(c, r, goal_column, goal_row, reach)
        cost = scratch.cost[here]
        if cost + left < total:  # found a cheaper way to it since
            continue
        if left == 0:
            return here
        for turn in range(4):
            k = (first + turn) & 3
            nc, nr = c + (k == 1) - (k == 3), r + (k == 2) - (k == 0)
            step = place_cost(world, spec, layout, i, nc, nr, knowledge)
            if step == 0:
                continue
            there = nr * width + nc
            step += LINE_COST * scratch.in_line[there]
            if cost + step < scratch.cost[there] and count < scratch.queue.shape[0]:
                scratch.cost[there] = cost + step
                scratch.came[there] = k
                push(scratch, there, cost + step + moves_left(nc, nr, goal_column, goal_row, reach), count)
                count += 1
                waiting += 1
    return NOBODY


@rule
def first_heading(world, spec, layout, scratch, i, goal_x, goal_y, reach, knowledge, first):
    """The heading of tank i's first move on a shortest way towards a goal, px; NOBODY if it is there or none leads."""
    goal_column, goal_row = (goal_x >> 3) - 1, (goal_y >> 3) - 1
    at = search(world, spec, layout, scratch, i, goal_column, goal_row, reach, knowledge, first)
    heading = NOBODY
    while at != NOBODY and scratch.cost[at] > 0:
        heading = scratch.came[at]
        at += (-(heading == 1) + (heading == 3)) + (-(heading == 2) + (heading == 0)) * world.width
    return heading
