"""What the world models share: the scale of their numbers, the meaning of their outputs and their loss.

A network reads normalised states and actions as they are, and gives D + 2 numbers: the normalised change of the state,
the normalised reward and the logit of "the task ends in this step". Shapes: E members, M rows, D features, k action
dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from world_models.episodes import Episodes

FLOOR = 0.05
"""Least deviation of a feature as a share of its range: a flag that is hardly ever set stays below 1 / FLOOR."""


@dataclass
class Prediction:
    """What each member expects of a step, in the environment's units."""

    obs: torch.Tensor  # float32 [E, M, D]: the next observation
    reward: torch.Tensor  # float32 [E, M]
    terminal: torch.Tensor  # float32 [E, M]: probability that the task ends

    def mean(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The members' means: obs [M, D], reward [M], terminal [M]. Members that agree give just what they say."""
        return _mean(self.obs), _mean(self.reward), _mean(self.terminal)


def _mean(x: torch.Tensor) -> torch.Tensor:
    """Mean over the first axis; of equal numbers it is that number to the last bit."""
    return x[0] + (x - x[0]).mean(0)


class Scale(nn.Module):
    """Means and deviations of states, changes and rewards in the data, and the range of the states."""

    VECTORS = ("obs_mean", "obs_std", "change_mean", "change_std", "low", "high")
    obs_mean: torch.Tensor
    obs_std: torch.Tensor
    change_mean: torch.Tensor
    change_std: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    reward_mean: torch.Tensor
    reward_std: torch.Tensor

    def __init__(self, obs_size: int):
        super().__init__()
        for name in self.VECTORS:
            self.register_buffer(name, (torch.ones if name.endswith("std") else torch.zeros)(obs_size))
        self.register_buffer("reward_mean", torch.zeros(()))
        self.register_buffer("reward_std", torch.ones(()))

    def fit(self, episodes: Episodes, steps: np.ndarray) -> None:
        """Take the scale from some steps, int [M']; a feature that never varies keeps its deviation at 1.

        Of at least one of them the next row must be known.
        """
        rows = steps + episodes.episode[steps]
        known = episodes.known[steps]
        before, after = episodes.obs[rows], episodes.obs[rows[known] + 1]
        change = after - before[known]
        found = {"low": np.minimum(before.min(0), after.min(0)), "high": np.maximum(before.max(0), after.max(0))}
        found |= {"obs_mean": before.mean(0, np.float64), "obs_std": _deviation(before)}
        found |= {"change_mean": change.mean(0, np.float64), "change_std": _deviation(change)}
        rewards = episodes.rewards[steps]
        found |= {"reward_mean": rewards.mean(dtype=np.float64), "reward_std": _deviation(rewards)}
        for name, value in found.items():
            getattr(self, name).copy_(torch.as_tensor(value))

    def normalise(self, obs: torch.Tensor) -> torch.Tensor:
        """Observations [..., D] as the networks read them."""
        return (obs - self.obs_mean) / self.obs_std

    def read(self, outputs: torch.Tensor, obs: torch.Tensor) -> Prediction:
        """What a network's outputs [E, M, D + 2] mean in the states obs [M, D]."""
        change, reward, logit = outputs[..., :-2], outputs[..., -2], outputs[..., -1]
        after = obs + (change * self.change_std + self.change_mean)
        return Prediction(after, reward * self.reward_std + self.reward_mean, torch.sigmoid(logit))

    def targets(
        self, obs: torch.Tensor, after: torch.Tensor, rewards: torch.Tensor, terminals: torch.Tensor
    ) -> torch.Tensor:
        """What a network should say, [..., D + 2]: of states [..., D], next states [..., D], rewards and ends [...]."""
        change = (after - obs - self.change_mean) / self.change_std
        reward = (rewards - self.reward_mean) / self.reward_std
        return torch.cat([change, reward[..., None], terminals[..., None].to(change.dtype)], -1)


def _deviation(x: np.ndarray) -> np.ndarray:
    """Deviation over the first axis, at least FLOOR of the range; 1 where nothing varies."""
    least = FLOOR * (x.max(0) - x.min(0))
    found = np.maximum(x.std(0, dtype=np.float64), least)
    return np.where(found > 1e-6, found, 1.0)


def losses(
    outputs: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor, known: torch.Tensor
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Loss summed over the members, and its parts as means over the members.

    outputs and targets [E, ..., D + 2]; weight [E, ...]: 0 leaves a step out; known [E, ...]: 0 leaves out its change
    alone, whatever stands there. The loss of a member is the mean squared error of the change, plus that of the
    reward, plus the cross-entropy of the end.
    """
    change = torch.where(known[..., None] > 0, targets[..., :-2], 0.0)
    end = nn.functional.binary_cross_entropy_with_logits(outputs[..., -1], targets[..., -1], reduction="none")
    parts = {
        "change": _weighted((outputs[..., :-2] - change).square().mean(-1), weight * known),
        "reward": _weighted((outputs[..., -2] - targets[..., -2]).square(), weight),
        "terminal": _weighted(end, weight),
    }
    total = torch.stack(list(parts.values())).sum()
    return total, {name: part.detach().mean() for name, part in parts.items()}


def _weighted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean of each member, [E], of x [E, ...]; 0 where all weights are."""
    return (x * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1)
