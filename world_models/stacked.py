"""Layers of several networks side by side: one call of a batched product instead of a loop over small networks.

Shapes: E members (of an ensemble, or seeds of a run), M rows. Members start from different weights and share nothing;
a loss summed over members trains each as if it were alone, because Adam treats every weight by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

RELU = partial(nn.ReLU, inplace=True)


class Linear(nn.Module):
    """E linear layers: x [E, M, inputs] -> [E, M, outputs], each member started as torch.nn.Linear is."""

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: torch.Tensor, every: int = 1) -> torch.Tensor:
        return torch.baddbmm(self.bias[::every], x, self.weight[::every])


class LayerNorm(nn.Module):
    """E layer normalisations over the last axis: x [E, M, width] -> the same shape."""

    def __init__(self, members: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, 1, width))
        self.bias = nn.Parameter(torch.zeros(members, 1, width))

    def forward(self, x: torch.Tensor, every: int = 1) -> torch.Tensor:
        return torch.addcmul(self.bias[::every], nn.functional.layer_norm(x, x.shape[-1:]), self.weight[::every])


class MLP(nn.Module):
    """E multi-layer perceptrons: x [E, M, inputs] -> [E, M, outputs]; x [M, inputs] is shown to every member.

    `every` asks members 0, every, 2 * every … alone, of which x then has as many.
    """

    def __init__(
        self,
        members: int,
        inputs: int,
        hidden: list[int],
        outputs: int,
        layer_norm: bool = False,
        activation: Callable[[], nn.Module] = RELU,
    ):
        super().__init__()
        self.members = members
        self.activation = activation()
        sizes = list(zip([inputs, *hidden[:-1]], hidden, strict=True)) if hidden else []
        self.layers = nn.ModuleList(Linear(members, before, after) for before, after in sizes)
        self.norms = nn.ModuleList(LayerNorm(members, width) for width in hidden) if layer_norm else None
        self.head = Linear(members, hidden[-1] if hidden else inputs, outputs)

    def forward(self, x: torch.Tensor, every: int = 1) -> torch.Tensor:
        if x.ndim == 2:
            x = x.expand(self.members // every, *x.shape)
        for i, layer in enumerate(self.layers):
            x = self.activation(layer(x, every))
            if self.norms is not None:
                x = self.norms[i](x, every)
        return self.head(x, every)


def clip_each(parameters: list[nn.Parameter], members: int, limit: float) -> None:
    """Shorten the gradient of each of several networks side by side to `limit`: one's jump must not slow the others."""
    grads = [param.grad for param in parameters if param.grad is not None]
    squares = torch.stack([grad.reshape(members, -1).square().sum(1) for grad in grads]).sum(0)
    factor = (limit / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad *= factor.repeat_interleave(len(grad) // members).view(-1, *[1] * (grad.ndim - 1))
