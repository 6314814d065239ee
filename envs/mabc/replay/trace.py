"""What is drawn, frame by frame, as arrays: taken from worlds, and put back into a world that can be drawn.

M tanks, F frames, B bases, T steps. Sections and their columns are those of sections.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..params import MAX_TEAMS, NOBODY
from ..state import SEEN, SPEC, WORLD
from .sections import SECTIONS

FRAME_SECTIONS = {name: section.dtype for name, section in SECTIONS.items() if section.shape.startswith("F+1")}


def rows_of(frames: np.ndarray, num_tanks: int, num_bases: int) -> dict[str, np.ndarray]:
    """The drawn part of worlds, [F] of state.WORLD: arrays with leading F, by section."""
    tanks, bullets = frames["tanks"][:, :num_tanks], frames["bullets"][:, : 2 * num_tanks]
    alive = tanks["alive"] != 0
    state = alive | (tanks["shield"] > 0) << 1 | (tanks["stun"] > 0) << 2 | (tanks["carrier"] != 0) << 3
    field = np.empty((len(frames), 5), np.uint16)
    field[:, 0] = frames["power_up"] - NOBODY
    field[:, 1], field[:, 2] = frames["power_up_x"], frames["power_up_y"]
    field[:, 3] = (frames["frozen"] > 0) @ (1 << np.arange(MAX_TEAMS))
    field[:, 4] = (frames["bases"]["alive"][:, :num_bases] != 0) @ (1 << np.arange(num_bases))
    rows = {
        "tank.x": tanks["x"],
        "tank.y": tanks["y"],
        "tank.look": tanks["heading"] | tanks["level"] << 2 | tanks["type"] << 4,
        "tank.state": state | tanks["hits"] << 4,
        "tank.clock": np.clip(np.where(alive, tanks["entering"], tanks["wait"]), 0, 255),
        "tank.lives": np.clip(tanks["lives"], 0, 255),
        "bullet.x": bullets["x"],
        "bullet.y": bullets["y"],
        "bullet.look": np.where(bullets["speed"] != 0, bullets["heading"] + 1, 0),
        "field": field,
    }
    return {name: rows[name].astype(f"<{dtype}") for name, dtype in FRAME_SECTIONS.items()}


def seen_bits(seen: np.ndarray, num_tanks: int, num_bases: int) -> np.ndarray:
    """What every tank sees, [M] of state.SEEN, as bits: uint8 [M, bytes]."""
    parts = [seen["tanks"][:, :num_tanks], seen["bullets"][:, : 2 * num_tanks], seen["bases"][:, :num_bases]]
    return np.packbits(np.concatenate([*parts, seen["power_up"][:, None]], axis=1), axis=1, bitorder="little")


def seen_record(bits: np.ndarray, tiles: np.ndarray | None, num_tanks: int, num_bases: int, area: int) -> np.ndarray:
    """What one tank sees, from its bits: [1] of state.SEEN. tiles: bits of the tiles no wall hides, None: all."""
    seen = np.zeros(1, SEEN)
    flags = np.unpackbits(bits, bitorder="little")
    seen["tanks"][0, :num_tanks] = flags[:num_tanks]
    seen["bullets"][0, : 2 * num_tanks] = flags[num_tanks : 3 * num_tanks]
    seen["bases"][0, :num_bases] = flags[3 * num_tanks : 3 * num_tanks + num_bases]
    seen["power_up"] = flags[3 * num_tanks + num_bases]
    seen["tiles"][0, :area] = 1 if tiles is None else np.unpackbits(tiles, count=area, bitorder="little")
    return seen


def all_seen() -> np.ndarray:
    """What a spectator sees: [1] of state.SEEN."""
    seen = np.empty(1, SEEN)
    seen.view(np.uint8)[:] = 1
    return seen


def drawable_spec(header: dict[str, Any]) -> np.ndarray:
    """As much of a state.SPEC record as drawing reads: [1]."""
    spec = np.zeros(1, SPEC)
    spec["num_tanks"], spec["num_bases"] = len(header["tanks"]), len(header["bases"])
    spec["num_teams"] = max([2, *(tank["team"] for tank in header["tanks"])])
    return spec


def world_at(header: dict[str, Any], sections: dict[str, np.ndarray], frame: int, terrain: np.ndarray) -> np.ndarray:
    """The world of one frame, as much of it as is drawn: [1] of state.WORLD."""
    worlds = np.zeros(1, WORLD)
    world, count = worlds[0], len(header["tanks"])
    world["frame"], world["width"], world["height"] = frame, header["width"], header["height"]
    world["terrain"][: terrain.size] = terrain
    kind, x, y, frozen, standing = sections["field"][frame].tolist()
    world["power_up"] = kind + NOBODY
    if kind > 0:  # else any place: nothing lies there
        world["power_up_x"], world["power_up_y"] = x, y
    world["frozen"] = frozen >> np.arange(MAX_TEAMS) & 1
    for b, base in enumerate(header["bases"]):
        record = world["bases"][b]
        record["x"], record["y"], record["team"] = base["x"], base["y"], base["team"]
        record["alive"] = standing >> b & 1
    tanks, bullets = world["tanks"][:count], world["bullets"][: 2 * count]
    look, state = sections["tank.look"][frame], sections["tank.state"][frame]
    clock = sections["tank.clock"][frame]
    tanks["team"] = [tank["team"] for tank in header["tanks"]]
    tanks["x"], tanks["y"] = sections["tank.x"][frame], sections["tank.y"][frame]
    tanks["heading"], tanks["level"], tanks["type"] = look & 3, look >> 2 & 3, look >> 4
    tanks["alive"], tanks["shield"], tanks["stun"] = state & 1, state >> 1 & 1, state >> 2 & 1
    tanks["carrier"], tanks["hits"] = state >> 3 & 1, state >> 4
    tanks["entering"], tanks["wait"] = clock * (state & 1), clock * (~state & 1)
    tanks["lives"] = sections["tank.lives"][frame]
    flying = sections["bullet.look"][frame]
    bullets["x"], bullets["y"] = sections["bullet.x"][frame], sections["bullet.y"][frame]
    bullets["heading"], bullets["speed"] = np.maximum(flying, 1) - 1, flying > 0
    return worlds
