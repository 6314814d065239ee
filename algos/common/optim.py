"""Optimisers: one gradient step, the same for every learner, and their state, and a GPU's, in a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

from world_models.stacked import clip_each


def adam(parameters: Iterable[torch.nn.Parameter], lr: float, eps: float = 1e-8) -> torch.optim.Adam:
    """Adam in its fused form, which updates all weights in one call."""
    return torch.optim.Adam(list(parameters), lr=lr, eps=eps, fused=True)


def step(
    optimiser: torch.optim.Optimizer, backward: Callable[[], Any], max_grad_norm: float = 0.0, members: int = 1
) -> torch.Tensor:
    """One step down the gradients that `backward` leaves (a loss's own `backward`); returns their norm before clipping.

    members: networks side by side (`world_models.stacked`), whose parameters have them as their first axis. The norm is
    then the root mean square of theirs, and `max_grad_norm` (0: no clipping) holds for each by itself.
    """
    optimiser.zero_grad()
    backward()
    parameters = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    if max_grad_norm > 0 and members == 1:
        norm = torch.nn.utils.clip_grad_norm_(parameters, max_grad_norm)
    else:
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters]) / math.sqrt(members)
        if max_grad_norm > 0:
            clip_each(parameters, members, max_grad_norm)
    optimiser.step()
    return norm


def slots(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """What an optimiser remembers of each parameter, as a checkpoint's tree."""
    return {str(i): dict(slot) for i, slot in optimiser.state_dict()["state"].items()}


def load_slots(optimiser: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Inverse of `slots`."""
    state = {int(i): {key: torch.as_tensor(value) for key, value in slot.items()} for i, slot in saved.items()}
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def device_rng(device: str) -> Any:
    """State of a GPU's own random stream, from which networks there sample; None for the processor."""
    return torch.cuda.get_rng_state(device) if torch.device(device).type == "cuda" else None


def set_device_rng(device: str, state: Any) -> None:
    """Inverse of `device_rng`; a run that goes on with another device than before has nothing to restore."""
    if state is not None and torch.device(device).type == "cuda":
        torch.cuda.set_rng_state(torch.as_tensor(state), device)
