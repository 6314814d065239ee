"""The `vector` observation and state: compact, float32, the default.

An agent's row is its own tank, four rays, the bases, the power-up (where the scenario has any) and every other tank
in fixed slots: allies by id, then enemies by id, each with the first of its bullets in flight that the agent sees.
Distances are divided by the sight, so that all values lie in [-1, 1]. What is unseen is zero, in every bit: no -0.0,
whose sign would tell where it is. A dead agent's row is zero but for the clock.

A ray counts the free tiles from the tank's nearest 2x2 tiles on, in sights; 1 means free as far as the agent sees. It
reads no tile that is unseen.

The state lists all tanks by id and all bases in field coordinates; it leaves the terrain out (`planes` has it).
"""

import numpy as np
from gymnasium import spaces

from ..jit import apart, kernel, large_rule, rule
from ..params import BASE as BASE_TILE
from ..params import (
    BLOCK,
    BRICK,
    BULLET_TANK,
    DOWN,
    DX,
    DY,
    EMPTY,
    ENTER_FRAMES,
    FOREST_RANGE,
    FREEZE_FRAMES,
    HELMET_FRAMES,
    LEFT,
    MAX_LEVEL,
    MAX_TANKS,
    NOBODY,
    POWER_UPS,
    RIGHT,
    SCOUT,
    SPEED,
    STEEL,
    STUN_FRAMES,
    TILE,
    UP,
)
from ..rules.bullets import bullet_speed, has_two_bullets
from ..rules.sight import (
    UNSEEN_TILE,
    has_shadows,
    in_view,
    is_wall,
    known_code,
    knows_base,
    seen_code,
    sees_point,
    sight_range,
    tiles_in_sight,
)
from ..rules.terrain import stops_tank
from .kinds import Kind, View, columns

SELF = columns(
    "time_left x y up right down left level hits lives shield stun frozen entering speed bullet_speed bullets_free "
    "in_forest bullet bullet_dx bullet_dy"
)
RAY = columns("drive shot brick tank")  # each for up, right, down, left
BASE = columns("known own dx dy")
POWER_UP = columns("seen dx dy " + " ".join(POWER_UPS))
OTHER = columns(
    "seen dx dy heading_x heading_y hits shield level speed "
    "bullet bullet_dx bullet_dy bullet_heading_x bullet_heading_y"
)
STATE_TANK = columns(
    "alive x y heading_x heading_y hits lives level shield stun entering speed "
    "bullet bullet_x bullet_y bullet_heading_x bullet_heading_y"
)
STATE_BASE = columns("alive x y")
ZERO, ONE, TWO, QUARTER = np.float32(0.0), np.float32(1.0), np.float32(2.0), np.float32(0.25)
FOREST_REACH, LINE_OF_FIRE = np.float32(FOREST_RANGE), np.float32(BULLET_TANK)
LEVEL_SCALE = np.float32(1.0 / MAX_LEVEL)
SHIELD_SCALE, STUN_SCALE = np.float32(1.0 / HELMET_FRAMES), np.float32(1.0 / STUN_FRAMES)
FREEZE_SCALE, ENTER_SCALE = np.float32(1.0 / FREEZE_FRAMES), np.float32(1.0 / ENTER_FRAMES)
NUM_SELF, NUM_RAY, NUM_BASE, NUM_POWER_UP, NUM_OTHER = len(SELF), len(RAY), len(BASE), len(POWER_UP), len(OTHER)
NUM_RAYS = 4 * NUM_RAY
NUM_STATE_TANK, NUM_STATE_BASE = len(STATE_TANK), len(STATE_BASE)
TEAM, HIDDEN = NUM_OTHER, NUM_OTHER + 1  # what `describe_tanks` notes besides
NUM_TANK_ROW = NUM_OTHER + 2


