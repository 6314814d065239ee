"""Policies that were learned offline, and how they come back from a checkpoint.

Shapes: S seeds, M rows, B worlds, N agents, A actions, k action dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from algos.common.errors import CheckpointError
from algos.offline.minibatches import Scaling


class Policy:
    """A trained actor as a plain function of arrays; MABC takes it as an opponent as it is.

    policy(obs [B, N, …], mask [B, N, A], memory) -> (actions [B, N] or [B, N, k], None). `seed` is the one of the run's
    seeds that acts; None: the worlds are shared out among the seeds, in order. With greedy=False actions are sampled,
    by torch's global random numbers, where the actor has a distribution: that of td3_bc and rebrac, of bc with
    continuous actions and of cql with discrete ones has none.
    """

    references: dict[str, float] | None = None  # returns of the dataset's "random" and "expert", if it names them

    def __init__(self, actor: Any, scaling: Scaling, seeds: int, seed: int | None = 0, greedy: bool = True):
        self.actor, self.scaling, self.seeds, self.seed = actor, scaling, seeds, seed
        self.greedy = greedy or not actor.stochastic
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


def load_policy(make: Callable, config_class: type, config: dict[str, Any], state: dict[str, Any], device: str = "cpu",
                greedy: bool = True) -> Policy:  # fmt: skip
    """Policy of a run's first seed from the `algo` part of its configuration and the state in its checkpoint."""
    if not state:
        raise CheckpointError("the run holds no policy yet: its world models were still being trained; resume= goes on")
    settings = config_class(**config)
    learner = make(settings, state["sizes"], 1)
    load = {name: torch.as_tensor(value) for name, value in state["nets"].items()}
    learner.nets.load_state_dict(load)
    learner.nets.to(device)
    policy = Policy(learner.actor, Scaling(**state["scaling"], device=device), settings.seeds, greedy=greedy)
    policy.references = state["references"]
    return policy
