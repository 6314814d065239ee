"""Rollouts: so many steps in every world, with all that is learned from them. What online algorithms share.

Shapes: T steps, B worlds, N agents, A actions, k action dimensions, L steps of a chunk, H hidden. Time comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from algos.common.protocol import BatchedEnv, shares_reward
from algos.common.returns import representatives
from algos.common.views import Views, specs_of, views_of

Batch = dict[str, Any]  # arrays [L, M, …], hidden states [M, H], and "views", a dictionary of arrays [L, M, …]
Act = Callable[[Views, torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
"""(views [1, B * N, …], masks [B * N, A], hidden [B * N, H], first [1, B * N]) -> action, log-probability, hidden"""


class Cut(NamedTuple):
    """Last views of episodes that were truncated: their values continue the return."""

    step: int  # of the rollout
    worlds: np.ndarray  # int [M]
    views: Views  # [M, N, …] as networks read them; the state [M, S]


class Rollout:
    """One rollout, allocated once. Row T of what is seen is row 0 of the next rollout.

    `seen` are the views as the environment gives them; `views` as networks read them, prepared once.
    """

    def __init__(
        self, env: BatchedEnv, num_steps: int, reads: list[str], prepare: Callable[[str, torch.Tensor], torch.Tensor],
        chunk_length: int = 0, hidden_size: int = 1, device: str = "cpu",
    ):  # fmt: skip
        """reads: the views that are wanted. prepare: a view as networks read it. chunk_length: of a GRU, 0 without."""
        T, B, N = num_steps, env.num_envs, env.num_agents
        self.env, self.prepare, self.device, self.chunk_length = env, prepare, device, chunk_length
        specs = specs_of(env)
        self.reads, self.names = reads, [name for name in specs if name != "state"]
        self.seen: Views = {}
        for name in self.names + ["state"] * ("state" in reads):
            shape = (T + 1, B, *specs[name].shape) if name == "state" else (T + 1, B, N, *specs[name].shape)
            self.seen[name] = torch.zeros(shape, dtype=getattr(torch, specs[name].dtype), device=device)
        self.views = {name: prepare(name, seen) for name, seen in self.seen.items()}

        def new(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self.masks = new(T, B, N, env.num_actions, dtype=torch.bool)
        self.alive = np.ones((T + 1, B, N), bool)
        self.valued = self.alive  # rows of the critic: the living and dead teams' representatives
        self.first = np.ones((T + 1, B), bool)  # an episode begins
        dims = () if env.num_actions else (int(np.prod(env.action_space.shape)),)
        self.actions = new(T, B, N, *dims, dtype=torch.float32 if dims else torch.int64)
        self.log_probs = new(T, B, N)
        self.rewards = np.zeros((T, B, N), np.float32)
        self.terminated = np.zeros((T, B), bool)
        self.truncated = np.zeros((T, B), bool)
        chunks = T // chunk_length if chunk_length else 1
        self.actor_hidden = new(chunks, B * N, hidden_size)
        self.critic_hidden = torch.zeros_like(self.actor_hidden)
        self.cuts: list[Cut] = []

    @property
    def shape(self) -> tuple[int, int, int]:
        """T, B and N."""
        T, B, N = self.rewards.shape
        return T, B, N

    def see(self, t: int, obs: Any, alive: np.ndarray) -> None:
        """Copy what is seen before step t out of the environment's buffers."""
        found = views_of(obs, self.names)
        if "state" in self.seen:
            found["state"] = self.env.state()
        for name, array in found.items():
            self.seen[name][t].copy_(torch.as_tensor(array))
            self._prepare(name, t)
        self.alive[t] = alive

    def _prepare(self, name: str, t: int) -> None:
        if self.views[name] is not self.seen[name]:
            self.views[name][t] = self.prepare(name, self.seen[name][t])

    @torch.inference_mode()
    def collect(self, act: Act, hidden: torch.Tensor, episodes: EpisodeStats) -> torch.Tensor:
        """T steps in every world, from the last row on; returns the actor's hidden state [B * N, H]."""
        env, (T, B, N) = self.env, self.shape
        self.cuts.clear()
        self.alive[0], self.first[0] = self.alive[-1], self.first[-1]
        for seen in self.seen.values():
            seen[0] = seen[-1]
        for name in self.seen:
            self._prepare(name, 0)
        for t in range(T):
            if self.chunk_length and t % self.chunk_length == 0:
                self.actor_hidden[t // self.chunk_length] = hidden
            self.masks[t].copy_(torch.from_numpy(env.action_mask()))
            first = torch.from_numpy(self.first[t]).to(self.device).repeat_interleave(N)[None]
            mask = self.masks[t].view(B * N, -1)
            action, log_prob, hidden = act(self.at(t), mask, hidden, first)
            self.actions[t].copy_(action.view(self.actions[t].shape))
            self.log_probs[t].copy_(log_prob.view(B, N))
            obs, reward, terminated, truncated, info = env.step(self.actions[t].cpu().numpy())
            self.rewards[t], self.terminated[t], self.truncated[t] = reward, terminated, truncated
            self.first[t + 1] = terminated | truncated
            cut = truncated & ~terminated  # both at once: the last step before the limit also ended the task
            if cut.any():
                self._keep_cut(t, np.flatnonzero(cut), info)
            self.see(t + 1, obs, info["alive"])
            episodes.add(self.first[t + 1], info)
        shared = shares_reward(env)
        self.valued = self.alive | representatives(self.alive, env.agent_teams) if shared else self.alive
        return hidden

    def _keep_cut(self, t: int, worlds: np.ndarray, info: dict[str, Any]) -> None:
        found = views_of(info["final_obs"], self.names)
        if "state" in self.seen:
            found["state"] = info["final_state"]
        views = {name: torch.as_tensor(array[worlds]).to(self.seen[name]) for name, array in found.items()}
        self.cuts.append(Cut(t, worlds, {name: self.prepare(name, view) for name, view in views.items()}))

    def at(self, t: int) -> Views:
        """The views of step t with an axis for the step: [1, B * N, …]."""
        return rows_of({name: view[t] for name, view in self.views.items()}, self.env.num_agents, self.reads)

    def gather(self, rows: torch.Tensor) -> Views:
        """The views [M, …] of some rows (t, b, n), numbered in that order."""
        N = self.env.num_agents
        found = {name: self.views[name].flatten(0, 2)[rows] for name in self.names}
        if "state" in self.views:
            found["state"] = self.views["state"].flatten(0, 1)[rows // N]
        if "agent_id" in self.reads:
            found["agent_id"] = torch.eye(N, device=rows.device)[rows % N]
        return found

    def batch(self, values: np.ndarray, advantages: np.ndarray, returns: np.ndarray) -> Batch:
        """The rollout as rows of living agents and of dead teams' representatives, with what is given, each [T, B, N].

        With a memory a row is a chunk of L steps, without L is 1.
        """
        T, B, N = self.shape
        L = self.chunk_length or 1
        alive, valued = self.alive[:-1], self.valued[:-1]
        chunk, agent = np.nonzero(valued.reshape(T // L, L, B * N).any(1))
        numbers = torch.from_numpy((chunk * L * B * N + agent)[None]) + torch.arange(L)[:, None] * B * N  # [L, M]
        rows = numbers.reshape(-1).to(self.device)

        def shaped(x: torch.Tensor) -> torch.Tensor:
            return x.view(L, len(chunk), *x.shape[1:])

        def pick(x: np.ndarray | torch.Tensor) -> torch.Tensor:
            return shaped(torch.as_tensor(x, device=rows.device).reshape(T * B * N, *x.shape[3:])[rows])

        found: Batch = {
            "views": {name: shaped(view) for name, view in self.gather(rows).items()},
            "masks": pick(self.masks), "actions": pick(self.actions), "log_probs": pick(self.log_probs),
            "values": pick(values), "advantages": pick(advantages), "returns": pick(returns),
        }  # fmt: skip
        if self.chunk_length or (valued & ~alive).any():
            found["weight"], found["value_weight"] = pick(alive).to(torch.float32), pick(valued).to(torch.float32)
        if self.chunk_length:
            found["first"] = pick(np.broadcast_to(self.first[:-1, :, None], (T, B, N)).copy())
            at = torch.from_numpy(chunk).to(rows.device), torch.from_numpy(agent).to(rows.device)
            found["actor_hidden"], found["critic_hidden"] = self.actor_hidden[at], self.critic_hidden[at]
        return found


def minibatch(batch: Batch, part: torch.Tensor) -> Batch:
    """Some rows of a batch, int64 [M']."""
    found = {k: v.index_select(0 if k.endswith("hidden") else 1, part) for k, v in batch.items() if k != "views"}
    return found | {"views": {name: view.index_select(1, part) for name, view in batch["views"].items()}}


def rows_of(views: Views, num_agents: int, reads: list[str]) -> Views:
    """Views [B, N, …] and the state [B, S] of one moment as rows [1, B * N, …], with the agents' numbers if wanted."""
    found = {name: view.flatten(0, 1)[None] for name, view in views.items() if name != "state"}
    like = next(iter(found.values()))
    worlds = like.shape[1] // num_agents
    if "state" in views:
        found["state"] = views["state"].repeat_interleave(num_agents, 0)[None]
    if "agent_id" in reads:
        found["agent_id"] = torch.eye(num_agents, device=like.device).repeat(worlds, 1)[None]
    return found


class EpisodeStats:
    """What the episodes that ended since the last report were like."""

    def __init__(self) -> None:
        self.count, self.sums = 0, {"return": 0.0, "length": 0.0, "win_rate": 0.0, "draw_rate": 0.0}

    def add(self, done: np.ndarray, info: dict[str, np.ndarray]) -> None:
        ended = np.flatnonzero(done)
        if len(ended):
            self.count += len(ended)
            self.sums["return"] += float(info["episode_return"][ended].mean(-1, dtype=np.float64).sum())
            self.sums["length"] += float(info["episode_length"][ended].sum())
            self.sums["win_rate"] += float(info["success"][ended].mean(-1, dtype=np.float64).sum())
            self.sums["draw_rate"] += float((info["outcome"][ended] == 0).sum())

    def report(self, env: BatchedEnv) -> dict[str, float | None]:
        """Means, then start anew; None where no episode ended.

        Win rates where something can be won and one team learns. With several the policy plays itself, and one
        team's win is another's defeat: draw rates are all that there is to tell.
        """
        means: dict[str, float | None] = {
            f"episode/{key}": total / self.count if self.count else None for key, total in self.sums.items()
        }
        outcomes, rivals = env.metadata.get("outcomes", True), len(np.unique(env.agent_teams)) > 1
        if rivals or not outcomes:
            means.pop("episode/win_rate")
        if not rivals or not outcomes:
            means.pop("episode/draw_rate")
        means["episode/count"] = self.count
        self.count, self.sums = 0, dict.fromkeys(self.sums, 0.0)
        return means

    def state(self) -> dict[str, Any]:
        return {"count": self.count, "sums": self.sums}

    def load_state(self, state: dict[str, Any]) -> None:
        self.count = state["count"]
        self.sums.update(state["sums"])
