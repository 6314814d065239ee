"""The loop around an offline learner's updates, and its evaluations.

Shapes: S seeds, M rows of a minibatch, B worlds, N agents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from algos.adapters import make_env
from algos.common import optim
from algos.common.errors import require
from algos.common.protocol import BatchedEnv
from algos.data.dataset import Dataset, normalised_score
from algos.evaluation.episodes import play_episodes
from algos.offline.minibatches import Batch, Minibatches, Scaling, Transitions, reward_scale
from algos.offline.policy import Policy

if TYPE_CHECKING:
    from algos.common.run import Run

EVALUATION_SEED = 2_000_003
LOG_EVERY = 1_000  # gradient steps, at most, between lines of metrics
Metrics = dict[str, torch.Tensor]


@dataclass
class OfflineConfig:
    batch_size: int = 256  # transitions in a gradient step
    seeds: int = 1  # policies trained side by side as one batched module; each is evaluated
    gamma: float = 0.99  # discount per step
    lr: float = 3e-4  # learning rate of Adam
    hidden_size: int = 256  # width of layers
    num_layers: int = 2  # hidden layers of actors and critics
    norm_obs: bool = True  # normalise observations to zero mean and unit deviation over the dataset
    norm_reward: bool = False  # rewards times a number, so that discounted returns in the dataset span 1 / (1 - gamma)
    eval_every: int = 10_000  # gradient steps between evaluations
    eval_episodes: int = 0  # of each seed (0: 10, in mabc 128)
    max_grad_norm: float = 0.0  # of each network's gradient, of each seed by itself; 0: not clipped
    checkpoint_every: int = 50_000  # gradient steps between checkpoints
    threads: int = 1  # of torch; more pays for wide networks on an idle machine only

    def __post_init__(self) -> None:
        for name in ("batch_size", "seeds", "hidden_size", "eval_every", "checkpoint_every", "threads"):
            require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        require(self.num_layers >= 0, f"algo.num_layers={self.num_layers}: at least 0")
        require(self.eval_episodes >= 0, f"algo.eval_episodes={self.eval_episodes}: at least 0")
        require(0 <= self.gamma <= 1, f"algo.gamma={self.gamma}: between 0 and 1")
        require(self.lr > 0, f"algo.lr={self.lr}: above 0")
        require(self.max_grad_norm >= 0, f"algo.max_grad_norm={self.max_grad_norm}: at least 0")

    @property
    def hidden(self) -> list[int]:
        return [self.hidden_size] * self.num_layers


# --- a learner ---


class Learner(Protocol):
    """What learns from minibatches: networks of all seeds side by side, made by `make(config, sizes, total_steps)`.

    | member | what it is |
    |---|---|
    | `actor` | chooses actions: `algos.backbones.stacked.Actor` |
    | `nets` | all networks, with targets, by name |
    | `optimisers` | by name; a checkpoint holds them and the networks |
    | `updates` | gradient steps so far |
    | `next_actions` | whether minibatches must hold the next step's action |
    | `update(batch)` | one gradient step on a minibatch [S, M, …]; metrics as scalars without gradient |
    """

    actor: Any
    nets: torch.nn.ModuleDict
    optimisers: dict[str, torch.optim.Adam]
    updates: int
    next_actions: bool

    def update(self, batch: Batch) -> Metrics: ...


Make = Callable[[Any, dict[str, int], int], Learner]


def sizes_of(data: Dataset, env: BatchedEnv) -> dict[str, int]:
    """What a Learner is made for: features, discrete actions (0: none), action dimensions, agents of a team."""
    action_dims = 0 if env.num_actions else int(np.prod(env.action_space.shape))
    return {"obs": data.obs.shape[-1], "actions": env.num_actions, "action_dims": action_dims, "agents": env.num_agents}


def learner_state(learner: Learner) -> dict[str, Any]:
    """Networks and optimisers as a checkpoint's tree."""
    optimisers = {name: optim.slots(optimiser) for name, optimiser in learner.optimisers.items()}
    return {"nets": dict(learner.nets.state_dict()), "optimisers": optimisers, "updates": learner.updates}


def load_learner(learner: Learner, state: dict[str, Any]) -> None:
    """Inverse of `learner_state`."""
    learner.nets.load_state_dict({name: torch.as_tensor(value) for name, value in state["nets"].items()})
    for name, optimiser in learner.optimisers.items():
        optim.load_slots(optimiser, state["optimisers"][name])
    learner.updates = state["updates"]


# --- evaluation ---


