"""Bullets: firing, flight and what they hit (facts: terrain, tanks)."""

import numpy as np

from ..jit import apart, large_rule, rule
from ..params import (
    BASE,
    BRICK,
    BULLET_BULLET,
    BULLET_SPEED,
    BULLET_TANK,
    DX,
    DY,
    EMPTY,
    FAST_BULLET_LEVEL,
    FAST_BULLET_SPEED,
    MUZZLE,
    NOBODY,
    PLAYER,
    SCOUT,
    STEEL,
    STEEL_LEVEL,
    STUN_FRAMES,
    TWO_BULLETS_LEVEL,
)
from .bases import in_base, take_base
from .chance import HIT_STREAM, draw, tie_break
from .drive import can_act
from .life import destroy
from .power_ups import drop_power_up
from .terrain import near, packed, pixels_ahead, stops_bullet


@rule
def bullet_speed(tank):
    """Px a frame of the bullets that a tank fires now."""
    if tank.type == PLAYER and tank.level >= FAST_BULLET_LEVEL:
        return FAST_BULLET_SPEED
    return BULLET_SPEED[tank.type]


@rule
def has_two_bullets(tank):
    """Whether a tank may have two bullets in the air."""
    return tank.type == PLAYER and tank.level >= TWO_BULLETS_LEVEL


@rule
def free_bullet(world, i):
    """The index of a bullet that tank i may fire now, or NOBODY."""
    if world.bullets[2 * i].speed == 0:
        return 2 * i
    if has_two_bullets(world.tanks[i]) and world.bullets[2 * i + 1].speed == 0:
        return 2 * i + 1
    return NOBODY


@rule
def remove(world, bullet):
    """Take a bullet out of the air; its tank may fire again."""
    bullet.speed = 0
    world.flying -= 1


@rule
def fire(world, scratch, i):
    """If tank i's order is to fire and it has a bullet free, it fires it, once an order."""
    tank = world.tanks[i]
    if not tank.press or not can_act(world, tank):
        return
    k = free_bullet(world, i)
    if k == NOBODY:
        return
    if k & 1:
        scratch.second_bullets = 1
    tank.press = 0
    tank.shots += 1
    bullet = world.bullets[k]
    bullet.x = tank.x + MUZZLE * DX[tank.heading]
    bullet.y = tank.y + MUZZLE * DY[tank.heading]
    bullet.heading = tank.heading
    bullet.speed = bullet_speed(tank)
    bullet.steel = tank.type == PLAYER and tank.level >= STEEL_LEVEL
    world.flying += 1
    scratch.flying[scratch.num_flying] = k
    scratch.shots[scratch.num_flying] = packed(bullet.x, bullet.y)
    scratch.num_flying += 1
    scratch.fired = 1


@rule
def list_bullets(world, spec, scratch):
    """List the bullets in the air by slot."""
    count = 0
    for k in range(0, 2 * spec.num_tanks, 1 if scratch.second_bullets else 2):
        scratch.flying[count] = k  # overwritten by the next one if this is not in the air
        count += world.bullets[k].speed != 0
    scratch.num_flying = count
    scratch.fired = 0


@rule
def fly(world, spec, scratch):
    """Move every bullet along its heading, and keep the list of those in the air for the rules that follow."""
    if scratch.fired:
        list_bullets(world, spec, scratch)
    count = 0
    for n in range(scratch.num_flying):
        k = scratch.flying[n]
        bullet = world.bullets[k]
        bullet.x += bullet.speed * DX[bullet.heading]
        bullet.y += bullet.speed * DY[bullet.heading]
        scratch.flying[count] = k
        scratch.shots[count] = packed(bullet.x, bullet.y)
        count += bullet.speed != 0
    scratch.num_flying = count


@rule
def clear_brick(world, tank, column, row, mask):
    """Take the quarters of `mask` out of a tile of the field, if it is brick."""
    at = row * world.width + column
    code = world.terrain[at]
    if code == EMPTY or code > BRICK:
        return
    gone = code & mask
    world.terrain[at] = code & ~mask
    tank.bricks += (gone & 1) + (gone >> 1 & 1) + (gone >> 2 & 1) + (gone >> 3 & 1)


