"""`load_replay`: an episode from its file, to look at, or to play again under the rules that it was made by."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core import trace_step, write_all_masks
from ..maps import MapError
from ..params import RULES_VERSION, TILE
from ..plain import world_to_dict
from ..render import enlarged, fog, seen_frame
from ..render.effects import PUFF_FRAMES, draw_flashes, draw_puffs
from ..scenarios import Rewards, Scenario, ScenarioError, Team, unknown
from ..state import SCRATCH, WORLD
from .check import check
from .container import ReplayError, unpack
from .events import EVENT_KINDS, FIRE, SPENT, Event
from .recorder import MAX_MAPS, begin_world, digest, write_file
from .sections import HASH_EVERY
from .trace import all_seen, drawable_spec, seen_record, world_at

MAX_FILE = 256 << 20  # bytes


def load_replay(path: str | os.PathLike[str]) -> Replay:
    """The episode in a *.mabc file; ReplayError says what is wrong with one that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ReplayError(f"cannot read {os.fspath(path)}: {error.strerror or error}") from None
    if len(data) > MAX_FILE:
        raise ReplayError(f"{os.fspath(path)}: larger than {MAX_FILE >> 20} MiB, which no replay is")
    try:
        return Replay(data)
    except ReplayError as error:
        raise ReplayError(f"{os.fspath(path)}: {error}") from None


