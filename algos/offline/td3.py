"""TD3 (Fujimoto et al. 2018, "Addressing function approximation error in actor-critic methods") for offline learning.

Clipped double-Q targets with target policy smoothing, and delayed policy updates. TD3+BC and ReBRAC are this with
losses of their own.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from algos.backbones.stacked import Critics, TanhActor, frozen, polyak
from algos.common import optim
from algos.common.errors import require
from algos.offline.loop import Metrics, OfflineConfig
from algos.offline.minibatches import Batch

# --- config ---


@dataclass
class TD3Config(OfflineConfig):
    tau: float = 0.005  # Polyak coefficient of the target networks
    policy_noise: float = 0.2  # deviation of the target policy's noise, of actions in -1..1
    noise_clip: float = 0.5  # bound of the target policy's noise
    policy_freq: int = 2  # updates of the critics for one of the actor

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")
        require(self.policy_freq >= 1, f"algo.policy_freq={self.policy_freq}: at least 1")
        for name in ("policy_noise", "noise_clip"):
            require(getattr(self, name) >= 0, f"algo.{name}={getattr(self, name)}: at least 0")


# --- loss ---


def td_target(rewards: torch.Tensor, terminals: torch.Tensor, next_q: torch.Tensor, gamma: float) -> torch.Tensor:
    """Clipped double-Q target [S, M]: r + gamma (1 - terminal) min_c Q_c, of next values [S, C, M]."""
    return rewards + gamma * (1 - terminals) * next_q.amin(1)


def critic_loss(q: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared errors of values [S, C, M] against a target [S, M]: means over rows, summed over critics and seeds."""
    return (q - target[:, None]).square().mean(-1).sum()


# --- update ---


class TD3(ABC):
    """Networks of all seeds, their targets and optimisers. What extends it says what the actor minimises."""

    layer_norm = False  # in the critics
    next_actions = False

    def __init__(self, config: Any, sizes: dict[str, int], total_steps: int):
        require(sizes["actions"] == 0, f"algo={config.name} needs continuous actions; for discrete ones: bc, iql, cql")
        self.config, self.updates = config, 0
        D, k = sizes["obs"], sizes["action_dims"]
        self.actor = TanhActor(config.seeds, D, k, config.hidden)
        self.critics = Critics(config.seeds, 2, D, k, 0, config.hidden, self.layer_norm)
        self.target_actor, self.target_critics = copy.deepcopy(self.actor), copy.deepcopy(self.critics)
        self.nets = nn.ModuleDict({
            "actor": self.actor, "critics": self.critics,
            "target_actor": self.target_actor, "target_critics": self.target_critics,
        })  # fmt: skip
        self.optimisers = {
            "actor": optim.adam(self.actor.parameters(), config.lr),
            "critics": optim.adam(self.critics.parameters(), config.lr),
        }

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the critics and, every `policy_freq`-th time, of the actor."""
        metrics = self.update_critics(batch)
        self.updates += 1
        if self.updates % self.config.policy_freq == 0:
            self.update_actor(batch)
            polyak(self.target_actor, self.actor, self.config.tau)
            polyak(self.target_critics, self.critics, self.config.tau)
        return metrics

    def update_critics(self, batch: Batch) -> Metrics:
        config = self.config
        with torch.no_grad():
            noise = torch.randn_like(batch["actions"]) * config.policy_noise
            noise.clamp_(-config.noise_clip, config.noise_clip)
            next_actions = (self.target_actor(batch["next_obs"]) + noise).clamp_(-1, 1)
            target = self.target(batch, next_actions, self.target_critics(batch["next_obs"], next_actions))
        q = self.critics(batch["obs"], batch["actions"])
        loss = critic_loss(q, target)
        norm = optim.step(self.optimisers["critics"], loss.backward, config.max_grad_norm, config.seeds)
        found = {"loss/critic": loss.detach() / config.seeds, "values/q": q.detach().mean()}
        return found | {"grad_norm/critic": norm}

    def target(self, batch: Batch, next_actions: torch.Tensor, next_q: torch.Tensor) -> torch.Tensor:
        """What the critics are to say, [S, M], from smoothed next actions [S, M, k] and their values [S, C, M]."""
        return td_target(batch["rewards"], batch["terminals"], next_q, self.config.gamma)

    def update_actor(self, batch: Batch) -> None:
        with frozen(self.critics):
            loss = self.actor_loss(batch, self.actor(batch["obs"]))
            optim.step(self.optimisers["actor"], loss.backward, self.config.max_grad_norm, self.config.seeds)

    @abstractmethod
    def actor_loss(self, batch: Batch, actions: torch.Tensor) -> torch.Tensor:
        """The actor's loss for its actions [S, M, k], summed over seeds."""
