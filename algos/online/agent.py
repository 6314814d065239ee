"""Actor and critic, shared by all learning agents, and the policy that they become.

Shapes: B worlds, N agents, A actions, k action dimensions, L steps of a chunk, M rows, O outputs, H hidden.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from algos.backbones.encoders import ENCODERS, Encoder, linear
from algos.backbones.heads import Categorical, Gaussian, Head, masked_log_probs
from algos.backbones.memory import GRU
from algos.common.errors import BadInput
from algos.common.protocol import BatchedEnv
from algos.common.value_norm import RunningNorm
from algos.common.views import Views, ViewSpec, specs_of, views_of
from algos.online.rollout import rows_of


class Net(nn.Module):
    """An encoder of views, then perhaps a memory, then a linear layer."""

    def __init__(self, specs: dict[str, ViewSpec], outputs: int, config: Any, gain: float):
        super().__init__()
        self.hidden_size, self.reads = config.hidden_size, list(specs)
        self.encoder: Encoder = ENCODERS[config.encoder](
            specs, config.hidden_size, config.num_layers, config.activation
        )
        self.memory = GRU(self.encoder.width, config.hidden_size) if config.recurrent else None
        self.head = linear(config.hidden_size if config.recurrent else self.encoder.width, outputs, gain)

    def forward(self, views: Views, hidden: torch.Tensor, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs [L, M, O] and the last hidden state [M, H] of views [L, M, …].

        hidden [M, H] before the first step and first bool [L, M] (an episode begins) matter to a memory only.
        """
        features = self.encoder(views)
        if self.memory is not None:
            features, hidden = self.memory(features, hidden, first)
        return self.head(features), hidden


class Agent(nn.Module):
    """Actor and critic; `spec` is what they know of the environment (`spec_of`).

    config has encoder, hidden_size, num_layers, activation, recurrent, agent_id, centralised and norm_obs.
    """

    obs_mean: torch.Tensor
    obs_std: torch.Tensor

    def __init__(self, spec: dict[str, Any], config: Any):
        super().__init__()
        self.spec, self.config = spec, config
        specs = {name: ViewSpec(tuple(shape), dtype) for name, (shape, dtype) in spec["views"].items()}
        state = specs.pop("state", None)
        self.names = list(specs)
        if config.agent_id:
            specs["agent_id"] = ViewSpec((spec["agents"],), "float32")
        critic_only: dict[str, ViewSpec] = {}
        if config.centralised:
            if state is None:
                raise BadInput("a centralised critic reads numbers or pictures as its state: use env.state=vector")
            critic_only["state"] = state
        self.actor = Net(specs, spec["actions"] or spec["action_dims"], config, 0.01)
        self.critic = Net(specs | critic_only, 1, config, 1.0)
        self.log_std = nn.Parameter(torch.zeros(spec["action_dims"]))  # continuous actions only
        self.head: Head = Gaussian(self.log_std) if spec["action_dims"] else Categorical()
        width = specs["vector"].shape[0] if "vector" in specs else 0
        self.register_buffer("obs_mean", torch.zeros(width))
        self.register_buffer("obs_std", torch.ones(width))

    def prepare(self, name: str, view: torch.Tensor) -> torch.Tensor:
        """A view as networks read it: the vector normalised, others as they are."""
        if name == "vector" and self.config.norm_obs:
            return ((view - self.obs_mean) / self.obs_std).clamp(-10, 10)
        return view


def spec_of(env: BatchedEnv) -> dict[str, Any]:
    """What the networks' shapes depend on, as a checkpoint's tree."""
    continuous = env.num_actions == 0
    return {
        "views": {name: [list(spec.shape), spec.dtype] for name, spec in specs_of(env).items()},
        "agents": env.num_agents,
        "actions": env.num_actions,
        "action_dims": int(np.prod(env.action_space.shape)) if continuous else 0,
    }