def obs_names(num_tanks: int, num_bases: int, power_ups: bool) -> list[str]:
    """The name of every column of the vector observation."""
    names = [f"self.{name}" for name in SELF._fields]
    names += [f"ray.{heading}.{name}" for heading in ("up", "right", "down", "left") for name in RAY._fields]
    names += [f"base{b}.{name}" for b in range(num_bases) for name in BASE._fields]
    names += [f"power_up.{name}" for name in POWER_UP._fields] if power_ups else []
    return names + [f"other{k}.{name}" for k in range(num_tanks - 1) for name in OTHER._fields]


def state_names(num_tanks: int, num_bases: int, power_ups: bool) -> list[str]:
    """The name of every column of the vector state."""
    names = ["time_left"] + [f"tank{i}.{name}" for i in range(num_tanks) for name in STATE_TANK._fields]
    names += [f"base{b}.{name}" for b in range(num_bases) for name in STATE_BASE._fields]
    return names + ([f"power_up.{name}" for name in POWER_UP._fields] if power_ups else [])


@rule
def first_bullet(world, i):
    """The first of tank i's two bullets that is in flight; the second, at rest, where none is."""
    return world.bullets[2 * i if world.bullets[2 * i].speed != 0 else 2 * i + 1]


@rule
def bullets_free(world, i):
    """The share of its bullets that tank i may still fire."""
    tank = world.tanks[i]
    first = world.bullets[2 * i].speed == 0
    if has_two_bullets(tank):
        return 0.5 * (first + (world.bullets[2 * i + 1].speed == 0))
    return 1.0 * first


@rule
def time_left(world, spec):
    """Share of the episode's steps that are left; 0 also in a world that is stepped on after its end."""
    return max(1.0 - world.step / spec.max_steps, 0.0)


@rule
def write_ray(drive, shot, brick, share, out, column):
    """A ray's columns, distances in tiles; `observe_line_of_fire` adds the tank."""
    out[column + RAY.drive] = np.float32(drive) * share
    out[column + RAY.shot] = np.float32(shot) * share
    out[column + RAY.brick] = brick
    out[column + RAY.tank] = ZERO


@rule
def observe_ray(world, at, step, side, first_mask, second_mask, lit, border, sight, share, out, column):
    """One ray: how far the tank may drive, how far a shot flies, and whether brick stops the shot.

    It begins at tile index `at` and goes on by `step`; `side` leads to the tile abreast. first_mask, second_mask: the
    brick quarters of each that touch the line of a shot. lit, border: how many tiles on it are in sight, are in the
    field. sight, share: tiles that count as 1, and what one counts.
    """
    free = sight if lit <= border else border
    drive, shot, brick = free, free, False
    for k in range(min(lit, border)):
        first, second = world.terrain[at], world.terrain[at + side]
        at += step
        if (first | second) == EMPTY:
            continue
        if drive == free and (stops_tank(first) | stops_tank(second)):
            drive = k
        if shot_stops(first, first_mask) | shot_stops(second, second_mask):
            shot = k
            brick = (first <= BRICK) & (second <= BRICK)
            break
    write_ray(drive, shot, brick, share, out, column)


@rule
def observe_veiled_ray(world, spec, tank, heading, lit, border, sight, share, out, column):
    """The same where tiles in the window may be unseen: it ends where one is, unless what is seen ends it.

    Lines of sight to its tiles pass through earlier ones of it alone, so that they are seen until the first wall.
    """
    dx, dy = DX[heading], DY[heading]
    across, down = int(dx == 0), int(dy == 0)  # to the tile abreast
    first_mask, second_mask = (10, 5) if across else (12, 3)
    free = sight if lit <= border else border
    drive, shot, brick = free, free, False
    c, r = ((tank.x - 4) >> 3) + (dx > 0), ((tank.y - 4) >> 3) + (dy > 0)
    clear = not stands_in_wall(world, tank)
    for k in range(min(lit, border)):
        c, r = c + dx, r + dy
        if clear:
            first, second = known_code(world, spec, tank, c, r), known_code(world, spec, tank, c + across, r + down)
            clear = not (is_wall(first) | is_wall(second))
        else:
            first, second = seen_code(world, spec, tank, c, r), seen_code(world, spec, tank, c + across, r + down)
        ends = (first == UNSEEN_TILE) | (second == UNSEEN_TILE)
        first, second = max(first, EMPTY), max(second, EMPTY)
        if drive == free and (stops_tank(first) | stops_tank(second)):
            drive = k
        if shot_stops(first, first_mask) | shot_stops(second, second_mask):
            shot = k
            brick = (first <= BRICK) & (second <= BRICK)
            break
        if ends:
            drive, shot = drive if drive < free else sight, sight
            break
    write_ray(drive, shot, brick, share, out, column)


