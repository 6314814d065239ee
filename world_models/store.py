"""World models as plain trees of arrays and JSON-able settings: what a checkpoint stores. No pickle."""

from __future__ import annotations

from typing import Any

import torch

from world_models.mlp import WorldMLP
from world_models.transformer import WorldTransformer

KINDS = {kind.name: kind for kind in (WorldMLP, WorldTransformer)}


def make_model(kind: str, obs_size: int, action_size: int, **config: Any) -> WorldMLP | WorldTransformer:
    """A new model of a kind: `transformer` or `mlp`, with that class's settings."""
    if kind not in KINDS:
        raise ValueError(f"no world model is called {kind!r}; there are {', '.join(sorted(KINDS))}")
    return KINDS[kind](obs_size, action_size, **config)


def state(model: WorldMLP | WorldTransformer) -> dict[str, Any]:
    """What `from_state` rebuilds a model from: {"kind", "config", "arrays"}."""
    arrays = {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
    return {"kind": model.name, "config": dict(model.config), "arrays": arrays}


def from_state(tree: dict[str, Any]) -> WorldMLP | WorldTransformer:
    """The model that `state` came from, on the CPU."""
    model = make_model(tree["kind"], **tree["config"])
    model.load_state_dict({name: torch.as_tensor(value) for name, value in tree["arrays"].items()})
    return model