@rule
def clear_whole(world, tank, column, row):
    """A level 3 shot takes a whole tile of brick or steel."""
    at = row * world.width + column
    if world.terrain[at] == STEEL:
        world.terrain[at] = EMPTY
    else:
        clear_brick(world, tank, column, row, BRICK)


@rule
def meets_terrain(world, bullet):
    """Whether a bullet stops at what lies just ahead of it: the two pixels either side of its line."""
    x0, y0, x1, y1 = pixels_ahead(bullet)
    width = world.width
    if x0 < 0 or y0 < 0 or (x1 >> 3) >= width or (y1 >> 3) >= world.height:
        return True
    first = world.terrain[(y0 >> 3) * width + (x0 >> 3)]
    second = world.terrain[(y1 >> 3) * width + (x1 >> 3)]
    if (first | second) == EMPTY:
        return False
    if not (stops_bullet(first, x0, y0) | stops_bullet(second, x1, y1)):
        return False
    if first == BASE or second == BASE:  # one that stands is judged in `bullets_on_bases`
        return not in_a_base(world, bullet)
    return True


@rule
def hit_terrain(world, tank, bullet):
    """What a bullet that stops does to the tiles under its two pixels.

    It clears a strip 16 px wide, and 4 px deep or, for a level 3 shot, a tile deep.
    """
    x0, y0, x1, y1 = pixels_ahead(bullet)
    column, row, other_column, other_row = x0 >> 3, y0 >> 3, x1 >> 3, y1 >> 3
    if x0 < 0 or y0 < 0 or other_column >= world.width or other_row >= world.height:
        return
    first, second = world.terrain[row * world.width + column], world.terrain[other_row * world.width + other_column]
    if first == BASE or second == BASE:
        return
    if bullet.steel:
        clear_whole(world, tank, column, row)
        clear_whole(world, tank, other_column, other_row)
        return
    if x0 == x1:  # it flies sideways
        mask = 5 if (x0 >> 2) & 1 == 0 else 10  # the left or the right quarters
    else:
        mask = 3 if (y0 >> 2) & 1 == 0 else 12  # the top or the bottom ones
    clear_brick(world, tank, column, row, mask)
    clear_brick(world, tank, other_column, other_row, mask)


@rule
def bullet_in_base(bullet, base):
    """Whether one of the two pixels ahead of the bullet lies in the base."""
    x0, y0, x1, y1 = pixels_ahead(bullet)
    return in_base(base, x0, y0) | in_base(base, x1, y1)


@rule
def in_a_base(world, bullet):
    """Whether a bullet lies in a base that still stands."""
    for b in range(world.bases.shape[0]):
        base = world.bases[b]
        if base.alive and bullet_in_base(bullet, base):
            return True
    return False


@rule
def bullets_on_bases(world, spec, scratch):
    """Any bullet destroys a base, a team mate's too; targets of `scout` only stop it."""
    if scratch.num_flying == 0:
        return
    for b in range(spec.num_bases):
        base = world.bases[b]
        if not base.alive:
            continue
        here = packed(base.x, base.y)
        for n in range(scratch.num_flying):
            if not near(scratch.shots[n], here):
                continue
            k = scratch.flying[n]
            bullet = world.bullets[k]
            if bullet.speed != 0 and bullet_in_base(bullet, base):
                remove(world, bullet)
                if spec.mode != SCOUT:
                    take_base(world, base, k >> 1)
                    break


@rule
def bullets_on_terrain(world, scratch):
    """Bullet against terrain and border, all at once: none flies through what another clears in this frame."""
    count = 0
    for n in range(scratch.num_flying):
        bullet = world.bullets[scratch.flying[n]]
        gone = bullet.speed != 0 and meets_terrain(world, bullet)
        scratch.gone[n] = gone
        count += gone
    if count == 0:
        return
    for n in range(scratch.num_flying):
        if scratch.gone[n]:
            k = scratch.flying[n]
            if world.bullets[k].speed != 0:  # one shot again in this frame is listed twice
                hit_terrain(world, world.tanks[k >> 1], world.bullets[k])
                remove(world, world.bullets[k])