@rule
def stands_in_wall(world, tank):
    """Whether a wall is under a tank's nearest 2x2 tiles, as no rule puts it there."""
    at, width = ((tank.y - 4) >> 3) * world.width + ((tank.x - 4) >> 3), world.width
    upper = is_wall(world.terrain[at]) | is_wall(world.terrain[at + 1])
    return upper | is_wall(world.terrain[at + width]) | is_wall(world.terrain[at + width + 1])


@rule
def observe_rays(world, spec, tank, out):
    """Rays up, right, down, left."""
    reach = sight_range(world, spec)
    sight = reach >> 3
    share = ONE / np.float32(sight)
    left, right = tiles_in_sight(reach, tank.x)
    up, down = tiles_in_sight(reach, tank.y)
    column, row, width = (tank.x - 4) >> 3, (tank.y - 4) >> 3, world.width
    beside, below = width - column - 2, world.height - row - 2
    corner, c = row * width + column, NUM_SELF
    if has_shadows(spec) | (spec.mode == SCOUT):
        lit, border = (up, right, down, left), (row, beside, below, column)
        for heading in range(4):
            observe_veiled_ray(
                world, spec, tank, heading, lit[heading], border[heading], sight, share, out, c + NUM_RAY * heading
            )
        return
    observe_ray(world, corner - width, -width, 1, 10, 5, up, row, sight, share, out, c)
    observe_ray(world, corner + 2, 1, width, 12, 3, right, beside, sight, share, out, c + NUM_RAY)
    observe_ray(world, corner + 2 * width, width, 1, 10, 5, down, below, sight, share, out, c + 2 * NUM_RAY)
    observe_ray(world, corner - 1, -1, width, 12, 3, left, column, sight, share, out, c + 3 * NUM_RAY)


@rule
def shot_stops(code, mask):
    """Whether a tile stops a shot whose line touches the quarters of `mask`."""
    return ((code <= BRICK) & ((code & mask) != 0)) | (code == STEEL) | (code == BASE_TILE)


@rule
def scales_of(world, spec):
    """What distances are multiplied by, float32: 1 / sight, 1 / width and 1 / height of the field in px.

    Divisions are slow and these are the same for all agents of a world.
    """
    return (
        np.float32(1.0 / sight_range(world, spec)),
        np.float32(1.0 / (TILE * world.width)),
        np.float32(1.0 / (TILE * world.height)),
    )


@rule
def observe_self(world, i, scales, out):
    """The agent's own columns."""
    tank = world.tanks[i]
    near, across, down = scales
    x, y = np.float32(tank.x), np.float32(tank.y)
    out[SELF.x] = x * (TWO * across) - ONE
    out[SELF.y] = y * (TWO * down) - ONE
    for heading in range(4):
        out[SELF.up + heading] = ONE if tank.heading == heading else ZERO
    out[SELF.level] = np.float32(tank.level) * LEVEL_SCALE
    out[SELF.hits] = np.float32(tank.hits) * QUARTER
    out[SELF.lives] = np.float32(min(tank.lives, 4)) * QUARTER
    out[SELF.shield] = np.float32(tank.shield) * SHIELD_SCALE
    out[SELF.stun] = np.float32(tank.stun) * STUN_SCALE
    out[SELF.frozen] = np.float32(world.frozen[tank.team - 1]) * FREEZE_SCALE
    out[SELF.entering] = np.float32(tank.entering) * ENTER_SCALE
    out[SELF.speed] = np.float32(SPEED[tank.type]) * QUARTER
    out[SELF.bullet_speed] = np.float32(bullet_speed(tank)) * QUARTER
    out[SELF.bullets_free] = bullets_free(world, i)
    out[SELF.in_forest] = tank.in_forest
    bullet = first_bullet(world, i)
    flying = np.float32(bullet.speed != 0)
    out[SELF.bullet] = flying
    out[SELF.bullet_dx] = min(max((np.float32(bullet.x) - x) * near, -ONE), ONE) * flying + ZERO
    out[SELF.bullet_dy] = min(max((np.float32(bullet.y) - y) * near, -ONE), ONE) * flying + ZERO


