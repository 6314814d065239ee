"""Reset and step of a batch: calls the rules in the game's frame order. No interface of any library is known here."""

from typing import NamedTuple

import numpy as np

from .jit import kernel, rule
from .observe.vector import observe_world, state_of_world
from .params import HITS, HUNT, NOBODY, NUM_ACTIONS, RUNNING, SCOUT, TACTICAL_BOT, UP
from .reward import reset_potential, step_rewards
from .rules.bases import guard_bases
from .rules.bots import decide
from .rules.bullets import (
    bullets_on_bases,
    bullets_on_bullets,
    bullets_on_tanks,
    bullets_on_terrain,
    fire,
    fly,
    list_bullets,
)
from .rules.chance import LAYOUT_STREAM, START_STREAM, draw, draw_at, draw_order, episode_key
from .rules.drive import can_act, drive, note_places
from .rules.life import enter, tick_teams
from .rules.outcome import judge, judge_time
from .rules.power_ups import pick_up
from .rules.tactical import is_due
from .rules.terrain import in_forest

CACHE_LINE = 64  # bytes


@rule
def reset_tank(tank, spec, layout, i):
    """Tank i at the start of an episode."""
    tank.type = spec.type[i]
    tank.team = spec.team[i]
    tank.lives = spec.lives[i]
    tank.level = spec.level[i]
    tank.heading = layout.heading[i]
    tank.alive = layout.x[i] >= 0
    tank.x = max(layout.x[i], 0)
    tank.y = max(layout.y[i], 0)
    tank.hits = HITS[tank.type] if tank.alive else 0
    tank.shield = tank.stun = tank.entering = tank.wait = tank.held = 0
    tank.slide = tank.move = tank.press = tank.moved = tank.blocked = 0
    tank.carrier = tank.respawned = tank.axis = tank.in_forest = 0
    tank.engaged = 0
    tank.post_x, tank.post_y = layout.x[i], layout.y[i]
    tank.points = 0
    tank.episode_return = 0.0
    clear_counts(tank)


@rule
def draw_places(world, spec, layout, t):
    """Spread the tanks of team t over its entries: a sample of them, in order (Knuth's algorithm S)."""
    wanted, left = spec.team_size[t], layout.entries[t]
    guards_targets = spec.mode == SCOUT and spec.stance[spec.team_first[t]] != HUNT
    if spec.wave_size[t] > 0 or wanted > left or guards_targets:
        return
    i = spec.team_first[t]
    for e in range(layout.entries[t]):
        if draw_at(world, e, START_STREAM + i) % left < wanted:
            tank = world.tanks[i]
            tank.x, tank.y = layout.entry_x[t, e], layout.entry_y[t, e]
            tank.post_x, tank.post_y = tank.x, tank.y
            wanted -= 1
            i += 1
        left -= 1


@rule
def draw_start(world, spec, layout):
    """Draw where tanks start, among the entries of their team, and where they look."""
    for t in range(spec.num_teams):
        draw_places(world, spec, layout, t)
    for i in range(spec.num_tanks):
        if world.tanks[i].alive:
            world.tanks[i].heading = draw(world, START_STREAM + i) >> 32 & 3


@rule
def clear_counts(tank):
    """Start a new step's counts."""
    tank.kills = tank.damage = tank.deaths = tank.pick_ups = tank.shots = tank.bases = 0
    tank.bricks = 0


@rule
def reset_world(world, spec, layouts):
    """Start the next episode of one world from a layout drawn at random."""
    world.key = episode_key(world.seed, world.index, world.episode)
    world.episode += 1
    world.frame = world.step = 0
    world.layout = draw(world, LAYOUT_STREAM) % layouts.shape[0]
    layout = layouts[world.layout]
    world.width, world.height = layout.width, layout.height
    world.outcome = RUNNING
    world.truncated = world.toll = 0
    world.power_up = NOBODY
    world.power_up_x = world.power_up_y = 0
    world.power_up_wait = spec.power_up_period
    world.flying = 0
    for t in range(world.out.shape[0]):
        world.frozen[t] = world.shovel[t] = world.entry_wait[t] = world.entered[t] = 0
        world.entry_next[t] = 1 if spec.wave_size[t] > 0 and layout.entries[t] > 1 else 0
        world.out[t] = world.lost[t] = 0
        world.potential[t] = world.start_distance[t] = 0.0
    for b in range(spec.num_bases):
        base = world.bases[b]
        base.x, base.y = layout.base_x[b], layout.base_y[b]
        base.team = spec.base_team[b]
        base.alive = 1
        base.by = 0
    for i in range(spec.num_tanks):
        reset_tank(world.tanks[i], spec, layout, i)
        for k in range(2 * i, 2 * i + 2):
            bullet = world.bullets[k]
            bullet.x = bullet.y = 0
            bullet.heading = UP
            bullet.speed = bullet.steel = 0
    for k in range(world.width * world.height):
        world.terrain[k] = layout.terrain[k]
    if spec.random_start:
        draw_start(world, spec, layout)
    reset_potential(world, spec)
    hide_in_forest(world, spec)


