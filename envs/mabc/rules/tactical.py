"""The `tactical` opponent (ours): finds paths, aims, dodges, and holds its fire on its own base and team.

It decides at most once in 8 frames, as an agent does, and keeps its order in between; what its levels can do is one
table in params.py. It remembers nothing: what it decides follows from what it knows now (knowledge.py).
"""

import numpy as np

from ..jit import apart, large_rule, rule
from ..params import (
    AIM_ODDS,
    AIM_RANGE,
    BASE,
    BREACH_RANGE,
    BULLET_BULLET,
    BULLET_TANK,
    BY_AGENT,
    DODGE_ODDS,
    DODGE_RANGE,
    DODGE_WIDTH,
    DOWN,
    DX,
    DY,
    FOCUS,
    HALF_TANK,
    LEFT,
    LINE_TILES,
    NOBODY,
    PLAYER,
    REACTION,
    RIGHT,
    SCOUT,
    SEARCH_FRAMES,
    STEEL,
    TILE,
    UP,
)
from .chance import PATH_STREAM, SEARCH_STREAM, draw, draw_at, tie_break
from .knowledge import known_tile, knows_goal, knows_point, knows_tank
from .path import first_heading
from .terrain import nearest_tiles, way_is_clear

FAR_AWAY = 1 << 40


@rule
def is_due(world, spec, i, level):
    """Whether tank i decides in this frame; the tanks of a team do so in turn."""
    place = i - spec.team_first[world.tanks[i].team - 1]
    return (world.frame + 8 * place) % REACTION[level] == 0


@rule
def chance_of(bits, shift, percent):
    """Whether something that happens in so many of a hundred cases does; each use takes its own seven bits."""
    return (bits >> shift & 127) * 100 < 128 * percent


@rule
def own_base_in_line(world, spec, tank, heading):
    """Whether a base of the tank's own team lies on the line of a shot along `heading`, however far.

    A turn snaps the tank by up to half a tile before it fires.
    """
    reach = HALF_TANK + TILE // 2 * ((heading - tank.heading) & 1)
    for b in range(spec.num_bases):
        base = world.bases[b]
        if base.team != tank.team or not base.alive:
            continue
        dx, dy = base.x - tank.x, base.y - tank.y
        along = dx * DX[heading] + dy * DY[heading]
        if along > 0 and abs(dx * DY[heading]) + abs(dy * DX[heading]) <= reach:
            return True
    return False


