"""PettingZoo: the parallel environment over a batch of one world, and the AEC environment derived from it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import parallel_to_aec
from pettingzoo.utils.wrappers import AssertOutOfBoundsWrapper

from ..observe.entities import flatten
from ..params import FPS, NUM_ACTIONS, RULES_VERSION
from ..scenarios import Scenario, ScenarioError, unknown
from .manual import ManualBatch
from .screen import RENDER_MODES, Screen

TANKS = "mabc/Tanks-v1"
MASKS = ("info", "obs")
DEAD = ("stay", "leave")


def parallel_env(
    scenario: str | Scenario = "skirmish-3v3",
    render_mode: str | None = None,
    obs: str = "vector",
    seed: int | None = None,
    mask: str = "info",
    dead: str = "stay",
    max_cycles: int | None = None,
    **changes: Any,
) -> ParallelTanks:
    """One world as a PettingZoo parallel environment.

    render_mode: "human", "rgb_array", "ansi". seed: of the first reset() that names none; None draws one.
    mask: where the legal actions, int8 [A], are. "info": in infos[agent]["action_mask"] (PettingZoo's tests, TorchRL,
    CleanRL). "obs": observations are {"observation", "action_mask"} (RLlib's masked modules, Tianshou).
    dead: "stay": a tank without lives stays in `agents` until the episode ends; only action 0 is legal and its team's
    reward goes on (what SuperSuit, SB3 and shared rewards need). "leave": its termination is True in that step, then
    it leaves `agents`. max_cycles: another name for max_steps. changes: as for `make_batch`, record= too.
    """
    if max_cycles is not None:
        changes["max_steps"] = max_cycles
    return ParallelTanks(scenario, render_mode, obs, seed, mask, dead, **changes)


def env(scenario: str | Scenario = "skirmish-3v3", render_mode: str | None = None, **options: Any) -> AECEnv:
    """The same as a PettingZoo AEC environment, in which agents act in turn; options as for `parallel_env`."""
    return AssertOutOfBoundsWrapper(parallel_to_aec(parallel_env(scenario, render_mode, **options)))


def register() -> None:
    """Make "mabc/Tanks-v1" known to pettingzoo.make, "parallel" and "aec"; `import mabc` does it."""
    try:
        from pettingzoo import aec_registry, parallel_registry
        from pettingzoo import register as add
    except ImportError:  # before 1.27 it has no registry
        return
    if TANKS not in parallel_registry:
        add("parallel", TANKS, "mabc.api.parallel:parallel_env")
    if TANKS not in aec_registry:
        add("aec", TANKS, "mabc.api.parallel:env")


def _generator(seed: int | None) -> np.random.Generator:
    """Random numbers of a seed, any whole number; None draws one."""
    return np.random.default_rng(None if seed is None else int(seed) & (2**64 - 1))


def pick(value: Any, *index: int) -> Any:
    """A copy of value[index], where value is an array, a list or a dict of arrays; `entities` become flat."""
    if isinstance(value, np.ndarray):
        return value[index].copy()
    if isinstance(value, dict):
        return {key: pick(item, *index) for key, item in flatten(value).items()}
    for i in index:
        value = value[i]
    return value


class ParallelTanks(ParallelEnv):
    """What `parallel_env` makes. Observations are fresh arrays. infos[agent]: action_mask, alive, success, outcome."""

    possible_agents: list[str]
    agents: list[str]
    observation_spaces: dict[str, spaces.Space]
    action_spaces: dict[str, spaces.Space]
    np_random: np.random.Generator  # unused by the game; restarted by reset(seed), for wrappers that draw from it

    metadata: dict[str, Any] = {
        "name": f"mabc_v{RULES_VERSION}",
        "render_modes": RENDER_MODES,
        "is_parallelizable": True,
        "render_fps": FPS,
    }

    def __init__(
        self,
        scenario: str | Scenario,
        render_mode: str | None,
        obs: str,
        seed: int | None,
        mask: str,
        dead: str,
        **changes: Any,
    ) -> None:
        for name, value, known in (("mask", mask, MASKS), ("dead", dead, DEAD)):
            if value not in known:
                raise unknown(name, value, known)
        self.batch = ManualBatch(scenario, obs=obs, seed=seed or 0, **changes)
        if self.batch.num_agents == 0:
            raise ScenarioError(f"scenario {self.batch.scenario.name!r}: bots drive all teams, nobody is left to act")
        self.metadata = {**self.metadata, "render_fps": FPS / self.batch.scenario.frame_skip}
        self.render_mode = render_mode
        self._screen = Screen(self.batch, render_mode, self.metadata["render_fps"])
        self._mask_in_obs, self._leave = mask == "obs", dead == "leave"
        self._needs_seed = seed is None
        self.np_random = _generator(seed)
        self._slots = self.batch.view.spec[0]["slot"][: self.batch.num_agents].astype(int)
        self.possible_agents = list(self.batch.agent_ids)
        self.agents = []
        self._started = False
        self._make_spaces()

    def _make_spaces(self) -> None:
        """A space of its own for each agent, so that each can be seeded."""
        space = self.batch.obs_space
        if self._mask_in_obs:
            legal = spaces.Box(0, 1, (NUM_ACTIONS,), np.int8)
            space = spaces.Dict({"observation": space, "action_mask": legal})
        self.observation_spaces = {agent: deepcopy(space) for agent in self.possible_agents}
        self.action_spaces = {agent: spaces.Discrete(NUM_ACTIONS) for agent in self.possible_agents}
        self.state_space = self.batch.state_space

    def observation_space(self, agent: str) -> spaces.Space:
        """The same object at each call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """The same object at each call: 2 * move + fire."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Start an episode: that of the seed, or the next one of the stream. Options are ignored."""
        if seed is None and self._needs_seed:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        self._needs_seed = False
        if seed is not None:
            self.np_random = _generator(seed)
        obs, info = self.batch.reset(seed=seed)
        self._started = True
        self.agents = self.possible_agents[:]
        told = self._observations(obs), self._infos(info)
        if self.render_mode == "human":
            self._screen.render()
        return told

    def step(self, actions: dict[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One step. RuntimeError before reset() and after the end; ValueError for a missing or impossible action."""
        acted = self.agents
        if not acted:
            raise RuntimeError(
                "step() of an episode that is over: call reset() first"
                if self._started
                else "step() before reset(): call reset() first"
            )
        if len(actions) > len(acted):
            self._refuse_strangers(actions)
        try:
            if len(acted) == len(self.possible_agents):
                orders = [actions[agent] for agent in acted]
            else:
                orders = [actions[agent] if agent in acted else 0 for agent in self.possible_agents]
            obs, reward, terminated, truncated, info = self.batch.step([orders])
        except (KeyError, ValueError, TypeError) as error:
            raise self._refusal(actions) from error
        over, cut = bool(terminated[0]), bool(truncated[0])
        ended = dict.fromkeys(acted, over)
        if self._leave and not (over or cut):
            self._let_leave(ended, info["alive"][0])
        told = (
            self._observations(obs),
            dict(zip(self.possible_agents, reward[0].tolist(), strict=True)),
            ended,
            dict.fromkeys(acted, cut),
            self._infos(info),
        )
        if len(acted) < len(self.possible_agents):
            told = tuple({agent: part[agent] for agent in acted} for part in told)  # type: ignore[assignment]
        self.agents = [] if over or cut else [agent for agent in acted if not ended[agent]]
        if self.render_mode == "human":
            self._screen.render()
        return told

    def state(self) -> np.ndarray:
        """The global state, of the kind that `state=` names (default "vector")."""
        return pick(self.batch.state(), 0)

    def render(self) -> np.ndarray | str | None:
        """The world as render_mode says; None with a warning where the environment was made without one."""
        if self.render_mode is None:
            gymnasium.logger.warn('render() without a render_mode: make the environment with render_mode="rgb_array"')
        return self._screen.render()

    def close(self) -> None:
        """Close the window and stop."""
        self._screen.close()
        self.batch.close()

    # -- inside -----------------------------------------------------------------------------------

    def _observations(self, obs: Any) -> dict[str, Any]:
        if isinstance(obs, np.ndarray):
            rows = dict(zip(self.possible_agents, obs[0].copy(), strict=True))
        else:
            rows = {agent: pick(obs, 0, n) for n, agent in enumerate(self.possible_agents)}
        if not self._mask_in_obs:
            return rows
        masks = self._masks()
        return {
            agent: {"observation": row, "action_mask": mask}
            for (agent, row), mask in zip(rows.items(), masks, strict=True)
        }

    def _masks(self) -> np.ndarray:
        """Legal actions, int8 [N, A], as gymnasium's Discrete.sample(mask) takes them."""
        return self.batch.action_mask()[0].copy().view(np.int8)

    def _infos(self, info: dict[str, Any]) -> dict[str, dict[str, Any]]:
        alive, success = info["alive"][0].tolist(), info["success"][0].tolist()
        outcome = int(info["outcome"][0])
        return {
            agent: {"action_mask": mask, "alive": lives, "success": won, "outcome": outcome}
            for agent, mask, lives, won in zip(self.possible_agents, self._masks(), alive, success, strict=True)
        }

    def _let_leave(self, ended: dict[str, bool], alive: np.ndarray) -> None:
        """Mark the agents whose tank can never come back."""
        if alive.all():
            return
        lives = self.batch.worlds[0]["tanks"]["lives"][self._slots]
        for n, agent in enumerate(self.possible_agents):
            if agent in ended and not alive[n] and lives[n] <= 0:
                ended[agent] = True

    def _refuse_strangers(self, actions: dict[str, Any]) -> None:
        for agent in actions if hasattr(actions, "keys") else ():
            if agent not in self.possible_agents:
                raise unknown("agent", agent, self.possible_agents)

    def _refusal(self, actions: dict[str, Any]) -> ValueError:
        """What is wrong with actions that the batch refused."""
        if not hasattr(actions, "keys"):
            return ValueError(f"actions {actions!r}: expected a dictionary with an integer for each of {self.agents}")
        self._refuse_strangers(actions)
        for agent in self.agents:
            if agent not in actions:
                return ValueError(f"no action for {agent!r}: step() needs one for each of {self.agents}")
            if not self.action_spaces[agent].contains(actions[agent]):
                return ValueError(
                    f"the action of {agent!r} is {actions[agent]!r}; expected an integer from 0 to {NUM_ACTIONS - 1} "
                    "(2 * move + fire)"
                )
        return ValueError(f"actions {actions!r} were refused: expected an integer for each of {self.agents}")
