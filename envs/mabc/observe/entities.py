"""The `entities` observation and state: one row a thing, with a mask, for attention and other set networks.

A dict of type -> (features float32 [B, N, E, D], mask bool [B, N, E]); the state has no N. The types are
`tanks`, `bullets`, `bases`, `power_ups` and, in observations alone, `terrain`; a type that has no rows in a
scenario is absent. D of a type is the same in every scenario (`FEATURES` and `STATE_FEATURES` name its columns), E is
the scenario's count. Spaces are flat, and so are the observations of the environments with one world that
have them: `tanks`, `tanks_mask` and so on (`flatten`).

Tanks keep their slot for the whole episode: self, allies by id, enemies by id; bullets 2k and 2k + 1 belong
to the tank in slot k. A row that is unseen, or not there, is zero and masked out; a dead agent sees nothing.
In the state the slots are tank ids and base numbers, teams go by number, and the mask says what exists.
`ids` leads from the slots of the observation to those of the state.

`terrain` are the nearest blocks of 16 px, on the lattice of the map's blocks, that hold terrain which the
agent sees and whose middle is in sight: the nearest first (by distance of their middles, ties in order of
reading), TERRAIN_ROWS at most. Bases have rows of their own. The state leaves terrain out (`planes` has it).

Units: dx, dy of tanks, bullets, power-ups and terrain in sights (see sight.sight_range), so within [-1, 1];
those of bases in sides of the field, as bases are known from afar; x, y in [-1, 1] over the field; level / 3,
hits / 4, lives / 4 (four or more count as four), speed / one px a frame, bullet_speed and speed of bullets /
4 px a frame; shield, stun, entering and frozen as shares of their longest time; time_left as the share of
the episode's steps; brick, steel, water, forest and ice as shares of the block. The rest is 0 or 1.
"""

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from ..jit import kernel, rule
from ..params import BASE as BASE_TILE
from ..params import (
    BLOCK,
    BRICK,
    EMPTY,
    ENTER_FRAMES,
    FREEZE_FRAMES,
    HELMET_FRAMES,
    MAX_LEVEL,
    NOBODY,
    POWER_UPS,
    SHOVEL_FRAMES,
    SPEED,
    STEEL,
    STUN_FRAMES,
    TILE,
)
from ..rules.bullets import bullet_speed
from ..rules.sight import UNSEEN_TILE, knows_base, seen_code, sees_point, sees_tank, sight_range
from .kinds import Kind, View, columns
from .vector import bullets_free, time_left

_PLACE, _RELATIONS, _TEAMS = "dx dy x y", "self ally enemy", "team1 team2 team3 team4"
_TANK = (
    "up right down left basic fast power armor player level hits lives shield stun entering frozen bullets_free "
    "speed bullet_speed in_forest carrier time_left"
)
_BULLET = "up right down left speed steel"
_POWER_UPS = " ".join(POWER_UPS)
OF_TANK, OF_BULLET = columns(_TANK), columns(_BULLET)
TANK = columns(f"{_PLACE} {_RELATIONS} {_TANK}")
BULLET = columns(f"{_PLACE} {_RELATIONS} {_BULLET}")
BASE = columns(f"{_PLACE} own enemy alive")
POWER_UP = columns(f"{_PLACE} {_POWER_UPS}")
TERRAIN = columns(f"{_PLACE} brick steel water forest ice")
FEATURES = {
    "tanks": TANK._fields,
    "bullets": BULLET._fields,
    "bases": BASE._fields,
    "power_ups": POWER_UP._fields,
    "terrain": TERRAIN._fields,
}
STATE_TANK = columns(f"x y {_TEAMS} {_TANK}")
STATE_BULLET = columns(f"x y {_TEAMS} {_BULLET}")
STATE_BASE = columns(f"x y {_TEAMS} alive shovel")
STATE_POWER_UP = columns(f"x y {_POWER_UPS}")
STATE_FEATURES = {
    "tanks": STATE_TANK._fields,
    "bullets": STATE_BULLET._fields,
    "bases": STATE_BASE._fields,
    "power_ups": STATE_POWER_UP._fields,
}


