"""What all offline algorithms share: minibatches from recorded episodes, evaluation, and the loop around an update.

An algorithm's file gives a Config and a Learner; `fit` does the rest. A Learner is made by
`Learner(config, sizes, total_steps)`, has `actor`, `nets` (all its networks) and `optimisers`, and learns by
`update(batch) -> metrics`. All its networks hold the S seeds of the run side by side.

Shapes: S seeds, M rows of a minibatch, B worlds, N agents, D features, A actions, k action dimensions. The rows of a
team's minibatch are its agents', step by step: row m * N + n is agent n's in team-step m.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from algos.common.checkpoint import CheckpointError, list_checkpoints
from algos.common.config import BadInput
from algos.common.protocol import BatchedEnv
from algos.common.run import Run, device_rng, set_device_rng
from algos.data.d4rl import normalised_score
from algos.data.dataset import Dataset

TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given
EVALUATION_SEED = 2_000_003
Batch = dict[str, torch.Tensor]
Metrics = dict[str, torch.Tensor]


@dataclass
class OfflineConfig:
    batch_size: int = 256  # transitions in a gradient step
    seeds: int = 1  # policies trained side by side as one batched module; each is evaluated
    gamma: float = 0.99  # discount per step
    lr: float = 3e-4  # Adam's step size
    hidden_size: int = 256  # width of layers
    num_layers: int = 2  # hidden layers of actors and critics
    norm_obs: bool = True  # observations to mean 0, deviation 1 over the dataset
    norm_reward: bool = False  # rewards times a number, so that discounted returns in the dataset span 1 / (1 - gamma)
    eval_every: int = 10_000  # gradient steps between evaluations
    eval_episodes: int = 0  # of each seed (0: 10, in mabc 128)
    checkpoint_every: int = 50_000  # gradient steps between checkpoints
    threads: int = 1  # of torch; more pays for wide networks on an idle machine only

    def __post_init__(self) -> None:
        for name in ("batch_size", "seeds", "hidden_size", "eval_every", "checkpoint_every", "threads"):
            require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        require(self.num_layers >= 0, f"algo.num_layers={self.num_layers}: at least 0")
        require(self.eval_episodes >= 0, f"algo.eval_episodes={self.eval_episodes}: at least 0")
        require(0 <= self.gamma <= 1, f"algo.gamma={self.gamma}: between 0 and 1")
        require(self.lr > 0, f"algo.lr={self.lr}: above 0")

    @property
    def hidden(self) -> list[int]:
        return [self.hidden_size] * self.num_layers


def require(condition: bool, message: str) -> None:
    if not condition:
        raise BadInput(message)


# --- data as networks see it ---


class Scaling:
    """Observations to mean 0 and deviation 1, actions to -1..1, rewards to a common span, as the dataset has them."""

    NAMES = ("obs_mean", "obs_std", "low", "high", "reward")

    def __init__(self, obs_mean: Any, obs_std: Any, low: Any, high: Any, reward: Any = 1.0, device: str = "cpu"):
        for name, value in zip(self.NAMES, (obs_mean, obs_std, low, high, reward), strict=True):
            setattr(self, name, torch.as_tensor(value, dtype=torch.float32, device=device))

    @classmethod
    def of(cls, data: Dataset, env: BatchedEnv, config: OfflineConfig, device: str = "cpu") -> Scaling:
        """The scaling of a dataset: means over what living agents saw; 1e-3 is added to every deviation."""
        seen = data.obs.reshape(-1, data.obs.shape[-1]) if data.alive is None else data.obs[data.alive]
        D = seen.shape[-1]
        mean, std = (seen.mean(0, np.float64), seen.std(0, dtype=np.float64) + 1e-3) if config.norm_obs else (0.0, 1.0)
        bounds = (env.action_space.low, env.action_space.high) if not env.num_actions else ([], [])
        require(
            np.isfinite(bounds).all(),
            f"actions of the environment are not bounded (low={bounds[0]}, high={bounds[1]}), and are scaled by their "
            "bounds: give it an action space with finite ones",
        )
        reward = reward_scale(data, config.gamma) if config.norm_reward else 1.0
        return cls(np.broadcast_to(mean, D).copy(), np.broadcast_to(std, D).copy(), *bounds, reward, device)

    def obs(self, obs: torch.Tensor) -> torch.Tensor:
        return (obs - self.obs_mean) / self.obs_std

    def to_unit(self, actions: torch.Tensor) -> torch.Tensor:
        """Actions of the environment as networks have them."""
        return 2 * (actions - self.low) / (self.high - self.low) - 1

    def to_env(self, actions: torch.Tensor) -> torch.Tensor:
        """Inverse of `to_unit`."""
        return self.low + (actions + 1) * 0.5 * (self.high - self.low)

    def state(self) -> dict[str, torch.Tensor]:
        return {name: getattr(self, name) for name in self.NAMES}


def reward_scale(data: Dataset, gamma: float) -> float:
    """What rewards are multiplied with so that discounted returns in the data span 1 / (1 - gamma).

    Our form of what IQL's authors do, 1000 / (greatest - least return): on locomotion the two nearly agree, and this
    one also fits sparse rewards and short episodes.
    """
    returns = discounted_returns(data, gamma)
    span = float(returns.max() - returns.min())
    return 1 / (max(1 - gamma, 1e-3) * span) if span > 1e-8 else 1.0


def discounted_returns(data: Dataset, gamma: float) -> np.ndarray:
    """Discounted sum of the rewards from each step to its episode's end, float64 [M]."""
    returns = data.rewards.astype(np.float64)
    lengths, ends = data.lengths, data.starts[1:] - 1
    for back in range(1, int(lengths.max())):
        steps = ends[lengths > back] - back
        returns[steps] += gamma * returns[steps + 1]
    return returns


