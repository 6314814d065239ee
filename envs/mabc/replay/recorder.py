"""Writes the episodes of one world to files. It plays along in a world of its own, frame by frame."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import reset_worlds, seed_worlds, trace_step
from ..layouts import load_maps
from ..observe.sight import look_around
from ..params import DRIVERS, NUM_ACTIONS, RULES_VERSION, RUNNING
from ..scenarios import Scenario
from ..state import SCRATCH, SEEN, WORLD
from .container import MAX_SECTIONS, pack
from .events import Row, events_of
from .trace import DELTA, rows_of, seen_bits

if TYPE_CHECKING:
    from ..api.batched import BatchedEnv

HASH_EVERY = 64  # steps
SUFFIX = ".mabc"


def digest(world: np.ndarray) -> np.ndarray:
    """What a world's state is known by: uint8 [16]."""
    return np.frombuffer(hashlib.blake2b(world.tobytes(), digest_size=16).digest(), np.uint8)


def begin_world(worlds: np.ndarray, seed: int, index: int, episode: int, spec: np.ndarray, layouts: np.ndarray) -> None:
    """Put worlds[0] at the start of an episode, every byte of it the same wherever that is done."""
    worlds.view(np.uint8)[:] = 0
    seed_worlds(worlds, np.uint64(seed), 0)
    worlds["index"], worlds["episode"] = np.uint64(index), episode
    agents, yes = int(spec[0]["num_agents"]), np.ones(1, bool)
    reset_worlds(
        worlds, spec, layouts, yes, np.zeros((1, agents, NUM_ACTIONS), bool), np.zeros((1, agents), bool), 0, 1
    )


