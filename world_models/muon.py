"""Muon for layers of several members side by side, with AdamW for all that is no matrix.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) replaces the momentum of a weight matrix by the nearest
orthogonal one, so that all directions move alike; the size of its steps is matched to AdamW's (Liu et al. 2025, arXiv
2502.16982, eq. 4). Weights are [E, inputs, outputs]: each member's matrix is orthogonalised by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that takes singular values to about 1, from Jordan et al."""


def orthogonal(x: torch.Tensor, rounds: int = 5) -> torch.Tensor:
    """Matrices [E, a, b] with the singular vectors of x [E, a, b] and singular values near 1, by Newton-Schulz."""
    a, b, c = COEFFICIENTS
    tall = x.shape[1] > x.shape[2]
    found = x.mT if tall else x
    found = found / (found.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(rounds):
        square = found @ found.mT
        found = torch.baddbmm(found, torch.baddbmm(square, square, square, beta=b, alpha=c), found, beta=a)
    return found.mT if tall else found


class Muon:
    """Muon for weight matrices, AdamW for vectors. Schedules set "lr" in `param_groups`, as for any optimiser."""

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        lr: float,
        weight_decay: float,
        half: bool = False,  # orthogonalise in bfloat16
        momentum: float = 0.95,
    ):
        params = list(params)
        self.weight_decay, self.momentum = weight_decay, momentum
        self.kind = torch.bfloat16 if half else torch.float32
        self.matrices = [param for param in params if param.shape[1] > 1]
        self.speeds = [torch.zeros_like(param) for param in self.matrices]
        vectors = [param for param in params if param.shape[1] == 1]
        self.adam = torch.optim.AdamW(vectors, lr, weight_decay=weight_decay, fused=True)
        self.param_groups = self.adam.param_groups

    @torch.no_grad()
    def step(self) -> None:
        """One step down the gradients."""
        self.adam.step()
        lr = self.param_groups[0]["lr"]
        for param, speed in zip(self.matrices, self.speeds, strict=True):
            if param.grad is None:
                continue
            speed.lerp_(param.grad, 1 - self.momentum)
            move = orthogonal(param.grad.lerp(speed, self.momentum).to(self.kind)).to(param.dtype)
            size = 0.2 * math.sqrt(max(param.shape[1:]))
            param.mul_(1 - lr * self.weight_decay).add_(move, alpha=-lr * size)