class Rows:
    """A dataset as tensors, scaled, from which steps are picked by their number.

    `steps` are those that minibatches are drawn from: all of which the value of what follows can be asked, that is
    not those whose next row was not seen, unless the task ended. With cut_offs=False no last steps of episodes that
    were cut off either: behind such a step nothing was done in any episode, so nothing holds that value.
    """

    def __init__(self, data: Dataset, scaling: Scaling, device: str = "cpu", cut_offs: bool = True):
        def tensor(array: np.ndarray | None, kind: torch.dtype) -> torch.Tensor | None:
            return None if array is None else torch.as_tensor(array, dtype=kind, device=device)

        self.num_agents = data.num_agents
        self.obs = scaling.obs(tensor(data.obs, torch.float32))
        self.row = tensor(data.rows, torch.int64)
        if data.num_actions:
            self.actions = tensor(data.actions, torch.int64)
        else:
            self.actions = scaling.to_unit(tensor(data.actions, torch.float32))
        self.rewards = tensor(data.rewards, torch.float32) * scaling.reward
        self.dones = tensor(data.terminals, torch.float32)
        self.masks, self.alive = tensor(data.masks, torch.bool), tensor(data.alive, torch.bool)
        if data.alive is not None:
            # not so where a team has no one left but will come back: nobody's observation to take a value from
            self.followed = tensor(data.alive[data.rows + 1].any(-1) | data.terminals, torch.bool)
        last = np.zeros(data.num_steps, bool)
        last[data.starts[1:] - 1] = True
        self.last = tensor(last, torch.bool)
        self.steps = tensor(np.flatnonzero(data.next_known & (cut_offs | ~last) | data.terminals), torch.int64)

    def pick(self, steps: torch.Tensor) -> Batch:
        """Transitions of some steps int64 [M]: each array [M * N, …]."""
        N = self.num_agents
        row = self.row.index_select(0, steps)
        after = row + 1
        batch = {
            "obs": self.obs.index_select(0, row),
            "actions": self.actions.index_select(0, steps),
            "rewards": self.rewards.index_select(0, steps),
            "next_obs": self.obs.index_select(0, after),
            "dones": self.dones.index_select(0, steps),
        }
        if self.masks is not None:
            batch["masks"], batch["next_masks"] = self.masks.index_select(0, row), self.masks.index_select(0, after)
        if self.alive is not None:
            batch["alive"], batch["next_alive"] = self.alive.index_select(0, row), self.alive.index_select(0, after)
            batch["alive"] = batch["alive"] & self.followed.index_select(0, steps)[:, None]
        if N > 1 or self.obs.ndim == 3:
            for key in ("rewards", "dones"):
                batch[key] = batch[key][:, None].expand(-1, N)
            return {key: value.reshape(len(steps) * N, *value.shape[2:]) for key, value in batch.items()}
        return batch

    def next_actions(self, steps: torch.Tensor) -> Batch:
        """What was done in the step after, and where there was one in the same episode (float, 0 or 1)."""
        known = ~self.last.index_select(0, steps)
        return {"next_actions": self.actions.index_select(0, steps + known), "next_known": known.to(torch.float32)}