@rule
def hide_in_forest(world, spec):
    """Note which tanks forest hides; observations read it."""
    for i in range(spec.num_tanks):
        tank = world.tanks[i]
        tank.in_forest = tank.alive and in_forest(world, tank.x, tank.y)


@rule
def take_orders(world, spec, orders, hold):
    """Read the agents' actions, at the first frame of a step, unless an earlier one still holds."""
    for i in range(spec.num_tanks):
        column = spec.column[i]
        if column == NOBODY:
            continue
        tank = world.tanks[i]
        tank.held -= spec.frame_skip
        if tank.held > 0:
            continue
        tank.held = hold[column] if hold.shape[0] > 0 else 0
        if tank.alive:
            tank.move = orders[column] >> 1
            tank.press = orders[column] & 1


@rule
def step_frame(world, spec, layout, scratch):
    """One frame, in the game's order; a tank's own clocks count at the end of its part in `drive`."""
    for n in range(spec.num_bots):
        i = spec.bots[n]
        tank = world.tanks[i]
        if tank.alive and tank.entering == 0:
            decide(world, spec, layout, scratch, i, spec.driver[i], spec.bot_level[i], spec.knowledge[tank.team - 1])
    drive(world, spec, scratch)
    fly(world, spec, scratch)
    bullets_on_bases(world, spec, scratch)
    guard_bases(world, spec)
    tick_teams(world, spec)
    for i in range(spec.num_tanks):
        fire(world, scratch, i)
    if spec.entries:
        enter(world, spec, layout)
        note_places(world, spec, scratch)
    bullets_on_terrain(world, scratch)
    bullets_on_bullets(world, scratch)
    bullets_on_tanks(world, spec, scratch)
    pick_up(world, spec)
    world.frame += 1
    if world.toll:
        judge(world, spec)


@rule
def begin_step(world, spec, scratch, orders, hold):
    """What comes before the first frame of a step."""
    scratch.second_bullets = 0
    for i in range(spec.num_tanks):
        clear_counts(world.tanks[i])
        scratch.second_bullets |= world.bullets[2 * i + 1].speed != 0
    for t in range(spec.num_teams):
        world.lost[t] = 0
    world.toll = 0
    take_orders(world, spec, orders, hold)
    draw_order(world, spec.num_tanks, scratch.order)
    note_places(world, spec, scratch)
    list_bullets(world, spec, scratch)


@rule
def end_step(world, spec):
    """What comes after the last frame of a step."""
    world.step += 1
    judge_time(world, spec)
    hide_in_forest(world, spec)


@rule
def step_world(world, spec, layouts, scratch, orders, hold):
    """One step of one world: orders int8 [columns], frame_skip frames, and the time limit. Does not reset."""
    begin_step(world, spec, scratch, orders, hold)
    layout = layouts[world.layout]
    for _ in range(spec.frame_skip):
        step_frame(world, spec, layout, scratch)
        if world.outcome != RUNNING:
            break
    end_step(world, spec)


@rule
def write_masks(world, spec, masks, alive):
    """Legal actions bool [N, A] and who is on the field bool [N]: the stunned only fire, who cannot act stays."""
    for n in range(spec.num_agents):
        tank = world.tanks[spec.slot[n]]
        acts = can_act(world, tank)
        drives = acts and tank.stun == 0
        alive[n] = tank.alive
        mask = masks[n]
        mask[0] = True
        mask[1] = acts
        for a in range(2, NUM_ACTIONS):
            mask[a] = drives


@kernel
def seed_worlds(worlds, seed, first_world):
    """Give every world its place in the random streams and clear it; the next reset begins episode 0."""
    for b in range(worlds.shape[0]):
        world = worlds[b]
        world.seed = np.uint64(seed)
        world.index = np.uint64(first_world + b)
        world.episode = 0


@kernel
def reset_worlds(worlds, spec_array, layouts, only, masks, alive, low, high):
    """Reset the worlds low..high for which only[b] is set; bool [B]."""
    spec = spec_array[0]
    for b in range(low, high):
        if only[b]:
            reset_world(worlds[b], spec, layouts)
            write_masks(worlds[b], spec, masks[b], alive[b])


class Results(NamedTuple):
    """What a step tells of every world; the arrays are the environment's own."""

    reward: np.ndarray  # float32 [B, N]
    terminated: np.ndarray  # bool [B]
    truncated: np.ndarray  # bool [B]
    outcome: np.ndarray  # int8 [B]: RUNNING, 0 draw, else the winning team
    success: np.ndarray  # bool [B, N]
    alive: np.ndarray  # bool [B, N]
    mask: np.ndarray  # bool [B, N, A]
    episode_return: np.ndarray  # float32 [B, N]
    episode_length: np.ndarray  # int32 [B]


