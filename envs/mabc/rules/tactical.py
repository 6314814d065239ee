"""The `tactical` opponent (ours): finds paths, aims, dodges, and holds its fire on its own base and team."""

from ..jit import rule
from ..params import (
    AIM_RANGE,
    BASE,
    BULLET_BULLET,
    BULLET_TANK,
    DODGE_RANGE,
    DODGE_WIDTH,
    DOWN,
    DX,
    DY,
    LEFT,
    NOBODY,
    PLAYER,
    RIGHT,
    SCOUT,
    STEEL,
    TILE,
    UP,
)
from .chance import PATH_STREAM, draw
from .path import plan_path
from .terrain import tile_at, way_is_clear


@rule
def shot_reaches(world, spec, i, heading, distance, through_brick):
    """Whether a shot along `heading` flies `distance` px without steel, a base or a team mate in its way."""
    tank = world.tanks[i]
    x, y = tank.x, tank.y
    for k in range(1, distance // TILE + 1):
        px, py = x + DX[heading] * k * TILE, y + DY[heading] * k * TILE
        for side in range(2):
            offset = side * TILE - TILE
            column = (px + (offset if DX[heading] == 0 else 0) - (heading == LEFT)) // TILE
            row = (py + (offset if DX[heading] != 0 else 0) - (heading == UP)) // TILE
            code = tile_at(world, column, row)
            if code == STEEL or code == BASE:
                return False
            if not through_brick and 0 < code < STEEL:
                return False
    for j in range(spec.num_tanks):
        mate = world.tanks[j]
        if j == i or not mate.alive or mate.team != tank.team:
            continue
        along = (mate.x - x) * DX[heading] + (mate.y - y) * DY[heading]
        across = abs((mate.x - x) * DY[heading]) + abs((mate.y - y) * DX[heading])
        if 0 < along < distance and across < BULLET_TANK:
            return False
    return True


@rule
def heading_in_line(dx, dy):
    """The heading of a target that a straight shot can hit, or NOBODY."""
    if abs(dx) < BULLET_TANK - 1 and abs(dx) <= abs(dy):
        return UP if dy < 0 else DOWN
    if abs(dy) < BULLET_TANK - 1:
        return LEFT if dx < 0 else RIGHT
    return NOBODY


@rule
def shot_at_enemy(world, spec, i):
    """The heading of the nearest enemy tank or base that a shot would hit now, or NOBODY."""
    tank = world.tanks[i]
    best, nearest = NOBODY, AIM_RANGE + 1
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        if other.team == tank.team or not other.alive or other.entering > 0:
            continue
        dx, dy = other.x - tank.x, other.y - tank.y
        heading = heading_in_line(dx, dy)
        distance = abs(dx) + abs(dy)
        if heading != NOBODY and distance < nearest:
            if shot_reaches(world, spec, i, heading, max(abs(dx), abs(dy)), distance < 32):
                best, nearest = heading, distance
    if spec.mode == SCOUT or best != NOBODY:
        return best
    for b in range(spec.num_bases):
        base = world.bases[b]
        if base.team == tank.team or not base.alive:
            continue
        dx, dy = base.x - tank.x, base.y - tank.y
        heading = heading_in_line(dx, dy)
        distance = max(abs(dx), abs(dy))
        if heading != NOBODY and shot_reaches(world, spec, i, heading, distance - 12, True):
            return heading
    return NOBODY


@rule
def threat(world, spec, i):
    """The nearest enemy bullet that flies at tank i, or NOBODY."""
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
            best, nearest = k, along
    return best


@rule
def way_out(world, i, bullet):
    """The heading that leads tank i farther from a bullet's line; on the line, the one it has begun or either."""
    tank = world.tanks[i]
    off_x, off_y = tank.x - bullet.x, tank.y - bullet.y
    if DX[bullet.heading] == 0 and off_x != 0:
        return RIGHT if off_x > 0 else LEFT
    if DY[bullet.heading] == 0 and off_y != 0:
        return DOWN if off_y > 0 else UP
    if (tank.heading - bullet.heading) & 1:
        return tank.heading
    return (bullet.heading + (1 if draw(world, PATH_STREAM + i) & 1 else 3)) & 3


@rule
def dodge(world, spec, i, k):
    """Shoot an incoming bullet down, or step out of its line; true if the order is set."""
    tank = world.tanks[i]
    bullet = world.bullets[k]
    facing = (bullet.heading + 2) & 3
    across = abs((tank.x - bullet.x) * DY[bullet.heading]) + abs((tank.y - bullet.y) * DX[bullet.heading])
    if world.bullets[2 * i].speed == 0 and tank.shield == 0 and across < BULLET_BULLET:
        tank.move = facing + 1
        tank.press = 1
        return True
    first = way_out(world, i, bullet)
    for attempt in range(2):
        heading = (first + 2 * attempt) & 3
        if way_is_clear(world, tank.x, tank.y, heading):
            tank.move = heading + 1
            return True
    return False


@rule
def objective(world, spec, i):
    """Where tank i wants to be: (x, y, how near in tiles). The nearest enemy tank, or an enemy base if nearer."""
    tank = world.tanks[i]
    x, y, reach, nearest = tank.x, tank.y, 0, 1 << 20
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        distance = abs(other.x - tank.x) + abs(other.y - tank.y)
        if other.alive and other.team != tank.team and distance < nearest:
            x, y, reach, nearest = other.x, other.y, 1, distance
    for b in range(spec.num_bases):
        base = world.bases[b]
        distance = (abs(base.x - tank.x) + abs(base.y - tank.y)) // 2
        if base.alive and base.team != tank.team and distance < nearest:
            x, y, reach, nearest = base.x, base.y, 3, distance
    if world.power_up != NOBODY and tank.type == PLAYER:
        distance = abs(world.power_up_x - tank.x) + abs(world.power_up_y - tank.y)
        if distance < nearest:
            x, y, reach = world.power_up_x, world.power_up_y, 1
    return x, y, reach


@rule
def follow_plan(world, spec, i):
    """Drive along the plan; true while it has a heading to offer."""
    tank = world.tanks[i]
    if tank.planned == 0:
        return False
    heading = tank.plan & 3
    if tank.x == tank.plan_x + TILE * DX[heading] and tank.y == tank.plan_y + TILE * DY[heading]:
        tank.plan_x, tank.plan_y = tank.x, tank.y
        tank.plan >>= 2
        tank.planned -= 1
        if tank.planned == 0:
            return False
        heading = tank.plan & 3
    if abs(tank.x - tank.plan_x) > TILE or abs(tank.y - tank.plan_y) > TILE:
        tank.planned = 0
        return False
    tank.move = heading + 1
    return True


@rule
def shoot_the_way_free(world, spec, i):
    """Fire at brick straight ahead that bars the way."""
    tank = world.tanks[i]
    if tank.blocked and tank.move == tank.heading + 1:
        if shot_reaches(world, spec, i, tank.heading, TILE, True):
            tank.press = 1


@rule
def tactical(world, spec, scratch, i):
    """One frame of the tactical opponent."""
    tank = world.tanks[i]
    tank.press = 0
    k = threat(world, spec, i)
    if k != NOBODY and dodge(world, spec, i, k):
        tank.planned = 0
        return
    aim = shot_at_enemy(world, spec, i)
    if aim != NOBODY:
        tank.move = aim + 1
        tank.press = tank.heading == aim
        tank.planned = 0
        return
    if tank.blocked and (draw(world, PATH_STREAM + i) & 63) == 0:
        tank.planned = 0
    if not follow_plan(world, spec, i):
        x, y, reach = objective(world, spec, i)
        if plan_path(world, scratch, i, x, y, reach):
            follow_plan(world, spec, i)
        else:
            tank.move = 1 + (draw(world, PATH_STREAM + i) >> 8) % 4
    shoot_the_way_free(world, spec, i)