@large_rule
def line_is_open(world, spec, layout, i, x, y, heading, distance, through_brick, knowledge):
    """Whether a shot from (x, y) along `heading` flies `distance` px without steel, a base or brick in its way."""
    apart()
    for k in range(1, distance // TILE + 1):
        px, py = x + DX[heading] * k * TILE, y + DY[heading] * k * TILE
        for side in range(2):
            offset = side * TILE - TILE
            column = (px + (offset if DX[heading] == 0 else 0) - (heading == LEFT)) // TILE
            row = (py + (offset if DX[heading] != 0 else 0) - (heading == UP)) // TILE
            code = known_tile(world, spec, layout, i, column, row, knowledge)
            if code == STEEL or code == BASE:
                return False
            if not through_brick and 0 < code < STEEL:
                return False
    return True


@large_rule
def shot_reaches(world, spec, layout, i, heading, distance, through_brick, knowledge):
    """Whether a shot of tank i flies `distance` px and meets no team mate; never with its own base in line."""
    apart()
    tank = world.tanks[i]
    if not line_is_open(world, spec, layout, i, tank.x, tank.y, heading, distance, through_brick, knowledge):
        return False
    for j in range(spec.num_tanks):
        mate = world.tanks[j]
        if j == i or not mate.alive or mate.team != tank.team:
            continue
        along = (mate.x - tank.x) * DX[heading] + (mate.y - tank.y) * DY[heading]
        across = abs((mate.x - tank.x) * DY[heading]) + abs((mate.y - tank.y) * DX[heading])
        if 0 < along < distance and across < BULLET_TANK and knows_tank(world, spec, i, j, knowledge):
            return False
    return not own_base_in_line(world, spec, tank, heading)


@rule
def heading_in_line(dx, dy):
    """The heading of a target that a straight shot can hit, or NOBODY."""
    if abs(dx) < BULLET_TANK - 1 and abs(dx) <= abs(dy):
        return UP if dy < 0 else DOWN
    if abs(dy) < BULLET_TANK - 1:
        return LEFT if dx < 0 else RIGHT
    return NOBODY


@large_rule
def shot_at_enemy(world, spec, layout, i, level, knowledge, bits):
    """The heading of the nearest enemy tank or base that a shot would hit now, or NOBODY."""
    apart()
    tank = world.tanks[i]
    best, nearest = NOBODY, FAR_AWAY
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        if other.team == tank.team or not other.alive or other.entering > 0:
            continue
        dx, dy = other.x - tank.x, other.y - tank.y
        heading = heading_in_line(dx, dy)
        distance = abs(dx) + abs(dy)
        key = tie_break(distance, bits, j)
        if heading == NOBODY or distance > AIM_RANGE[level] or key >= nearest:
            continue
        if knows_tank(world, spec, i, j, knowledge) and shot_reaches(
            world, spec, layout, i, heading, max(abs(dx), abs(dy)), distance < BREACH_RANGE, knowledge
        ):
            best, nearest = heading, key
    if spec.mode == SCOUT or best != NOBODY:
        return best
    for b in range(spec.num_bases):
        base = world.bases[b]
        if base.team == tank.team or not base.alive:
            continue
        dx, dy = base.x - tank.x, base.y - tank.y
        heading = heading_in_line(dx, dy)
        distance = max(abs(dx), abs(dy))
        key = tie_break(distance, bits, b)
        if heading == NOBODY or key >= nearest:
            continue
        if shot_reaches(world, spec, layout, i, heading, distance - 12, True, knowledge):
            best, nearest = heading, key
    return best


@large_rule
def threat(world, spec, i, knowledge):
    """The nearest enemy bullet that flies at tank i, or NOBODY."""
    apart()
    if world.flying == 0:
        return NOBODY
    tank = world.tanks[i]
    best, nearest = NOBODY, DODGE_RANGE
    for k in range(2 * spec.num_tanks):
        bullet = world.bullets[k]
        if bullet.speed == 0 or world.tanks[k >> 1].team == tank.team:
            continue
        dx, dy = tank.x - bullet.x, tank.y - bullet.y
        along = dx * DX[bullet.heading] + dy * DY[bullet.heading]
        across = abs(dx * DY[bullet.heading]) + abs(dy * DX[bullet.heading])
        if 0 < along < nearest and across < DODGE_WIDTH:
            if knows_point(world, spec, i, bullet.x, bullet.y, knowledge):
                best, nearest = k, along
    return best


@rule
def way_out(world, i, bullet, bits):
    """The heading that leads tank i farther from a bullet's line; on the line, the one it has begun or either."""
    tank = world.tanks[i]
    off_x, off_y = tank.x - bullet.x, tank.y - bullet.y
    if DX[bullet.heading] == 0 and off_x != 0:
        return RIGHT if off_x > 0 else LEFT
    if DY[bullet.heading] == 0 and off_y != 0:
        return DOWN if off_y > 0 else UP
    if (tank.heading - bullet.heading) & 1:
        return tank.heading
    return (bullet.heading + (1 if bits & 1 else 3)) & 3


@large_rule
def dodge(world, spec, i, k, bits):
    """Shoot an incoming bullet down, or step out of its line; true if the order is set."""
    apart()
    tank = world.tanks[i]
    bullet = world.bullets[k]
    facing = (bullet.heading + 2) & 3
    across = abs((tank.x - bullet.x) * DY[bullet.heading]) + abs((tank.y - bullet.y) * DX[bullet.heading])
    safe = not own_base_in_line(world, spec, tank, facing) and not own_base_in_line(world, spec, tank, tank.heading)
    if world.bullets[2 * i].speed == 0 and tank.shield == 0 and across < BULLET_BULLET and safe:
        tank.move = facing + 1
        tank.press = 1
        return True
    first = way_out(world, i, bullet, bits)
    for attempt in range(2):
        heading = (first + 2 * attempt) & 3
        if way_is_clear(world, tank.x, tank.y, heading):
            tank.move = heading + 1
            return True
    return False


@rule
def distance_of_team(world, spec, i, x, y):
    """The mean distance of tank i's team, px, to a place."""
    team = world.tanks[i].team - 1
    total = count = 0
    for k in range(spec.team_size[team]):
        mate = world.tanks[spec.team_first[team] + k]
        if mate.alive:
            total += abs(mate.x - x) + abs(mate.y - y)
            count += 1
    return total // max(count, 1)


@large_rule
def search_place(world, spec, layout, i):
    """Where tank i looks for enemies of whom it does not know, px; another place every few seconds.

    A place of the field or, as often, an entry of another team.
    """
    apart()
    bits = draw_at(world, (world.frame // SEARCH_FRAMES << 6) + i, SEARCH_STREAM)
    t = (world.tanks[i].team + (bits >> 1) % (spec.num_teams - 1)) % spec.num_teams
    if bits & 1 and layout.entries[t] > 0:
        e = (bits >> 16 & 0xFFFF) % layout.entries[t]
        return np.int64(layout.entry_x[t, e]), np.int64(layout.entry_y[t, e])
    x = TILE + (bits >> 16 & 0xFFFF) % (world.width - 1) * TILE
    y = TILE + (bits >> 32 & 0xFFFF) % (world.height - 1) * TILE
    return np.int64(x), np.int64(y)


@large_rule
def objective(world, spec, layout, i, level, knowledge, bits):
    """Where tank i wants to be: (x, y, how near in tiles).

    The nearest enemy tank that it knows of, or an enemy base or power-up if nearer; where none is, it searches.
    """
    apart()
    tank = world.tanks[i]
    x, y = search_place(world, spec, layout, i)
    reach, nearest = 1, FAR_AWAY
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        if not other.alive or other.team == tank.team:
            continue
        distance = abs(other.x - tank.x) + abs(other.y - tank.y)
        if FOCUS[level] and knowledge != BY_AGENT:
            distance = distance_of_team(world, spec, i, other.x, other.y)
        key = tie_break(distance, bits, j)
        if key < nearest and knows_tank(world, spec, i, j, knowledge):
            x, y, reach, nearest = other.x, other.y, 1, key
    for b in range(spec.num_bases):
        base = world.bases[b]
        key = tie_break((abs(base.x - tank.x) + abs(base.y - tank.y)) // 2, bits, b)
        if base.alive and base.team != tank.team and key < nearest and knows_goal(world, spec, i, b, knowledge):
            x, y, reach, nearest = base.x, base.y, 3, key
    if world.power_up != NOBODY and tank.type == PLAYER:
        key = tie_break(abs(world.power_up_x - tank.x) + abs(world.power_up_y - tank.y), bits, 0)
        if key < nearest and knows_point(world, spec, i, world.power_up_x, world.power_up_y, knowledge):
            x, y, reach = world.power_up_x, world.power_up_y, 1
    return x, y, reach


@large_rule
def mark_lines(world, spec, layout, scratch, i, knowledge):
    """Mark the places where a tank would stand in the line of fire of an enemy that tank i knows of."""
    apart()
    width, height = world.width, world.height
    for k in range(width * height):
        scratch.in_line[k] = 0
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        if other.team == world.tanks[i].team or not knows_tank(world, spec, i, j, knowledge):
            continue
        heading = other.heading
        column, row = nearest_tiles(other.x, other.y)
        for _ in range(LINE_TILES):
            if not line_is_open(
                world, spec, layout, i, (column + 1) * TILE, (row + 1) * TILE, heading, TILE, False, knowledge
            ):
                break
            column, row = column + DX[heading], row + DY[heading]
            for side in range(-1, 2):
                c, r = column + side * (DX[heading] == 0), row + side * (DY[heading] == 0)
                if 0 <= c < width and 0 <= r < height:
                    scratch.in_line[r * width + c] = 1


@large_rule
def advance(world, spec, layout, scratch, i, level, knowledge, bits):
    """Drive towards the objective, round lines of fire, and shoot brick that bars the way."""
    apart()
    tank = world.tanks[i]
    x, y, reach = objective(world, spec, layout, i, level, knowledge, bits)
    mark_lines(world, spec, layout, scratch, i, knowledge)
    heading = first_heading(world, spec, layout, scratch, i, x, y, reach, knowledge, bits >> 32 & 3)
    if heading == NOBODY or (tank.blocked and bits >> 34 & 3 == 0):  # a tank is in the way: try another one
        heading = bits >> 36 & 3
    tank.move = heading + 1
    if tank.blocked and heading == tank.heading:
        tank.press = shot_reaches(world, spec, layout, i, heading, TILE, True, knowledge)


@large_rule
def tactical(world, spec, layout, scratch, i, level, knowledge):
    """One decision of the tactical opponent."""
    apart()
    tank = world.tanks[i]
    bits = draw(world, PATH_STREAM + i)
    tank.press = tank.engaged = 0
    k = threat(world, spec, i, knowledge)
    if k != NOBODY and chance_of(bits, 40, DODGE_ODDS[level]) and dodge(world, spec, i, k, bits):
        tank.engaged = 1
        return
    aim = shot_at_enemy(world, spec, layout, i, level, knowledge, bits)
    if aim != NOBODY and chance_of(bits, 47, AIM_ODDS[level]):
        tank.move = aim + 1
        tank.press = not own_base_in_line(world, spec, tank, tank.heading)  # the turn may have to wait
        tank.engaged = 1
        return
    advance(world, spec, layout, scratch, i, level, knowledge, bits)
