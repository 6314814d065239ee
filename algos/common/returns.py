"""Returns and advantages: pure functions over time-major arrays. T time, B worlds, N agents."""

from __future__ import annotations

import numpy as np


def gae(
    rewards: np.ndarray,
    values: np.ndarray,
    terminated: np.ndarray,
    truncated: np.ndarray,
    final_values: np.ndarray,
    gamma: float,
    gae_lambda: float,
    alive: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16); worlds restart in the same step.

    Args:
        rewards: [T, B, N].
        values: [T+1, B, N], the last row being that of the observation after the rollout.
        terminated: [T, B], an episode ended for good: it is worth 0 afterwards.
        truncated: [T, B], it was cut off: it is worth `final_values` afterwards. In both cases values[t+1]
            belongs to the next episode.
        final_values: [T, B, N], values of the last observations; read only where truncated.
        gamma: discount per step.
        gae_lambda: weight of longer returns.
        alive: bool [T+1, B, N], optional. Where False the agent had no say and `values` is not to be trusted:
            what it went on to earn is passed through instead, without an estimate in between. Who is dead at
            the end of the rollout, or before a step that truncates, is worth 0 afterwards.

    Returns:
        Advantages, and returns (= advantages + values), both float32 [T, B, N].
    """
    steps = len(rewards)
    advantages = np.zeros(rewards.shape, np.float32)
    returns = np.zeros(rewards.shape, np.float32)
    if alive is not None:
        final_values = np.where(alive[:-1], final_values, np.float32(0))
    next_value = values[-1] if alive is None else np.where(alive[-1], values[-1], np.float32(0))
    next_advantage = np.zeros(rewards.shape[1:], np.float32)
    for t in range(steps - 1, -1, -1):
        end = (terminated[t] | truncated[t])[:, None]
        bootstrap = np.where(truncated[t][:, None] & ~terminated[t][:, None], final_values[t], np.float32(0))
        target = rewards[t] + np.float32(gamma) * np.where(end, bootstrap, next_value)
        carried = np.float32(gamma * gae_lambda) * np.where(end, np.float32(0), next_advantage)
        value = values[t] if alive is None else np.where(alive[t], values[t], target)
        advantages[t] = target - value + carried
        returns[t] = advantages[t] + value
        next_value, next_advantage = value, advantages[t]
    return advantages, returns


def team_values(values: np.ndarray, alive: np.ndarray, teams: np.ndarray) -> np.ndarray:
    """Values of the dead: the mean over alive teammates, who expect the very same team reward.

    values float32 and alive bool [..., N], teams int [N]. Where a whole team is dead its values stay as they
    are; `alive` may count its representative in. For rewards that a team shares; a dead agent's own input says
    nothing and its value is never trained.
    """
    filled, teams = values.copy(), np.asarray(teams)
    for team in np.unique(teams):
        seats = teams == team
        living = alive[..., seats]
        count = living.sum(-1, keepdims=True, dtype=np.float32)
        total = np.where(living, values[..., seats], np.float32(0)).sum(-1, keepdims=True, dtype=np.float32)
        fill = ~living & (count > 0)
        filled[..., seats] = np.where(fill, total / np.maximum(count, 1), values[..., seats])
    return filled


def representatives(alive: np.ndarray, teams: np.ndarray) -> np.ndarray:
    """The first seat of every team that is wholly dead, bool [..., N]; alive bool [..., N], teams int [N].

    A team may have rewards to come when nobody of it is on the field: its tanks come back, or others decide the
    game. In the representative's row the critic learns what that is worth, and `team_values` gives it to all the team.
    """
    found, teams = np.zeros_like(alive), np.asarray(teams)
    for team in np.unique(teams):
        seats = np.flatnonzero(teams == team)
        found[..., seats[0]] = ~alive[..., seats].any(-1)
    return found