@rule
def observe_base(world, spec, i, b, scales, out):
    """One base: where it stands is known, but for the targets of `scout`, which must be seen."""
    tank, base = world.tanks[i], world.bases[b]
    if base.alive and knows_base(world, spec, tank, base):
        out[BASE.known] = ONE
        out[BASE.own] = np.float32(base.team == tank.team)
        out[BASE.dx] = np.float32(base.x - tank.x) * scales[1]
        out[BASE.dy] = np.float32(base.y - tank.y) * scales[2]


@rule
def observe_power_up(world, spec, i, scale, out, at):
    """The power-up, if it lies in sight."""
    tank = world.tanks[i]
    if world.power_up != NOBODY and sees_point(world, spec, tank, world.power_up_x, world.power_up_y):
        out[at + POWER_UP.seen] = 1.0
        out[at + POWER_UP.dx] = (world.power_up_x - tank.x) * scale
        out[at + POWER_UP.dy] = (world.power_up_y - tank.y) * scale
        out[at + POWER_UP.helmet + world.power_up] = 1.0


@rule
def describe_tanks(world, spec, rows):
    """What others may see of each tank, once for all observers.

    rows: float32 [tanks, NUM_TANK_ROW]: the columns of OTHER, with places in px for dx and dy, its team, and whether
    forest hides it.
    Returns whether any tank has both its bullets in flight.
    """
    two_shots = False
    for j in range(spec.num_tanks):
        tank = world.tanks[j]
        row = rows[j]
        row[OTHER.seen] = tank.alive
        row[OTHER.dx] = tank.x
        row[OTHER.dy] = tank.y
        row[OTHER.heading_x] = DX[tank.heading]
        row[OTHER.heading_y] = DY[tank.heading]
        row[OTHER.hits] = np.float32(tank.hits) * QUARTER
        row[OTHER.shield] = (tank.shield > 0) | (tank.entering > 0)
        row[OTHER.level] = np.float32(tank.level) * LEVEL_SCALE
        row[OTHER.speed] = np.float32(SPEED[tank.type]) * QUARTER
        bullet = first_bullet(world, j)
        row[OTHER.bullet] = np.float32(bullet.speed) * QUARTER
        row[OTHER.bullet_dx] = bullet.x
        row[OTHER.bullet_dy] = bullet.y
        row[OTHER.bullet_heading_x] = DX[bullet.heading]
        row[OTHER.bullet_heading_y] = DY[bullet.heading]
        row[TEAM] = tank.team
        row[HIDDEN] = (tank.in_forest != 0) & (not spec.full_observability)
        two_shots |= (world.bullets[2 * j].speed != 0) & (world.bullets[2 * j + 1].speed != 0)
    return two_shots


