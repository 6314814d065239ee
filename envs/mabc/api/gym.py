"""Gymnasium: one tank against bots, as a single environment and natively vectorised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..observe.entities import flatten
from ..params import FPS, NUM_ACTIONS, RUNNING
from ..scenarios import Scenario, ScenarioError
from .batched import BatchedEnv
from .manual import ManualBatch
from .parallel import pick
from .screen import RENDER_MODES, Screen

SOLO = "mabc/Solo-v1"


def register() -> None:
    """Make "mabc/Solo-v1" known to gymnasium.make and make_vec; `import mabc` does it.

    Without max_episode_steps: Gymnasium would wrap that limit round every environment, and one that was made with a
    larger max_steps= would be cut at it. Environments keep their own limit, and their spec says it: `_LimitInSpec`.
    """
    if SOLO not in gymnasium.registry:
        gymnasium.register(
            SOLO,
            entry_point="mabc.api.gym:SoloEnv",
            vector_entry_point="mabc.api.gym:SoloVectorEnv",
            nondeterministic=False,
        )


def _one_agent(env: BatchedEnv) -> None:
    if env.num_agents != 1:
        raise ScenarioError(
            f"scenario {env.scenario.name!r} has {env.num_agents} agents; a Gymnasium environment drives exactly one. "
            'Use "solo" or a scenario of your own, give the other teams to bots (opponents={2: "classic"}), or use '
            "mabc.parallel_env or mabc.make_batch"
        )


def _rename_limit(changes: dict[str, Any], max_episode_steps: int | None) -> None:
    """Put Gymnasium's limit among the changes, under the name that scenarios have for it."""
    if max_episode_steps is None:
        return
    limit = changes.setdefault("max_steps", max_episode_steps)
    if limit != max_episode_steps:
        raise ScenarioError(
            f"max_steps={limit!r} and max_episode_steps={max_episode_steps!r} are one limit: give one of them"
        )


class _LimitInSpec:
    """`spec` as Gymnasium sets it, with max_episode_steps as this environment has it: TimeAwareObservation reads it."""

    batch: BatchedEnv
    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = spec and replace(spec, max_episode_steps=self.batch.max_steps)


