"""Conservative Q-learning (Kumar et al. 2020, CQL(H), eq. 4): values of actions outside the data are pushed down.

Continuous actions: on top of soft actor-critic, the log-sum-exp over actions by importance sampling from uniform and
policy samples (appendix F). Discrete ones: on top of double Q-learning, the log-sum-exp over the legal actions exactly,
with parameters shared by the agents of a team.

Shapes: S seeds, C = 2 critics, M rows of a minibatch, D features, k action dimensions, A actions, L samples an action.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from algos.backbones.masks import legal
from algos.backbones.stacked import LOG_2, Critics, polyak, values_of
from algos.common import optim
from algos.common.errors import require
from algos.offline import policy
from algos.offline.loop import Learner, Metrics, OfflineConfig, fit
from algos.offline.minibatches import Batch, mean, team_next
from algos.offline.sac import SAC

PRESETS: dict[str, dict[str, Any]] = {"cql": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "cql"
    norm_reward: bool = True  # rewards times a number, so that discounted returns in the dataset span 1 / (1 - gamma)
    alpha: float = 10.0  # weight of the conservative term; discrete actions want about 1
    num_samples: int = 10  # actions from each of three sources in the log-sum-exp (continuous)
    policy_lr: float = 3e-5  # learning rate of actor and temperature (continuous)
    tau: float = 0.005  # Polyak coefficient of the target networks

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha >= 0, f"algo.alpha={self.alpha}: at least 0")
        require(self.num_samples >= 1, f"algo.num_samples={self.num_samples}: at least 1")
        require(self.policy_lr > 0, f"algo.policy_lr={self.policy_lr}: above 0")
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")


# --- loss ---


def conservative_gap(q_samples: torch.Tensor, q_data: torch.Tensor) -> torch.Tensor:
    """log sum exp over actions minus the recorded action's value: [S, C, M] from [S, C, M, L] and [S, C, M].

    q_samples: exact values of all L actions (illegal ones far below), or of samples less their log-density.
    """
    return q_samples.logsumexp(-1) - q_data


# --- update ---


class ContinuousLearner(SAC):
    """Soft actor-critic with the conservative term; like the authors', without the entropy in the critics' target.

    real: so many rows of a minibatch are recorded and come first: values are pushed up there alone (None: all are).
    """

    backup_entropy = False
    real: int | None = None

    def regulariser(self, batch: Batch, q: torch.Tensor) -> tuple[torch.Tensor | None, Metrics]:
        if not self.config.alpha:
            return None, {}
        samples = self.sampled_values(batch)
        if self.real is None:
            gap = conservative_gap(samples, q).mean(-1).sum()
        else:
            gap = (samples.logsumexp(-1).mean(-1) - q[..., : self.real].mean(-1)).sum()
        return self.config.alpha * gap, {"loss/conservative": gap.detach() / self.config.seeds}

    def sampled_values(self, batch: Batch) -> torch.Tensor:
        """Values less log-densities [S, C, M, 3 L] of uniform actions and of the policy's here and one step on."""
        L, obs = self.config.num_samples, batch["obs"]
        S, M = obs.shape[:2]
        with torch.no_grad():
            uniform = torch.rand(S, M * L, self.k, device=obs.device) * 2 - 1
            here, log_here = self.actor.sample(obs, L)
            later, log_later = self.actor.sample(batch["next_obs"], L)
        densities = torch.stack([torch.full_like(log_here, -self.k * LOG_2), log_here, log_later], 1)  # [S, 3, M L]
        actions = torch.stack([uniform, here, later], 1).view(S, 3 * M * L, self.k)
        rows = obs.repeat_interleave(L, 1)[:, None].expand(-1, 3, -1, -1).reshape(S, 3 * M * L, -1)
        values = self.critics(rows, actions) - densities.view(S, 1, -1)
        return values.view(S, -1, 3, M, L).transpose(2, 3).reshape(S, -1, M, 3 * L)


class GreedyActor:
    """The actions of greatest value, by the smaller of a seed's critics."""

    stochastic = False

    def __init__(self, critics: Critics):
        self.critics = critics

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Actions int64 [S, M] for observations [S, M, D]."""
        return legal(self.critics.all_actions(obs).amin(1), masks).argmax(-1)

    draw = greedy


class DiscreteLearner:
    """Double Q-learning of all seeds with the conservative term."""

    next_actions = False

    def __init__(self, config: Config, sizes: dict[str, int]):
        self.config, self.agents, self.updates = config, sizes["agents"], 0
        self.critics = Critics(config.seeds, 2, sizes["obs"], 0, sizes["actions"], config.hidden)
        self.target = copy.deepcopy(self.critics)
        self.actor = GreedyActor(self.critics)
        self.nets = nn.ModuleDict({"critics": self.critics, "target": self.target})
        self.optimisers = {"critics": optim.adam(self.critics.parameters(), config.lr)}

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the critics."""
        config, masks, next_masks = self.config, batch.get("masks"), batch.get("next_masks")
        with torch.no_grad():
            best = self.actor.greedy(batch["next_obs"], next_masks)
            next_value = team_next(self.target(batch["next_obs"], best).amin(1), batch, self.agents)
            target = batch["rewards"] + config.gamma * (1 - batch["terminals"]) * next_value
        values = self.critics.all_actions(batch["obs"])
        q = values_of(values, batch["actions"])
        gap = conservative_gap(legal(values, None if masks is None else masks[:, None]), q)
        errors = mean(0.5 * (q - target[:, None]).square(), batch).sum()
        conservative = mean(gap, batch).sum()
        loss = errors + config.alpha * conservative
        norm = optim.step(self.optimisers["critics"], loss.backward, config.max_grad_norm, config.seeds)
        polyak(self.target, self.critics, config.tau)
        self.updates += 1
        return {
            "loss/critic": errors.detach() / config.seeds,
            "loss/conservative": conservative.detach() / config.seeds,
            "values/q": mean(q.detach(), batch).mean(),
            "grad_norm/critic": norm,
        }


def make_learner(config: Any, sizes: dict[str, int], total_steps: int) -> Learner:
    """The learner for continuous or for discrete actions."""
    return DiscreteLearner(config, sizes) if sizes["actions"] else ContinuousLearner(config, sizes, total_steps)


train = partial(fit, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
