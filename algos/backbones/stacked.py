"""Actors and critics of several seeds side by side, so that one call trains all seeds of a run.

Shapes: S seeds, C critics a seed, M rows, D features, k action dimensions, A actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn.functional import log_softmax, softplus

from algos.backbones.masks import legal
from world_models.stacked import MLP

LOG_2 = 0.6931471805599453
HALF_LOG_2PI = 0.9189385332046727


class Critics(nn.Module):
    """C action-value networks for each of S seeds; discrete actions have an output each."""

    def __init__(
        self, seeds: int, critics: int, obs_dim: int, action_dims: int, num_actions: int, hidden: list[int],
        layer_norm: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.seeds, self.critics, self.discrete = seeds, critics, num_actions > 0
        self.net = MLP(seeds * critics, obs_dim + action_dims, hidden, num_actions or 1, layer_norm)

    def _run(self, x: torch.Tensor, first: bool) -> torch.Tensor:
        """Outputs [S, C, M, …] for x [S, M, D']; of each seed's first critic alone: [S, 1, M, …]."""
        C = 1 if first else self.critics
        x = x[:, None].expand(-1, C, -1, -1).reshape(self.seeds * C, *x.shape[1:])
        return self.net(x, self.critics if first else 1).view(self.seeds, C, x.shape[1], -1)

    def forward(self, obs: torch.Tensor, actions: torch.Tensor, first: bool = False) -> torch.Tensor:
        """Values [S, C, M] of actions float32 [S, M, k], or int64 [S, M]; `first`: of the first critic, C = 1."""
        if not self.discrete:
            return self._run(torch.cat([obs, actions], -1), first)[..., 0]
        return values_of(self._run(obs, first), actions)

    def all_actions(self, obs: torch.Tensor) -> torch.Tensor:
        """Values [S, C, M, A] of all discrete actions."""
        return self._run(obs, False)


def values_of(values: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
    """The values [S, C, M] of actions int64 [S, M] among those of all actions [S, C, M, A]."""
    return values.gather(-1, actions[:, None, :, None].expand(*values.shape[:3], 1))[..., 0]


class Actor(Protocol):
    """What chooses actions from observations [S, M, D]: float32 [S, M, k] in -1..1, or int64 [S, M].

    `masks` bool [S, M, A] tells the legal ones of discrete actions.
    """

    stochastic: bool  # whether `draw` gives other actions than `greedy`

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """The action that the policy holds best."""
        ...

    def draw(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """An action sampled from the policy."""
        ...


class TanhActor(nn.Module):
    """Deterministic policy: actions in -1..1."""

    stochastic = False

    def __init__(self, seeds: int, obs_dim: int, action_dims: int, hidden: list[int]):
        super().__init__()
        self.net = MLP(seeds, obs_dim, hidden, action_dims)

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.net(obs).tanh()

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Actions [S, M, k] for observations [S, M, D]."""
        return self(obs)

    draw = greedy


class GaussianActor(nn.Module):
    """Gaussian whose mean lies in -1..1 and whose deviation depends on no input."""

    stochastic = True

    def __init__(self, seeds: int, obs_dim: int, action_dims: int, hidden: list[int]):
        super().__init__()
        self.net = MLP(seeds, obs_dim, hidden, action_dims)
        self.log_std = nn.Parameter(torch.zeros(seeds, 1, action_dims))

    def log_prob(self, obs: torch.Tensor, actions: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Log-density [S, M] of actions [S, M, k]."""
        log_std = self.log_std.clamp(-20, 2)
        z = (actions - self.net(obs).tanh()) * (-log_std).exp()
        return (-0.5 * z * z - log_std - HALF_LOG_2PI).sum(-1)

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Means [S, M, k] for observations [S, M, D]."""
        return self.net(obs).tanh()

    def draw(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Actions [S, M, k] from the Gaussian, clipped to -1..1."""
        mean = self.greedy(obs)
        return (mean + self.log_std.clamp(-20, 2).exp() * torch.randn_like(mean)).clamp(-1, 1)


class SquashedActor(nn.Module):
    """tanh of a Gaussian whose mean and deviation depend on the observation (Haarnoja et al. 2018, appendix C)."""

    stochastic = True

    def __init__(self, seeds: int, obs_dim: int, action_dims: int, hidden: list[int]):
        super().__init__()
        self.net = MLP(seeds, obs_dim, hidden, 2 * action_dims)

    def sample(self, obs: torch.Tensor, repeats: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions [S, M * repeats, k] and their log-densities [S, M * repeats]; a row's repeats are neighbours."""
        mean, log_std = self.net(obs).chunk(2, -1)
        log_std = log_std.clamp(-20, 2)
        if repeats > 1:
            mean, log_std = mean.repeat_interleave(repeats, 1), log_std.repeat_interleave(repeats, 1)
        noise = torch.randn_like(mean)
        x = mean + log_std.exp() * noise
        log_prob = -0.5 * noise * noise - log_std - HALF_LOG_2PI
        return x.tanh(), (log_prob - 2 * (LOG_2 - x - softplus(-2 * x))).sum(-1)

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """tanh of the means [S, M, k] for observations [S, M, D]."""
        return self.net(obs).chunk(2, -1)[0].tanh()

    def draw(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Actions [S, M, k] from the policy."""
        return self.sample(obs)[0]


class CategoricalActor(nn.Module):
    """Probabilities of A actions, of which `masks` bool [S, M, A] tells the legal ones."""

    stochastic = True

    def __init__(self, seeds: int, obs_dim: int, num_actions: int, hidden: list[int]):
        super().__init__()
        self.net = MLP(seeds, obs_dim, hidden, num_actions)

    def log_probs(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Log-probabilities [S, M, A]."""
        return log_softmax(legal(self.net(obs), masks), -1)

    def log_prob(self, obs: torch.Tensor, actions: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Log-probabilities [S, M] of actions int64 [S, M]."""
        return self.log_probs(obs, masks).gather(-1, actions[..., None])[..., 0]

    def greedy(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """The likeliest legal actions, int64 [S, M]."""
        return legal(self.net(obs), masks).argmax(-1)

    def draw(self, obs: torch.Tensor, masks: torch.Tensor | None = None) -> torch.Tensor:
        """Legal actions, int64 [S, M], from the policy."""
        return Categorical(logits=legal(self.net(obs), masks), validate_args=False).sample()


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Within it gradients go through these networks, but not into them: half the work of going back."""
    parameters = [p for module in modules for p in module.parameters()]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)


@torch.no_grad()
def polyak(target: nn.Module, source: nn.Module, tau: float) -> None:
    """target <- (1 - tau) target + tau source, weight by weight."""
    torch._foreach_lerp_(list(target.parameters()), list(source.parameters()), tau)
