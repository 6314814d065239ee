"""`make_batch`: many worlds stepped at once, the native interface; the others are derived from it."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from .. import plain
from ..catalogue import scenario as find_scenario
from ..core import Results, reset_worlds, seed_worlds, step_worlds, suggest_actions
from ..layouts import layouts_of, spec_of
from ..names import names_of
from ..observe import entities
from ..observe.kinds import Kind, View, obs_kind, state_kind
from ..params import BOTS, FPS, KNOWLEDGE, NUM_ACTIONS, RULES_VERSION, RUNNING, driver_of
from ..replay.recorder import Recorder
from ..scenarios import Scenario, ScenarioError, change, unknown
from ..state import SCRATCH, WORLD
from .opponents import make_opponents

SMALL_BATCH = 128
"""Fewer worlds than this are stepped by the calling thread alone: handing them over costs more than it saves."""
CHUNKS_A_THREAD = 4
"""Into how many parts a thread's share of a large batch is cut."""


def make_batch(
    scenario: str | Scenario,
    num_envs: int = 1,
    obs: str = "vector",
    state: str = "vector",
    seed: int = 0,
    first_world: int = 0,
    copy: bool = False,
    threads: int | None = None,
    record: str | os.PathLike[str] | None = None,
    **changes: Any,
) -> BatchedEnv:
    """Make a batch of B = num_envs worlds of one scenario.

    obs, state: "vector", "entities", "planes", "rgb" (obs also "text"). first_world: number of the first world in the
    random streams, so that ranks of a distributed run differ. copy: return fresh arrays in place of the
    environment's own. threads: default one a processor. record: a file ending in .mabc, or a folder, for the episodes
    of world 0 (docs/replay.md). changes: any field of `Scenario` (frame_skip=4, sight=96,
    line_of_sight=True, full_observability=True, per_agent_reward=True, ...), any weight of `Rewards`, and
    opponents= a bot's name, a callable, or {team: either}.

    Raises ScenarioError, naming the nearest name there is, for an unknown scenario, option, bot or observation.
    """
    return BatchedEnv(scenario, num_envs, obs, state, seed, first_world, copy, threads, changes, record)


