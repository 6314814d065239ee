"""Trajectories that a world model generates, from real contexts on, rated and corrected by the World Evaluator.

Shapes: M trajectories, H steps, C rows of context, D features, k action dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from world_models.evaluator import WorldEvaluator

CORRECTIONS = ("none", "penalise", "cut", "drop")


@dataclass
class Generated:
    """Trajectories side by side; of trajectory m, the first `lengths[m]` steps count and the rest is filling."""

    obs: np.ndarray  # float32 [M, H + 1, D]; the first row is real
    actions: np.ndarray  # float32 [M, H, k]
    rewards: np.ndarray  # float32 [M, H]
    terminals: np.ndarray  # bool [M, H]: the model says that the task ended in this step
    uncertainty: np.ndarray  # float32 [M, H]
    lengths: np.ndarray  # int64 [M], 0 to H


@torch.no_grad()
def generate(
    model: Any,
    evaluator: WorldEvaluator,
    obs: np.ndarray,
    actions: np.ndarray,
    lengths: np.ndarray,
    act: Callable[[int, torch.Tensor], torch.Tensor | np.ndarray],
    horizon: int,
    correction: str = "cut",
    penalty: float = 1.0,
    bounds: tuple[torch.Tensor, torch.Tensor] | None = None,
    limits: np.ndarray | None = None,
    chance: Callable[[], np.ndarray] | None = None,
) -> Generated:
    """Roll M trajectories `horizon` steps on from contexts obs [M, C, D], actions [M, C - 1, k], lengths int [M].

    `act(t, obs [M, D])` gives the actions [M, k] of the t-th step. The next state is the members' mean, held within
    `bounds` (low and high, [D] each; None: not at all; `data_bounds` is a sensible guard). The task ends
    where the members' mean probability is above `chance()` float [M], numbers drawn evenly from 0 to 1, so that ends
    are as frequent as expected; None: above one half, which is too seldom where no state is sure to be the last. A
    trajectory stops there and after `limits` int [M] steps; what lies behind that is not rated. Nor is a step that
    ends the task doubted: nothing is expected of the state behind it. Fewer than `horizon` columns come back where all
    have stopped. `correction` is what the rating does:

    - none: nothing, the rating is only returned;
    - penalise: `penalty` times the uncertainty, in deviations of the reward, is taken off every reward (as MOPO does);
    - cut: a trajectory stops before its first step above the threshold;
    - drop: a trajectory with such a step has length 0.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"correction={correction!r}: one of {', '.join(CORRECTIONS)}")
    start = [torch.as_tensor(x, device=evaluator.obs_std.device) for x in (obs, actions, lengths)]
    limits = np.full(len(obs), horizon) if limits is None else np.minimum(limits, horizon)
    stops = evaluator.threshold if correction in ("cut", "drop") else np.inf
    found = _roll(model, evaluator, start, act, limits, stops, bounds, chance)
    found.lengths = np.minimum(_first(found.terminals) + 1, limits)
    doubted = _first((found.uncertainty > evaluator.threshold) & ~found.terminals)
    if correction == "penalise":
        found.rewards -= np.float32(penalty * evaluator.reward_std) * found.uncertainty
    elif correction == "cut":
        found.lengths = np.minimum(found.lengths, doubted)
    elif correction == "drop":
        found.lengths[doubted < found.lengths] = 0
    return found


def _first(flags: np.ndarray) -> np.ndarray:
    """Place of the first flag of each row, int64 [M], of flags bool [M, H]; H where there is none."""
    return np.where(flags.any(1), flags.argmax(1), flags.shape[1])


def _roll(
    model: Any, evaluator: WorldEvaluator, start: list[torch.Tensor], act: Callable, limits: np.ndarray, stops: float,
    bounds: Any, chance: Any,
) -> Generated:  # fmt: skip
    """Trajectories until the last step that counts; their lengths are the `limits` still."""
    memory = model.start(*start)
    now = start[0][:, -1]
    seen, steps = [now], []
    left = torch.as_tensor(limits, device=now.device)
    for t in range(int(limits.max())):
        chosen = torch.as_tensor(act(t, now), dtype=now.dtype, device=now.device)
        prediction = model.step(memory, now, chosen)
        after, reward, terminal = prediction.mean()
        now = after if bounds is None else torch.clamp(after, *bounds)
        seen.append(now)
        level = 0.5 if chance is None else torch.as_tensor(chance(), device=now.device)
        steps.append((chosen, reward, terminal > level, evaluator.uncertainty(prediction)))
        over = steps[-1][2] | (steps[-1][3] > stops)
        left = torch.where(over, t + 1, left)
        if not (left > t + 1).any():
            break
    columns = [torch.stack(list(column), 1).cpu().numpy() for column in (seen, *zip(*steps, strict=True))]
    obs, actions, rewards, terminals, uncertainty = columns
    return Generated(obs, actions, rewards, terminals, uncertainty, limits)


def data_bounds(scale: Any, margin: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
    """The range of the states in the data, [D] each, widened by a share of it on both sides.

    A guard, not a model: a rollout that has lost its way stays finite, and one that has not is hardly touched.
    """
    room = margin * (scale.high - scale.low)
    return scale.low - room, scale.high + room
