"""Implicit Q-learning (Kostrikov et al. 2021, "Offline reinforcement learning with implicit Q-learning").

Values are learned from recorded actions alone: V is an upper expectile of Q (eq. 5), Q is regressed on r + gamma V(s')
(eq. 6), and the policy imitates the data with weights exp(beta (Q - V)) (eq. 7). Continuous actions, or discrete ones
of a team whose agents share parameters.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions, A actions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from algos.backbones.stacked import CategoricalActor, Critics, GaussianActor, polyak
from algos.common import optim
from algos.common.errors import require
from algos.offline import policy
from algos.offline.loop import Metrics, OfflineConfig, fit
from algos.offline.minibatches import Batch, mean, team_next
from world_models.stacked import MLP

PRESETS: dict[str, dict[str, Any]] = {"iql": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given
MAX_WEIGHT = 100.0  # of an imitated action, as in the authors' code

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "iql"
    norm_reward: bool = True  # rewards times a number, so that discounted returns in the dataset span 1 / (1 - gamma)
    expectile: float = 0.7  # expectile of the value, τ of eq. 5; 0.9 where rewards are sparse
    beta: float = 3.0  # inverse temperature of the policy's weights; 10 where rewards are sparse
    tau: float = 0.005  # Polyak coefficient of the target network
    anneal_actor: bool = True  # the actor's learning rate falls to 0 along a cosine

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.expectile < 1, f"algo.expectile={self.expectile}: between 0 and 1")
        require(self.beta >= 0, f"algo.beta={self.beta}: at least 0")
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")


# --- loss ---


def expectile_loss(error: torch.Tensor, expectile: float) -> torch.Tensor:
    """|expectile - (error < 0)| error^2, element by element (eq. 5)."""
    return torch.where(error > 0, expectile, 1 - expectile) * error.square()


def imitation_weight(advantage: torch.Tensor, beta: float) -> torch.Tensor:
    """exp(beta advantage), at most MAX_WEIGHT."""
    return (beta * advantage).exp().clamp(max=MAX_WEIGHT)


# --- update ---


class Learner:
    """Networks of all seeds, their target and optimisers."""

    next_actions = False

    def __init__(self, config: Config, sizes: dict[str, int], total_steps: int):
        self.config, self.agents, self.total_steps, self.updates = config, sizes["agents"], total_steps, 0
        S, D, k, A = config.seeds, sizes["obs"], sizes["action_dims"], sizes["actions"]
        self.actor: Any = CategoricalActor(S, D, A, config.hidden) if A else GaussianActor(S, D, k, config.hidden)
        self.value = MLP(S, D, config.hidden, 1)
        self.critics = Critics(S, 2, D, k, A, config.hidden)
        self.target = copy.deepcopy(self.critics)
        self.nets = nn.ModuleDict({
            "actor": self.actor, "value": self.value, "critics": self.critics, "target": self.target
        })  # fmt: skip
        trained = {"actor": self.actor, "value": self.value, "critics": self.critics}
        self.optimisers = {name: optim.adam(net.parameters(), config.lr) for name, net in trained.items()}

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of value, critics and actor, in this order."""
        config = self.config
        with torch.no_grad():
            next_value = team_next(self.value(batch["next_obs"])[..., 0], batch, self.agents)
            q = self.target(batch["obs"], batch["actions"]).amin(1)
        value = self.value(batch["obs"])[..., 0]
        advantage = q - value
        value_loss = mean(expectile_loss(advantage, config.expectile), batch).sum()
        norms = {"grad_norm/value": self._step("value", value_loss)}

        target = batch["rewards"] + config.gamma * (1 - batch["terminals"]) * next_value
        errors = (self.critics(batch["obs"], batch["actions"]) - target[:, None]).square()
        critic_loss = mean(errors, batch).mean(1).sum()
        norms["grad_norm/critic"] = self._step("critics", critic_loss)
        polyak(self.target, self.critics, config.tau)

        weight = imitation_weight(advantage.detach(), config.beta)
        log_prob = self.actor.log_prob(batch["obs"], batch["actions"], batch.get("masks"))
        actor_loss = -mean(weight * log_prob, batch).sum()
        if config.anneal_actor:
            fraction = torch.tensor(min(self.updates / self.total_steps, 1.0) * torch.pi)
            self.optimisers["actor"].param_groups[0]["lr"] = config.lr * 0.5 * (1 + float(fraction.cos()))
        norms["grad_norm/actor"] = self._step("actor", actor_loss)
        self.updates += 1
        return {
            "loss/value": value_loss.detach() / config.seeds,
            "loss/critic": critic_loss.detach() / config.seeds,
            "loss/actor": actor_loss.detach() / config.seeds,
            "values/v": mean(value.detach(), batch).mean(),
            **norms,
        }

    def _step(self, name: str, loss: torch.Tensor) -> torch.Tensor:
        return optim.step(self.optimisers[name], loss.backward, self.config.max_grad_norm, self.config.seeds)


make_learner = Learner
train = partial(fit, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