@rule
def observe_other(tank, x, y, sight, scale, row, out):
    """Another tank and the first of its bullets in flight into out, float32 [NUM_OTHER], zero where unseen.

    x, y: the observer's place; row as of describe_tanks. Returns whether the two are in line, near enough for a shot to
    hit. Multiplied by what is seen, not branched on it: who is seen is too irregular for the processor to predict. The
    zero that is added makes 0.0 of -0.0, which a product of what is negative and unseen would be. All is read before
    anything is written, so that the compiler, which cannot know that row and out do not overlap, may treat several
    columns at once.
    """
    dx, dy = row[OTHER.dx] - x, row[OTHER.dy] - y
    bullet_dx, bullet_dy = row[OTHER.bullet_dx] - x, row[OTHER.bullet_dy] - y
    inside = max(abs(dx), abs(dy)) <= sight
    bullet_inside = max(abs(bullet_dx), abs(bullet_dy)) <= sight
    if row[HIDDEN] != ZERO:
        inside &= (row[TEAM] == np.float32(tank.team)) | ((abs(dx) <= FOREST_REACH) & (abs(dy) <= FOREST_REACH))
    seen = row[OTHER.seen] if inside else ZERO
    near = seen * scale
    bullet_seen = ONE if bullet_inside & (row[OTHER.bullet] != ZERO) else ZERO
    bullet_near = bullet_seen * scale
    heading_x, heading_y = row[OTHER.heading_x] * seen, row[OTHER.heading_y] * seen
    hits, shield = row[OTHER.hits] * seen, row[OTHER.shield] * seen
    level, speed, bullet = row[OTHER.level] * seen, row[OTHER.speed] * seen, row[OTHER.bullet] * bullet_seen
    bullet_heading_x = row[OTHER.bullet_heading_x] * bullet_seen
    bullet_heading_y = row[OTHER.bullet_heading_y] * bullet_seen
    out[OTHER.seen] = seen
    out[OTHER.dx] = dx * near + ZERO
    out[OTHER.dy] = dy * near + ZERO
    out[OTHER.heading_x] = heading_x + ZERO
    out[OTHER.heading_y] = heading_y + ZERO
    out[OTHER.hits] = hits
    out[OTHER.shield] = shield
    out[OTHER.level] = level
    out[OTHER.speed] = speed
    out[OTHER.bullet] = bullet
    out[OTHER.bullet_dx] = bullet_dx * bullet_near + ZERO
    out[OTHER.bullet_dy] = bullet_dy * bullet_near + ZERO
    out[OTHER.bullet_heading_x] = bullet_heading_x + ZERO
    out[OTHER.bullet_heading_y] = bullet_heading_y + ZERO
    return inside & (min(abs(dx), abs(dy)) < LINE_OF_FIRE)


@rule
def hide_behind_walls(world, spec, tank, row, out):
    """Clear what `observe_other` wrote of a tank or a bullet that walls hide."""
    if out[OTHER.seen] != ZERO and not in_view(world, spec, tank, int(row[OTHER.dx]), int(row[OTHER.dy])):
        for d in range(OTHER.bullet):
            out[d] = ZERO
    x, y = int(row[OTHER.bullet_dx]), int(row[OTHER.bullet_dy])
    if out[OTHER.bullet] != ZERO and not in_view(world, spec, tank, x, y):
        for d in range(OTHER.bullet, NUM_OTHER):
            out[d] = ZERO


@rule
def observe_second_bullet(world, spec, tank, j, scale, out):
    """The second bullet of tank j, if the first one is in flight and unseen, into out, float32 [NUM_OTHER]."""
    bullet = world.bullets[2 * j + 1]
    if out[OTHER.bullet] == ZERO and bullet.speed != 0 and sees_point(world, spec, tank, bullet.x, bullet.y):
        out[OTHER.bullet] = np.float32(bullet.speed) * QUARTER
        out[OTHER.bullet_dx] = np.float32(bullet.x - tank.x) * scale
        out[OTHER.bullet_dy] = np.float32(bullet.y - tank.y) * scale
        out[OTHER.bullet_heading_x] = DX[bullet.heading]
        out[OTHER.bullet_heading_y] = DY[bullet.heading]