def evaluate(policy: Policy, env: BatchedEnv, seed: int = EVALUATION_SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return and success of the first episode in every world, float64 [B] each (means over agents)."""
    played = play_episodes(env, policy, env.num_envs, seed)
    order = np.argsort(played["world"])
    return played["return"][order], played["success"][order]


def evaluation_env(config: OfflineConfig, run: Run) -> BatchedEnv:
    """The run's environment with a world for every episode of an evaluation."""
    episodes = config.eval_episodes or (128 if run.config["env"]["name"] == "mabc" else 10)
    return make_env(run.config["env"], num_envs=episodes * config.seeds, seed=EVALUATION_SEED)


def evaluation_metrics(
    returns: np.ndarray, success: np.ndarray, seeds: int, info: dict[str, Any], env: BatchedEnv
) -> dict[str, float | None]:
    """Metrics of an evaluation whose worlds were shared out among the seeds."""
    by_seed = returns.reshape(seeds, -1).mean(1)
    metrics: dict[str, float | None] = {"episode/return": float(by_seed.mean())}
    if (score := normalised_score(by_seed, info)) is not None:
        metrics["episode/score"] = float(score.mean())
    if env.metadata.get("outcomes", True) or success.any():
        metrics["episode/win_rate"] = float(success.mean())
    if seeds > 1:
        metrics |= {f"episode/return_s{i}": float(value) for i, value in enumerate(by_seed)}
    return metrics


# --- the loop ---


class Source(Protocol):
    """Where minibatches come from: `minibatches.Minibatches`, or a mixture of a dataset and what a model generates."""

    def sample(self) -> Batch: ...
    def state(self) -> Any: ...
    def load_state(self, state: Any) -> None: ...


def load_run_data(run: Run) -> Dataset:
    """The dataset that data= names, made by its recipe where it is not there yet."""
    from algos.data.load import load_data

    return load_data(run.config["data"], run.config["env"])


def scaling_of(data: Dataset, env: BatchedEnv, config: OfflineConfig, device: str = "cpu") -> Scaling:
    """How a configuration has data scaled."""
    reward = reward_scale(data, config.gamma) if config.norm_reward else 1.0
    return Scaling.of(data, env, config.norm_obs, reward, device)


def fit(make: Make, config: Any, env: BatchedEnv, run: Run, data: Dataset | None = None,
        source_of: Callable[[Scaling, Learner], Source] | None = None) -> Policy:  # fmt: skip
    """Train for run.total_steps gradient steps; returns the greedy policy of the first seed.

    make(config, sizes, total_steps) gives the Learner. data: the dataset (None: what data= names). source_of(scaling,
    learner) gives another source of minibatches than the dataset alone.
    """
    torch.set_num_threads(config.threads)
    data = load_run_data(run) if data is None else data
    device = run.config["device"]
    torch.manual_seed(run.seed)
    scaling = scaling_of(data, env, config, device)
    learner = make(config, sizes_of(data, env), run.total_steps)
    learner.nets.to(device)
    if source_of is None:
        parts = [Transitions(data, scaling, device)]
        source: Source = Minibatches(parts, config.seeds, config.batch_size, run.seed, learner.next_actions)
    else:
        source = source_of(scaling, learner)
    training = Training(config, run, data, scaling, learner, source, sizes_of(data, env))
    if run.state:
        training.load_state(run.state)
    else:
        training.save()
        run.show(0, training.policy)
    judge = evaluation_env(config, run)
    training.go(judge)
    judge.close()
    return training.policy


class Training:
    """Everything that a checkpoint of an offline run holds, and the loop over it."""

    def __init__(
        self, config: OfflineConfig, run: Run, data: Dataset, scaling: Scaling, learner: Learner, source: Source,
        sizes: dict[str, int],
    ):  # fmt: skip
        self.config, self.run, self.data, self.scaling, self.sizes = config, run, data, scaling, sizes
        self.learner, self.source, self.step = learner, source, 0
        self.policy = Policy(learner.actor, scaling, config.seeds)
        self.policy.references = data.info.get("references")

    def save(self) -> None:
        state = {"sizes": self.sizes, "scaling": self.scaling.state(), **learner_state(self.learner)}
        state |= {"references": self.policy.references, "data": self.data.digest, "sampler": self.source.state()}
        state |= {
            "rng": torch.get_rng_state(),
            "device_rng": optim.device_rng(self.run.config["device"]),
            "step": self.step,
        }
        self.run.save(self.step, state)

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; BadInput where the data are not what they were."""
        require(
            state.get("data") == self.data.digest,
            f"data={self.run.config['data']} is not what the run has learned from so far: it has been changed or made "
            "anew since. Put the old one back, or train anew",
        )
        load_learner(self.learner, state)
        self.source.load_state(state["sampler"])
        torch.set_rng_state(torch.as_tensor(state["rng"]))
        optim.set_device_rng(self.run.config["device"], state["device_rng"])
        self.step = state["step"]

    def go(self, judge: BatchedEnv) -> None:
        """Update, and now and then evaluate in `judge`, log and save, until the run's steps are done."""
        config, run = self.config, self.run
        everyone = Policy(self.learner.actor, self.scaling, config.seeds, seed=None)
        log_every = min(LOG_EVERY, config.eval_every, config.checkpoint_every)
        run.log.restart_clock()
        sums: dict[str, torch.Tensor] = {}
        summed = 0
        while self.step < run.total_steps:
            for name, value in self.learner.update(self.source.sample()).items():
                sums[name] = sums[name] + value if name in sums else value
            self.step, summed = self.step + 1, summed + 1
            if self.step % log_every and self.step < run.total_steps:
                continue
            metrics: dict[str, float | None] = {name: float(value) / summed for name, value in sums.items()}
            sums, summed = {}, 0
            due = partial(self._due, log_every)
            if due(config.eval_every):
                metrics |= evaluation_metrics(*evaluate(everyone, judge), config.seeds, self.data.info, judge)
            run.log.write(self.step, metrics)
            run.show(self.step, self.policy)
            if due(config.checkpoint_every):
                self.save()

    def _due(self, log_every: int, every: int) -> bool:
        """Whether a multiple of `every` lies in the steps since the last line of metrics."""
        return self.step == self.run.total_steps or self.step // every > (self.step - log_every) // every
