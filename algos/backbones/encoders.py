"""Encoders: from the views of a row to features.

| `algo.encoder=` | reads | network |
|---|---|---|
| `mlp` | numbers alone (`vector`, `agent_id`, `state`) | linear layers |
| `cnn` | pictures, and numbers beside them | convolutions over each picture, then linear layers |
| `entities` | entities with their masks, and numbers beside them | attention, whatever their order and number |

An encoder of your own is a class here with the same constructor, `width` and `forward`, and a line in ENCODERS.

Shapes: L steps, M rows, D numbers, E entities, H features.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from algos.common.errors import BadInput
from algos.common.views import Views, ViewSpec

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": partial(nn.ReLU, inplace=True), "tanh": nn.Tanh}


class Encoder(Protocol):
    """A module that is made by `Encoder(specs, hidden_size, num_layers, activation)`.

    Views that it does not read are refused there by BadInput, with what would do.
    """

    width: int  # of the features

    def __call__(self, views: Views) -> torch.Tensor:
        """Features [L, M, width] of views [L, M, …]."""
        ...


def linear(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """A linear layer, orthogonal at the start."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def hidden_layers(inputs: int, hidden_size: int, num_layers: int, activation: str) -> nn.Sequential:
    """Linear layers with activations behind them."""
    layers: list[nn.Module] = []
    for i in range(num_layers):
        layers.append(linear(hidden_size if i else inputs, hidden_size, math.sqrt(2)))
        layers.append(ACTIVATIONS[activation]())
    return nn.Sequential(*layers)


def numbers_in(specs: dict[str, ViewSpec]) -> list[str]:
    """The views that are plain numbers."""
    return [name for name, spec in specs.items() if len(spec.shape) == 1 and spec.dtype.startswith("float")]


def pictures_in(specs: dict[str, ViewSpec]) -> list[str]:
    """The views that are pictures."""
    return [name for name, spec in specs.items() if len(spec.shape) == 3]


def entities_in(specs: dict[str, ViewSpec]) -> list[str]:
    """The views that are entities with a mask."""
    return [name for name in specs if f"{name}_mask" in specs]


def joined(views: Views, names: list[str]) -> torch.Tensor:
    """Views of numbers side by side, [L, M, D]."""
    return views[names[0]] if len(names) == 1 else torch.cat([views[name] for name in names], -1)


class MLP(nn.Module):
    """Linear layers over all numbers side by side."""

    def __init__(self, specs: dict[str, ViewSpec], hidden_size: int, num_layers: int, activation: str):
        super().__init__()
        self.names = numbers_in(specs)
        if other := sorted(set(specs) - set(self.names)):
            fit = "cnn" if pictures_in(specs) else "entities"
            told = ", ".join(other)
            raise BadInput(
                f"algo.encoder=mlp reads no {told}: use algo.encoder={fit}, or env.obs=vector env.state=vector"
            )
        inputs = sum(specs[name].shape[0] for name in self.names)
        self.width = hidden_size if num_layers else inputs
        self.body = hidden_layers(inputs, hidden_size, num_layers, activation)

    def forward(self, views: Views) -> torch.Tensor:
        return self.body(joined(views, self.names))


class CNN(nn.Module):
    """Convolutions over each picture, whose features and all numbers then go through linear layers."""

    def __init__(self, specs: dict[str, ViewSpec], hidden_size: int, num_layers: int, activation: str):
        super().__init__()
        self.pictures, self.names = pictures_in(specs), numbers_in(specs)
        other = sorted(set(specs) - {*self.pictures, *self.names})
        if other or not self.pictures:
            told = f"reads no {', '.join(other)}" if other else f"needs a picture, and there is {', '.join(specs)}"
            raise BadInput(f"algo.encoder=cnn {told}: use env.obs=planes or rgb, or another algo.encoder")
        self.last = {name for name in self.pictures if specs[name].shape[-1] == 3}  # channels
        self.convolutions = nn.ModuleDict()
        inputs = sum(specs[name].shape[0] for name in self.names)
        for name in self.pictures:
            shape = specs[name].shape
            channels, *sides = (shape[-1], *shape[:2]) if name in self.last else shape
            layers = self._layers(channels, min(sides), activation)
            with torch.no_grad():
                inputs += layers(torch.zeros(1, channels, *sides)).shape[1]
            self.convolutions[name] = layers
        self.width = hidden_size if num_layers else inputs
        self.body = hidden_layers(inputs, hidden_size, num_layers, activation)

    @staticmethod
    def _layers(channels: int, side: int, activation: str) -> nn.Sequential:
        """Two convolutions that halve the sides; before them, where there are many, one over blocks of 8 pixels."""
        layers: list[nn.Module] = []
        if side > 64:
            layers += [nn.Conv2d(channels, 32, 8, 8), ACTIVATIONS[activation]()]
            channels = 32
        layers += [nn.Conv2d(channels, 32, 3, 2, 1), ACTIVATIONS[activation]()]
        layers += [nn.Conv2d(32, 64, 3, 2, 1), ACTIVATIONS[activation](), nn.Flatten()]
        for layer in layers:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.orthogonal_(layer.weight, math.sqrt(2))
                nn.init.zeros_(layer.bias)
        return nn.Sequential(*layers)

    def forward(self, views: Views) -> torch.Tensor:
        found = [views[name] for name in self.names]
        for name in self.pictures:
            x = views[name]
            rows = x.flatten(0, 1)
            rows = rows.permute(0, 3, 1, 2) if name in self.last else rows
            rows = rows.float() / 255 if rows.dtype == torch.uint8 else rows
            found.append(self.convolutions[name](rows).view(*x.shape[:2], -1))
        return self.body(found[0] if len(found) == 1 else torch.cat(found, -1))


