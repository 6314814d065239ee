"""Minibatches of transitions from recorded episodes, as networks read them.

Shapes: S seeds, M rows of a minibatch, N agents, D features, A actions, k action dimensions. The rows of a team's
minibatch are its agents', step by step: row m * N + n is agent n's in team-step m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from algos.common.errors import require
from algos.common.protocol import BatchedEnv
from algos.data.dataset import Dataset

Batch = dict[str, torch.Tensor]


def to_unit(actions: Any, low: Any, high: Any) -> Any:
    """Actions of the environment, arrays or tensors [..., k], in -1..1 of its bounds [k]."""
    return 2 * (actions - low) / (high - low) - 1


def to_env(actions: Any, low: Any, high: Any) -> Any:
    """Inverse of `to_unit`."""
    return low + (actions + 1) * 0.5 * (high - low)


class Scaling:
    """Observations to mean 0 and deviation 1, actions to -1..1, rewards to a common span, as the dataset has them."""

    NAMES = ("obs_mean", "obs_std", "low", "high", "reward")
    obs_mean: torch.Tensor
    obs_std: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    reward: torch.Tensor

    def __init__(self, obs_mean: Any, obs_std: Any, low: Any, high: Any, reward: Any = 1.0, device: str = "cpu"):
        for name, value in zip(self.NAMES, (obs_mean, obs_std, low, high, reward), strict=True):
            setattr(self, name, torch.as_tensor(value, dtype=torch.float32, device=device))

    @classmethod
    def of(
        cls, data: Dataset, env: BatchedEnv, norm_obs: bool = True, reward: float = 1.0, device: str = "cpu"
    ) -> Scaling:
        """The scaling of a dataset: means over what living agents saw; 1e-3 is added to every deviation."""
        seen = data.obs.reshape(-1, data.obs.shape[-1]) if data.alive is None else data.obs[data.alive]
        D = seen.shape[-1]
        mean, std = (seen.mean(0, np.float64), seen.std(0, dtype=np.float64) + 1e-3) if norm_obs else (0.0, 1.0)
        low, high = (env.action_space.low, env.action_space.high) if not env.num_actions else ([], [])
        require(
            bool(np.isfinite([low, high]).all()),
            f"actions of the environment are not bounded (low={low}, high={high}), and are scaled by their bounds: "
            "give it an action space with finite ones",
        )
        mean, std = (np.broadcast_to(x, D).copy() for x in (mean, std))
        return cls(mean, std, low, high, reward, device)

    def obs(self, obs: torch.Tensor) -> torch.Tensor:
        return (obs - self.obs_mean) / self.obs_std

    def to_unit(self, actions: torch.Tensor) -> torch.Tensor:
        """Actions of the environment as networks have them."""
        return to_unit(actions, self.low, self.high)

    def to_env(self, actions: torch.Tensor) -> torch.Tensor:
        """Inverse of `to_unit`."""
        return to_env(actions, self.low, self.high)

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


class Transitions:
    """A dataset as tensors, scaled, from which steps are picked by their number.

    `steps` are those that minibatches are drawn from: all of which the value of what follows can be asked, that is
    not those whose next row was not seen, unless the task ended. With cut_offs=False no last steps of episodes that
    were cut off either: behind such a step nothing was done in any episode, so nothing holds that value.
    """

    def __init__(self, data: Dataset, scaling: Scaling, device: str = "cpu", cut_offs: bool = True):
        def tensor(array: np.ndarray, kind: torch.dtype) -> torch.Tensor:
            return torch.as_tensor(array, dtype=kind, device=device)

        self.num_agents = data.num_agents
        self.obs = scaling.obs(tensor(data.obs, torch.float32))
        self.row = tensor(data.rows, torch.int64)
        if data.num_actions:
            self.actions = tensor(data.actions, torch.int64)
        else:
            self.actions = scaling.to_unit(tensor(data.actions, torch.float32))
        self.rewards = tensor(data.rewards, torch.float32) * scaling.reward
        self.terminals = tensor(data.terminals, torch.float32)
        self.masks = None if data.masks is None else tensor(data.masks, torch.bool)
        self.alive = None
        if data.alive is not None:
            self.alive = tensor(data.alive, torch.bool)
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
            "terminals": self.terminals.index_select(0, steps),
        }
        if self.masks is not None:
            batch["masks"], batch["next_masks"] = self.masks.index_select(0, row), self.masks.index_select(0, after)
        if self.alive is not None:
            batch["alive"], batch["next_alive"] = self.alive.index_select(0, row), self.alive.index_select(0, after)
            batch["alive"] = batch["alive"] & self.followed.index_select(0, steps)[:, None]
        if N > 1 or self.obs.ndim == 3:
            for key in ("rewards", "terminals"):
                batch[key] = batch[key][:, None].expand(-1, N)
            return {key: value.reshape(len(steps) * N, *value.shape[2:]) for key, value in batch.items()}
        return batch

    def next_actions(self, steps: torch.Tensor) -> Batch:
        """What was done in the step after, and where there was one in the same episode (float, 0 or 1)."""
        known = ~self.last.index_select(0, steps)
        return {"next_actions": self.actions.index_select(0, steps + known), "next_known": known.to(torch.float32)}


class Minibatches:
    """Minibatches drawn uniformly, with replacement; every seed draws its own.

    parts: one dataset's Transitions for all seeds, or one for each.
    """

    def __init__(self, parts: list[Transitions], seeds: int, batch_size: int, seed: int, next_actions: bool = False):
        require(
            all(len(part.steps) for part in parts),
            "no step of the dataset can be learned from: of none is the next observation known or the end reached",
        )
        self.parts, self.seeds, self.next_actions = parts, seeds, next_actions
        self.size = max(1, batch_size // parts[0].num_agents)  # team-steps, so that there are batch_size rows
        self.device = parts[0].obs.device
        self.generator = torch.Generator().manual_seed(seed)

    def sample(self, size: int | None = None) -> Batch:
        """A minibatch, each array [S, M, …], of so many team-steps (None: of batch_size rows)."""
        size = self.size if size is None else size
        if len(self.parts) == 1:
            picked = self._pick(self.parts[0], self.seeds * size)
            return {key: value.view(self.seeds, -1, *value.shape[1:]) for key, value in picked.items()}
        picks = [self._pick(part, size) for part in self.parts]
        return {key: torch.stack([pick[key] for pick in picks]) for key in picks[0]}

    def _pick(self, part: Transitions, count: int) -> Batch:
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
    """Values [S, M] of next observations, those of agents that died being their alive teammates' mean (0 without any).

    The team's reward goes on after a death, and a dead agent's observation says nothing.
    """
    if "next_alive" not in batch:
        return values
    by_team, alive = values.view(len(values), -1, agents), batch["next_alive"].view(len(values), -1, agents)
    mates = (by_team * alive).sum(-1, keepdim=True) / alive.sum(-1, keepdim=True).clamp_min(1)
    return torch.where(alive, by_team, mates).view_as(values)