class Policy:
    """A trained actor as a plain function of arrays; MABC takes it as an opponent as it is.

    policy(obs, mask [B, N, A], memory) -> (actions [B, N], memory), obs being what the environment gives, [B, N, …].
    `memory` is None at first; afterwards an array [B, N, H] whose rows the caller sets to zero where a new episode
    begins, or None without a GRU. N may be less than in training, where a policy plays the first agents only.
    """

    references: dict[str, float] | None = None  # of a dataset: there is none

    def __init__(self, agent: Agent, greedy: bool = True, value_norm: RunningNorm | None = None):
        self.agent, self.greedy, self.value_norm = agent, greedy, value_norm or RunningNorm()
        self.dtypes = {name: getattr(torch, dtype) for name, (_, dtype) in agent.spec["views"].items()}

    @torch.inference_mode()
    def __call__(
        self, obs: Any, mask: np.ndarray, memory: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        B, N = mask.shape[:2]
        out, memory = self._run(self.agent.actor, self._views(obs, N), memory, N)
        legal = torch.as_tensor(mask, device=out.device).reshape(B * N, -1)
        chosen = self.agent.head.mode(out, legal) if self.greedy else self.agent.head.sample(out, legal)[0]
        return chosen.cpu().numpy().reshape(B, N, *([] if mask.shape[-1] else [-1])), memory

    @torch.inference_mode()
    def explain(
        self, obs: Any, mask: np.ndarray, memory: np.ndarray | None, states: np.ndarray,
        critic_memory: np.ndarray | None = None,
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:  # fmt: skip
        """What led to the actions of a step: {"value": float32 [B, N], "probs": float32 [B, N, A]}.

        Called before the policy, with the same arguments and the states [B, …] of that step. value: the
        discounted reward that the critic expects; probs: the policy's, before it is made greedy (left out where
        actions are continuous). The second result is to be passed on as `critic_memory`, which is as `memory`.
        """
        B, N = mask.shape[:2]
        views = self._views(obs, N, states if "state" in self.agent.critic.reads else None)
        value, critic_memory = self._run(self.agent.critic, views, critic_memory, N)
        found = {"value": self.value_norm.denormalise(value.view(B, N).cpu().numpy())}
        if not self.agent.spec["action_dims"]:
            out, _ = self._run(self.agent.actor, views, memory, N)
            legal = torch.as_tensor(mask, device=out.device).view(out.shape)
            found["probs"] = masked_log_probs(out, legal).exp().view(mask.shape).cpu().numpy()
        return found, critic_memory

    def _views(self, obs: Any, num_agents: int, states: np.ndarray | None = None) -> Views:
        """Rows [1, B * N, …] as networks read them."""
        agent, found = self.agent, views_of(obs, self.agent.names)
        if states is not None:
            found["state"] = states
        views = {
            name: agent.prepare(name, torch.as_tensor(view, dtype=self.dtypes[name], device=agent.log_std.device))
            for name, view in found.items()
        }
        rows = rows_of(views, num_agents, agent.critic.reads)
        if agent.config.agent_id:
            missing = agent.spec["agents"] - num_agents
            rows["agent_id"] = nn.functional.pad(rows["agent_id"], (0, missing))
        return rows

    def _run(
        self, net: Net, views: Views, memory: np.ndarray | None, num_agents: int
    ) -> tuple[torch.Tensor, np.ndarray | None]:
        """Outputs [B * N, O] of a network, and its memory afterwards."""
        device = self.agent.log_std.device
        rows = next(iter(views.values())).shape[1]
        hidden = torch.zeros(rows, net.hidden_size, device=device)
        if memory is not None:
            hidden = torch.as_tensor(memory, device=device).view(rows, -1)
        out, hidden = net(views, hidden, torch.zeros(1, rows, dtype=torch.bool, device=device))
        after = None if net.memory is None else hidden.view(-1, num_agents, net.hidden_size).cpu().numpy()
        return out[0], after


def load_policy(config: Any, state: dict[str, Any], device: str = "cpu", greedy: bool = True) -> Policy:
    """Policy from an algorithm's configuration and the state in a checkpoint of its."""
    agent = Agent(state["spec"], config)
    agent.load_state_dict({name: torch.as_tensor(value) for name, value in state["weights"].items()})
    value_norm = RunningNorm()
    value_norm.load_state_dict(state["value_norm"])
    return Policy(agent.to(device).eval(), greedy, value_norm)
