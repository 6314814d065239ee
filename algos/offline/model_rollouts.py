"""Short rollouts of a learned world model with the policy of the moment, as minibatches: what MOPO and COMBO share.

Shapes: S seeds, M rows of a minibatch, H steps of a rollout, D features, k action dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from algos.common.errors import require
from algos.common.protocol import BatchedEnv
from algos.common.run import Run
from algos.data.dataset import Dataset
from algos.offline.codec import Codec
from algos.offline.loop import Make, OfflineConfig, fit, load_run_data
from algos.offline.minibatches import Batch, Minibatches, Scaling, Transitions
from algos.offline.policy import Policy
from algos.offline.sac import SAC
from algos.offline.world_model import train_world
from world_models.episodes import Episodes, context
from world_models.rollout import data_bounds, generate

# --- config ---


@dataclass
class ModelConfig(OfflineConfig):
    policy_lr: float = 1e-4  # learning rate of actor and temperature
    tau: float = 0.005  # Polyak coefficient of the target networks
    model: str = "mlp"  # mlp | transformer
    ensemble_size: int = 7  # world models
    model_steps: int = 2_000  # gradient steps of the world models
    rollout_length: int = 5  # steps of a rollout (H)
    rollout_starts: int = 1_000  # recorded states that each refresh rolls on from
    rollout_every: int = 250  # gradient steps between refreshes
    buffer_size: int = 100_000  # generated transitions that are kept
    penalty_coef: float = 1.0  # penalty coefficient λ of the uncertainty in the reward
    real_ratio: float = 0.05  # real ratio: recorded share of a minibatch
    world_models: str = ""  # a run folder whose world models are used again; empty: they are trained

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (
            "ensemble_size",
            "model_steps",
            "rollout_length",
            "rollout_starts",
            "rollout_every",
            "buffer_size",
        ):
            require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        require(
            self.ensemble_size > 1 or self.penalty_coef == 0,
            f"algo.ensemble_size={self.ensemble_size}: one member never disagrees; use 2 or more, or penalty_coef=0",
        )
        require(0 <= self.real_ratio < 1, f"algo.real_ratio={self.real_ratio}: at least 0, below 1")
        require(self.penalty_coef >= 0, f"algo.penalty_coef={self.penalty_coef}: at least 0")
        require(self.policy_lr > 0, f"algo.policy_lr={self.policy_lr}: above 0")
        require(0 < self.tau <= 1, f"algo.tau={self.tau}: above 0, at most 1")
        require(self.model in ("mlp", "transformer"), f"algo.model={self.model}: mlp or transformer")


# --- rollouts ---


class Rollouts:
    """Minibatches of which a share is recorded and comes first; the rest are rollouts of the policy of the moment."""

    def __init__(self, config: Any, data: Dataset, episodes: Episodes, world: tuple, scaling: Scaling, learner: SAC,
                 seed: int, device: str):  # fmt: skip
        self.config, self.episodes, self.scaling, self.learner = config, episodes, scaling, learner
        self.model, self.evaluator = world
        self.real = round(config.batch_size * config.real_ratio)
        self.recorded = Minibatches([Transitions(data, scaling, device)], config.seeds, max(self.real, 1), seed)
        S, D, k = config.seeds, data.obs.shape[-1], data.actions.shape[-1]
        self.random = [np.random.default_rng([seed, 5, s]) for s in range(S)]
        room = config.buffer_size
        shapes = {"obs": (D,), "actions": (k,), "rewards": (), "next_obs": (D,), "terminals": ()}
        self.buffer = {name: torch.zeros(S, room, *shape, device=device) for name, shape in shapes.items()}
        self.filled, self.place, self.calls = [0] * S, [0] * S, 0

    def sample(self) -> Batch:
        if self.calls % self.config.rollout_every == 0:
            self.refresh()
        self.calls += 1
        count = self.config.batch_size - self.real
        drawn = [random.integers(filled, size=count) for random, filled in zip(self.random, self.filled, strict=True)]
        chosen = torch.as_tensor(np.stack(drawn), device=self.buffer["obs"].device)
        seed = torch.arange(self.config.seeds, device=chosen.device)[:, None]
        generated = {name: values[seed, chosen] for name, values in self.buffer.items()}
        recorded = self.recorded.sample()
        return {name: torch.cat([recorded[name][:, : self.real], generated[name]], 1) for name in generated}

    def refresh(self) -> None:
        """Roll the model on from recorded states, with each seed's policy, and put what was found into the buffer."""
        config, starts, device = self.config, self.config.rollout_starts, self.buffer["obs"].device
        steps = [random.integers(len(self.episodes.rewards), size=starts) for random in self.random]
        before = context(self.episodes, np.concatenate(steps), self.model.context)
        found = generate(
            self.model, self.evaluator, *before, self.act, config.rollout_length, "penalise", config.penalty_coef,
            data_bounds(self.model.scale),
            chance=lambda: np.concatenate([random.random(starts) for random in self.random]),
        )  # fmt: skip
        rolled = {name: torch.as_tensor(getattr(found, name), device=device) for name in ("obs", "actions", "rewards")}
        arrays = {
            "obs": self.scaling.obs(rolled["obs"][:, :-1]),
            "actions": rolled["actions"],
            "rewards": rolled["rewards"] * self.scaling.reward,
            "next_obs": self.scaling.obs(rolled["obs"][:, 1:]),
            "terminals": torch.as_tensor(found.terminals.astype(np.float32), device=device),
        }
        inside = np.arange(found.rewards.shape[1]) < found.lengths[:, None]
        for s in range(config.seeds):
            rows = slice(s * starts, (s + 1) * starts)
            kept = torch.as_tensor(np.flatnonzero(inside[rows]), device=device)[-config.buffer_size :]
            place = (self.place[s] + torch.arange(len(kept), device=device)) % config.buffer_size
            for name, values in arrays.items():
                self.buffer[name][s, place] = values[rows].flatten(0, 1)[kept]
            self.place[s] = (self.place[s] + len(kept)) % config.buffer_size
            self.filled[s] = min(self.filled[s] + len(kept), config.buffer_size)

    @torch.no_grad()
    def act(self, t: int, obs: torch.Tensor) -> torch.Tensor:
        """Actions [S * starts, k] that the seeds' policies draw in states of the environment's units."""
        x = self.scaling.obs(obs).view(self.config.seeds, -1, obs.shape[-1])
        return self.learner.actor.sample(x)[0].flatten(0, 1)

    def state(self) -> dict[str, Any]:
        return {
            "recorded": self.recorded.state(), "buffer": self.buffer,
            "random": [random.bit_generator.state for random in self.random],
            "filled": self.filled, "place": self.place, "calls": self.calls,
        }  # fmt: skip

    def load_state(self, state: dict[str, Any]) -> None:
        self.recorded.load_state(state["recorded"])
        for random, kept in zip(self.random, state["random"], strict=True):
            random.bit_generator.state = kept
        for name, values in state["buffer"].items():
            self.buffer[name].copy_(torch.as_tensor(values))
        self.filled, self.place, self.calls = state["filled"], state["place"], state["calls"]


# --- loop ---


def fit_in_model(make: Make, config: Any, env: BatchedEnv, run: Run) -> Policy:
    """Train a world model, then a learner on recorded transitions and rollouts; all seeds share the model."""
    torch.set_num_threads(config.threads)
    data = load_run_data(run)
    require(not data.num_actions, f"algo={config.name} needs continuous actions; for discrete ones: bc, iql, cql")
    episodes = Codec.of(data, env).episodes()
    world = train_world(config, data, episodes, run, 0, 1_000 * run.seed)

    def source_of(scaling: Scaling, learner: Any) -> Rollouts:
        return Rollouts(config, data, episodes, world, scaling, learner, run.seed, run.config["device"])

    return fit(make, config, env, run, data, source_of)
