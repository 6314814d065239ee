"""TD3+BC (Fujimoto & Gu 2021, "A minimalist approach to offline reinforcement learning"): TD3 and a pull to the data.

The actor maximises lambda Q(s, pi(s)) - (pi(s) - a)^2, lambda = alpha / mean |Q| (eq. 3 and 5), with TD3's smoothed,
clipped double-Q targets and delayed actor.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from algos.common.errors import require
from algos.offline import policy
from algos.offline.loop import fit
from algos.offline.minibatches import Batch
from algos.offline.td3 import TD3, TD3Config

PRESETS: dict[str, dict[str, Any]] = {"td3_bc": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given

# --- config ---


@dataclass
class Config(TD3Config):
    name: str = "td3_bc"
    alpha: float = 2.5  # weight of the value against the data; smaller: nearer to behaviour cloning

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, f"algo.alpha={self.alpha}: above 0")


# --- loss ---


def actor_loss(q: torch.Tensor, actions: torch.Tensor, recorded: torch.Tensor, alpha: float) -> torch.Tensor:
    """-lambda Q + squared distance from the data, summed over seeds; q [S, M], actions and recorded [S, M, k]."""
    weight = alpha / q.detach().abs().mean(-1, keepdim=True)
    return (-(weight * q).mean(-1) + (actions - recorded).square().mean((-1, -2))).sum()


# --- update ---


class Learner(TD3):
    """TD3 whose actor is regularised by behaviour cloning."""

    def actor_loss(self, batch: Batch, actions: torch.Tensor) -> torch.Tensor:
        q = self.critics(batch["obs"], actions, first=True)[:, 0]
        return actor_loss(q, actions, batch["actions"], self.config.alpha)


make_learner = Learner
train = partial(fit, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