class Sampler:
    """Minibatches drawn uniformly, with replacement; every seed draws its own.

    parts: one dataset's Rows for all seeds, or one for each.
    """

    def __init__(self, parts: list[Rows], seeds: int, batch_size: int, seed: int, next_actions: bool = False):
        require(
            all(len(part.steps) for part in parts),
            "no step of the dataset can be learned from: of none is the next observation known or the end reached",
        )
        self.parts, self.seeds, self.next_actions = parts, seeds, next_actions
        self.steps = max(1, batch_size // parts[0].num_agents)  # team-steps, so that there are batch_size rows
        self.device = parts[0].obs.device
        self.generator = torch.Generator().manual_seed(seed)

    def sample(self, steps: int | None = None) -> Batch:
        """A minibatch, each array [S, M, …], of so many team-steps (None: of batch_size rows)."""
        steps = self.steps if steps is None else steps
        if len(self.parts) == 1:
            picked = self._pick(self.parts[0], self.seeds * steps)
            return {key: value.view(self.seeds, -1, *value.shape[1:]) for key, value in picked.items()}
        picks = [self._pick(part, steps) for part in self.parts]
        return {key: torch.stack([pick[key] for pick in picks]) for key in picks[0]}

    def _pick(self, part: Rows, count: int) -> Batch:
        drawn = torch.randint(len(part.steps), (count,), generator=self.generator).to(self.device)
        steps = part.steps.index_select(0, drawn)
        return part.pick(steps) | (part.next_actions(steps) if self.next_actions else {})

    def state(self) -> Any:
        return self.generator.get_state()

    def load_state(self, state: Any) -> None:
        self.generator.set_state(torch.as_tensor(state))


def mean(x: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Means [S, …] of x [S, …, M] over the rows whose agent lives; all of them where nobody can die."""
    if "alive" not in batch:
        return x.mean(-1)
    weight = batch["alive"].to(x.dtype)
    while weight.ndim < x.ndim:
        weight = weight[:, None]
    return (x * weight).sum(-1) / weight.sum(-1).clamp_min(1)


def team_next(values: torch.Tensor, batch: Batch, agents: int) -> torch.Tensor:
    """Values [S, M] of next observations, those of agents that died being their living mates' mean (0 without any).

    The team's reward goes on after a death, and a dead agent's observation says nothing.
    """
    if "next_alive" not in batch:
        return values
    by_team, alive = values.view(len(values), -1, agents), batch["next_alive"].view(len(values), -1, agents)
    mates = (by_team * alive).sum(-1, keepdim=True) / alive.sum(-1, keepdim=True).clamp_min(1)
    return torch.where(alive, by_team, mates).view_as(values)


# --- policy ---


class Policy:
    """A trained actor as a plain function of arrays; MABC takes it as an opponent as it is.

    policy(obs [B, N, …], mask [B, N, A], memory) -> (actions [B, N] or [B, N, k], None). `seed` is the one of the run's
    seeds that acts; None: the worlds are shared out among the seeds, in order. With greedy=False actions are drawn, by
    torch's global random numbers, where the actor has a distribution: that of td3_bc and rebrac, of bc with continuous
    actions and of cql with discrete ones has none.
    """

    references: dict[str, float] | None = None  # returns of the dataset's "random" and "expert", if it names them

    def __init__(self, actor: Any, scaling: Scaling, seeds: int, seed: int | None = 0, greedy: bool = True):
        self.actor, self.scaling, self.seeds, self.seed = actor, scaling, seeds, seed
        self.greedy = greedy or not hasattr(actor, "draw")
        self.choose = actor.greedy if self.greedy else actor.draw

    @torch.inference_mode()
    def __call__(self, obs: np.ndarray, mask: np.ndarray, memory: Any = None):
        B, N = obs.shape[:2]
        device = self.scaling.obs_mean.device
        x = self._rows(self.scaling.obs(torch.as_tensor(obs, dtype=torch.float32, device=device).reshape(B * N, -1)))
        legal = None
        if mask.shape[-1]:
            legal = self._rows(torch.as_tensor(mask, device=device).reshape(B * N, -1))
        actions = self.choose(x, legal)
        actions = actions.flatten(0, 1) if self.seed is None else actions[self.seed]
        if legal is None:
            actions = self.scaling.to_env(actions)
        return actions.reshape(B, N, *actions.shape[1:]).cpu().numpy(), None

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """[B * N, …] -> [S, M, …]."""
        return x.view(self.seeds, -1, x.shape[-1]) if self.seed is None else x.expand(self.seeds, *x.shape)


def evaluate(policy: Policy, env: BatchedEnv, seed: int = EVALUATION_SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return and success of the first episode in every world, float64 [B] each (means over agents)."""
    returns, success = np.zeros(env.num_envs), np.zeros(env.num_envs)
    running = np.ones(env.num_envs, bool)
    obs, info = env.reset(seed=seed)
    while running.any():
        actions, _ = policy(obs, env.action_mask())
        obs, _, terminated, truncated, info = env.step(actions)
        new = running & (terminated | truncated)
        returns[new], success[new] = info["episode_return"][new].mean(-1), info["success"][new].mean(-1)
        running &= ~new
    return returns, success


# --- the loop ---


def sizes_of(data: Dataset, env: BatchedEnv) -> dict[str, int]:
    """What a Learner is made for: features, discrete actions (0: none), action dimensions, agents of a team."""
    action_dims = 0 if env.num_actions else int(np.prod(env.action_space.shape))
    return {"obs": data.obs.shape[-1], "actions": env.num_actions, "action_dims": action_dims, "agents": env.num_agents}


def learner_state(learner: Any) -> dict[str, Any]:
    """Networks and optimisers as a checkpoint's tree."""
    optimisers = {
        name: {str(i): dict(slot) for i, slot in optimiser.state_dict()["state"].items()}
        for name, optimiser in learner.optimisers.items()
    }
    return {"nets": dict(learner.nets.state_dict()), "optimisers": optimisers, "updates": learner.updates}


def load_learner(learner: Any, state: dict[str, Any]) -> None:
    """Inverse of `learner_state`."""
    learner.nets.load_state_dict({name: torch.as_tensor(value) for name, value in state["nets"].items()})
    for name, optimiser in learner.optimisers.items():
        slots = {
            int(i): {key: torch.as_tensor(value) for key, value in slot.items()}
            for i, slot in state["optimisers"][name].items()
        }
        optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})
    learner.updates = state["updates"]


