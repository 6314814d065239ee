"""World Transformers: an ensemble of causal transformers that predict how the world goes on.

After OTTO ("Offline Trajectory Generalization / Optimization for Offline RL", arXiv 2404.10393), whose sizes could not
be read: one token a step made of state and action, outputs for the change of the state, the reward and the task's end.
The rest is our choice. Layers of attention gather what the past tells, without feed-forward layers between them; one
deep feed-forward network behind them reads that beside the step itself, unnormed: the next state is mostly a precise
function of the present one, and on hopper, after the same 500 updates and time, rollouts of 50 steps had 0.7 times the
error of two usual layers'. Attention falls with age (ALiBi, Press et al. 2022, arXiv 2108.12409), which costs nothing
and was no worse here than rotary positions.

All members are one module: their weights lie side by side, and attention sees member and row as one axis. Every layer
attends to the present and the `context` - 1 steps before it, in training as in rollouts, so that keys and values which
are kept (`Memory`) stay valid however long a rollout gets: a step costs one token, not a window.

Shapes: E members, M rows, B windows of L steps, C steps of context, D features, k action dimensions, W width,
N heads of W / N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from world_models.scale import Prediction, Scale
from world_models.stacked import MLP, Linear


@dataclass
class Memory:
    """Keys and values of the last C steps, in a ring: step t lies at t % C. `step` overwrites it in place."""

    keys: torch.Tensor  # [layers, E * M, C, N, W / N]
    values: torch.Tensor  # [layers, E * M, C, N, W / N]
    real: torch.Tensor  # bool [M, C]: the place holds a step that was seen
    position: int  # of the next step


def norm(x: torch.Tensor) -> torch.Tensor:
    """Rows of mean 0 and deviation 1; the linear layer behind it can scale and shift them as it likes."""
    return layer_norm(x, x.shape[-1:])


class Attention(nn.Module):
    """A pre-norm layer of attention, added to its input. Rows are [E, B * L, W]."""

    def __init__(self, members: int, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(members, width, 3 * width)
        self.out = Linear(members, width, width)

    def project(self, x: torch.Tensor, length: int) -> tuple[torch.Tensor, ...]:
        """Queries, keys and values, each [E * B, L, N, W / N]."""
        return self.qkv(norm(x)).view(-1, length, 3, self.heads, x.shape[-1] // self.heads).float().unbind(2)

    def finish(
        self, x: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """The layer's output from its input and what `project` gave; mask is added to the products of q and k."""
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        with torch.autocast(x.device.type, enabled=False):  # in bfloat16, the CPU's backward pass is ten times as slow
            seen = scaled_dot_product_attention(q, k, v, mask)
        return x + self.out(seen.transpose(1, 2).reshape(x.shape))