@large_rule
def correct_others(world, spec, i, scale, rows, out):
    """Go over what `observe_other` wrote of all others for what is rare: walls that hide, second bullets.

    out: float32 [(tanks - 1) * NUM_OTHER].
    """
    apart()
    tank = world.tanks[i]
    for k in range(spec.num_tanks - 1):
        j = spec.others[i, k]
        other = out[k * NUM_OTHER : (k + 1) * NUM_OTHER]
        if spec.line_of_sight:
            hide_behind_walls(world, spec, tank, rows[j], other)
        observe_second_bullet(world, spec, tank, j, scale, other)


@rule
def observe_line_of_fire(in_line, allies, first, scale, out):
    """What tank a shot up, right, down and left meets first: each ray's last column, from the other columns of out.

    1 - its distance in sights for an enemy, minus that for a mate, 0 where there is none before the wall. in_line: bit
    k is set where the k-th other tank is in line; their columns begin with `first`, those of allies before enemies'.
    """
    gap, k = np.float32(BLOCK) * scale, 0
    while in_line >> k:
        at = first + k * NUM_OTHER
        if (in_line >> k & 1) != 0 and out[at + OTHER.seen] != ZERO:
            dx, dy = out[at + OTHER.dx], out[at + OTHER.dy]
            distance = max(abs(dx), abs(dy))
            heading = (UP if dy < ZERO else DOWN) if abs(dy) >= abs(dx) else (LEFT if dx < ZERO else RIGHT)
            ray = NUM_SELF + NUM_RAY * heading
            if distance - gap < out[ray + RAY.shot] and ONE - distance > abs(out[ray + RAY.tank]):
                out[ray + RAY.tank] = ONE - distance if k >= allies else distance - ONE
        k += 1


@rule
def observe_agent(world, spec, i, clock, scales, rows, two_shots, out):
    """Write the row of tank i into out, float32 [D]; clock: `time_left`; rows, two_shots: as of describe_tanks."""
    tank = world.tanks[i]
    if not tank.alive:
        for d in range(out.shape[0]):
            out[d] = ZERO
        out[SELF.time_left] = clock
        return
    out[SELF.time_left] = clock
    observe_self(world, i, scales, out)
    observe_rays(world, spec, tank, out)
    at = NUM_SELF + NUM_RAYS
    for d in range(at, at + NUM_BASE * spec.num_bases + NUM_POWER_UP * spec.power_ups):
        out[d] = ZERO
    for b in range(spec.num_bases):
        observe_base(world, spec, i, b, scales, out[at : at + NUM_BASE])
        at += NUM_BASE
    if spec.power_ups:
        observe_power_up(world, spec, i, scales[0], out, at)
        at += NUM_POWER_UP
    x, y = np.float32(tank.x), np.float32(tank.y)
    sight = np.float32(np.inf) if spec.full_observability else np.float32(spec.sight)
    in_line = 0
    for k in range(spec.num_tanks - 1):
        row = rows[spec.others[i, k]]
        other = out[at + k * NUM_OTHER : at + (k + 1) * NUM_OTHER]
        in_line |= observe_other(tank, x, y, sight, scales[0], row, other) << k
    if two_shots or spec.line_of_sight:
        correct_others(world, spec, i, scales[0], rows, out[at:])
    if in_line != 0:
        observe_line_of_fire(in_line, spec.team_size[tank.team - 1] - 1, at, scales[0], out)


@rule
def observe_world(world, spec, rows, out):
    """Write the observations of all agents of one world into out, float32 [N, D]; rows: scratch.tank_rows."""
    two_shots = describe_tanks(world, spec, rows)
    clock, scales = np.float32(time_left(world, spec)), scales_of(world, spec)
    for n in range(spec.num_agents):
        observe_agent(world, spec, spec.slot[n], clock, scales, rows, two_shots, out[n])


