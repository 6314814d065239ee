"""The kernel's opponents `random`, `classic` and `attract`: each sets a tank's order (`move`, `press`) for one frame.

`classic` follows the facts on enemies, `attract` the attract mode's two-player script; `tactical` is in tactical.py.
"""

from ..jit import apart, large_rule, rule
from ..params import (
    ATTRACT_BOT,
    BLOCKED_WAIT,
    CLASSIC_BOT,
    DECIDE_ODDS,
    DEFEND,
    DOWN,
    DX,
    DY,
    FIRE_ODDS,
    HOLD,
    HUNT,
    LEFT,
    NOBODY,
    PATROL,
    PATROL_RANGE,
    RANDOM_BOT,
    RIGHT,
    TACTICAL_BOT,
    TILE,
    UP,
)
from .chance import HEADING_STREAM, TANK_STREAM, draw, tie_break
from .knowledge import knows_goal, knows_point, knows_tank
from .tactical import FAR_AWAY, is_due, own_base_in_line, search_place, tactical


@rule
def aligned(tank):
    """On the 8 px lattice on both axes."""
    return (tank.x | tank.y) & (TILE - 1) == 0


@rule
def heading_to(dx, dy, vertical_first):
    """The heading along the sign of one axis, the other where that one is 0; NOBODY when there."""
    if dx == 0 and dy == 0:
        return NOBODY
    if (vertical_first and dy != 0) or dx == 0:
        return UP if dy < 0 else DOWN
    return LEFT if dx < 0 else RIGHT


@large_rule
def nearest_enemy(world, spec, i, knowledge, bits):
    """The nearest enemy tank of any team that tank i knows of, ties drawn; NOBODY if there is none."""
    apart()
    tank = world.tanks[i]
    best, nearest = NOBODY, FAR_AWAY
    for j in range(spec.num_tanks):
        other = world.tanks[j]
        key = tie_break(abs(other.x - tank.x) + abs(other.y - tank.y), bits, j)
        if other.team != tank.team and key < nearest and knows_tank(world, spec, i, j, knowledge):
            best, nearest = j, key
    return best


@rule
def player_in_turn(world, spec, i, turn):
    """`defend`: the living enemy number `turn` of tank i, or the next living one after it; NOBODY if none lives."""
    tank = world.tanks[i]
    count = spec.num_tanks
    enemies = 0
    for j in range(count):
        if world.tanks[j].team != tank.team:
            enemies += 1
    if enemies == 0:
        return NOBODY
    wanted = turn % enemies
    for attempt in range(2):
        seen = 0
        for j in range(count):
            other = world.tanks[j]
            if other.team == tank.team:
                continue
            if other.alive and (attempt == 1 or seen >= wanted):
                return j
            seen += 1
    return NOBODY


@large_rule
def nearest_base(world, spec, i, knowledge, bits):
    """The nearest enemy base that stands and that tank i knows of, ties drawn; NOBODY if there is none."""
    apart()
    tank = world.tanks[i]
    best, nearest = NOBODY, FAR_AWAY
    for b in range(spec.num_bases):
        base = world.bases[b]
        key = tie_break(abs(base.x - tank.x) + abs(base.y - tank.y), bits, b)
        if base.alive and base.team != tank.team and key < nearest and knows_goal(world, spec, i, b, knowledge):
            best, nearest = b, key
    return best


@rule
def chased_place(world, spec, layout, i, knowledge, bits):
    """Where `classic` drives to in its second phase, px: a player in turn in `defend`, else the nearest enemy.

    Where it knows of none it searches.
    """
    if spec.mode == DEFEND:
        j = player_in_turn(world, spec, i, i - spec.team_first[world.tanks[i].team - 1])
    else:
        j = nearest_enemy(world, spec, i, knowledge, bits)
    if j == NOBODY:
        return search_place(world, spec, layout, i)
    return world.tanks[j].x, world.tanks[j].y


@large_rule
def goal_heading(world, spec, layout, i, knowledge, bits):
    """The classic goal decision, by the episode's age t in units (an 8-bit counter) and the entry delay d."""
    apart()
    tank = world.tanks[i]
    t = (world.frame >> 6) & 255  # 64 frames a unit
    d = spec.classic_delay
    if t * 8 <= d:
        return bits & 3
    base = nearest_base(world, spec, i, knowledge, bits)
    if t * 4 <= d or base == NOBODY:
        x, y = chased_place(world, spec, layout, i, knowledge, bits)
    else:
        x, y = world.bases[base].x, world.bases[base].y
    heading = heading_to(x - tank.x, y - tank.y, bits & 1)
    return heading if heading != NOBODY else bits & 3


@rule
def press_at_random(world, i, bits):
    """Fire with probability 1/32 a frame; a press that finds no bullet free is lost."""
    world.tanks[i].press = (bits >> 8) % FIRE_ODDS == 0


@large_rule
def spare_own_base(world, spec, i):
    """Take a press back that would shoot at a base of tank i's own team, before or after the turn that it begins."""
    apart()
    tank = world.tanks[i]
    if own_base_in_line(world, spec, tank, tank.heading) or own_base_in_line(world, spec, tank, tank.move - 1):
        tank.press = 0


