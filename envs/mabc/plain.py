"""A world as plain data: dictionaries, lists, strings and numbers that json can write."""

from __future__ import annotations

import numpy as np

from .maps import to_text
from .params import HEADINGS, MAX_TEAMS, NOBODY, POWER_UPS, RUNNING, TYPES


def world_to_dict(world: np.void, spec: np.void) -> dict:
    """One record of state.WORLD as the dictionary that docs/world.md describes."""
    width, height = int(world["width"]), int(world["height"])
    tiles = world["terrain"][: width * height].reshape(height, width)
    bases = [_base(base) for base in world["bases"][: spec["num_bases"]]]
    outcome = int(world["outcome"])
    return {
        "step": int(world["step"]),
        "frame": int(world["frame"]),
        "map": to_text(tiles, _places(bases)),
        "tanks": [_tank(world["tanks"][i], spec, i) for i in range(spec["num_tanks"])],
        "bullets": [
            _bullet(world["bullets"][k], k // 2)
            for k in range(2 * spec["num_tanks"])
            if world["bullets"][k]["speed"] != 0
        ],
        "power_up": None if world["power_up"] == NOBODY else _power_up(world),
        "bases": bases,
        "outcome": None if outcome == RUNNING else outcome,
    }


def _places(bases: list[dict]) -> list[list[tuple[int, int]]]:
    """The places of each team's bases, in px."""
    return [[(base["x"], base["y"]) for base in bases if base["team"] == t] for t in range(1, MAX_TEAMS + 1)]


def _tank(tank: np.void, spec: np.void, i: int) -> dict:
    return {
        "id": i,
        "team": int(tank["team"]),
        "controlled": bool(i in spec["slot"][: spec["num_agents"]]),
        "type": TYPES[tank["type"]],
        "level": int(tank["level"]),
        "alive": bool(tank["alive"]),
        "x": int(tank["x"]),
        "y": int(tank["y"]),
        "heading": HEADINGS[tank["heading"]],
        "hits": int(tank["hits"]),
        "lives": int(tank["lives"]),
        "shield": int(tank["shield"]),
        "stun": int(tank["stun"]),
        "entering": int(tank["entering"]),
    }


def _bullet(bullet: np.void, owner: int) -> dict:
    return {
        "owner": owner,
        "x": int(bullet["x"]),
        "y": int(bullet["y"]),
        "heading": HEADINGS[bullet["heading"]],
    }


def _power_up(world: np.void) -> dict:
    return {
        "kind": POWER_UPS[world["power_up"]],
        "x": int(world["power_up_x"]),
        "y": int(world["power_up_y"]),
    }


def _base(base: np.void) -> dict:
    return {
        "team": int(base["team"]),
        "alive": bool(base["alive"]),
        "x": int(base["x"]),
        "y": int(base["y"]),
    }