class Attention(nn.Module):
    """One query attends to masked tokens, then a layer of its own: a round of `Entities`."""

    HEADS = 4

    def __init__(self, size: int, activation: str):
        super().__init__()
        self.query, self.out = linear(size, size, 1.0), linear(size, size, 1.0)
        self.keys_values = linear(size, 2 * size, 1.0)
        self.norm, self.mlp = nn.LayerNorm(size), hidden_layers(size, size, 1, activation)

    def forward(self, x: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Features [M, H] from x [M, H], tokens [M, E, H] and mask bool [M, E]."""
        q = self.query(x).view(len(x), 1, self.HEADS, -1).transpose(1, 2)
        k, v = self.keys_values(tokens).view(*tokens.shape[:2], 2, self.HEADS, -1).permute(2, 0, 3, 1, 4)
        x = x + self.out(scaled_dot_product_attention(q, k, v, mask[:, None, None]).transpose(1, 2).flatten(1))
        return x + self.mlp(self.norm(x))


class Entities(nn.Module):
    """The agent's own tank asks all entities that it sees, in `num_layers` rounds of attention with one query.

    Pooling by multi-head attention (Lee et al. 2019, "Set transformer"): no order of the rows matters, none that is
    masked, and there may be more of them than in training. That only one row asks, which makes the cost linear in the
    number of entities, is our choice.
    """

    def __init__(self, specs: dict[str, ViewSpec], hidden_size: int, num_layers: int, activation: str):
        super().__init__()
        self.kinds, self.names = entities_in(specs), numbers_in(specs)
        other = sorted(set(specs) - {*self.kinds, *(f"{kind}_mask" for kind in self.kinds), *self.names})
        if other or "tanks" not in self.kinds:
            told = f"reads no {', '.join(other)}" if other else f"needs entities, and there is {', '.join(specs)}"
            raise BadInput(f"algo.encoder=entities {told}: use env.obs=entities, or another algo.encoder")
        if hidden_size % Attention.HEADS:
            raise BadInput(
                f"algo.hidden_size={hidden_size}: with algo.encoder=entities a multiple of {Attention.HEADS}"
            )
        gain = math.sqrt(2)
        self.embed = nn.ModuleDict({kind: linear(specs[kind].shape[1], hidden_size, gain) for kind in self.kinds})
        self.nothing = nn.Parameter(torch.zeros(hidden_size))  # always seen: attention needs something
        self.query = linear(hidden_size + sum(specs[name].shape[0] for name in self.names), hidden_size, 1.0)
        self.rounds = nn.ModuleList(Attention(hidden_size, activation) for _ in range(max(num_layers, 1)))
        self.activation, self.width = ACTIVATIONS[activation](), hidden_size

    def forward(self, views: Views) -> torch.Tensor:
        lead = views["tanks"].shape[:2]
        rows = {kind: self.activation(self.embed[kind](views[kind].flatten(0, 1))) for kind in self.kinds}
        own = rows["tanks"][:, 0]
        tokens = torch.cat([self.nothing.expand(len(own), 1, -1), *rows.values()], 1)
        masks = [views[f"{kind}_mask"].flatten(0, 1) for kind in self.kinds]
        mask = torch.cat([masks[0].new_ones(len(own), 1), *masks], 1)
        x = self.query(torch.cat([own, *(views[name].flatten(0, 1) for name in self.names)], -1))
        for attention in self.rounds:
            x = attention(x, tokens, mask)
        return x.view(*lead, -1)


ENCODERS: dict[str, Callable[[dict[str, ViewSpec], int, int, str], Encoder]] = {
    "mlp": MLP,
    "cnn": CNN,
    "entities": Entities,
}
