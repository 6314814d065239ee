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

from algos.backbones.stacked import LOG_2, Critics, SquashedActor, frozen, legal, polyak, values_of
from algos.offline import loop
from algos.offline.loop import POLICY_STATE, TOTAL_STEPS, Batch, Metrics, OfflineConfig, fit, mean, require, team_next  # noqa: F401

PRESETS = {"cql": {}}
DATA = "required"

# --- config ---


@dataclass
class Config(OfflineConfig):
    name: str = "cql"
    norm_reward: bool = True  # rewards times a number, so that discounted returns in the dataset span 1 / (1 - gamma)
    alpha: float = 10.0  # weight of the conservative term; discrete actions want about 1
    num_samples: int = 10  # actions from each of three sources in the log-sum-exp (continuous)
    policy_lr: float = 3e-5  # Adam's step size of the actor and of the entropy's weight (continuous)
    tau: float = 0.005  # share by which targets move

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


def soft_target(
    rewards: torch.Tensor, dones: torch.Tensor, next_q: torch.Tensor, next_log_prob: torch.Tensor | None,
    temperature: torch.Tensor | float, gamma: float,
) -> torch.Tensor:  # fmt: skip
    """r + gamma (1 - done) (min_c Q_c - temperature log pi), [S, M], of next values [S, C, M].

    next_log_prob None: without the entropy's part (CQL's own targets leave it out).
    """
    value = next_q.amin(1)
    if next_log_prob is not None:
        value = value - temperature * next_log_prob
    return rewards + gamma * (1 - dones) * value


# --- update ---


def Learner(config: Any, sizes: dict[str, int], total_steps: int) -> Any:
    """The learner for continuous or for discrete actions."""
    return (DiscreteLearner if sizes["actions"] else ContinuousLearner)(config, sizes)


class ContinuousLearner:
    """Soft actor-critic of all seeds with the conservative term. Without the term (alpha 0) it is plain SAC."""

    backup_entropy = False

    def __init__(self, config: Any, sizes: dict[str, int]):
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
            "actor": loop.adam(self.actor.parameters(), config.policy_lr),
            "critics": loop.adam(self.critics.parameters(), config.lr),
            "temperature": loop.adam(self.temperature.parameters(), config.policy_lr),
        }

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the entropy's weight, the actor and the critics."""
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
            self._step("actor", loss)
        return {"loss/actor": loss.detach() / self.config.seeds, "values/entropy": -log_prob.detach().mean()}

    def update_critics(self, batch: Batch) -> Metrics:
        config = self.config
        with torch.no_grad():
            next_actions, next_log_prob = self.actor.sample(batch["next_obs"])
            next_q = self.target(batch["next_obs"], next_actions)
            target = soft_target(
                batch["rewards"], batch["dones"], next_q, next_log_prob if self.backup_entropy else None,
                self.temperature["log"].exp(), config.gamma,
            )  # fmt: skip
        q = self.critics(batch["obs"], batch["actions"])
        loss = (q - target[:, None]).square().mean(-1).sum()
        metrics = {"loss/critic": loss.detach() / config.seeds, "values/q": q.detach().mean()}
        if config.alpha:
            gap = self.gap(batch, q)
            loss = loss + config.alpha * gap
            metrics["loss/conservative"] = gap.detach() / config.seeds
        self._step("critics", loss)
        return metrics

    def gap(self, batch: Batch, q: torch.Tensor) -> torch.Tensor:
        """The conservative term of a minibatch: means over rows, summed over critics and seeds."""
        return conservative_gap(self.sampled_values(batch), q).mean(-1).sum()

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

    def _step(self, name: str, loss: torch.Tensor) -> None:
        self.optimisers[name].zero_grad()
        loss.backward()
        self.optimisers[name].step()


class GreedyActor:
    """The actions of greatest value, by the smaller of a seed's critics."""

    def __init__(self, critics: Critics):
        self.critics = critics

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Actions int64 [S, M] for observations [S, M, D]."""
        return legal(self.critics.all_actions(obs).amin(1), masks).argmax(-1)


class DiscreteLearner:
    """Double Q-learning of all seeds with the conservative term."""

    def __init__(self, config: Config, sizes: dict[str, int]):
        self.config, self.agents, self.updates = config, sizes["agents"], 0
        self.critics = Critics(config.seeds, 2, sizes["obs"], 0, sizes["actions"], config.hidden)
        self.target = copy.deepcopy(self.critics)
        self.actor = GreedyActor(self.critics)
        self.nets = nn.ModuleDict({"critics": self.critics, "target": self.target})
        self.optimisers = {"critics": loop.adam(self.critics.parameters(), config.lr)}

    def update(self, batch: Batch) -> Metrics:
        """One gradient step of the critics."""
        config, masks, next_masks = self.config, batch.get("masks"), batch.get("next_masks")
        with torch.no_grad():
            best = self.actor.greedy(batch["next_obs"], next_masks)
            next_value = team_next(self.target(batch["next_obs"], best).amin(1), batch, self.agents)
            target = batch["rewards"] + config.gamma * (1 - batch["dones"]) * next_value
        values = self.critics.all_actions(batch["obs"])
        q = values_of(values, batch["actions"])
        gap = conservative_gap(legal(values, None if masks is None else masks[:, None]), q)
        errors = mean(0.5 * (q - target[:, None]).square(), batch).sum()
        conservative = mean(gap, batch).sum()
        self.optimisers["critics"].zero_grad()
        (errors + config.alpha * conservative).backward()
        self.optimisers["critics"].step()
        polyak(self.target, self.critics, config.tau)
        self.updates += 1
        return {
            "loss/critic": errors.detach() / config.seeds,
            "loss/conservative": conservative.detach() / config.seeds,
            "values/q": mean(q.detach(), batch).mean(),
        }


train = partial(fit, Learner)
load_policy = partial(loop.load_policy, Learner, Config)
