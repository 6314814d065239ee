"""Environments as algorithms see them (`algos.common.protocol.BatchedEnv`): a file for each `env=`, found by its name.

    env=mabc        Multi-Agent Battle City, batched by nature
    env=pettingzoo  any PettingZoo parallel environment: env.id=mpe2.simple_spread_v3
    env=gym         any Gymnasium environment, one agent: env.id=CartPole-v1
    env=batched     a batched environment of your own: env.id=my_module:make_batch

Each has a dataclass `Config`, whose fields are the keys `env.…`, and `make(config, num_envs, seed)`.
"""

from __future__ import annotations

import importlib
from dataclasses import field, make_dataclass
from typing import Any, Optional

from algos.common.errors import BadInput
from algos.common.protocol import BatchedEnv

PLAIN = {"int": int, "float": float, "bool": bool, "str": str}


def config_class(name: str) -> type:
    """The dataclass of one `env=`; MABC's gets an empty field for every field of mabc.Scenario."""
    config = importlib.import_module(f"algos.adapters.{name}").Config
    if name != "mabc":
        return config
    from algos.common.config import scenario_keys

    extra: list[Any] = []
    for key in scenario_keys():
        kind = PLAIN.get(key.type.split("|")[0].strip())
        extra.append((key.name, Optional[kind] if kind else Any, field(default=None)))  # noqa: UP045
    return make_dataclass("Config", extra, bases=(config,))


def make_env(config: dict[str, Any], num_envs: int | None = None, seed: int = 0, **changes: Any) -> BatchedEnv:
    """The environment that a configuration describes, with changed settings if given."""
    config = {**config, **changes}
    num_envs = num_envs or config["num_envs"]
    if num_envs < 1:
        raise BadInput(f"env.num_envs={num_envs}: at least one world is needed")
    return importlib.import_module(f"algos.adapters.{config['name']}").make(config, num_envs, seed)