TERRAIN_ROWS = 24
"""E of `terrain`: our choice. A window of the usual sight holds 64 blocks, of which a third or less is terrain."""
_PLACES = 4096  # more than the blocks of the largest field: a key is distance * _PLACES + place


class Rows(NamedTuple):
    """Features float32 [..., E, D] and masks bool [..., E] of every type, in the order of `FEATURES`."""

    tanks: np.ndarray
    tank_mask: np.ndarray
    bullets: np.ndarray
    bullet_mask: np.ndarray
    bases: np.ndarray
    base_mask: np.ndarray
    power_ups: np.ndarray
    power_up_mask: np.ndarray
    terrain: np.ndarray
    terrain_mask: np.ndarray


def counts(view: View) -> dict[str, int]:
    """E of every type in this scenario; 0 of a type that is absent there."""
    tanks, power_ups = view.num_tanks, int(view.scenario.has_power_ups)
    return {
        "tanks": tanks,
        "bullets": 2 * tanks,
        "bases": view.num_bases,
        "power_ups": power_ups,
        "terrain": TERRAIN_ROWS,
    }


def ids(view: View) -> dict[str, np.ndarray]:
    """int64 [N, E] of every type but terrain: the state's slot of what slot e of agent n's observation shows."""
    spec, count = view.spec[0], counts(view)
    slots = spec["slot"][: view.num_agents].astype(np.int64)
    others = spec["others"][slots, : view.num_tanks - 1].astype(np.int64)
    tanks = np.concatenate([slots[:, None], others], axis=1)
    bullets = np.stack([2 * tanks, 2 * tanks + 1], axis=2).reshape(view.num_agents, -1)
    same = {name: np.tile(np.arange(count[name]), (view.num_agents, 1)) for name in ("bases", "power_ups")}
    return {name: slot for name, slot in ({"tanks": tanks, "bullets": bullets} | same).items() if count[name]}


def flatten(rows: dict[str, Any]) -> dict[str, Any]:
    """Pairs of rows and mask by type as the spaces have them: {"tanks": rows, "tanks_mask": mask, ...}.

    What is no pair stays as it is, so that any dict of observations may be given.
    """
    flat: dict[str, Any] = {}
    for name, value in rows.items():
        flat |= {name: value[0], f"{name}_mask": value[1]} if isinstance(value, tuple) else {name: value}
    return flat


@rule
def place(world, x, y, out):
    """Write x, y over the field, each in [-1, 1]."""
    out[0] = x / (4.0 * world.width) - 1.0
    out[1] = y / (4.0 * world.height) - 1.0


@rule
def describe_tank(world, spec, i, out):
    """Write the columns of _TANK."""
    tank = world.tanks[i]
    out[OF_TANK.up + tank.heading] = 1.0
    out[OF_TANK.basic + tank.type] = 1.0
    out[OF_TANK.level] = tank.level / MAX_LEVEL
    out[OF_TANK.hits] = tank.hits / 4.0
    out[OF_TANK.lives] = min(max(tank.lives, 0), 4) / 4.0
    out[OF_TANK.shield] = tank.shield / HELMET_FRAMES
    out[OF_TANK.stun] = tank.stun / STUN_FRAMES
    out[OF_TANK.entering] = tank.entering / ENTER_FRAMES
    out[OF_TANK.frozen] = world.frozen[tank.team - 1] / FREEZE_FRAMES
    out[OF_TANK.bullets_free] = bullets_free(world, i)
    out[OF_TANK.speed] = SPEED[tank.type] / 4.0
    out[OF_TANK.bullet_speed] = bullet_speed(tank) / 4.0
    out[OF_TANK.in_forest] = tank.in_forest
    out[OF_TANK.carrier] = tank.carrier
    out[OF_TANK.time_left] = time_left(world, spec)


@rule
def describe_bullet(bullet, out):
    """Write heading, speed and steel."""
    out[OF_BULLET.up + bullet.heading] = 1.0
    out[OF_BULLET.speed] = bullet.speed / 4.0
    out[OF_BULLET.steel] = bullet.steel


