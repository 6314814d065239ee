"""Writes the episodes of one world to files. It plays along in a world of its own, frame by frame."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import reset_worlds, seed_worlds, trace_step
from ..layouts import load_maps
from ..names import names_of
from ..params import NUM_ACTIONS, RULES_VERSION, RUNNING, driver_name
from ..rules.sight import look_around
from ..scenarios import Scenario, ScenarioError
from ..state import SCRATCH, SEEN, WORLD
from .container import MAX_SECTIONS, pack
from .events import COUNTS, Row, eventful, events_of
from .sections import DELTA, HASH_EVERY, SECTIONS, columns_of, shape_of, sides
from .trace import rows_of, seen_bits

if TYPE_CHECKING:
    from ..api.batched import BatchedEnv

MAX_MAPS = 1000  # of a scenario, in a file
SUFFIX = ".mabc"


def digest(world: np.ndarray) -> np.ndarray:
    """What a world's state is known by: uint8 [16], BLAKE2b of its fields in order, without the gaps between them."""
    state = hashlib.blake2b(digest_size=16)

    def add(array: np.ndarray) -> None:
        if array.dtype.names is None:
            state.update(array.tobytes())
        else:
            for name in array.dtype.names:
                add(array[name])

    add(world)
    return np.frombuffer(state.digest(), np.uint8)


def begin_world(worlds: np.ndarray, seed: int, index: int, episode: int, spec: np.ndarray, layouts: np.ndarray) -> None:
    """Put worlds[0] at the start of an episode, every field of it the same wherever that is done."""
    worlds.view(np.uint8)[:] = 0
    seed_worlds(worlds, np.uint64(seed), 0)
    worlds["index"], worlds["episode"] = np.uint64(index), episode
    agents = int(spec[0]["num_agents"])
    masks, alive = np.zeros((1, agents, NUM_ACTIONS), bool), np.zeros((1, agents), bool)
    reset_worlds(worlds, spec, layouts, np.ones(1, bool), masks, alive, 0, 1)


def write_file(path: Path, data: bytes, new: bool = False) -> None:
    """Write a file as a whole or not at all. new: FileExistsError if there is one already."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        if new:
            os.link(temporary, path)
        else:
            os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Recorder:
    """Records world `index` of a batch into `path`: a file ending in .mabc, or a folder that gets a file an episode.

    The environment calls begin, step and close. A caller may add what the policy thought with `note`, before the step
    that it led to. `saved` is the last file that was written. A file that cannot be written is a warning: training
    goes on. OSError and ScenarioError, when it is made, for a path or a scenario that no file can be made of.
    """

    def __init__(self, env: BatchedEnv, path: str | os.PathLike[str], index: int = 0) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise ScenarioError(f"record={path!r}: expected a file ending in {SUFFIX}, or a folder")
        self.path, self.index = Path(path), index
        self.saved: Path | None = None
        self._env = env
        self._single = self.path.suffix.lower() == SUFFIX
        folder = self.path.parent if self._single else self.path
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"record={str(path)!r}: nothing can be written into {folder}")
        self._scenario = scenario_as_data(env.scenario)
        self._number, self._whole_saved = 0, False
        self._episode: _Episode | None = None

    def begin(self) -> None:
        """An episode begins; the one before it, if it was cut short, is written as far as it went."""
        self._write()
        self._episode = _Episode(self._env, self._env.worlds[self.index])

    def note(self, **extras: Any) -> None:
        """Keep what led to the next step: value [N], probs [N, A], predicted [N, M, 2] px, or other numbers.

        ValueError for a shape that is not that, or not that of earlier steps.
        """
        if self._episode is not None:
            self._episode.note(extras)

    def step(self, orders: np.ndarray, hold: np.ndarray, reward: np.ndarray, outcome: int) -> None:
        """A step was made: orders int8 [1, C], hold int16 [1, C] or [1, 0], reward float32 [N], outcome or RUNNING."""
        if self._episode is None:
            return
        self._episode.step(orders, hold, reward)
        if self._episode.differs(self._env.worlds[self.index], outcome):
            self.abandon("something other than step() changed the world")
        elif outcome != RUNNING:
            self._write()
        elif self._episode.bytes > MAX_SECTIONS * 0.9:
            self.abandon(f"it grew beyond {MAX_SECTIONS >> 20} MiB; give the scenario fewer max_steps")

    def abandon(self, why: str) -> None:
        """Give the running episode up; the next reset begins another one."""
        if self._episode is not None:
            warnings.warn(f"record={str(self.path)!r}: this episode is not recorded, for {why}", stacklevel=4)
        self._episode = None

    def close(self) -> None:
        """Write the running episode as far as it went."""
        self._write()

    def _write(self) -> None:
        """Write what was recorded, if there is any of it; a file's whole episode is not replaced by a part of one."""
        episode, self._episode = self._episode, None
        if episode is None or not episode.num_steps or (self._single and self._whole_saved and not episode.whole):
            return
        try:
            self.saved = self._written(episode.packed(self._scenario))
            self._whole_saved |= episode.whole
        except OSError as error:
            warnings.warn(f"record={str(self.path)!r}: the episode could not be written: {error}", stacklevel=4)

    def _written(self, data: bytes) -> Path:
        """Where the file is: in a folder, under the next number that nobody has taken."""
        if self._single:
            write_file(self.path, data)
            return self.path
        while True:
            path = self.path / f"{self._number:06}{SUFFIX}"
            self._number += 1
            try:
                write_file(path, data, new=True)
                return path
            except FileExistsError:
                continue


