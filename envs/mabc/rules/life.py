"""Lives: death, entry, shields and the other clocks of a tank (facts: geometry and clock, tanks, power-ups)."""

from ..jit import rule
from ..params import (
    DOWN,
    EMPTY,
    ENTER_FRAMES,
    EXPLOSION_FRAMES,
    EXTRA_LIFE_POINTS,
    HITS,
    NOBODY,
    PLAYER,
    POINTS,
    RESPAWN_SHIELD,
    TILE,
    UP,
)
from .terrain import tank_on


@rule
def earn(tank, points):
    """Add points; the 20,000th brings a life."""
    if tank.points < EXTRA_LIFE_POINTS <= tank.points + points:
        tank.lives += 1
    tank.points += points


@rule
def destroy(world, target, shooter, with_points):
    """Tank `target` explodes: its life, stars and orders are gone; its bullets fly on."""
    tank, owner = world.tanks[target], world.tanks[shooter]
    tank.alive = 0
    tank.hits = 0
    tank.level = 0
    tank.shield = tank.stun = tank.slide = 0
    tank.move = tank.press = tank.moved = tank.blocked = 0
    tank.carrier = 0
    tank.engaged = 0
    tank.wait = EXPLOSION_FRAMES
    tank.lives -= 1
    tank.deaths += 1
    world.toll = 1
    owner.kills += 1
    if with_points:
        earn(owner, POINTS[tank.type])


@rule
def tick_tank(tank):
    """Count a tank's clocks down; a player that comes back is shielded when its entry is over."""
    if not (tank.wait | tank.shield | tank.stun | tank.entering):
        return
    if tank.wait > 0:
        tank.wait -= 1
    if tank.shield > 0:
        tank.shield -= 1
    if tank.stun > 0:
        tank.stun -= 1
    if tank.entering > 0:
        tank.entering -= 1
        if tank.entering == 0 and tank.respawned and tank.type == PLAYER:
            tank.shield = RESPAWN_SHIELD


@rule
def tick_teams(world, spec):
    """Count the clocks of teams down by one frame."""
    for t in range(spec.num_teams):
        if world.frozen[t] > 0:
            world.frozen[t] -= 1
        if world.entry_wait[t] > 0:
            world.entry_wait[t] -= 1


@rule
def free_entry(world, spec, layout, t):
    """The next entry point in turn of team t (from 0) on which no tank stands, or NOBODY."""
    count = layout.entries[t]
    for k in range(count):
        e = (world.entry_next[t] + k) % count
        if not tank_on(world, spec, layout.entry_x[t, e], layout.entry_y[t, e], NOBODY):
            return e
    return NOBODY


@rule
def put_on_field(world, tank, x, y):
    """Place a tank, erase the terrain under it and start its entry."""
    tank.x, tank.y = x, y
    tank.alive = 1
    tank.hits = HITS[tank.type]
    tank.entering = ENTER_FRAMES
    tank.heading = UP if y * 2 > world.height * TILE else DOWN
    tank.wait = 0
    column, row = (x >> 3) - 1, (y >> 3) - 1
    for k in range(4):
        world.terrain[(row + (k >> 1)) * world.width + column + (k & 1)] = EMPTY


@rule
def enter_wave(world, spec, layout, t):
    """Let the next tank of team t's wave enter, if a place on the field, an entry and the clock allow it."""
    n = world.entered[t]
    if n >= spec.wave_size[t] or world.entry_wait[t] > 0:
        return
    for k in range(spec.team_size[t]):
        tank = world.tanks[spec.team_first[t] + k]
        if tank.alive or tank.wait > 0:
            continue
        e = free_entry(world, spec, layout, t)
        if e == NOBODY:
            return
        tank.type = spec.wave[t, n]
        tank.lives = 1
        tank.carrier = spec.carriers[n]
        if tank.carrier:
            world.power_up = NOBODY
        put_on_field(world, tank, layout.entry_x[t, e], layout.entry_y[t, e])
        world.entry_next[t] = (e + 1) % layout.entries[t]
        world.entered[t] = n + 1
        world.entry_wait[t] = spec.entry_delay
        return


@rule
def enter(world, spec, layout):
    """Entries: tanks with lives left come back at their team's entry points, waves go on."""
    for t in range(spec.num_teams):
        if spec.wave_size[t] > 0:
            enter_wave(world, spec, layout, t)
            continue
        for k in range(spec.team_size[t]):
            tank = world.tanks[spec.team_first[t] + k]
            if tank.alive or tank.wait > 0 or tank.lives <= 0 or world.out[t]:
                continue
            e = free_entry(world, spec, layout, t)
            if e != NOBODY:
                tank.respawned = 1
                put_on_field(world, tank, layout.entry_x[t, e], layout.entry_y[t, e])
                world.entry_next[t] = (e + 1) % layout.entries[t]
