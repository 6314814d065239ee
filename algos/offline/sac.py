"""Soft actor-critic (Haarnoja et al. 2018, "Soft actor-critic algorithms and applications") of all seeds side by side.

What CQL, MOPO and COMBO are built on; it takes minibatches and does not ask where they come from.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from algos.backbones.stacked import Critics, SquashedActor, frozen, polyak
from algos.common import optim
from algos.common.errors import require
from algos.offline.loop import Metrics
from algos.offline.minibatches import Batch

# --- loss ---


def soft_target(
    rewards: torch.Tensor, terminals: torch.Tensor, next_q: torch.Tensor, next_log_prob: torch.Tensor | None,
    temperature: torch.Tensor | float, gamma: float,
) -> torch.Tensor:  # fmt: skip
    """r + gamma (1 - terminal) (min_c Q_c - α log π), [S, M], of next values [S, C, M].

    next_log_prob None: without the entropy's part.
    """
    value = next_q.amin(1)
    if next_log_prob is not None:
        value = value - temperature * next_log_prob
    return rewards + gamma * (1 - terminals) * value


# --- update ---


class SAC:
    """Actor, critics, their target and the entropy's temperature α, with an optimiser each.

    config has seeds, hidden, lr (critics), policy_lr (actor and temperature), tau, gamma and max_grad_norm.
    """

    backup_entropy = True  # whether the critics' target holds the next action's entropy
    next_actions = False

    def __init__(self, config: Any, sizes: dict[str, int], total_steps: int):
        require(sizes["actions"] == 0, f"algo={config.name} needs continuous actions; for discrete ones: bc, iql, cql")
        self.config, self.updates, self.k = config, 0, sizes["action_dims"]
        S, D = config.seeds, sizes["obs"]
        self.actor = SquashedActor(S, D, self.k, config.hidden)
        self.critics = Critics(S, 2, D, self.k, 0, config.hidden)
        self.target = copy.deepcopy(self.critics)
        self.temperature = nn.ParameterDict({"log": nn.Parameter(torch.zeros(S, 1))})
        self.nets = nn.ModuleDict({
            "actor": self.actor, "critics": self.critics, "target": self.target, "temperature": self.temperature
        })  # fmt: skip
        self.optimisers = {
            "actor": optim.adam(self.actor.parameters(), config.policy_lr),
            "critics": optim.adam(self.critics.parameters(), config.lr),
            "temperature": optim.adam(self.temperature.parameters(), config.policy_lr),
        }

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the temperature, the actor and the critics."""
        metrics = self.update_actor(batch) | self.update_critics(batch)
        polyak(self.target, self.critics, self.config.tau)
        self.updates += 1
        return metrics

    def update_actor(self, batch: Batch) -> Metrics:
        actions, log_prob = self.actor.sample(batch["obs"])
        log_temperature = self.temperature["log"]
        temperature_loss = -(log_temperature * (log_prob.detach() - self.k)).mean(-1).sum()
        self._step("temperature", temperature_loss)
        with frozen(self.critics):
            q = self.critics(batch["obs"], actions).amin(1)
            loss = (log_temperature.detach().exp() * log_prob - q).mean(-1).sum()
            norm = self._step("actor", loss)
        found = {"loss/actor": loss.detach() / self.config.seeds, "values/entropy": -log_prob.detach().mean()}
        return found | {"grad_norm/actor": norm}

    def update_critics(self, batch: Batch) -> Metrics:
        config = self.config
        with torch.no_grad():
            next_actions, next_log_prob = self.actor.sample(batch["next_obs"])
            next_q = self.target(batch["next_obs"], next_actions)
            target = soft_target(
                batch["rewards"], batch["terminals"], next_q, next_log_prob if self.backup_entropy else None,
                self.temperature["log"].exp(), config.gamma,
            )  # fmt: skip
        q = self.critics(batch["obs"], batch["actions"])
        loss = (q - target[:, None]).square().mean(-1).sum()
        metrics = {"loss/critic": loss.detach() / config.seeds, "values/q": q.detach().mean()}
        regulariser, more = self.regulariser(batch, q)
        norm = self._step("critics", loss if regulariser is None else loss + regulariser)
        return metrics | more | {"grad_norm/critic": norm}

    def regulariser(self, batch: Batch, q: torch.Tensor) -> tuple[torch.Tensor | None, Metrics]:
        """What is added to the critics' loss, and its metrics; q [S, C, M] are the minibatch's values. Here nothing."""
        return None, {}

    def _step(self, name: str, loss: torch.Tensor) -> torch.Tensor:
        return optim.step(self.optimisers[name], loss.backward, self.config.max_grad_norm, self.config.seeds)
