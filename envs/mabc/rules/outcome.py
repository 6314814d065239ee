"""When a world ends and who wins (our modes; `defend` by the facts)."""

from ..jit import rule
from ..params import DEFEND, RUNNING, SCOUT, SIEGE, SKIRMISH, TILE, VERSUS

FAR_OFF = 1 << 20
"""How far a team without a tank on the field stands from everything, px."""


@rule
def standing(world, spec, t):
    """Whether team t (from 0) has a tank on the field or one still to come."""
    if world.out[t]:
        return False
    if spec.wave_size[t] > world.entered[t]:
        return True
    waves = spec.wave_size[t] > 0
    for k in range(spec.team_size[t]):
        tank = world.tanks[spec.team_first[t] + k]
        if tank.alive or (not waves and tank.lives > 0):
            return True
    return False


@rule
def bases_left(world, spec, t):
    """How many bases of team t stand."""
    count = 0
    for b in range(spec.num_bases):
        if world.bases[b].team == t + 1 and world.bases[b].alive:
            count += 1
    return count


@rule
def last_standing(world, spec):
    """The only team still in the game, 0 if none is, RUNNING while several are."""
    winner = 0
    for t in range(spec.num_teams):
        if standing(world, spec, t):
            if winner != 0:
                return RUNNING
            winner = t + 1
    return winner


@rule
def leave(world, spec, t):
    """Team t is out: its tanks leave the field."""
    world.out[t] = 1
    for k in range(spec.team_size[t]):
        tank = world.tanks[spec.team_first[t] + k]
        tank.alive = 0
        tank.hits = 0
        tank.lives = 0


@rule
def defender(spec):
    """The team (from 1) that owns the first base."""
    return spec.base_team[0]


@rule
def judge_bases(world, spec):
    """defend, siege, scout: one team's bases decide."""
    owner = defender(spec)
    if bases_left(world, spec, owner - 1) == 0:
        taker = world.bases[0].by
        for b in range(spec.num_bases):
            if world.bases[b].by != owner and world.bases[b].by != 0:
                taker = world.bases[b].by
        return taker if taker != owner else (2 if owner == 1 else 1)
    others_stand = False
    for t in range(spec.num_teams):
        if t != owner - 1 and standing(world, spec, t):
            others_stand = True
    if not others_stand:
        return owner
    if spec.mode == DEFEND and not standing(world, spec, owner - 1):
        return 2 if owner == 1 else 1
    return RUNNING


@rule
def judge(world, spec):
    """Set world.outcome once the game is decided."""
    if spec.mode == SKIRMISH:
        world.outcome = last_standing(world, spec)
    elif spec.mode == VERSUS:
        for t in range(spec.num_teams):
            if not world.out[t] and bases_left(world, spec, t) == 0:
                leave(world, spec, t)
        world.outcome = last_standing(world, spec)
    else:
        world.outcome = judge_bases(world, spec)


@rule
def lives_left(world, spec, t):
    """How many lives team t (from 0) has left, over all its tanks."""
    count = 0
    for k in range(spec.team_size[t]):
        count += max(world.tanks[spec.team_first[t] + k].lives, 0)
    return count


@rule
def way_to_middle(world, spec, t):
    """How far the tanks of team t (from 0) that are on the field stand from its middle: px in all, and of how many."""
    way = count = 0
    for k in range(spec.team_size[t]):
        tank = world.tanks[spec.team_first[t] + k]
        if tank.alive:
            way += abs(tank.x - world.width * TILE // 2) + abs(tank.y - world.height * TILE // 2)
            count += 1
    return (way, count) if count > 0 else (FAR_OFF, 1)


@rule
def lead(world, spec, t, other):
    """Above 0 where team t is ahead of another one (from 0) by time, below where it is behind, 0 where all is even.

    The larger share of lives left is ahead; of equal shares, the team that stands nearer to the middle of the field.
    """
    ahead = lives_left(world, spec, t) * spec.team_tanks[other] - lives_left(world, spec, other) * spec.team_tanks[t]
    if ahead != 0:
        return ahead
    way, count = way_to_middle(world, spec, t)
    other_way, other_count = way_to_middle(world, spec, other)
    return float(other_way * count - way * other_count)


@rule
def leader(world, spec):
    """The team that is ahead of all others by time, 0 where two are even."""
    best = even = 0
    for t in range(1, spec.num_teams):
        ahead = lead(world, spec, t, best)
        if ahead > 0:
            best, even = t, 0
        elif ahead == 0:
            even = 1
    return 0 if even else best + 1


@rule
def judge_time(world, spec):
    """At the step limit `siege` and `scout` are their defenders', `skirmish` and `versus` of the team that leads.

    What is even in all, and `defend`, is a truncated draw.
    """
    if world.outcome != RUNNING or world.step < spec.max_steps:
        return
    if spec.mode == SIEGE or spec.mode == SCOUT:
        world.outcome = defender(spec)
    else:
        world.outcome = 0 if spec.mode == DEFEND else leader(world, spec)
        world.truncated = world.outcome == 0