@rule
def relation(world, i, j):
    """0 self, 1 ally, 2 enemy."""
    if i == j:
        return 0
    return 1 if world.tanks[i].team == world.tanks[j].team else 2


@rule
def observe_tank(world, spec, i, j, scale, rows, mask, e):
    """Tank j and its bullets, as tank i sees them, into slot e and its bullets' slots."""
    me, tank = world.tanks[i], world.tanks[j]
    if i != j and not sees_tank(world, spec, i, j):
        return
    out = rows[e]
    mask[e] = True
    out[TANK.dx] = (tank.x - me.x) * scale
    out[TANK.dy] = (tank.y - me.y) * scale
    place(world, tank.x, tank.y, out[TANK.x :])
    out[TANK.self + relation(world, i, j)] = 1.0
    describe_tank(world, spec, j, out[TANK.up :])


@rule
def observe_bullets(world, spec, i, j, scale, rows, mask, e):
    """The bullets of tank j that tank i sees, into slots 2e and 2e + 1."""
    me = world.tanks[i]
    for k in range(2):
        bullet = world.bullets[2 * j + k]
        if bullet.speed == 0 or not sees_point(world, spec, me, bullet.x, bullet.y):
            continue
        out = rows[2 * e + k]
        mask[2 * e + k] = True
        out[BULLET.dx] = (bullet.x - me.x) * scale
        out[BULLET.dy] = (bullet.y - me.y) * scale
        place(world, bullet.x, bullet.y, out[BULLET.x :])
        out[BULLET.self + relation(world, i, j)] = 1.0
        describe_bullet(bullet, out[BULLET.up :])


@rule
def observe_base(world, spec, i, b, rows, mask):
    """Base b, if tank i knows of it."""
    me, base = world.tanks[i], world.bases[b]
    if not knows_base(world, spec, me, base):
        return
    out = rows[b]
    mask[b] = True
    out[BASE.dx] = (base.x - me.x) / (8.0 * world.width)
    out[BASE.dy] = (base.y - me.y) / (8.0 * world.height)
    place(world, base.x, base.y, out[BASE.x :])
    out[BASE.own if base.team == me.team else BASE.enemy] = 1.0
    out[BASE.alive] = base.alive


@rule
def observe_power_up(world, spec, i, scale, rows, mask):
    """The power-up, if tank i sees it."""
    me = world.tanks[i]
    if world.power_up == NOBODY or not sees_point(world, spec, me, world.power_up_x, world.power_up_y):
        return
    out = rows[0]
    mask[0] = True
    out[POWER_UP.dx] = (world.power_up_x - me.x) * scale
    out[POWER_UP.dy] = (world.power_up_y - me.y) * scale
    place(world, world.power_up_x, world.power_up_y, out[POWER_UP.x :])
    out[POWER_UP.helmet + world.power_up] = 1.0


@rule
def has_terrain(world, spec, tank, column, row):
    """Whether a tank sees terrain in the block whose upper left tile is (column, row)."""
    for k in range(4):
        c, r = column + (k & 1), row + (k >> 1)
        code = world.terrain[r * world.width + c]
        if code != EMPTY and code != BASE_TILE and seen_code(world, spec, tank, c, r) != UNSEEN_TILE:
            return True
    return False


@rule
def insert(keys, count, key):
    """Put a key into the sorted keys[:count], dropping the greatest when they are full: how many there are."""
    if count == keys.shape[0]:
        if key > keys[count - 1]:
            return count
        count -= 1
    at = count
    while at > 0 and keys[at - 1] > key:
        keys[at] = keys[at - 1]
        at -= 1
    keys[at] = key
    return count + 1