def adam(parameters: Iterator[torch.nn.Parameter], lr: float) -> torch.optim.Adam:
    """Adam in its fused form, which updates all weights in one call."""
    return torch.optim.Adam(list(parameters), lr=lr, fused=True)


def load_policy(make: Callable, config_class: type, config: dict[str, Any], state: dict[str, Any], device: str = "cpu",
                greedy: bool = True) -> Policy:  # fmt: skip
    """Policy of a run's first seed from the `algo` part of its configuration and the state in its checkpoint."""
    if not state:
        raise CheckpointError("the run holds no policy yet: its world models were still being trained; resume= goes on")
    config = config_class(**config)
    learner = make(config, state["sizes"], 1)
    load = {name: torch.as_tensor(value) for name, value in state["nets"].items()}
    learner.nets.load_state_dict(load)
    learner.nets.to(device)
    policy = Policy(learner.actor, Scaling(**state["scaling"], device=device), config.seeds, greedy=greedy)
    policy.references = state["references"]
    return policy


POLICY_STATE = ("sizes", "nets", "scaling", "references")
"""What `load_policy` reads of a checkpoint's state."""


def begin(run: Run) -> None:
    """Leave a checkpoint without a policy, so that a run can be resumed that is stopped while it prepares."""
    if not list_checkpoints(run.folder / "checkpoints"):
        run.save(0, {})


def load_run_data(run: Run) -> Dataset:
    """The dataset that data= names, made by its recipe where it is not there yet."""
    from algos.data.load import load_data

    return load_data(run.config["data"], run.config["env"])


