"""Checkpoints of earlier versions as the present one names things: what `checkpoint.load` makes of format 1.

Format 1 had one flat array as an agent's observation, one module `body` in each network, and some other keys.
"""

from __future__ import annotations

import re
from typing import Any

WEIGHTS = (
    (r"^(actor|critic)\.body\.", r"\1.encoder.body."),
    (r"^(actor|critic)\.gru\.", r"\1.memory.cell."),
)
"""Patterns of names of networks' parameters, and what they are called now."""
KEYS = {
    "keep": "keep_fraction",
    "members": "ensemble_size",
    "penalty": "penalty_coef",
    "policy_every": "policy_freq",
    "real_share": "real_ratio",
    "worlds": "world_models",
}
"""Keys of `algo.…`, and what they are called now."""


def weight_name(name: str) -> str:
    """A parameter's present name."""
    for old, new in WEIGHTS:
        name = re.sub(old, new, name)
    return name


def settings(algo: dict[str, Any]) -> dict[str, Any]:
    """An algorithm's configuration, and that of a base in its `kwargs`, by the present keys."""
    found = {KEYS.get(key, key): value for key, value in algo.items()}
    return {key: settings(value) if key == "kwargs" else value for key, value in found.items()}


def upgrade(tree: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's tree of format 1 in format 2; what is no run's checkpoint stays as it is."""
    state = tree.get("state")
    if not isinstance(state, dict):
        return tree
    state = dict(state)
    if "weights" in state and "sizes" in state:
        sizes = dict(state.pop("sizes"))
        views = {"vector": [[sizes.pop("obs")], "float32"], "state": [[sizes.pop("state")], "float32"]}
        state["spec"] = {"views": views, **sizes}
        state["weights"] = {weight_name(name): value for name, value in state["weights"].items()}
        if "seen" in state:
            seen = dict(state["seen"])
            last = {"vector": seen.pop("obs"), "state": seen.pop("states")}
            state["seen"] = {"views": {name: view for name, view in last.items() if view.size}, **seen}
    sampler = state.get("sampler")
    if isinstance(sampler, dict) and "dones" in sampler.get("buffer", {}):
        buffer = {"terminals" if name == "dones" else name: rows for name, rows in sampler["buffer"].items()}
        state["sampler"] = {**sampler, "buffer": buffer}
    config = tree.get("config")
    if isinstance(config, dict) and isinstance(config.get("algo"), dict):
        tree = {**tree, "config": {**config, "algo": settings(config["algo"])}}
    return {**tree, "state": state}