class WorldTransformer(nn.Module):
    """E causal transformers side by side; D features, k action dimensions."""

    name = "transformer"
    slopes: torch.Tensor
    fitting = {"optimiser": "muon", "lr": 2e-2, "batch_steps": 640, "noise": 0.1}  # what trained it best

    def __init__(
        self,
        obs_size: int,
        action_size: int,
        members: int = 5,
        width: int = 64,
        layers: int = 1,
        heads: int = 4,
        mlp_width: int = 200,
        mlp_layers: int = 3,
        context: int = 20,
        window: int = 0,
        seed: int = 0,
    ):
        super().__init__()
        self.config = {"obs_size": obs_size, "action_size": action_size, "members": members, "width": width}
        self.config |= {"layers": layers, "heads": heads, "mlp_width": mlp_width, "mlp_layers": mlp_layers}
        self.config |= {"context": context, "window": window}
        self.members, self.context = members, context
        self.window = window or context  # steps that are learned from together
        self.scale = Scale(obs_size)
        self.register_buffer("slopes", 0.5 ** torch.arange(heads)[:, None, None], persistent=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = Linear(members, obs_size + action_size, width)
            self.layers = nn.ModuleList(Attention(members, width, heads) for _ in range(layers))
            inputs = width + obs_size + action_size
            self.mlp = MLP(members, inputs, [mlp_width] * mlp_layers, obs_size + 2, activation=nn.SiLU)

    def forward(self, states: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Outputs [E, B, L, D + 2] of normalised states [E, B, L, D] and actions [E, B, L, k]; L is any length.

        A step is not touched by what follows it: windows may be padded at their end.
        """
        length = states.shape[2]
        tokens = torch.cat([states, actions], -1)
        x, _ = self._attend(tokens, self._bias(self._ages(length, states.device))[None])
        return self._read(x, tokens.flatten(1, 2)).unflatten(1, (-1, length))

    def _read(self, x: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Outputs [E, M, D + 2] from what attention found, [E, M, W], and the steps themselves, [E, M, D + k]."""
        return self.mlp(torch.cat([x.to(tokens.dtype), tokens], -1))

    def _ages(self, length: int, device: torch.device) -> torch.Tensor:
        """Steps that lie between a query and a key, int [L, L]; below 0 for keys that are yet to come."""
        place = torch.arange(length, device=device)
        return place[:, None] - place

    def _bias(self, age: torch.Tensor) -> torch.Tensor:
        """What is added to the products of queries and keys [..., N, L, L'] of ages int [..., L, L']."""
        age = age.unsqueeze(-3)
        return (-self.slopes * age).masked_fill((age < 0) | (age >= self.context), -torch.inf)

    def _attentions(self) -> list[Attention]:
        """The layers by what they are, which a ModuleList does not tell."""
        return cast(list[Attention], list(self.layers))

    def _attend(
        self, tokens: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        """The last layer's output [E, B * L, W] of tokens [E, B, L, D + k], and every layer's keys and values."""
        length = tokens.shape[2]
        x, kept = self.embed(tokens.flatten(1, 2)), []
        for layer in self._attentions():
            q, k, v = layer.project(x, length)
            x = layer.finish(x, q, k, v, mask)
            kept.append((k, v))
        return x, kept

    def start(self, obs: torch.Tensor, actions: torch.Tensor, lengths: torch.Tensor) -> Memory:
        """A memory of real steps: obs [M, C, D], actions [M, C - 1, k]; C is any number of rows.

        The last row is the present, which `step` is given again. Of the rows, the last `lengths` int [M] are real.
        """
        rows, before = len(obs), obs.shape[1] - 1
        memory = self._empty(rows, obs)
        if before == 0:
            return memory
        real = torch.arange(before, device=obs.device) >= (before + 1 - lengths)[:, None]
        tokens = torch.cat([self.scale.normalise(obs[:, :-1]), actions], -1) * real[..., None]
        age = self._ages(before, obs.device)
        age = torch.where(real[:, None, :] | (age == 0), age, -1)  # padding sees itself: a softmax needs something
        _, kept = self._attend(
            tokens.expand(self.members, *tokens.shape), self._bias(age).repeat(self.members, 1, 1, 1)
        )
        places = torch.arange(max(before - self.context, 0), before, device=obs.device)
        for keys, values, (k, v) in zip(memory.keys, memory.values, kept, strict=True):
            keys[:, places % self.context] = k[:, places]
            values[:, places % self.context] = v[:, places]
        memory.real[:, places % self.context] = real[:, places]
        memory.position = before
        return memory

    def _empty(self, rows: int, like: torch.Tensor) -> Memory:
        heads, width = self.config["heads"], self.config["width"]
        shape = (len(self.layers), self.members * rows, self.context, heads, width // heads)
        real = torch.zeros(rows, self.context, dtype=torch.bool, device=like.device)
        return Memory(like.new_zeros(shape), like.new_zeros(shape), real, 0)

    def step(self, memory: Memory, obs: torch.Tensor, actions: torch.Tensor) -> Prediction:
        """What each member expects after obs [M, D] and actions [M, k]; the memory then holds this step too."""
        place = memory.position % self.context
        memory.real[:, place] = True
        age = (memory.position - torch.arange(self.context, device=obs.device)) % self.context
        mask = self._bias(torch.where(memory.real, age, -1)[:, None]).repeat(self.members, 1, 1, 1)
        tokens = torch.cat([self.scale.normalise(obs), actions], -1)
        tokens = tokens.expand(self.members, *tokens.shape)
        x = self.embed(tokens)
        for layer, keys, values in zip(self._attentions(), memory.keys, memory.values, strict=True):
            q, k, v = layer.project(x, 1)
            keys[:, place], values[:, place] = k[:, 0], v[:, 0]
            x = layer.finish(x, q, keys, values, mask)
        memory.position += 1
        return self.scale.read(self._read(x, tokens), obs)