class SoloEnv(_LimitInSpec, gymnasium.Env):
    """One world with one agent.

    info: action_mask (int8 [A], as Discrete.sample takes it), is_success (the episode ended and was won), outcome
    (-1 running, 0 draw, else the winning team). changes: as for `make_batch`, opponents= and record= too.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": FPS}

    def __init__(
        self,
        scenario: str | Scenario = "solo",
        render_mode: str | None = None,
        obs: str = "vector",
        **changes: Any,
    ) -> None:
        self.batch = ManualBatch(scenario, obs=obs, **changes)
        _one_agent(self.batch)
        self.metadata = {**self.metadata, "render_fps": FPS / self.batch.scenario.frame_skip}
        self.render_mode = render_mode
        self._screen = Screen(self.batch, render_mode, self.metadata["render_fps"])
        self.observation_space = self.batch.obs_space
        self.action_space = spaces.Discrete(NUM_ACTIONS)
        self._over: bool | None = None

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode: that of the seed, or the next one of the stream; the first is drawn if it has no seed."""
        super().reset(seed=seed)
        if seed is None and self._over is None:
            seed = int(self.np_random.integers(2**63))
        obs, info = self.batch.reset(seed=seed)
        self._over = False
        self._show()
        return pick(obs, 0, 0), self._info(info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step. RuntimeError before reset() and after the end; ValueError for an action that does not exist."""
        if self._over is not False:
            raise RuntimeError(
                f"step() {'of an episode that is over' if self._over else 'before reset()'}: call reset()"
            )
        if not self.action_space.contains(action):
            raise ValueError(f"action {action!r}: expected an integer from 0 to {NUM_ACTIONS - 1} (2 * move + fire)")
        obs, reward, terminated, truncated, info = self.batch.step([[action]])
        over, cut = bool(terminated[0]), bool(truncated[0])
        self._over = over or cut
        self._show()
        return pick(obs, 0, 0), float(reward[0, 0]), over, cut, self._info(info)

    def action_masks(self) -> np.ndarray:
        """Legal actions, bool [A]: where sb3-contrib's MaskablePPO looks for them."""
        return self.batch.action_mask()[0, 0].copy()

    def render(self) -> Any:
        """The world as render_mode says."""
        if self.render_mode is None:
            gymnasium.logger.warn('render() without a render_mode: gymnasium.make(..., render_mode="rgb_array")')
        return self._screen.render()

    def close(self) -> None:
        """Close the window and stop."""
        self._screen.close()
        self.batch.close()

    def _show(self) -> None:
        if self.render_mode == "human":
            self._screen.render()

    def _info(self, info: dict[str, Any]) -> dict[str, Any]:
        return {
            "action_mask": self.action_masks().view(np.int8),
            "is_success": bool(info["success"][0, 0]),
            "outcome": int(info["outcome"][0]),
        }


class SoloVectorEnv(_LimitInSpec, VectorEnv):
    """B worlds with one agent each, stepped together; a world that ends is reset in the same step.

    Returned arrays are fresh. World i seeded with s plays the games of a `SoloEnv` seeded with s + i.
    info: action_mask int8 [B, A], outcome [B], is_success [B]; in a step in which episodes ended also final_obs (object
    [B], None where none ended) and final_info (dict of arrays), each with its `_` mask.
    max_episode_steps: Gymnasium's name for max_steps. changes: as for `make_batch`, record= and threads= too.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": RENDER_MODES, "render_fps": FPS}

    def __init__(
        self,
        num_envs: int = 1,
        scenario: str | Scenario = "solo",
        render_mode: str | None = None,
        obs: str = "vector",
        max_episode_steps: int | None = None,
        **changes: Any,
    ) -> None:
        _rename_limit(changes, max_episode_steps)
        threads, record = changes.pop("threads", None), changes.pop("record", None)
        self.batch = BatchedEnv(scenario, num_envs, obs, "vector", 0, 0, False, threads, changes, record)
        _one_agent(self.batch)
        self.num_envs = num_envs
        self.metadata = {**self.metadata, "render_fps": FPS / self.batch.scenario.frame_skip}
        self.render_mode = render_mode
        self._screen = Screen(self.batch, render_mode, self.metadata["render_fps"])
        self.single_observation_space = self.batch.obs_space
        self.single_action_space = spaces.Discrete(NUM_ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._all = np.ones(num_envs, bool)
        self._started = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start episodes in all worlds. seed: of world 0, the others count on; or a list of one for each world."""
        if options and "reset_mask" in options:
            raise ValueError(
                "options['reset_mask']: worlds reset themselves here (SAME_STEP); reset() starts all of them"
            )
        if seed is None and not self._started:
            seed = int(self.np_random.integers(2**62))
        if seed is not None:
            self._seed_worlds(seed)
        self._started = True
        obs, info = self.batch.reset()
        return self._rows(obs), self._info(info)

    def _seed_worlds(self, seed: int | list[int | None]) -> None:
        """Give every world a stream of its own, as a single environment with that seed has it."""
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, (int, np.integer)) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments: give one number or one for each")
        for i, one in enumerate(seeds):
            if one is not None:
                world = self.batch.worlds[i]
                world["seed"], world["index"], world["episode"] = np.uint64(int(one) & (2**64 - 1)), 0, 0

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step with actions int [B]: obs [B, ...], reward float64 [B], terminated, truncated bool [B], info."""
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,):
            raise ValueError(
                f"actions have shape {actions.shape}; expected ({self.num_envs},), one for each environment"
            )
        obs, reward, terminated, truncated, info = self.batch.step(actions[:, None])
        ended = terminated | truncated
        told = self._info(info, ended)
        if ended.any():
            self._add_final(told, info, ended)
        return self._rows(obs), reward[:, 0].astype(np.float64), terminated.copy(), truncated.copy(), told

    def _add_final(self, told: dict[str, Any], info: dict[str, Any], ended: np.ndarray) -> None:
        final = np.full(self.num_envs, None, object)
        for b in np.flatnonzero(ended):
            final[b] = pick(info["final_obs"], int(b), 0)
        told["final_obs"], told["_final_obs"] = final, ended
        last = {
            "is_success": info["success"][:, 0] & ended,
            "outcome": np.where(ended, info["outcome"], 0).astype(np.int64),
            "episode_return": np.where(ended, info["episode_return"][:, 0], 0.0),
            "episode_length": np.where(ended, info["episode_length"], 0),
        }
        told["final_info"] = last | {f"_{name}": ended.copy() for name in last}
        told["_final_info"] = ended.copy()

    def _info(self, info: dict[str, Any], ended: np.ndarray | None = None) -> dict[str, Any]:
        """What holds of the running episodes; those that ended are in final_info."""
        over = ~self._all if ended is None else ended
        told = {
            "action_mask": self.batch.action_mask()[:, 0].copy().view(np.int8),
            "is_success": info["success"][:, 0] & ~over,
            "outcome": np.where(over, RUNNING, info["outcome"]).astype(np.int64),
        }
        return told | {f"_{name}": self._all.copy() for name in told}

    def _rows(self, obs: Any) -> Any:
        """Observations of the only agent, [B, ...], copied."""
        if isinstance(obs, np.ndarray):
            return obs[:, 0].copy()
        if isinstance(obs, dict):
            return {key: self._rows(item) for key, item in flatten(obs).items()}
        return tuple(world[0] for world in obs)

    def render(self) -> tuple[Any, ...] | None:
        """One picture or text for each world; "human" shows world 0."""
        if self.render_mode in ("rgb_array", "ansi"):
            return tuple(self._screen.render(i) for i in range(self.num_envs))
        self._screen.render()
        return None

    def close_extras(self, **kwargs: Any) -> None:
        """Close the window and stop the threads."""
        self._screen.close()
        self.batch.close()