class BatchedEnv:
    """B worlds of one scenario, N agents each. Shapes: B worlds, N agents, A actions, D features, S state.

    Returned arrays are the environment's own and are overwritten by the next call (`copy=True` copies). A world that
    ends is reset within the same step; its last observation and state are in `info`.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": FPS, "rules_version": RULES_VERSION}
    _resets = True

    def __init__(
        self,
        scenario: str | Scenario,
        num_envs: int,
        obs: str,
        state: str,
        seed: int,
        first_world: int,
        copy: bool,
        threads: int | None,
        changes: dict[str, Any],
        record: str | os.PathLike[str] | None = None,
    ) -> None:
        opponents = changes.get("opponents")
        self.scenario = change(find_scenario(scenario), changes)
        self.num_envs = _positive("num_envs", num_envs)
        self.copy = copy
        self.layouts, base_teams, self.maps = layouts_of(self.scenario)
        self._spec = spec_of(self.scenario, base_teams)
        self.view = View(self.scenario, self._spec, int(self.layouts["width"].max()), int(self.layouts["height"].max()))
        spec = self._spec[0]
        self.num_agents, self.num_actions = int(spec["num_agents"]), NUM_ACTIONS
        slots = spec["slot"][: self.num_agents]
        self.agent_teams = spec["team"][slots].astype(np.int64)
        self.agent_ids = names_of(self.agent_teams.tolist())
        self.max_steps = self.scenario.max_steps
        self.obs_name, self.state_name = obs, state
        self._kinds: dict[tuple[str, str], tuple] = {}
        self._obs_kind, self._obs = self._kind("obs", obs)
        self._state_kind, _ = self._kind("state", state)
        self._final_obs, self._final_state = self._obs_kind.allocate(num_envs), self._state_kind.allocate(num_envs)
        self.obs_space, self.state_space = self._obs_kind.space, self._state_kind.space
        self.obs_shape, self.state_shape = self.obs_space.shape, self.state_space.shape
        self.action_space = spaces.Discrete(NUM_ACTIONS)
        self._opponents = make_opponents(self, opponents)
        self._allocate(threads)
        self._seed, self._first_world, self._started = int(seed), int(first_world), False
        seed_worlds(self._worlds, np.uint64(self._seed & (2**64 - 1)), self._first_world)
        self.recorder = None if record is None else Recorder(self, record)

    def _allocate(self, threads: int | None) -> None:
        batch, agents = self.num_envs, self.num_agents
        self._worlds = np.zeros(batch, WORLD)
        self._all = np.ones(batch, bool)
        columns = agents + sum(opponent.num_tanks for opponent in self._opponents)
        self._orders = np.zeros((batch, columns), np.int8)
        self._no_hold = np.zeros((batch, 0), np.int16)
        self._hold = np.zeros((batch, columns), np.int16)
        self._out = Results(
            reward=np.zeros((batch, agents), np.float32),
            terminated=np.zeros(batch, bool),
            truncated=np.zeros(batch, bool),
            outcome=np.full(batch, RUNNING, np.int8),
            success=np.zeros((batch, agents), bool),
            alive=np.zeros((batch, agents), bool),
            mask=np.zeros((batch, agents, NUM_ACTIONS), bool),
            episode_return=np.zeros((batch, agents), np.float32),
            episode_length=np.zeros(batch, np.int32),
        )
        self._actions = np.zeros((batch, agents), np.int64)
        self._fused = self.obs_name == "vector" and self.state_name == "vector"
        wanted = _processors() if threads is None else _positive("threads", threads)
        self.threads = max(1, min(wanted, batch // SMALL_BATCH))
        count = min(batch // SMALL_BATCH, CHUNKS_A_THREAD * self.threads) if self.threads > 1 else 1
        edges = np.linspace(0, batch, count + 1).astype(int).tolist()
        self._chunks = list(pairwise(edges))
        self._scratch = [np.zeros(1, SCRATCH) for _ in range(self.threads)]
        self._pool: ThreadPoolExecutor | None = None
        self._pool_owner = 0

    # -- the interface ------------------------------------------------------------------------------

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict[str, Any]]:
        """Start new episodes in all worlds: observations [B, N, ...] and info. A seed restarts the random streams."""
        if seed is not None:
            self._seed = int(seed)
            seed_worlds(self._worlds, np.uint64(self._seed & (2**64 - 1)), self._first_world)
        self._reset(self._all)
        self._started = True
        self._out.outcome.fill(RUNNING)
        for array in (self._out.success, self._out.episode_return, self._out.episode_length):
            array.fill(0)
        for opponent in self._opponents:
            opponent.memory = None
        if self.recorder is not None:
            self.recorder.begin()
        self.write(self._obs_kind, self._obs)
        return self._give(self._obs), self._info()

    def step(self, actions: Any, hold: Any = None) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Step every world by frame_skip frames.

        actions: int [B, N], 2 * move + fire, move in {stay, up, right, down, left}. hold: int [B, N], for how many
        frames each action holds (default frame_skip); an action is not read while an earlier one still holds.
        Returns obs [B, N, ...], reward float32 [B, N], terminated and truncated bool [B], info (dict of arrays).
        Raises ValueError for actions of a wrong shape, dtype or range; nothing has moved then.
        """
        given = self._checked_actions(actions)
        if hold is None:
            hold = self._no_hold
        else:
            self._hold[:, : self.num_agents] = self._checked_hold(hold)
            self._hold[:, self.num_agents :] = self.scenario.frame_skip
            hold = self._hold
        self._orders[:, : self.num_agents] = given
        for opponent in self._opponents:
            opponent.act(self._orders)
        self._run(lambda k, low, high: self._step(k, hold, low, high))
        if not self._fused:
            self._finish()
        for opponent in self._opponents:
            opponent.forget(self._out.terminated | self._out.truncated)
        if self.recorder is not None:
            self._record(self.recorder, hold)
        out = self._out
        return (
            self._give(self._obs),
            self._give(out.reward),
            self._give(out.terminated),
            self._give(out.truncated),
            self._info(),
        )

    def observe(self, kind: str) -> Any:
        """The current step's observation of any kind: arrays [B, N, ...], or for "text" a list [B][N] of str."""
        found, buffers = self._kind("obs", kind)
        self.write(found, buffers)
        return self._give(buffers)

    def state(self, kind: str | None = None) -> Any:
        """The current step's global state, [B, ...]; by default of the kind given to make_batch."""
        found, buffers = self._kind("state", kind or self.state_name)
        self.write(found, buffers)
        return self._give(buffers)

    def action_mask(self) -> np.ndarray:
        """Legal actions, bool [B, N, A]. Always some: the dead, the entering and the frozen may only stay and hold."""
        return self._give(self._out.mask)

    def bot_actions(self, bot: str, knowledge: str = "team") -> np.ndarray:
        """What a bot would do with the agents' tanks: int64 [B, N].

        bot: "random", "classic", "attract", or "tactical" with a level, as "tactical:novice". knowledge: what it knows
        of the present step: what each agent sees ("agent"), what its team sees ("team"), or "all".
        """
        if bot not in BOTS:
            raise unknown("bot", bot, BOTS)
        if knowledge not in KNOWLEDGE:
            raise unknown("knowledge", knowledge, KNOWLEDGE)
        driver, level = driver_of(bot)
        known = KNOWLEDGE.index(knowledge)
        suggest_actions(self._worlds, self._spec, self.layouts, self._scratch[0], driver, level, known, self._actions)
        return self._give(self._actions)

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that decides the future, as arrays: restore() goes on exactly, the random streams included.

        The memory of callable opponents is theirs to keep: it is not part of the snapshot.
        """
        worlds = self._worlds.view(np.uint8).reshape(self.num_envs, -1).copy()
        out = {f"out.{name}": array.copy() for name, array in self._out._asdict().items()}
        return {"worlds": worlds, "rules_version": np.array(RULES_VERSION), "scenario": self._fingerprint(), **out}

    def restore(self, snapshot: dict[str, np.ndarray]) -> None:
        """Go back to a snapshot of an environment of the same scenario and batch size.

        Raises ValueError, and changes nothing, for one of other rules, another scenario or another batch size.
        """
        version = int(snapshot["rules_version"])
        if version != RULES_VERSION:
            raise ValueError(
                f"the snapshot was made by rules version {version}, this is version {RULES_VERSION}: "
                f"install the version of mabc that made it, or start anew"
            )
        if snapshot.get("scenario") != self._fingerprint():
            raise ValueError(
                f"the snapshot is not of scenario {self.scenario.name!r} with these options, maps and agents: "
                "restore it into an environment made as the one that it was taken from"
            )
        places = {"worlds": self._worlds.view(np.uint8).reshape(self.num_envs, -1)}
        places |= {f"out.{name}": array for name, array in self._out._asdict().items()}
        for name, place in places.items():
            if snapshot[name].shape != place.shape or snapshot[name].dtype != place.dtype:
                raise ValueError(
                    f"the snapshot's {name} is {snapshot[name].dtype}{list(snapshot[name].shape)}, expected "
                    f"{place.dtype}{list(place.shape)}: restore it with the same num_envs"
                )
        for name, place in places.items():
            place[:] = snapshot[name]
        self._started = True
        if self.recorder is not None:
            self.recorder.abandon("restore() leads to another one")
        self.write(self._obs_kind, self._obs)

    def _fingerprint(self) -> np.ndarray:
        """A digest of what worlds mean, uint64: the scenario in numbers and its start positions."""
        digest = hashlib.blake2b(self._spec.tobytes() + self.layouts.tobytes(), digest_size=8)
        return np.array(int.from_bytes(digest.digest(), "little"), np.uint64)

    @property
    def views(self) -> dict[str, spaces.Box]:
        """What an agent observes as named arrays, a space each; "state" is the global state, where it is one array.

        One array has its kind's name, entities are `tanks`, `tanks_mask` and so on; text has none.
        """
        if isinstance(self.obs_space, spaces.Dict):
            found = dict(self.obs_space.spaces)
        else:
            found = {self.obs_name: self.obs_space}
        found["state"] = self.state_space
        return {name: space for name, space in found.items() if isinstance(space, spaces.Box)}

    @property
    def entity_ids(self) -> dict[str, np.ndarray]:
        """For each type of entity, the slot in the state of every slot in an observation: int64 [N, E]."""
        return entities.ids(self.view)

    def world(self, i: int) -> dict:
        """World i as plain data that json can write (see docs/world.md)."""
        return plain.world_to_dict(self._worlds[i], self._spec[0])

    @property
    def worlds(self) -> np.ndarray:
        """The records themselves, [B] of state.WORLD: for tools and tests; writing to them is at your own risk."""
        return self._worlds

    @property
    def num_orders(self) -> int:
        """Columns of orders: the agents, then the tanks that callables drive."""
        return self._orders.shape[1]

    def close(self) -> None:
        """Stop the threads, and write the episode that is being recorded."""
        if self.recorder is not None:
            self.recorder.close()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    # -- inside -----------------------------------------------------------------------------------

    def _run(self, work: Callable[[int, int, int], None]) -> None:
        """work(thread, low, high) over all chunks of worlds; kernels run without the GIL.

        Threads take the next chunk as they are done with one, so that none waits for another that the machine holds up.
        """
        if self.threads == 1:
            work(0, 0, self.num_envs)
            return
        if self._pool is None or self._pool_owner != os.getpid():  # a fork copies the pool, but not its threads
            self._pool, self._pool_owner = ThreadPoolExecutor(self.threads - 1), os.getpid()
        chunks = deque(self._chunks)

        def labour(thread: int) -> None:
            while True:
                try:
                    low, high = chunks.popleft()
                except IndexError:
                    return
                work(thread, low, high)

        waiting = [self._pool.submit(labour, thread) for thread in range(1, self.threads)]
        try:
            labour(0)
        finally:  # after Ctrl-C too: nobody may go on writing to the worlds
            chunks.clear()
            wait(waiting)
        for future in waiting:
            future.result()

    def _step(self, k: int, hold: np.ndarray, low: int, high: int) -> None:
        step_worlds(
            self._worlds,
            self._spec,
            self.layouts,
            self._scratch[k],
            self._orders,
            hold,
            self._out,
            self._obs if self._fused else _NO_OBS,
            self._final_obs if self._fused else _NO_OBS,
            self._final_state if self._fused else _NO_STATE,
            self._fused,
            low,
            high,
        )

    def _record(self, recorder: Recorder, hold: np.ndarray) -> None:
        """Tell the recorder of the step; a world that ended and was reset begins its next episode."""
        i = recorder.index
        outcome = int(self._out.outcome[i])
        recorder.step(self._orders[i : i + 1], hold[i : i + 1], self._out.reward[i], outcome)
        if outcome != RUNNING and self._resets:
            recorder.begin()

    def _finish(self) -> None:
        """Last observations and resets of the worlds that ended, for kinds that the step does not write itself."""
        ended = self._out.terminated | self._out.truncated
        if ended.any():
            self.write(self._obs_kind, self._final_obs, ended)
            self.write(self._state_kind, self._final_state, ended)
            self._reset(ended)
        self.write(self._obs_kind, self._obs)

    def _reset(self, only: np.ndarray) -> None:
        out = self._out
        reset_worlds(self._worlds, self._spec, self.layouts, only, out.mask, out.alive, 0, self.num_envs)

    def _kind(self, what: str, name: str) -> tuple[Kind, Any]:
        if (what, name) not in self._kinds:
            kind = (obs_kind if what == "obs" else state_kind)(name, self.view)
            self._kinds[what, name] = (kind, kind.allocate(self.num_envs))
        return self._kinds[what, name]

    def write(self, kind: Kind, buffers: Any, only: np.ndarray | None = None) -> None:
        """Fill a kind's buffers, for all worlds or those for which only[b] is set."""
        only = self._all if only is None else only
        self._run(lambda k, low, high: kind.write(self._worlds, buffers, low, high, only))

    def _give(self, value: Any) -> Any:
        if not self.copy:
            return value
        if isinstance(value, dict):
            return {key: self._give(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(self._give(item) for item in value)
        return value.copy()

    def _info(self) -> dict[str, Any]:
        out = self._out
        info = {
            "final_obs": self._final_obs,
            "final_state": self._final_state,
            "alive": out.alive,
            "success": out.success,
            "outcome": out.outcome,
            "episode_return": out.episode_return,
            "episode_length": out.episode_length,
        }
        return self._give(info)

    def _checked_hold(self, hold: Any) -> np.ndarray:
        """How long actions hold, [B, N], or what is wrong with it."""
        hold, wanted = np.asarray(hold), (self.num_envs, self.num_agents)
        if hold.shape != wanted or hold.dtype.kind not in "iu":
            raise ValueError(
                f"hold has shape {hold.shape} and dtype {hold.dtype}; expected integers of shape {wanted}: frames"
            )
        if hold.size and (hold.min() < 1 or hold.max() > 30_000):
            b, n = np.argwhere((hold < 1) | (hold > 30_000))[0]
            raise ValueError(f"hold[{b}, {n}] is {hold[b, n]}; expected 1 to 30,000 frames")
        return hold

    def _checked_actions(self, actions: Any) -> np.ndarray:
        """Actions [B, N], or what is wrong with them."""
        if not self._started:
            raise RuntimeError("step() before reset(): call reset() first")
        actions = np.asarray(actions)
        wanted = (self.num_envs, self.num_agents)
        if actions.shape != wanted:
            raise ValueError(f"actions have shape {actions.shape}; expected {wanted}: [num_envs, num_agents]")
        if actions.dtype.kind not in "iu":
            raise ValueError(f"actions have dtype {actions.dtype}; expected integers from 0 to {NUM_ACTIONS - 1}")
        if actions.size and (actions.max() >= NUM_ACTIONS or actions.min() < 0):
            b, n = np.argwhere((actions < 0) | (actions >= NUM_ACTIONS))[0]
            raise ValueError(f"actions[{b}, {n}] is {actions[b, n]}; expected 0 to {NUM_ACTIONS - 1} (2 * move + fire)")
        return actions


_NO_OBS = np.zeros((1, 0, 0), np.float32)
_NO_STATE = np.zeros((1, 0), np.float32)


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _positive(name: str, value: int) -> int:
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ScenarioError(f"{name}={value!r}: expected a whole number of at least 1")
    return int(value)
