"""Heads: what a policy network's outputs mean, as a distribution over actions.

Shapes: M rows (any leading axes), A actions, k action dimensions.
"""

from __future__ import annotations

from typing import Protocol

import torch

from algos.backbones.masks import legal


class Head(Protocol):
    """A distribution over actions for each row of outputs [M, O] and legal actions, bool [M, A]."""

    def sample(self, out: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Actions drawn from it and their log-probabilities [M]."""
        ...

    def mode(self, out: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The likeliest actions."""
        ...

    def log_prob_entropy(
        self, out: torch.Tensor, mask: torch.Tensor, action: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability of actions, and entropy, [M] each."""
        ...


def masked_log_probs(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Log-probabilities [M, A] with illegal actions (mask False) at about minus infinity, but finite."""
    return torch.log_softmax(legal(logits, mask), -1)


class Categorical:
    """Discrete actions, int64 [M]; outputs are logits [M, A]."""

    def sample(self, out: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """By the Gumbel trick in its exponential form: argmax of p / e with e ~ Exp(1)."""
        log_probs = masked_log_probs(out, mask)
        noise = torch.empty_like(log_probs).exponential_().clamp_min_(1e-30).log_()  # at least -70
        action = (log_probs - noise).argmax(-1)
        return action, log_probs.gather(-1, action[..., None])[..., 0]

    def mode(self, out: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return masked_log_probs(out, mask).argmax(-1)

    def log_prob_entropy(
        self, out: torch.Tensor, mask: torch.Tensor, action: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        log_probs = masked_log_probs(out, mask)
        entropy = -(log_probs.exp() * log_probs).sum(-1)
        return log_probs.gather(-1, action[..., None])[..., 0], entropy


class Gaussian:
    """Continuous actions, float32 [M, k]; outputs are means [M, k], the deviations depend on no input."""

    def __init__(self, log_std: torch.Tensor):
        """log_std: [k], a parameter of whoever has this head."""
        self.log_std = log_std

    def sample(self, out: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        action = out + self.log_std.exp() * torch.randn_like(out)
        return action, self.log_prob_entropy(out, mask, action)[0]

    def mode(self, out: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return out

    def log_prob_entropy(
        self, out: torch.Tensor, mask: torch.Tensor, action: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        normal = torch.distributions.Normal(out, self.log_std.exp().expand_as(out), validate_args=False)
        return normal.log_prob(action).sum(-1), normal.entropy().sum(-1)
