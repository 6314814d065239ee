"""Behaviour cloning: the policy imitates what is in the data, good or bad. The baseline of all offline learning.

Continuous actions: mean squared error of a deterministic policy; discrete ones: cross entropy over the legal actions,
with parameters shared by the agents of a team.

Shapes: S seeds, M rows of a minibatch, D features, k action dimensions, A actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from algos.backbones.stacked import CategoricalActor, TanhActor
from algos.common import optim
from algos.offline import policy
from algos.offline.loop import Metrics, OfflineConfig, fit
from algos.offline.minibatches import Batch, mean

PRESETS: dict[str, dict[str, Any]] = {"bc": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "bc"


# --- loss ---


def squared_error(actions: torch.Tensor, recorded: torch.Tensor) -> torch.Tensor:
    """Mean over action dimensions of squared differences: [S, M] from [S, M, k] twice."""
    return (actions - recorded).square().mean(-1)


# --- update ---


class Learner:
    """The networks of all seeds and their optimiser."""

    next_actions = False

    def __init__(self, config: Config, sizes: dict[str, int], total_steps: int):
        self.config, self.discrete, self.updates = config, sizes["actions"] > 0, 0
        if self.discrete:
            self.actor: Any = CategoricalActor(config.seeds, sizes["obs"], sizes["actions"], config.hidden)
        else:
            self.actor = TanhActor(config.seeds, sizes["obs"], sizes["action_dims"], config.hidden)
        self.nets = nn.ModuleDict({"actor": self.actor})
        self.optimisers = {"actor": optim.adam(self.actor.parameters(), config.lr)}

    def update(self, batch: Batch) -> Metrics:
        """One gradient step on a minibatch."""
        if self.discrete:
            error = -self.actor.log_prob(batch["obs"], batch["actions"], batch.get("masks"))
        else:
            error = squared_error(self.actor(batch["obs"]), batch["actions"])
        loss = mean(error, batch).sum()
        norm = optim.step(self.optimisers["actor"], loss.backward, self.config.max_grad_norm, self.config.seeds)
        self.updates += 1
        return {"loss/actor": mean(error.detach(), batch).mean(), "grad_norm/actor": norm}


make_learner = Learner
train = partial(fit, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