class _Episode:
    """What is kept of the running episode. T steps so far, N agents, M tanks, C columns of orders."""

    def __init__(self, env: BatchedEnv, world: np.void) -> None:
        self._env, self._spec = env, env.view.spec
        self._counts = (env.view.num_tanks, env.view.num_bases)
        self._key = (int(world["seed"]), int(world["index"]), int(world["episode"]) - 1)
        self._worlds, self._scratch = np.zeros(1, WORLD), np.zeros(1, SCRATCH)
        self._frames = np.zeros(1 + env.scenario.frame_skip, WORLD)  # the last frame before a step, and the step's
        self._seen = np.zeros(env.view.num_tanks, SEEN)
        begin_world(self._worlds, *self._key, self._spec, env.layouts)
        self._area = int(self._worlds[0]["width"]) * int(self._worlds[0]["height"])
        self._terrain = self._worlds[0]["terrain"][: self._area].copy()
        self._rows: dict[str, list[np.ndarray]] = {}
        self._changes: list[tuple[int, int, int]] = []
        self._events: list[Row] = []
        self._notes: dict[str, np.ndarray] = {}
        self._hold_given = False
        self.bytes = self.num_steps = 0
        self._add(rows_of(self._worlds, *self._counts))
        self._add({"step_frame": np.zeros(1, np.int32), "hash": digest(self._worlds)[None]})
        self._look()

    @property
    def whole(self) -> bool:
        """Whether the episode came to its end."""
        return bool(self._worlds[0]["outcome"] != RUNNING)

    def note(self, extras: dict[str, Any]) -> None:
        """See Recorder.note."""
        known = sides(*self._counts, self._env.num_agents, 0, 0, 0, 0)
        for name, given in extras.items():
            value = np.asarray(given)
            before, section = self._rows.get(f"extra.{name}"), SECTIONS.get(f"extra.{name}")
            earlier = before[0].shape[1:] if before else value.shape
            wanted = shape_of(section, known)[1:] if section else earlier
            if value.dtype.kind not in "biuf" or value.shape != wanted:
                raise ValueError(f"note({name}=…) is {value.dtype}{list(value.shape)}; expected numbers {list(wanted)}")
            self._notes[name] = value

    def step(self, orders: np.ndarray, hold: np.ndarray, reward: np.ndarray) -> None:
        """Play a step and keep it."""
        self._frames[0] = self._worlds[0]
        for name in COUNTS:  # they start anew with each step
            self._frames[0]["tanks"][name] = 0
        count = trace_step(self._worlds, self._spec, self._env.layouts, self._scratch, orders, hold, self._frames[1:])
        frames = self._frames[: 1 + count]
        self._add(rows_of(frames[1:], *self._counts))
        self._compare(frames)
        self._hold_given |= hold.shape[1] > 0
        self._add(
            {
                "actions": orders.copy(),
                "reward": reward[None].astype(np.float32),
                "step_frame": frames["frame"][-1:].astype(np.int32),
                "hold": hold.copy() if hold.shape[1] else np.zeros(orders.shape, np.int16),
            }
        )
        self._keep_notes()
        self._look()
        self.num_steps += 1
        if self.num_steps % HASH_EVERY == 0:
            self._add({"hash": digest(self._worlds)[None]})

    def differs(self, world: np.void, outcome: int) -> bool:
        """Whether the environment's world is not where its orders led; one that ended is known by its outcome alone."""
        mine, tanks = self._worlds[0], self._counts[0]
        if mine["outcome"] != outcome or outcome != RUNNING:
            return bool(mine["outcome"] != outcome)
        same = mine["frame"] == world["frame"] and all(
            np.array_equal(mine[what][name][:count], world[what][name][:count])
            for what, count, names in (("tanks", tanks, ("x", "y", "hits", "lives")), ("bullets", 2 * tanks, "xy"))
            for name in names
        )
        return not same or not np.array_equal(mine["terrain"][: self._area], world["terrain"][: self._area])

    def packed(self, scenario: dict[str, Any]) -> bytes:
        """The file's bytes."""
        if self.num_steps % HASH_EVERY:
            self._add({"hash": digest(self._worlds)[None]})
        for name, rows in self._rows.items():
            if name.startswith("extra."):
                rows += [np.full_like(rows[0], np.nan)] * (self.num_steps - len(rows))
        sections = {name: np.concatenate(rows) for name, rows in self._rows.items()}
        if not self._hold_given:
            del sections["hold"]
        sections["terrain"] = self._terrain
        lists: dict[str, list[Any]] = {"change": self._changes, "event": self._events}
        for group, listed in lists.items():
            for column, (name, dtype) in enumerate(columns_of(group).items()):
                sections[f"{group}.{name}"] = np.array([one[column] for one in listed], dtype)
        return pack(self._header(scenario), sections, DELTA & set(sections))

    def _add(self, rows: dict[str, np.ndarray]) -> None:
        for name, array in rows.items():
            self._rows.setdefault(name, []).append(array)
            self.bytes += array.nbytes

    def _look(self) -> None:
        """Note what every tank sees at the end of a step."""
        look_around(self._worlds, self._spec, self._seen)
        self._add({"seen": seen_bits(self._seen, *self._counts)[None]})
        spec = self._spec[0]
        if spec["line_of_sight"] and not spec["full_observability"]:
            tiles = np.packbits(self._seen["tiles"][:, : self._area], axis=1, bitorder="little")
            self._add({"seen_tiles": tiles[None]})

    def _compare(self, frames: np.ndarray) -> None:
        """Note what changed in each frame since the one before it."""
        terrain = frames["terrain"][:, : self._area]
        for k, tile in np.argwhere(terrain[1:] != terrain[:-1]).tolist():
            self._changes.append((int(frames["frame"][k + 1]), tile, int(terrain[k + 1, tile])))
        for k in np.flatnonzero(eventful(frames, *self._counts)).tolist():
            self._events += events_of(frames[k], frames[k + 1], *self._counts)

    def _keep_notes(self) -> None:
        """One row of every extra that was noted; steps without it have NaN."""
        for name, value in self._notes.items():
            rows = self._rows.setdefault(f"extra.{name}", [])
            rows += [np.full((1, *value.shape), np.nan, np.float16)] * (self.num_steps - len(rows))
            rows.append(value[None].astype(np.float16))
            self.bytes += rows[-1].nbytes
        self._notes = {}

    def _header(self, scenario: dict[str, Any]) -> dict[str, Any]:
        from .. import __version__

        world, spec = self._worlds[0], self._spec[0]
        return {
            "mabc": __version__,
            "rules_version": RULES_VERSION,
            "scenario": scenario,
            **dict(zip(("seed", "index", "episode"), map(str, self._key), strict=True)),
            "width": int(world["width"]),
            "height": int(world["height"]),
            "num_steps": self.num_steps,
            "num_frames": int(world["frame"]),
            "outcome": int(world["outcome"]) if self.whole else None,
            "truncated": bool(world["truncated"]),
            "agents": list(self._env.agent_ids),
            "tanks": _tanks(spec),
            "bases": [
                {"team": int(base["team"]), "x": int(base["x"]), "y": int(base["y"])}
                for base in world["bases"][: spec["num_bases"]]
            ],
        }


def scenario_as_data(scenario: Scenario) -> dict[str, Any]:
    """All fields of a scenario as json writes them, its maps as text; ScenarioError for what is not plain data."""
    fields = dataclasses.asdict(scenario)
    fields["map"], fields["map_unit"] = [one.text for one in load_maps(scenario)], "block"
    if len(fields["map"]) > MAX_MAPS:
        raise ScenarioError(f"{len(fields['map'])} maps: a scenario that is recorded has at most {MAX_MAPS}")
    try:
        return json.loads(json.dumps(fields, default=_plain))
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"scenario {scenario.name!r} cannot be recorded: {error}") from None


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is no plain data")


def _tanks(spec: np.void) -> list[dict[str, Any]]:
    """Every tank: its name, its team, who drives it, and its number among the agents."""
    agents = spec["slot"][: spec["num_agents"]].tolist()
    teams = spec["team"][: spec["num_tanks"]].tolist()
    return [
        {
            "name": name,
            "team": team,
            "driver": driver_name(spec["driver"][i], spec["bot_level"][i]),
            "agent": agents.index(i) if i in agents else None,
        }
        for i, (name, team) in enumerate(zip(names_of(teams), teams, strict=True))
    ]
