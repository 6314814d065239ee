"""env=batched: a batched environment of your own, `algos.common.protocol.BatchedEnv`, from a function that makes it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from algos.adapters.foreign import not_made


@dataclass
class Config:
    name: str = "batched"
    id: str = ""  # module:function, called with num_envs, seed and the kwargs
    num_envs: int = 256  # worlds that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # further arguments of that function


def make(config: dict[str, Any], num_envs: int, seed: int):
    module, _, function = config["id"].partition(":")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise not_made(config, error, "Give it as module:function") from error
    return make(num_envs=num_envs, seed=seed, **config["kwargs"])