def write_file(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Recorder:
    """Records world `index` of a batch into `path`: a file ending in .mabc, or a folder that gets a file an episode.

    The environment calls begin, step and close. A caller may add what the policy thought with `note`, before the step
    that it led to. `saved` is the last file that was written.
    """

    def __init__(self, env: BatchedEnv, path: str | os.PathLike[str], index: int = 0) -> None:
        self.path, self.index = Path(path), index
        self.saved: Path | None = None
        self._env = env
        self._single = self.path.suffix == SUFFIX
        (self.path.parent if self._single else self.path).mkdir(parents=True, exist_ok=True)
        self._count = 0
        self._spec, self._layouts = env.view.spec, env.layouts
        self._worlds, self._scratch = np.zeros(1, WORLD), np.zeros(1, SCRATCH)
        self._frames = np.zeros(env.scenario.frame_skip, WORLD)
        self._seen = np.zeros(env.view.num_tanks, SEEN)
        self._running = False
        self._notes: dict[str, np.ndarray] = {}

    # -- what the environment calls -----------------------------------------------------------------

    def begin(self) -> None:
        """An episode begins; the one before it, if it was cut short, is written as far as it went."""
        self._write()
        world = self._env.worlds[self.index]
        self._key = (int(world["seed"]), int(world["index"]), int(world["episode"]) - 1)
        begin_world(self._worlds, *self._key, self._spec, self._layouts)
        self._rows: dict[str, list[np.ndarray]] = {}
        self._add(rows_of(self._worlds, *self._counts))
        self._terrain = self._worlds[0]["terrain"][: self._area].copy()
        self._events: list[Row] = []
        self._hold_given, self._bytes = False, 0
        self._changes: list[tuple[int, int, int]] = []
        self._last: np.ndarray | None = None
        self._notes = {}
        self._add({"step_frame": np.zeros(1, np.int32), "hash": digest(self._worlds)[None]})
        self._look()
        self._running = True

    def note(self, **extras: Any) -> None:
        """Keep what led to the next step: value [N], probs [N, A], predicted [N, M, 2] px, or other numbers."""
        self._notes |= {name: np.asarray(value) for name, value in extras.items()}

    def step(self, orders: np.ndarray, hold: np.ndarray, reward: np.ndarray, ended: bool) -> None:
        """A step was made: orders int8 [1, C], hold int16 [1, C] or [1, 0], reward float32 [N]."""
        if not self._running:
            return
        before = self._worlds.copy()
        count = trace_step(self._worlds, self._spec, self._layouts, self._scratch, orders, hold, self._frames)
        frames = self._frames[:count]
        if not ended and self._differs(self._env.worlds[self.index]):
            self.abandon("something other than step() changed the world")
            return
        self._add(rows_of(frames, *self._counts))
        for k in range(count):
            self._compare(before[0] if k == 0 else frames[k - 1], frames[k], k == 0)
        self._add({"actions": orders.copy(), "reward": reward[None].astype(np.float32)})
        self._add({"step_frame": frames["frame"][-1:].astype(np.int32)})
        self._hold_given |= hold.shape[1] > 0
        full = hold if hold.shape[1] else np.full(orders.shape, self._env.scenario.frame_skip, np.int16)
        self._add({"hold": full.copy()})
        self._keep_notes()
        self._look()
        if len(self._rows["actions"]) % HASH_EVERY == 0:
            self._add({"hash": digest(self._worlds)[None]})
        if ended:
            self._write()
        elif self._bytes > MAX_SECTIONS * 0.9:
            self.abandon(f"it grew beyond {MAX_SECTIONS >> 20} MiB; give the scenario fewer max_steps")

    def abandon(self, why: str) -> None:
        """Give the running episode up; the next reset begins another one."""
        if self._running:
            warnings.warn(f"record={str(self.path)!r}: this episode is not recorded, for {why}", stacklevel=4)
        self._running = False

    def close(self) -> None:
        """Write the running episode as far as it went."""
        self._write()

    # -- inside -------------------------------------------------------------------------------------

    @property
    def _counts(self) -> tuple[int, int]:
        return self._env.view.num_tanks, self._env.view.num_bases

    @property
    def _area(self) -> int:
        return int(self._worlds[0]["width"]) * int(self._worlds[0]["height"])

    def _add(self, rows: dict[str, np.ndarray]) -> None:
        for name, array in rows.items():
            self._rows.setdefault(name, []).append(array)
            self._bytes = getattr(self, "_bytes", 0) + array.nbytes

    def _look(self) -> None:
        """Note what every tank sees at the end of a step."""
        look_around(self._worlds, self._spec, self._seen)
        self._add({"seen": seen_bits(self._seen, *self._counts)[None]})
        spec = self._spec[0]
        if spec["line_of_sight"] and not spec["full_observability"]:
            tiles = np.packbits(self._seen["tiles"][:, : self._area], axis=1, bitorder="little")
            self._add({"seen_tiles": tiles[None]})

    def _compare(self, before: np.void, after: np.void, first: bool) -> None:
        """Note what changed in a frame."""
        area = self._area
        changed = np.flatnonzero(before["terrain"][:area] != after["terrain"][:area])
        frame = int(after["frame"])
        self._changes += [(frame, tile, int(after["terrain"][tile])) for tile in changed.tolist()]
        self._events += events_of(before, after, first, *self._counts)

    def _differs(self, world: np.void) -> bool:
        """Whether the environment's world is not where its orders led."""
        mine, tanks = self._worlds[0], self._env.view.num_tanks
        same = mine["frame"] == world["frame"] and all(
            np.array_equal(mine[what][axis][:n], world[what][axis][:n])
            for what, n in (("tanks", tanks), ("bullets", 2 * tanks))
            for axis in "xy"
        )
        return not same or not np.array_equal(mine["terrain"][: self._area], world["terrain"][: self._area])

    def _keep_notes(self) -> None:
        """One row of every extra; steps without it have NaN."""
        step = len(self._rows["actions"]) - 1
        for name, value in self._notes.items():
            rows = self._rows.setdefault(f"extra.{name}", [])
            rows += [np.full((1, *value.shape), np.nan, np.float16)] * (step - len(rows))
            rows.append(value[None].astype(np.float16))
            self._bytes += rows[-1].nbytes
        self._notes = {}

    def _write(self) -> None:
        """Write what was recorded, if there is any of it; a file's whole episode is not replaced by a part of one."""
        whole = self._worlds[0]["outcome"] != RUNNING
        if self._running and "actions" in self._rows and (whole or not self._single or self.saved is None):
            path = self.path if self._single else self.path / f"{self._count:06}{SUFFIX}"
            write_file(path, self._packed())
            self.saved, self._count = path, self._count + 1
        self._running = False

    def _packed(self) -> bytes:
        steps = len(self._rows["actions"])
        if steps % HASH_EVERY:
            self._add({"hash": digest(self._worlds)[None]})
        for name, rows in self._rows.items():
            if name.startswith("extra."):
                rows += [np.full_like(rows[0], np.nan)] * (steps - len(rows))
        sections = {name: np.concatenate(rows) for name, rows in self._rows.items()}
        if not self._hold_given:
            del sections["hold"]
        sections["terrain"] = self._terrain
        for column, (name, dtype) in enumerate((("frame", "i4"), ("tile", "u2"), ("code", "u1"))):
            sections[f"change.{name}"] = np.array([change[column] for change in self._changes], dtype)
        for name, dtype in zip(Row._fields, ("i4", "u1", "i1", "i1", "i2", "i2"), strict=True):
            sections[f"event.{name}"] = np.array([getattr(event, name) for event in self._events], dtype)
        return pack(self._header(steps), sections, DELTA & set(sections))

    def _header(self, steps: int) -> dict[str, Any]:
        from .. import __version__

        world, spec = self._worlds[0], self._spec[0]
        outcome = int(world["outcome"])
        return {
            "mabc": __version__,
            "rules_version": RULES_VERSION,
            "scenario": scenario_as_data(self._env.scenario),
            **dict(zip(("seed", "index", "episode"), map(str, self._key), strict=True)),
            "width": int(world["width"]),
            "height": int(world["height"]),
            "num_steps": steps,
            "num_frames": int(world["frame"]),
            "outcome": None if outcome == RUNNING else outcome,
            "truncated": bool(world["truncated"]),
            "agents": list(self._env.agent_ids),
            "tanks": _tanks(spec),
            "bases": [
                {"team": int(base["team"]), "x": int(base["x"]), "y": int(base["y"])}
                for base in world["bases"][: spec["num_bases"]]
            ],
        }


def scenario_as_data(scenario: Scenario) -> dict[str, Any]:
    """All fields of a scenario as json can write them, its maps as text."""
    fields = dataclasses.asdict(scenario)
    fields["map"], fields["map_unit"] = [one.text for one in load_maps(scenario)], "block"
    return fields


def _tanks(spec: np.void) -> list[dict[str, Any]]:
    """Every tank: its name is its team and its number in it."""
    count = int(spec["num_tanks"])
    agents = spec["slot"][: spec["num_agents"]].tolist()
    places: dict[int, int] = {}
    tanks = []
    for i in range(count):
        team = int(spec["team"][i])
        tanks.append(
            {
                "name": f"team{team}_{places.get(team, 0)}",
                "team": team,
                "driver": DRIVERS[spec["driver"][i]],
                "agent": agents.index(i) if i in agents else None,
            }
        )
        places[team] = places.get(team, 0) + 1
    return tanks