@rule
def nearest_blocks(world, spec, tank, keys):
    """The blocks of `terrain`, nearest first, into keys: how many there are."""
    reach = sight_range(world, spec)
    columns, rows = world.width >> 1, world.height >> 1
    left, right = max((tank.x - reach - 1) // BLOCK, 0), min((tank.x + reach) // BLOCK + 1, columns)
    top, bottom = max((tank.y - reach - 1) // BLOCK, 0), min((tank.y + reach) // BLOCK + 1, rows)
    count = 0
    for row in range(top, bottom):
        dy = row * BLOCK + TILE - tank.y
        for column in range(left, right):
            dx = column * BLOCK + TILE - tank.x
            if abs(dx) <= reach and abs(dy) <= reach and has_terrain(world, spec, tank, 2 * column, 2 * row):
                count = insert(keys, count, (dx * dx + dy * dy) * _PLACES + row * columns + column)
    return count


@rule
def observe_terrain(world, spec, i, scale, rows, mask, keys):
    """The nearest blocks of terrain that tank i sees; keys: working memory, int64 [TERRAIN_ROWS]."""
    tank, columns = world.tanks[i], world.width >> 1
    for e in range(nearest_blocks(world, spec, tank, keys)):
        at = keys[e] % _PLACES
        column, row = 2 * (at % columns), 2 * (at // columns)
        x, y = (column + 1) * TILE, (row + 1) * TILE
        out = rows[e]
        mask[e] = True
        out[TERRAIN.dx] = (x - tank.x) * scale
        out[TERRAIN.dy] = (y - tank.y) * scale
        place(world, x, y, out[TERRAIN.x :])
        for k in range(4):
            describe_tile(seen_code(world, spec, tank, column + (k & 1), row + (k >> 1)), out)


@rule
def describe_tile(code, out):
    """Add a tile's quarter to the shares of its block; a brick's by the quarters that still stand."""
    if EMPTY < code <= BRICK:
        out[TERRAIN.brick] += ((code & 1) + (code >> 1 & 1) + (code >> 2 & 1) + (code >> 3)) / 16.0
    elif STEEL <= code < BASE_TILE:
        out[TERRAIN.steel + code - STEEL] += 0.25


@rule
def observe_agent(world, spec, i, out, keys):
    """Everything that tank i sees into out, an agent's Rows, which are zero already; keys: working memory."""
    if not world.tanks[i].alive:
        return
    scale = 1.0 / sight_range(world, spec)
    for e in range(spec.num_tanks):
        j = i if e == 0 else spec.others[i, e - 1]
        observe_tank(world, spec, i, j, scale, out.tanks, out.tank_mask, e)
        if world.flying > 0:
            observe_bullets(world, spec, i, j, scale, out.bullets, out.bullet_mask, e)
    for b in range(spec.num_bases):
        observe_base(world, spec, i, b, out.bases, out.base_mask)
    if spec.power_ups:
        observe_power_up(world, spec, i, scale, out.power_ups, out.power_up_mask)
    observe_terrain(world, spec, i, scale, out.terrain, out.terrain_mask, keys)


@rule
def state_of_tank(world, spec, i, tanks, tank_mask, bullets, bullet_mask):
    """Tank i, if it is on the field, and its bullets in flight."""
    tank = world.tanks[i]
    if tank.alive:
        out = tanks[i]
        tank_mask[i] = True
        place(world, tank.x, tank.y, out)
        out[STATE_TANK.team1 + tank.team - 1] = 1.0
        describe_tank(world, spec, i, out[STATE_TANK.up :])
    for k in range(2 * i, 2 * i + 2):
        bullet = world.bullets[k]
        if bullet.speed != 0:
            bullet_mask[k] = True
            place(world, bullet.x, bullet.y, bullets[k])
            bullets[k, STATE_BULLET.team1 + tank.team - 1] = 1.0
            describe_bullet(bullet, bullets[k, STATE_BULLET.up :])


@rule
def state_of_world(world, spec, out):
    """Everything there is into out, a world's Rows, which are zero already."""
    for i in range(spec.num_tanks):
        state_of_tank(world, spec, i, out.tanks, out.tank_mask, out.bullets, out.bullet_mask)
    for b in range(spec.num_bases):
        base = world.bases[b]
        out.base_mask[b] = True
        place(world, base.x, base.y, out.bases[b])
        out.bases[b, STATE_BASE.team1 + base.team - 1] = 1.0
        out.bases[b, STATE_BASE.alive] = base.alive
        out.bases[b, STATE_BASE.shovel] = world.shovel[base.team - 1] / SHOVEL_FRAMES
    if spec.power_ups and world.power_up != NOBODY:
        out.power_up_mask[0] = True
        place(world, world.power_up_x, world.power_up_y, out.power_ups[0])
        out.power_ups[0, STATE_POWER_UP.helmet + world.power_up] = 1.0


@rule
def clear(rows, mask):
    """Zero the rows, [E, D], and the mask, [E]."""
    for e in range(rows.shape[0]):
        mask[e] = False
        for d in range(rows.shape[1]):
            rows[e, d] = 0.0


@rule
def part(rows, k):
    """World k of a batch's Rows, or agent k of a world's."""
    return Rows(
        rows.tanks[k],
        rows.tank_mask[k],
        rows.bullets[k],
        rows.bullet_mask[k],
        rows.bases[k],
        rows.base_mask[k],
        rows.power_ups[k],
        rows.power_up_mask[k],
        rows.terrain[k],
        rows.terrain_mask[k],
    )


@rule
def clear_all(rows):
    """Zero the rows and masks of every type."""
    clear(rows.tanks, rows.tank_mask)
    clear(rows.bullets, rows.bullet_mask)
    clear(rows.bases, rows.base_mask)
    clear(rows.power_ups, rows.power_up_mask)
    clear(rows.terrain, rows.terrain_mask)


@kernel
def write_obs(worlds, spec_array, keys, rows, low, high, only):
    """Observations of worlds low..high into Rows of [B, N, E, D] and [B, N, E]; keys: as of observe_agent."""
    spec = spec_array[0]
    for b in range(low, high):
        if only[b]:
            for n in range(spec.num_agents):
                out = part(part(rows, b), n)
                clear_all(out)
                observe_agent(worlds[b], spec, spec.slot[n], out, keys)


@kernel
def write_state(worlds, spec_array, rows, low, high, only):
    """States of worlds low..high into Rows of [B, E, D] and [B, E]."""
    for b in range(low, high):
        if only[b]:
            out = part(rows, b)
            clear_all(out)
            state_of_world(worlds[b], spec_array[0], out)


def _kind(view: View, features: dict[str, tuple[str, ...]], lead: tuple[int, ...], write) -> Kind:
    """A kind with rows [B, *lead, E, D] of the types of `features`, those without rows left out."""
    count = counts(view)
    shapes = {name: (count[name], len(features[name])) for name in features if count[name] > 0}

    def pair(batch: int, e: int, d: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((batch, *lead, e, d), np.float32), np.zeros((batch, *lead, e), bool)

    def allocate(batch: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {name: pair(batch, e, d) for name, (e, d) in shapes.items()}

    def fill(worlds, out, low, high, only) -> None:
        pairs = [out[name] if name in shapes else pair(len(worlds), 0, 0) for name in FEATURES]
        write(worlds, view.spec, Rows(*(array for both in pairs for array in both)), low, high, only)

    space: dict[str, spaces.Space] = {}
    for name, (e, d) in shapes.items():
        space[name] = spaces.Box(-1.0, 1.0, (e, d), np.float32)
        space[f"{name}_mask"] = spaces.Box(0, 1, (e,), np.bool_)
    return Kind(spaces.Dict(space), allocate, fill)


def obs_kind(view: View) -> Kind:
    """Type -> (float32 [B, N, E, D], mask bool [B, N, E]); `FEATURES` names the columns."""

    def write(worlds, spec_array, rows, low, high, only) -> None:
        write_obs(worlds, spec_array, np.zeros(TERRAIN_ROWS, np.int64), rows, low, high, only)

    return _kind(view, FEATURES, (view.num_agents,), write)


def state_kind(view: View) -> Kind:
    """Type -> (float32 [B, E, D], mask bool [B, E]); `STATE_FEATURES` names the columns."""
    return _kind(view, STATE_FEATURES, (), write_state)
