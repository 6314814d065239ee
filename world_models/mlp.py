"""An ensemble of MLPs that see the present state alone: the control that World Transformers are compared with.

As in MOPO (Yu et al. 2020, arXiv 2005.13239): four hidden layers of 200 units, the change of the state and the reward
from state and action. MOPO's members give a Gaussian each; ours a mean, learned by squared error as the transformer's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from world_models.scale import Prediction, Scale
from world_models.stacked import MLP


class WorldMLP(nn.Module):
    """E members side by side; D features, k action dimensions. History is ignored."""

    name = "mlp"
    window = 1  # steps that are learned from together
    fitting = {"optimiser": "muon", "lr": 2e-2, "batch_steps": 512, "noise": 0.1}  # what trained it best

    def __init__(
        self, obs_size: int, action_size: int, members: int = 5, width: int = 200, layers: int = 4, seed: int = 0
    ):
        super().__init__()
        self.config = {"obs_size": obs_size, "action_size": action_size, "members": members}
        self.config |= {"width": width, "layers": layers}
        self.members, self.context = members, 1
        self.scale = Scale(obs_size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = MLP(members, obs_size + action_size, [width] * layers, obs_size + 2, activation=nn.SiLU)

    def forward(self, states: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Outputs [E, B, L, D + 2] of normalised states [E, B, L, D] and actions [E, B, L, k], each step by itself."""
        x = torch.cat([states, actions], -1)
        return self.net(x.flatten(1, 2)).unflatten(1, x.shape[1:3])

    def start(self, obs: torch.Tensor, actions: torch.Tensor, lengths: torch.Tensor) -> Any:
        """A memory of what came before: none."""
        return None

    def step(self, memory: Any, obs: torch.Tensor, actions: torch.Tensor) -> Prediction:
        """What each member expects after obs [M, D] and actions [M, k]."""
        return self.scale.read(self.net(torch.cat([self.scale.normalise(obs), actions], -1)), obs)
