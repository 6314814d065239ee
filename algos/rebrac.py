"""ReBRAC (Tarasov et al. 2023, "Revisiting the minimalist approach to offline reinforcement learning").

TD3+BC whose pull to the data is weighted on its own for the actor (beta_1) and in the critic's target (beta_2), with
layer normalisation in the critics and deeper networks (section 3, eq. 3 and 4).

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from algos.backbones.batched import Critics, TanhActor, frozen, polyak
from algos.common import offline
from algos.common.offline import POLICY_STATE, TOTAL_STEPS, Batch, Metrics, OfflineConfig, fit, require  # noqa: F401
from algos.td3_bc import critic_loss

PRESETS = {"rebrac": {}}

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "rebrac"
    batch_size: int = 1024  # transitions in a gradient step
    lr: float = 1e-3  # Adam's step size
    num_layers: int = 3  # hidden layers of actors and critics
    norm_obs: bool = False  # observations to mean 0, deviation 1 over the dataset
    actor_bc: float = 0.001  # beta_1: weight of the distance from the data for the actor
    critic_bc: float = 0.01  # beta_2: and in the critics' target
    tau: float = 0.005  # share by which targets move
    policy_noise: float = 0.2  # deviation of the target policy's noise, of actions in -1..1
    noise_clip: float = 0.5  # and its bound
    policy_every: int = 2  # updates of the critics for one of the actor

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.actor_bc >= 0, f"algo.actor_bc={self.actor_bc}: at least 0")
        require(self.critic_bc >= 0, f"algo.critic_bc={self.critic_bc}: at least 0")
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")
        require(self.policy_every >= 1, f"algo.policy_every={self.policy_every}: at least 1")


# --- loss ---


def penalised_target(
    rewards: torch.Tensor,
    dones: torch.Tensor,
    next_q: torch.Tensor,
    distance: torch.Tensor,
    critic_bc: float,
    gamma: float,
) -> torch.Tensor:
    """r + gamma (1 - done) (min_c Q_c - beta_2 |a' - a'_data|^2), [S, M], of next values [S, C, M] (eq. 4).

    distance [S, M]: squared, summed over action dimensions; 0 where the data end and no next action is known.
    """
    return rewards + gamma * (1 - dones) * (next_q.amin(1) - critic_bc * distance)


def actor_loss(q: torch.Tensor, distance: torch.Tensor, actor_bc: float) -> torch.Tensor:
    """beta_1 |pi(s) - a|^2 - Q / mean |Q|, summed over seeds; q and distance [S, M] (eq. 3, with Q normalised)."""
    return (actor_bc * distance - q / q.detach().abs().mean(-1, keepdim=True)).mean(-1).sum()


# --- update ---


class Learner:
    """Networks of all seeds, their targets and optimisers."""

    next_actions = True  # minibatches hold what was done next

    def __init__(self, config: Config, sizes: dict[str, int], total_steps: int):
        require(sizes["actions"] == 0, "algo=rebrac needs continuous actions; for discrete ones: bc, iql, cql")
        self.config, self.updates = config, 0
        D, k = sizes["obs"], sizes["action_dims"]
        self.actor = TanhActor(config.seeds, D, k, config.hidden)
        self.critics = Critics(config.seeds, 2, D, k, 0, config.hidden, layer_norm=True)
        self.target_actor, self.target_critics = copy.deepcopy(self.actor), copy.deepcopy(self.critics)
        self.nets = nn.ModuleDict({
            "actor": self.actor, "critics": self.critics,
            "target_actor": self.target_actor, "target_critics": self.target_critics,
        })  # fmt: skip
        self.optimisers = {
            "actor": offline.adam(self.actor.parameters(), config.lr),
            "critics": offline.adam(self.critics.parameters(), config.lr),
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
            distance = (next_actions - batch["next_actions"]).square().sum(-1) * batch["next_known"]
            next_q = self.target_critics(batch["next_obs"], next_actions)
            target = penalised_target(
                batch["rewards"], batch["dones"], next_q, distance, config.critic_bc, config.gamma
            )
        q = self.critics(batch["obs"], batch["actions"])
        loss = critic_loss(q, target)
        self.optimisers["critics"].zero_grad()
        loss.backward()
        self.optimisers["critics"].step()
        return {"loss/critic": loss.detach() / config.seeds, "values/q": q.detach().mean()}

    def update_actor(self, batch: Batch) -> None:
        with frozen(self.critics):
            actions = self.actor(batch["obs"])
            q = self.critics(batch["obs"], actions).amin(1)
            distance = (actions - batch["actions"]).square().sum(-1)
            loss = actor_loss(q, distance, self.config.actor_bc)
            self.optimisers["actor"].zero_grad()
            loss.backward()
        self.optimisers["actor"].step()


train = partial(fit, Learner)
load_policy = partial(offline.load_policy, Learner, Config)
