"""Memory: a GRU over the steps of a chunk, which forgets where an episode begins.

Shapes: L steps, M rows, W features, H hidden.
"""

from __future__ import annotations

import torch
from torch import nn


class GRU(nn.Module):
    """One gated recurrent unit (Cho et al. 2014), shared by all rows."""

    def __init__(self, width: int, hidden_size: int):
        super().__init__()
        self.cell = nn.GRUCell(width, hidden_size)

    def forward(
        self, features: torch.Tensor, hidden: torch.Tensor, first: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs [L, M, H] and the last hidden state [M, H] of features [L, M, W].

        hidden [M, H]: before the first step; first bool [L, M]: an episode begins, nothing is remembered.
        """
        keep = (~first).to(features.dtype)[..., None]
        outputs = []
        for step in range(len(features)):
            hidden = self.cell(features[step], hidden * keep[step])
            outputs.append(hidden)
        return torch.stack(outputs), hidden
