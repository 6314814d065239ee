"""env=mabc: Multi-Agent Battle City, which is batched by nature."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from algos.common.errors import BadInput


@dataclass
class Config:
    name: str = "mabc"
    scenario: str = "skirmish-3v3"  # one of `mabc.scenarios()`
    opponent: str | None = None  # random | classic | tactical[:novice|:regular]; none: as the scenario says
    num_envs: int = 256  # worlds that step together
    obs: str = "vector"  # kind of observation: vector | entities | planes | rgb
    state: str = "vector"  # kind of global state, for a centralised critic: vector | planes | rgb


def make(config: dict[str, Any], num_envs: int, seed: int):
    import mabc

    own = {item.name for item in fields(Config)}
    changes = {key: value for key, value in config.items() if key not in own and value is not None}
    if config.get("opponent") is not None:
        changes["opponents"] = config["opponent"]
    try:
        env = mabc.make_batch(
            config["scenario"],
            num_envs=num_envs,
            obs=config["obs"],
            state=config["state"],
            seed=seed,
            **changes,
        )
    except OSError as error:
        raise BadInput(error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(error.args[0] if error.args else error) from error
    if not set(env.views) - {"state"}:
        raise BadInput(f"env.obs={config['obs']}: an algorithm here needs numbers; use vector, entities, planes or rgb")
    return env