@rule
def cancel_each_other(world, k, m):
    """Bullets cancel unless they are one player's own two, or both of bot types of one team."""
    if k >> 1 == m >> 1:
        return False
    one, other = world.tanks[k >> 1], world.tanks[m >> 1]
    return one.team != other.team or one.type == PLAYER or other.type == PLAYER


@rule
def within(bullet, other, distance):
    """Whether a bullet is nearer than `distance` px to a bullet or tank, on both axes."""
    return (abs(bullet.x - other.x) < distance) & (abs(bullet.y - other.y) < distance)


@large_rule
def cancel_bullets(world, scratch):
    """Take out all bullets that meet another one in this frame."""
    apart()
    for n in range(scratch.num_flying):
        scratch.gone[n] = 0
    for n in range(scratch.num_flying):
        k = scratch.flying[n]
        for later in range(n + 1, scratch.num_flying):
            m = scratch.flying[later]
            one, other = world.bullets[k], world.bullets[m]
            if one.speed == 0 or other.speed == 0 or not within(one, other, BULLET_BULLET):
                continue
            if cancel_each_other(world, k, m):
                scratch.gone[n] = scratch.gone[later] = 1
    for n in range(scratch.num_flying):
        bullet = world.bullets[scratch.flying[n]]
        if scratch.gone[n] and bullet.speed != 0:
            remove(world, bullet)


@rule
def bullets_on_bullets(world, scratch):
    """Bullet against bullet: both vanish, and where several meet, all of them."""
    for n in range(scratch.num_flying):
        for later in range(n + 1, scratch.num_flying):
            if near(scratch.shots[n], scratch.shots[later]):
                cancel_bullets(world, scratch)
                return


@large_rule
def struck_tank(world, spec, k):
    """The tank that bullet k hits, or NOBODY: the nearest, of equally near ones an enemy, or any of them."""
    apart()
    shooter = np.int64(k) >> 1
    owner, bullet = world.tanks[shooter], world.bullets[k]
    target, nearest = NOBODY, 1 << 40
    for j in range(spec.num_tanks):
        tank = world.tanks[j]
        if j == shooter or not tank.alive or tank.entering > 0 or not within(bullet, tank, BULLET_TANK):
            continue
        mate = tank.team == owner.team
        if mate and tank.type != PLAYER:
            continue
        key = tie_break(2 * (abs(bullet.x - tank.x) + abs(bullet.y - tank.y)) + mate, draw(world, HIT_STREAM), j)
        if key < nearest:
            target, nearest = j, key
    return target


@rule
def meets_tank(spec, scratch, n):
    """Whether any tank but its own is near the n-th flying bullet."""
    here, shooter = scratch.shots[n], scratch.flying[n] >> 1
    for j in range(spec.num_tanks):
        if near(here, scratch.places[j]) and j != shooter:
            return True
    return False


@rule
def bullets_on_tanks(world, spec, scratch):
    """Bullet against tank: within 10 px on both axes."""
    for n in range(scratch.num_flying):
        k = scratch.flying[n]
        if world.bullets[k].speed == 0 or not meets_tank(spec, scratch, n):
            continue
        target = struck_tank(world, spec, k)
        if target != NOBODY and hit_tank(world, spec, np.int64(k) >> 1, target):
            remove(world, world.bullets[k])


@rule
def hit_tank(world, spec, shooter, target):
    """What a bullet does to a tank; false if it passes through."""
    tank, owner = world.tanks[target], world.tanks[shooter]
    if tank.team == owner.team:
        if tank.type != PLAYER:
            return False
        if tank.shield == 0 and tank.stun == 0:
            tank.stun = STUN_FRAMES
        return True
    if tank.shield > 0:
        return True
    owner.damage += 1
    tank.hits -= 1
    if tank.carrier:
        tank.carrier = 0
        drop_power_up(world, spec)
    if tank.hits == 0:
        destroy(world, target, shooter, True)
    return True
