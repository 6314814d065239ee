"""Rewards: named, weighted terms from the counts of one step, scaled so that a perfect episode earns 1.

| term | earns (+) and costs (-) |
|---|---|
| kill | + share of the enemies' tanks destroyed |
| loss | - share of the team's own tanks lost |
| damage | + share of the enemies' hits dealt |
| base | + share of enemy bases destroyed or targets found, - share of own bases lost |
| win | +1 for a win, -1 for a defeat, at the end |
| time | - 1 / max_steps a step |
| pick_up | + 1 a power-up |
| shaping | potential-based: gamma * phi(s') - phi(s), phi = max(0, distance at the start - distance to the goal) |

The scale is 1 / (kill + damage + base + win), each term counted only where the scenario has such a thing.

Shaping (Ng, Harada and Russell, 1999): adding F = gamma * phi(s') - phi(s) changes no policy's rank by discounted
return, whatever phi is: over an episode the terms cancel to gamma^T * phi(s_T) - phi(s_0). Here phi is the progress
since the start, so phi(s_0) = 0, and 0 again where the game has ended: the discounted sum of F is 0 in every game that
ends. The plain sum is then -(1 - gamma) * sum of phi over the steps between, never above 0: no return exceeds 1, and
what lingers on the way earns less. (Minus the distance as phi would pay (1 - gamma) * distance for every step that a
game lasts: slow wins would look best.) A game that the time limit cuts off has not ended: phi(s_T) stays, since a
learner goes on from the value of s_T there.
"""

from .jit import rule
from .params import RUNNING


@rule
def distance_to_goal(world, spec, i):
    """Distance from tank i to the nearest enemy base, or tank where none stands, as a share of the field; <= 1."""
    tank = world.tanks[i]
    field = 8.0 * (world.width + world.height)
    nearest = field
    bases = 0
    for b in range(spec.num_bases):
        base = world.bases[b]
        if base.alive and base.team != tank.team:
            bases += 1
            nearest = min(nearest, float(abs(base.x - tank.x) + abs(base.y - tank.y)))
    if bases == 0:
        for j in range(spec.num_tanks):
            other = world.tanks[j]
            if other.alive and other.team != tank.team:
                nearest = min(nearest, float(abs(other.x - tank.x) + abs(other.y - tank.y)))
    return nearest / field


@rule
def team_distance(world, spec, t):
    """The mean distance to the goal over the tanks of team t (from 0), a dead one counting 1; in [0, 1]."""
    total = 0.0
    for k in range(spec.team_size[t]):
        i = spec.team_first[t] + k
        total += distance_to_goal(world, spec, i) if world.tanks[i].alive else 1.0
    return total / max(spec.team_size[t], 1)


@rule
def potential(world, spec, t):
    """phi of team t (from 0): how much nearer to the goal it is than at the start; in [0, 1]."""
    return max(world.start_distance[t] - team_distance(world, spec, t), 0.0)


@rule
def reset_potential(world, spec):
    """Note how far it is to the goal from the first state, whose phi is 0."""
    if spec.weights.shaping != 0.0:
        for t in range(spec.num_teams):
            world.start_distance[t] = team_distance(world, spec, t)


@rule
def shaping(world, spec, t):
    """gamma * phi(s') - phi(s) of team t; phi of a terminal state is 0, that of a game cut off is not."""
    after = 0.0
    if world.outcome == RUNNING or world.truncated:
        after = potential(world, spec, t)
    earned = spec.gamma * after - world.potential[t]
    world.potential[t] = after
    return earned


@rule
def shared_reward(world, spec, t):
    """What every tank of team t (from 0) earns alike, unscaled: base, win, time, shaping."""
    weights = spec.weights
    earned = -weights.time / spec.max_steps
    if spec.own_bases[t] > 0.0:
        earned -= weights.base * world.lost[t] / spec.own_bases[t]
    if world.outcome > 0:
        earned += weights.win if world.outcome == t + 1 else -weights.win
    if weights.shaping != 0.0:
        earned += weights.shaping * shaping(world, spec, t)
    return earned


@rule
def tank_reward(world, spec, i):
    """What tank i itself earns, unscaled: kill, loss, damage, base, pick_up."""
    tank = world.tanks[i]
    if not (tank.kills | tank.deaths | tank.damage | tank.bases | tank.pick_ups):
        return 0.0
    t = tank.team - 1
    weights = spec.weights
    earned = weights.pick_up * tank.pick_ups - weights.loss * tank.deaths / spec.team_tanks[t]
    earned += weights.kill * tank.kills / spec.enemy_tanks[t] + weights.damage * tank.damage / spec.enemy_hits[t]
    if spec.enemy_bases[t] > 0.0:
        earned += weights.base * tank.bases / spec.enemy_bases[t]
    return earned


@rule
def step_rewards(world, spec, rewards):
    """Write the reward of every agent of one world into rewards, float32 [N], and add it to its return."""
    for t in range(spec.num_teams):
        shared = shared_reward(world, spec, t)
        team = 0.0
        for k in range(spec.team_size[t]):
            team += tank_reward(world, spec, spec.team_first[t] + k)
        for n in range(spec.num_agents):
            i = spec.slot[n]
            if spec.team[i] != t + 1:
                continue
            own = tank_reward(world, spec, i) if spec.per_agent_reward else team
            rewards[n] = (shared + own) * spec.scale[t]
            world.tanks[i].episode_return += rewards[n]
