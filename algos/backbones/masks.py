"""Masks of legal actions on values and logits."""

from __future__ import annotations

import torch

ILLEGAL = -1e8  # logit of an illegal action: finite, so that nothing becomes nan


def legal(values: torch.Tensor, masks: torch.Tensor | None) -> torch.Tensor:
    """Values or logits [..., A] with those of illegal actions (mask False) far below all others."""
    return values if masks is None else values.masked_fill(~masks, ILLEGAL)