@rule
def state_of_tank(world, i, out):
    """One tank's columns of the state."""
    tank = world.tanks[i]
    if tank.alive:
        out[STATE_TANK.alive] = 1.0
        out[STATE_TANK.x] = tank.x / (4.0 * world.width) - 1.0
        out[STATE_TANK.y] = tank.y / (4.0 * world.height) - 1.0
        out[STATE_TANK.heading_x] = DX[tank.heading]
        out[STATE_TANK.heading_y] = DY[tank.heading]
        out[STATE_TANK.hits] = tank.hits / 4.0
        out[STATE_TANK.level] = tank.level / MAX_LEVEL
        out[STATE_TANK.shield] = tank.shield / HELMET_FRAMES
        out[STATE_TANK.stun] = tank.stun / STUN_FRAMES
        out[STATE_TANK.entering] = tank.entering / ENTER_FRAMES
        out[STATE_TANK.speed] = SPEED[tank.type] / 4.0
    out[STATE_TANK.lives] = min(tank.lives, 4) / 4.0
    bullet = first_bullet(world, i)
    if bullet.speed != 0:
        out[STATE_TANK.bullet] = bullet.speed / 4.0
        out[STATE_TANK.bullet_x] = bullet.x / (4.0 * world.width) - 1.0
        out[STATE_TANK.bullet_y] = bullet.y / (4.0 * world.height) - 1.0
        out[STATE_TANK.bullet_heading_x] = DX[bullet.heading]
        out[STATE_TANK.bullet_heading_y] = DY[bullet.heading]


@rule
def state_of_world(world, spec, out):
    """Write the global state of one world into out, float32 [S]."""
    for d in range(out.shape[0]):
        out[d] = 0.0
    out[0] = time_left(world, spec)
    at = 1
    for i in range(spec.num_tanks):
        state_of_tank(world, i, out[at : at + NUM_STATE_TANK])
        at += NUM_STATE_TANK
    for b in range(spec.num_bases):
        base = world.bases[b]
        out[at + STATE_BASE.alive] = base.alive
        out[at + STATE_BASE.x] = base.x / (4.0 * world.width) - 1.0
        out[at + STATE_BASE.y] = base.y / (4.0 * world.height) - 1.0
        at += NUM_STATE_BASE
    if spec.power_ups and world.power_up != NOBODY:
        out[at + POWER_UP.seen] = 1.0
        out[at + POWER_UP.dx] = world.power_up_x / (4.0 * world.width) - 1.0
        out[at + POWER_UP.dy] = world.power_up_y / (4.0 * world.height) - 1.0
        out[at + POWER_UP.helmet + world.power_up] = 1.0


@kernel
def write_obs(worlds, spec_array, rows, out, low, high, only):
    """Observations of worlds low..high into out, float32 [B, N, D]; rows: as of describe_tanks."""
    for b in range(low, high):
        if only[b]:
            observe_world(worlds[b], spec_array[0], rows, out[b])


@kernel
def write_state(worlds, spec_array, out, low, high, only):
    """States of worlds low..high into out, float32 [B, S]."""
    for b in range(low, high):
        if only[b]:
            state_of_world(worlds[b], spec_array[0], out[b])


def obs_kind(view: View) -> Kind:
    """float32 [B, N, D]; `obs_names` tells the columns."""
    size = len(obs_names(view.num_tanks, view.num_bases, view.scenario.has_power_ups))
    return Kind(
        spaces.Box(-1.0, 1.0, (size,), np.float32),
        lambda batch: np.zeros((batch, view.num_agents, size), np.float32),
        lambda worlds, out, low, high, only: write_obs(
            worlds, view.spec, np.zeros((MAX_TANKS, NUM_TANK_ROW), np.float32), out, low, high, only
        ),
    )


def state_kind(view: View) -> Kind:
    """float32 [B, S]; `state_names` tells the columns."""
    size = len(state_names(view.num_tanks, view.num_bases, view.scenario.has_power_ups))
    return Kind(
        spaces.Box(-1.0, 1.0, (size,), np.float32),
        lambda batch: np.zeros((batch, size), np.float32),
        lambda worlds, out, low, high, only: write_state(worlds, view.spec, out, low, high, only),
    )
