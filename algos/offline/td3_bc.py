"""TD3+BC (Fujimoto & Gu 2021, "A minimalist approach to offline reinforcement learning"): TD3 and a pull to the data.

The actor maximises lambda Q(s, pi(s)) - (pi(s) - a)^2, lambda = alpha / mean |Q| (eq. 3 and 5), with TD3's smoothed,
clipped double-Q targets and delayed actor.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from algos.backbones.stacked import Critics, TanhActor, frozen, polyak
from algos.offline import loop
from algos.offline.loop import POLICY_STATE, TOTAL_STEPS, Batch, Metrics, OfflineConfig, fit, require  # noqa: F401

PRESETS = {"td3_bc": {}}
DATA = "required"

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "td3_bc"
    alpha: float = 2.5  # weight of the value against the data; smaller: nearer to behaviour cloning
    tau: float = 0.005  # share by which targets move
    policy_noise: float = 0.2  # deviation of the target policy's noise, of actions in -1..1
    noise_clip: float = 0.5  # and its bound
    policy_every: int = 2  # updates of the critics for one of the actor

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha > 0, f"algo.alpha={self.alpha}: above 0")
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")
        require(self.policy_every >= 1, f"algo.policy_every={self.policy_every}: at least 1")
        for name in ("policy_noise", "noise_clip"):
            require(getattr(self, name) >= 0, f"algo.{name}={getattr(self, name)}: at least 0")


# --- loss ---


def td_target(rewards: torch.Tensor, dones: torch.Tensor, next_q: torch.Tensor, gamma: float) -> torch.Tensor:
    """Clipped double-Q target [S, M]: r + gamma (1 - done) min_c Q_c, of next values [S, C, M]."""
    return rewards + gamma * (1 - dones) * next_q.amin(1)


def critic_loss(q: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared errors of values [S, C, M] against a target [S, M]: means over rows, summed over critics and seeds."""
    return (q - target[:, None]).square().mean(-1).sum()


def actor_loss(q: torch.Tensor, actions: torch.Tensor, recorded: torch.Tensor, alpha: float) -> torch.Tensor:
    """-lambda Q + squared distance from the data, summed over seeds; q [S, M], actions and recorded [S, M, k]."""
    weight = alpha / q.detach().abs().mean(-1, keepdim=True)
    return (-(weight * q).mean(-1) + (actions - recorded).square().mean((-1, -2))).sum()


# --- update ---


class Learner:
    """Networks of all seeds, their targets and optimisers: TD3 with the two losses above."""

    layer_norm = False  # in the critics

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
            "actor": loop.adam(self.actor.parameters(), config.lr),
            "critics": loop.adam(self.critics.parameters(), config.lr),
        }

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the critics and, every `policy_every`-th time, of the actor."""
        metrics = self.update_critics(batch)
        self.updates += 1
        if self.updates % self.config.policy_every == 0:
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
        self.optimisers["critics"].zero_grad()
        loss.backward()
        self.optimisers["critics"].step()
        return {"loss/critic": loss.detach() / config.seeds, "values/q": q.detach().mean()}

    def target(self, batch: Batch, next_actions: torch.Tensor, next_q: torch.Tensor) -> torch.Tensor:
        """What the critics are to say, [S, M], from smoothed next actions [S, M, k] and their values [S, C, M]."""
        return td_target(batch["rewards"], batch["dones"], next_q, self.config.gamma)

    def update_actor(self, batch: Batch) -> None:
        with frozen(self.critics):
            loss = self.actor_loss(batch, self.actor(batch["obs"]))
            self.optimisers["actor"].zero_grad()
            loss.backward()
        self.optimisers["actor"].step()

    def actor_loss(self, batch: Batch, actions: torch.Tensor) -> torch.Tensor:
        """The actor's loss for its actions [S, M, k], summed over seeds."""
        q = self.critics(batch["obs"], actions, first=True)[:, 0]
        return actor_loss(q, actions, batch["actions"], self.config.alpha)


train = partial(fit, Learner)
load_policy = partial(loop.load_policy, Learner, Config)
