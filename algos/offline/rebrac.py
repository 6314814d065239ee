"""ReBRAC (Tarasov et al. 2023, "Revisiting the minimalist approach to offline reinforcement learning").

TD3+BC whose pull to the data is weighted on its own for the actor (beta_1) and in the critic's target (beta_2), with
layer normalisation in the critics and deeper networks (section 3, eq. 3 and 4). The authors choose both weights for
each dataset and leave observations as they are; our defaults are one choice for all (docs/decisions.md).

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

PRESETS: dict[str, dict[str, Any]] = {"rebrac": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given

# --- config ---


@dataclass
class Config(TD3Config):
    name: str = "rebrac"
    batch_size: int = 1024  # transitions in a gradient step
    lr: float = 1e-3  # learning rate of Adam
    num_layers: int = 3  # hidden layers of actors and critics
    actor_bc: float = 0.05  # beta_1: weight of the distance from the data for the actor
    critic_bc: float = 0.01  # beta_2: and in the critics' target

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.actor_bc >= 0, f"algo.actor_bc={self.actor_bc}: at least 0")
        require(self.critic_bc >= 0, f"algo.critic_bc={self.critic_bc}: at least 0")


# --- loss ---


def penalised_target(
    rewards: torch.Tensor,
    terminals: torch.Tensor,
    next_q: torch.Tensor,
    distance: torch.Tensor,
    critic_bc: float,
    gamma: float,
) -> torch.Tensor:
    """r + gamma (1 - done) (min_c Q_c - beta_2 |a' - a'_data|^2), [S, M], of next values [S, C, M] (eq. 4).

    distance [S, M]: squared, summed over action dimensions; 0 where the data end and no next action is known.
    """
    return rewards + gamma * (1 - terminals) * (next_q.amin(1) - critic_bc * distance)


def actor_loss(q: torch.Tensor, distance: torch.Tensor, actor_bc: float) -> torch.Tensor:
    """beta_1 |pi(s) - a|^2 - Q / mean |Q|, summed over seeds; q and distance [S, M] (eq. 3, with Q normalised)."""
    return (actor_bc * distance - q / q.detach().abs().mean(-1, keepdim=True)).mean(-1).sum()


# --- update ---


class Learner(TD3):
    """TD3 with ReBRAC's losses."""

    next_actions = True  # minibatches hold what was done next
    layer_norm = True

    def target(self, batch: Batch, next_actions: torch.Tensor, next_q: torch.Tensor) -> torch.Tensor:
        distance = (next_actions - batch["next_actions"]).square().sum(-1) * batch["next_known"]
        config = self.config
        return penalised_target(batch["rewards"], batch["terminals"], next_q, distance, config.critic_bc, config.gamma)

    def actor_loss(self, batch: Batch, actions: torch.Tensor) -> torch.Tensor:
        distance = (actions - batch["actions"]).square().sum(-1)
        return actor_loss(self.critics(batch["obs"], actions).amin(1), distance, self.config.actor_bc)


make_learner = Learner
train = partial(fit, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