def fit(make: Callable, config: Any, env: BatchedEnv, run: Run, data: Dataset | None = None,
        sampler_of: Callable[[Scaling, Any], Any] | None = None) -> Policy:  # fmt: skip
    """Train for run.total_steps gradient steps; returns the greedy policy of the first seed.

    make(config, sizes, total_steps) gives the Learner. data: the dataset (None: what data= names). sampler_of(scaling,
    learner) gives another source of minibatches than the dataset alone.
    """
    torch.set_num_threads(config.threads)
    data = load_run_data(run) if data is None else data
    device = run.config["device"]
    torch.manual_seed(run.seed)
    scaling = Scaling.of(data, env, config, device)
    learner = make(config, sizes_of(data, env), run.total_steps)
    learner.nets.to(device)
    if sampler_of is None:
        next_actions = getattr(learner, "next_actions", False)
        sampler = Sampler([Rows(data, scaling, device)], config.seeds, config.batch_size, run.seed, next_actions)
    else:
        sampler = sampler_of(scaling, learner)
    policy = Policy(learner.actor, scaling, config.seeds)
    policy.references = data.info.get("references")
    everyone = Policy(learner.actor, scaling, config.seeds, seed=None)
    judge = evaluation_env(config, run)
    step = 0
    if run.state:
        require(
            run.state.get("data") == data.digest,
            f"data={run.config['data']} is not what the run has learned from so far: it has been changed or made anew "
            "since. Put the old one back, or train anew",
        )
        load_learner(learner, run.state)
        sampler.load_state(run.state["sampler"])
        torch.set_rng_state(torch.as_tensor(run.state["rng"]))
        set_device_rng(device, run.state["device_rng"])
        step = run.state["step"]

    def save() -> None:
        state = {"sizes": sizes_of(data, env), "scaling": scaling.state(), **learner_state(learner)}
        state |= {"references": policy.references, "data": data.digest}
        run.save(step, {**state, "sampler": sampler.state(), "rng": torch.get_rng_state(),
                        "device_rng": device_rng(device), "step": step})  # fmt: skip

    if not run.state:
        save()
        run.show(0, policy)
    log_every = min(1_000, config.eval_every, config.checkpoint_every)

    def due(every: int) -> bool:
        """Whether a multiple of `every` lies in the steps since the last line of metrics."""
        return step == run.total_steps or step // every > (step - log_every) // every

    run.log.restart_clock()
    sums: dict[str, torch.Tensor] = {}
    summed = 0
    while step < run.total_steps:
        for name, value in learner.update(sampler.sample()).items():
            sums[name] = sums[name] + value if name in sums else value
        step, summed = step + 1, summed + 1
        if step % log_every and step < run.total_steps:
            continue
        metrics = {name: float(value) / summed for name, value in sums.items()}
        sums, summed = {}, 0
        if due(config.eval_every):
            metrics |= judged(*evaluate(everyone, judge), config.seeds, data.info, judge)
        run.log.write(step, metrics)
        run.show(step, policy)
        if due(config.checkpoint_every):
            save()
    judge.close()
    return policy


def evaluation_env(config: Any, run: Run) -> BatchedEnv:
    """The run's environment with a world for every episode of an evaluation."""
    from algos.adapters import make_env

    episodes = config.eval_episodes or (128 if run.config["env"]["name"] == "mabc" else 10)
    return make_env(run.config["env"], num_envs=episodes * config.seeds, seed=EVALUATION_SEED)


def judged(returns: np.ndarray, success: np.ndarray, seeds: int, info: dict[str, Any], env: BatchedEnv):
    """Metrics of an evaluation whose worlds were shared out among the seeds."""
    by_seed = returns.reshape(seeds, -1).mean(1)
    metrics = {"episode/return": float(by_seed.mean())}
    if (score := normalised_score(by_seed, info)) is not None:
        metrics["episode/score"] = float(score.mean())
    if env.metadata.get("outcomes", True) or success.any():
        metrics["episode/win_rate"] = float(success.mean())
    if seeds > 1:
        metrics |= {f"episode/return_s{i}": float(value) for i, value in enumerate(by_seed)}
    return metrics