@rule
def classic(world, spec, layout, i, knowledge):
    """One frame of the original's enemy; it never shoots at a base of its own (ours)."""
    tank = world.tanks[i]
    bits = draw(world, TANK_STREAM + i)
    choice = draw(world, HEADING_STREAM + i)
    heading = tank.heading
    if tank.wait > 0:  # blocked a moment ago: keeps pressing
        pass
    elif tank.blocked:
        if bits & 3:
            tank.wait = BLOCKED_WAIT
        else:
            heading = (heading + 2) & 3
            if aligned(tank):
                if bits & 4:
                    heading = goal_heading(world, spec, layout, i, knowledge, choice)
                else:
                    heading = (tank.heading + (1 if bits & 16 else 3)) & 3
    elif aligned(tank) and (bits >> 16) % DECIDE_ODDS == 0:
        heading = goal_heading(world, spec, layout, i, knowledge, choice)
    tank.move = heading + 1
    press_at_random(world, i, bits)
    if tank.press:
        spare_own_base(world, spec, i)


@rule
def random_bot(world, spec, i):
    """A random heading now and then, a shot now and then."""
    tank = world.tanks[i]
    bits = draw(world, TANK_STREAM + i)
    heading = tank.heading
    if aligned(tank) and (bits >> 16) % DECIDE_ODDS == 0:
        heading = bits & 3
    tank.move = heading + 1
    press_at_random(world, i, bits)


@large_rule
def attract_target(world, spec, i, knowledge, bits):
    """Player 1 targets enemy places 2, 4, 3 and player 2 places 3, 5, 4 (from 0), then the nearest enemy."""
    apart()
    tank = world.tanks[i]
    second = (i - spec.team_first[tank.team - 1]) & 1
    for k in range(3):
        place = (2, 4, 3)[k] + second
        for t in range(spec.num_teams):
            if t != tank.team - 1 and place < spec.team_size[t]:
                j = spec.team_first[t] + place
                if knows_tank(world, spec, i, j, knowledge):
                    return j
    return nearest_enemy(world, spec, i, knowledge, bits)


@large_rule
def attract(world, spec, i, knowledge):
    """The attract mode's script: power-up first, else its target, along alternating axes, always firing."""
    apart()
    tank = world.tanks[i]
    goal_x, goal_y = tank.x, tank.y
    if world.power_up != NOBODY and knows_point(world, spec, i, world.power_up_x, world.power_up_y, knowledge):
        goal_x, goal_y = world.power_up_x, world.power_up_y
    else:
        j = attract_target(world, spec, i, knowledge, draw(world, HEADING_STREAM + i))
        if j != NOBODY:
            goal_x, goal_y = world.tanks[j].x, world.tanks[j].y
    if aligned(tank) and (world.frame // 16 + i) & 1 != tank.axis:
        tank.axis ^= 1
    heading = heading_to((goal_x - tank.x) // TILE, (goal_y - tank.y) // TILE, tank.axis)
    tank.move = 0 if heading == NOBODY else heading + 1
    in_bottom_rows = tank.y >= (world.height - 4) * TILE
    tank.press = not in_bottom_rows


@large_rule
def keep_post(world, spec, i):
    """Stances: a tank that holds its post only turns there; one on patrol goes to and fro along its row."""
    apart()
    tank = world.tanks[i]
    stance = spec.stance[i]
    if tank.move == 0 or tank.post_x < 0:
        return
    dx, dy = tank.x - tank.post_x, tank.y - tank.post_y
    reach = 0 if stance == HOLD else PATROL_RANGE
    heading = tank.move - 1
    ahead_x, ahead_y = dx + DX[heading], dy + DY[heading]
    if abs(ahead_x) <= reach and ahead_y == 0:
        return
    turns = tank.stun == 0 and world.frozen[tank.team - 1] == 0
    if turns and (((heading - tank.heading) & 1) == 0 or aligned(tank)):
        tank.heading = heading  # turns on the spot, without driving
    elif turns and stance == PATROL:  # between the lines it cannot turn to shoot: the patrol goes on
        tank.press = tank.engaged = 0
    tank.move = 0
    if stance == PATROL and not tank.press and not tank.engaged:  # it turned to shoot: the patrol waits
        back = heading_to(-dx if abs(dx) >= reach else 0, -dy, 1)
        tank.move = (back if back != NOBODY else (RIGHT if (world.frame // 128 + i) & 1 else LEFT)) + 1


@rule
def decide(world, spec, layout, scratch, i, driver, level, knowledge):
    """Let one of the kernel's drivers set the order of tank i for this frame."""
    if driver == CLASSIC_BOT:
        classic(world, spec, layout, i, knowledge)
    elif driver == RANDOM_BOT:
        random_bot(world, spec, i)
    elif driver == TACTICAL_BOT:
        if is_due(world, spec, i, level):
            tactical(world, spec, layout, scratch, i, level, knowledge)
    elif driver == ATTRACT_BOT:
        attract(world, spec, i, knowledge)
    if spec.stance[i] != HUNT:
        keep_post(world, spec, i)