@rule
def write_result(world, spec, out, b):
    """Rewards, flags and episode statistics of one world after its step."""
    step_rewards(world, spec, out.reward[b])
    ended = world.outcome != RUNNING
    out.terminated[b] = ended and not world.truncated
    out.truncated[b] = world.truncated != 0
    out.outcome[b] = world.outcome
    out.episode_length[b] = world.step
    for n in range(spec.num_agents):
        tank = world.tanks[spec.slot[n]]
        out.success[b, n] = ended and world.outcome == tank.team
        out.episode_return[b, n] = tank.episode_return


@kernel
def write_all_masks(worlds, spec_array, masks, alive):
    """Legal actions bool [B, N, A] and who is on the field bool [B, N] of every world."""
    for b in range(worlds.shape[0]):
        write_masks(worlds[b], spec_array[0], masks[b], alive[b])


@rule
def fetch_ahead(world, spec, scratch):
    """Read a byte of every cache line that the world stepped next will need: they arrive while this one is stepped.

    A step looks at a few tiles here and there, which no processor foresees; waiting for them was 7% of the time.
    """
    touched = 0
    for k in range(0, world.width * world.height, CACHE_LINE):
        touched |= world.terrain[k]
    for i in range(spec.num_tanks):
        touched |= world.tanks[i].alive | world.bullets[2 * i].steel
    scratch.touched = touched


@kernel
def step_worlds(worlds, spec_array, layouts, scratch, orders, hold, out, obs, final_obs, final_state, fused, low, high):
    """Step worlds low..high; with `fused`, also reset those that ended and write vector observations.

    orders int8 [B, columns]; hold int16 [B, columns], frames, or [B, 0] for frame_skip; out: Results;
    obs, final_obs float32 [B, N, D]; final_state float32 [B, S].
    """
    spec = spec_array[0]
    for b in range(low, high):
        world = worlds[b]
        fetch_ahead(worlds[min(b + 1, high - 1)], spec, scratch[0])
        step_world(world, spec, layouts, scratch[0], orders[b], hold[b])
        write_result(world, spec, out, b)
        if fused:
            if world.outcome != RUNNING:
                observe_world(world, spec, scratch[0].tank_rows, final_obs[b])
                state_of_world(world, spec, final_state[b])
                reset_world(world, spec, layouts)
            observe_world(world, spec, scratch[0].tank_rows, obs[b])
        write_masks(world, spec, out.mask[b], out.alive[b])


@kernel
def suggest_actions(worlds, spec_array, layouts, scratch, driver, level, knowledge, actions):
    """What a bot would do with the agents' tanks: int64 [B, N] in the action space; no world changes.

    `tactical` decides once a step at most, where it is due in one of its frames. The others decide every frame: their
    action for a step is their heading now and a press if they would fire in any of its frames. A stunned tank only
    fires, as its mask says.
    """
    spec = spec_array[0]
    for b in range(worlds.shape[0]):
        world = worlds[b]
        frame = world.frame
        for n in range(spec.num_agents):
            i = spec.slot[n]
            actions[b, n] = 0
            if not can_act(world, world.tanks[i]):
                continue
            saved = scratch[0].saved
            saved[0] = world.tanks[i]
            tank = world.tanks[i]
            press = 0
            for k in range(spec.frame_skip):
                world.frame = frame + k
                heading = tank.heading
                decide(world, spec, layouts[world.layout], scratch[0], i, driver, level, knowledge)
                press |= tank.press
                if driver == TACTICAL_BOT:
                    if is_due(world, spec, i, level):
                        break
                elif tank.move != heading + 1 or tank.heading != heading:
                    break
            world.frame = frame
            actions[b, n] = (press != 0) if tank.stun > 0 else 2 * tank.move + (press != 0)
            world.tanks[i] = saved[0]


@kernel
def trace_step(worlds, spec_array, layouts, scratch, orders, hold, frames):
    """Step worlds[0] and copy it after each frame into frames, [frame_skip] of state.WORLD: how many there were.

    orders int8 [1, columns]; hold as in step_worlds. Rewards are not made.
    """
    world, spec = worlds[0], spec_array[0]
    begin_step(world, spec, scratch[0], orders[0], hold[0])
    layout = layouts[world.layout]
    count = 0
    for k in range(spec.frame_skip):
        step_frame(world, spec, layout, scratch[0])
        frames[k] = world
        count += 1
        if world.outcome != RUNNING:
            break
    end_step(world, spec)
    frames[count - 1] = world
    return count