class Replay:
    """An episode of T steps and F frames: N agents, M tanks. Frame 0 is the start, frame F the end.

    data: the file's bytes. header: see docs/replay.md. actions int8 [T, C], hold int16 [T, C] or None, reward float32
    [T, N], step_frame int32 [T + 1], extras: name → float16 [T, ...]. Times are in frames, places in px.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.header, self._sections = unpack(data)
        check(self.header, self._sections)
        self.scenario_name: str = self.header["scenario"]["name"]
        self.agents: list[str] = self.header["agents"]
        self.tanks: list[dict[str, Any]] = self.header["tanks"]
        self.num_steps: int = self.header["num_steps"]
        self.num_frames: int = self.header["num_frames"]
        self.outcome: int | None = self.header["outcome"]
        self.rules_version: int = self.header["rules_version"]
        self.actions, self.reward = self._sections["actions"], self._sections["reward"]
        self.hold = self._sections.get("hold")
        self.step_frame = self._sections["step_frame"]
        self.extras = {name[6:]: array for name, array in self._sections.items() if name.startswith("extra.")}
        self._spec = drawable_spec(self.header)
        self._terrain = self._sections["terrain"].copy()
        self._terrain_frame = self._num_changed = 0

    def __repr__(self) -> str:
        ends = {None: "cut short", 0: "a draw"}.get(self.outcome, f"team {self.outcome} won")
        return (
            f"{self.scenario_name}, seed {self.header['seed']}: {len(self.tanks)} tanks, {self.num_steps} steps "
            f"({self.num_frames} frames), {ends}"
        )

    def _repr_html_(self) -> str:
        """In a notebook a replay shows itself."""
        from ..viewer import notebook

        return notebook(self.data, f"{self.scenario_name}.mabc")

    # -- what was drawn: any version reads it ---------------------------------------------------------

    @cached_property
    def events(self) -> list[Event]:
        """What happened, in order of time."""
        columns = [self._sections[f"event.{name}"].tolist() for name in ("frame", "kind", "tank", "by", "x", "y")]
        steps = self.steps_of(self._sections["event.frame"]).tolist()
        return [
            Event(frame, step, EVENT_KINDS[kind], tank, by, x, y)
            for (frame, kind, tank, by, x, y), step in zip(zip(*columns, strict=True), steps, strict=True)
        ]

    def steps_of(self, frames: np.ndarray) -> np.ndarray:
        """The step, from 1, in which each frame lies; 0 for frame 0."""
        return np.searchsorted(self.step_frame, frames)

    def step_of(self, frame: int) -> int:
        """The step, from 1, in which a frame lies; 0 for frame 0."""
        return int(self.steps_of(np.array(self._checked(frame))))

    def picture(self, frame: int, scale: int = 1, agent: str | int | None = None, effects: bool = False) -> np.ndarray:
        """A frame as a picture: uint8 [H * scale, W * scale, 3].

        agent: a tank's name or slot, to see what it sees. effects: flashes and puffs where bullets begin and end.
        """
        worlds = self._world(frame)
        slot = None if agent is None else self.slot(agent)
        seen = all_seen() if slot is None else self.seen(frame, slot)
        picture = seen_frame(worlds, self._spec, seen)
        if effects:
            self._draw_effects(picture, frame, seen[0], None if slot is None else worlds[0]["tanks"][slot])
        scenario = self.header["scenario"]
        if slot is not None and not scenario.get("full_observability"):
            tank = worlds[0]["tanks"][slot]
            fog(picture, int(tank["x"]), int(tank["y"]), int(scenario["sight"]) if tank["alive"] else 0)
        return enlarged(picture, scale)

    def pictures(
        self, every: int = 1, scale: int = 1, agent: str | int | None = None, effects: bool = False
    ) -> Iterator[np.ndarray]:
        """Pictures of every n-th frame, and of the last one."""
        if every < 1:
            raise ValueError(f"every={every!r}: expected a whole number of at least 1")
        for frame in range(0, self.num_frames, every):
            yield self.picture(frame, scale, agent, effects)
        yield self.picture(self.num_frames, scale, agent, effects)

    def _draw_effects(self, picture: np.ndarray, frame: int, seen: np.void, viewer: np.void | None) -> None:
        """The effects of the last frames; a viewer sees those in its window that no wall hides."""
        frames, kinds = self._sections["event.frame"], self._sections["event.kind"]
        first, last = np.searchsorted(frames, [frame - PUFF_FRAMES, frame], side="right")
        xs, ys, ages = self._sections["event.x"], self._sections["event.y"], frame - frames
        sight = int(self.header["scenario"]["sight"])
        width, height = self.header["width"], self.header["height"]
        for kind, draw in ((FIRE, draw_flashes), (SPENT, draw_puffs)):
            chosen = np.flatnonzero(kinds[first:last] == kind) + first
            if viewer is not None and not self.header["scenario"].get("full_observability"):
                x, y = xs[chosen].astype(int), ys[chosen].astype(int)
                dx, dy = x - int(viewer["x"]), y - int(viewer["y"])
                near = (np.minimum(dx, dy) >= -sight) & (np.maximum(dx, dy) < sight) & bool(viewer["alive"])
                inside = (x >= 0) & (y >= 0) & (x < TILE * width) & (y < TILE * height)
                tiles = np.where(inside, (y >> 3) * width + (x >> 3), 0)
                chosen = chosen[near & (~inside | (seen["tiles"][tiles] != 0))]
            draw(picture, zip(xs[chosen].tolist(), ys[chosen].tolist(), ages[chosen].tolist(), strict=True))

    def world(self, frame: int) -> dict[str, Any]:
        """A frame as plain data, as `env.world(i)` gives it; clocks that are only drawn as on or off are 1 or 0."""
        spec = self._spec[0].copy()
        slots = [i for i, tank in enumerate(self.tanks) if tank["agent"] is not None]
        spec["num_agents"] = len(slots)
        spec["slot"][: len(slots)] = slots
        try:
            told = world_to_dict(self._world(frame)[0], spec)
        except MapError as error:
            raise ReplayError(f"its terrain cannot be written as a map: {error}") from None
        told["step"] = self.step_of(frame)
        told["outcome"] = self.outcome if frame == self.num_frames else None
        return told

    def seen(self, frame: int, tank: str | int) -> np.ndarray:
        """What a tank saw when the last step before a frame ended, or with it: [1] of state.SEEN."""
        slot, step = self.slot(tank), int(np.searchsorted(self.step_frame, self._checked(frame), side="right")) - 1
        tiles = self._sections.get("seen_tiles")
        return seen_record(
            self._sections["seen"][step, slot],
            None if tiles is None else tiles[step, slot],
            len(self.tanks),
            len(self.header["bases"]),
            self.header["width"] * self.header["height"],
        )

    def slot(self, tank: str | int) -> int:
        """The slot of a tank that is named or numbered; ScenarioError for one that is not there."""
        names = [one["name"] for one in self.tanks]
        if isinstance(tank, str):
            if tank not in names:
                raise unknown("tank", tank, names)
            return names.index(tank)
        if isinstance(tank, bool) or not 0 <= operator.index(tank) < len(names):
            raise ScenarioError(f"tank {tank!r}: expected 0 to {len(names) - 1}, or a name such as {names[0]!r}")
        return operator.index(tank)

    def _checked(self, frame: int) -> int:
        frame = operator.index(frame)
        if not 0 <= frame <= self.num_frames:
            raise IndexError(f"frame {frame!r}: expected 0 to {self.num_frames}")
        return frame

    def _world(self, frame: int) -> np.ndarray:
        """The world of a frame; terrain is kept where the last look left it, since frames are mostly read in order."""
        if self._checked(frame) < self._terrain_frame:
            self._terrain, self._num_changed = self._sections["terrain"].copy(), 0
        frames, tiles = self._sections["change.frame"], self._sections["change.tile"]
        until = int(np.searchsorted(frames, frame, side="right"))
        for k in range(self._num_changed, until):
            self._terrain[tiles[k]] = self._sections["change.code"][k]
        self._terrain_frame, self._num_changed = frame, until
        return world_at(self.header, self._sections, frame, self._terrain)

    # -- playing it again: needs the rules that made it -----------------------------------------------

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario that was played, as an object; ReplayError if it is none that this version can play."""
        fields = dict(self.header["scenario"])
        try:
            texts = fields["map"]
            if len(texts) > MAX_MAPS or not all(isinstance(text, str) and "\n" in text for text in texts):
                raise ReplayError(f"the scenario's maps are no texts, or more than {MAX_MAPS}")
            fields["teams"] = tuple(
                Team(**{**team, "tanks": tuple(team["tanks"]), "wave": tuple(team["wave"])}) for team in fields["teams"]
            )
            fields["rewards"] = Rewards(**fields["rewards"])
            fields["map"], fields["carriers"] = tuple(fields["map"]), tuple(fields["carriers"])
            return Scenario(**fields)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ReplayError(f"its scenario cannot be played by this mabc: {error}") from None

    def simulate(self) -> Iterator[Any]:
        """Play the episode again: a batched environment of one world, at the start and after each step.

        It is the same object each time; observe(), state(), action_mask() and world(0) tell of that step.
        Raises ReplayError under other rules than those that recorded it.
        """
        from ..api.manual import ManualBatch

        if self.rules_version != RULES_VERSION:
            raise ReplayError(
                f"recorded under rules version {self.rules_version}, this is {RULES_VERSION}: it can be watched "
                "and exported, but not played again; for that, install the mabc that recorded it"
            )
        opponents = {n: _absent for n, team in enumerate(self.scenario.teams, 1) if team.driver == "policy"}
        changes: dict[str, Any] = {"opponents": opponents} if opponents else {}
        try:
            env = ManualBatch(self.scenario, 1, threads=1, **changes)
        except (ValueError, TypeError, OverflowError) as error:  # a stranger's scenario may hold anything
            raise ReplayError(f"its scenario cannot be played: {error}") from None
        self._check_orders(env)
        spec, layouts = env.view.spec, env.layouts
        begin_world(env.worlds, *self._key(), spec, layouts)
        scratch, frames = np.zeros(1, SCRATCH), np.zeros(env.scenario.frame_skip, WORLD)
        no_hold, alive = np.zeros((1, 0), np.int16), np.zeros((1, env.num_agents), bool)
        for step in range(self.num_steps + 1):
            if step > 0:
                row = no_hold if self.hold is None else self.hold[step - 1 : step]
                hold = row if row.any() else no_hold
                trace_step(env.worlds, spec, layouts, scratch, self.actions[step - 1 : step], hold, frames)
            write_all_masks(env.worlds, spec, env.action_mask(), alive)
            yield env

    def _key(self) -> tuple[int, int, int]:
        try:
            seed, index, episode = (int(self.header[name]) for name in ("seed", "index", "episode"))
        except ValueError:
            raise ReplayError("its seed, index or episode is no number") from None
        if not (0 <= seed < 2**64 and 0 <= index < 2**64 and 0 <= episode < 2**32 - 1):
            raise ReplayError("its seed, index or episode is out of range")
        return seed, index, episode

    def _check_orders(self, env: Any) -> None:
        """Raise ReplayError unless the recorded orders fit the scenario's tanks."""
        if env.num_orders != self.actions.shape[1]:
            raise ReplayError(f"its orders are for {self.actions.shape[1]} tanks, its scenario has {env.num_orders}")
        team_of = {tank.get("agent"): tank["team"] for tank in self.tanks}
        teams = [team_of.get(agent) for agent in range(len(self.agents))]  # not names: older files have others
        if teams != env.agent_teams.tolist():
            raise ReplayError(f"its agents are of teams {teams}, its scenario's of {env.agent_teams.tolist()}")
        if self.actions.size and (self.actions.min() < 0 or self.actions.max() >= env.num_actions):
            raise ReplayError(f"section 'actions' holds a number outside 0 to {env.num_actions - 1}")
        if self.hold is not None and ((self.hold < 0).any() or (self.hold.any(axis=1) != self.hold.all(axis=1)).any()):
            raise ReplayError("section 'hold' has a step in which some orders hold for no frame, or for fewer")

    def observe(self, step: int, kind: str = "vector") -> Any:
        """The agents' observations after `step` steps (0: at the start), as `env.observe(kind)[0]` gave them."""
        if not 0 <= step <= self.num_steps:
            raise IndexError(f"step {step!r}: expected 0 to {self.num_steps}")
        for number, env in enumerate(self.simulate()):
            if number == step:
                return _first(env.observe(kind))
        raise AssertionError

    def verify(self) -> int:
        """Play it again and compare states: how many were compared. ReplayError names the step that differs."""
        compared = 0
        for step, env in enumerate(self.simulate()):
            if step % HASH_EVERY and step != self.num_steps:
                continue
            if not np.array_equal(digest(env.worlds), self._sections["hash"][compared]):
                raise ReplayError(f"played again, step {step} differs from what was recorded: the file was altered")
            compared += 1
        return compared

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file as it was read."""
        write_file(Path(path), self.data)


def _absent(obs: Any, mask: Any, memory: Any) -> Any:
    raise AssertionError("a replay's orders are all recorded")


def _first(value: Any) -> Any:
    """World 0 of an observation."""
    if isinstance(value, dict):
        return {name: _first(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_first(item) for item in value)
    return value[0].copy() if isinstance(value, np.ndarray) else value[0]
