"""Environments as algorithms see them (`common.protocol.BatchedEnv`): MABC as it is, others adapted.

    env=mabc        Multi-Agent Battle City, batched by nature
    env=pettingzoo  any PettingZoo parallel environment: env.id=mpe2.simple_spread_v3
    env=gym         any Gymnasium environment, one agent: env.id=CartPole-v1
    env=batched     a batched environment of your own: env.id=my_module:make_batch

Shapes: B worlds, N agents, A actions, D features, S state.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, Optional

import numpy as np

from algos.common.config import BadInput, scenario_keys


@dataclass
class MabcConfig:
    name: str = "mabc"
    scenario: str = "skirmish-3v3"  # one of `mabc.scenarios()`
    opponent: str | None = None  # random | classic | tactical[:novice|:regular]; none: as the scenario says
    num_envs: int = 256  # worlds that step together
    obs: str = "vector"  # kind of observation: vector | planes | rgb
    state: str = "vector"  # kind of global state, for a centralised critic: vector | planes | rgb


@dataclass
class PettingZooConfig:
    name: str = "pettingzoo"
    id: str = "mpe2.simple_spread_v3"  # a module with parallel_env()
    num_envs: int = 16  # copies that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # arguments of parallel_env, e.g. env.kwargs.N=5


@dataclass
class GymConfig:
    name: str = "gym"
    id: str = "CartPole-v1"  # an id of gymnasium.make
    num_envs: int = 16  # copies that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # arguments of gymnasium.make


@dataclass
class BatchedConfig:
    name: str = "batched"
    id: str = ""  # module:function, called with num_envs, seed and the kwargs
    num_envs: int = 256  # worlds that step together
    kwargs: dict[str, Any] = field(default_factory=dict)  # further arguments of that function


ENVS: dict[str, type] = {
    "mabc": MabcConfig,
    "pettingzoo": PettingZooConfig,
    "gym": GymConfig,
    "batched": BatchedConfig,
}

PLAIN = {"int": int, "float": float, "bool": bool, "str": str}


def config_class(name: str) -> type:
    """The dataclass of one `env=`; MABC's gets an empty field for every field of mabc.Scenario."""
    if name != "mabc":
        return ENVS[name]
    extra = []
    for key in scenario_keys():
        kind = PLAIN.get(key.type.split("|")[0].strip())
        extra.append((key.name, Optional[kind] if kind else Any, field(default=None)))  # noqa: UP045
    return make_dataclass("MabcConfig", extra, bases=(MabcConfig,))


def make_env(config: dict[str, Any], num_envs: int | None = None, seed: int = 0, **changes: Any):
    """The environment that a configuration describes, with changed settings if given."""
    config = {**config, **changes}
    num_envs = num_envs or config["num_envs"]
    if num_envs < 1:
        raise BadInput(f"env.num_envs={num_envs}: at least one world is needed")
    makers: dict[str, Callable] = {
        "mabc": _make_mabc,
        "pettingzoo": _make_pettingzoo,
        "gym": _make_gym,
        "batched": _make_batched,
    }
    return makers[config["name"]](config, num_envs, seed)


def _make_mabc(config: dict[str, Any], num_envs: int, seed: int):
    from gymnasium import spaces

    import mabc

    own = {item.name for item in fields(MabcConfig)}
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
    for name, space in (("obs", env.obs_space), ("state", env.state_space)):
        if not isinstance(space, spaces.Box):
            raise BadInput(
                f"env.{name}={config[name]}: an algorithm here needs one array of numbers; use vector, planes or rgb"
            )
    return env


def _make_pettingzoo(config: dict[str, Any], num_envs: int, seed: int):
    try:
        module = importlib.import_module(config["id"])
        if not hasattr(module, "parallel_env"):
            raise BadInput(f"env.id={config['id']}: the module has no parallel_env()")
        envs = [module.parallel_env(**config["kwargs"]) for _ in range(num_envs)]
    except ImportError as error:
        raise _not_made(config, error, "It is the name of a module with parallel_env()") from error
    except TypeError as error:
        raise _not_made(config, error) from error
    return ParallelBatch(envs, seed)


def _make_gym(config: dict[str, Any], num_envs: int, seed: int):
    import gymnasium

    try:
        env_id = known_id(config["id"])
        with quiet_mujoco(env_id):
            vector = gymnasium.make_vec(
                env_id,
                num_envs=num_envs,
                vectorization_mode="sync",
                vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
                **config["kwargs"],
            )
    except (gymnasium.error.Error, TypeError, ImportError) as error:
        raise _not_made(config, error) from error
    return GymBatch(vector, seed)


def known_id(env_id: str) -> str:
    """The id, after what it takes for Gymnasium to know it: gymnasium-robotics does not announce itself."""
    import gymnasium as gym

    if env_id not in gym.registry and env_id.startswith(("PointMaze_", "AntMaze_")):
        with contextlib.redirect_stderr(io.StringIO()):  # it prints notes on environments that nobody asked for
            import gymnasium_robotics

            gym.register_envs(gymnasium_robotics)
    return env_id


@contextlib.contextmanager
def quiet_mujoco(env_id: str) -> Iterator[None]:
    """Keep back MuJoCo's warning of a deprecated attribute in Gymnasium's own models, once for every world made."""
    import gymnasium as gym

    spec = gym.registry.get(env_id)
    if spec is None or "mujoco" not in str(spec.entry_point) or importlib.util.find_spec("mujoco") is None:
        yield
        return
    import mujoco

    def tell(text: str) -> None:
        if "settotalmass" not in text:
            print(f"MuJoCo: {text}", flush=True)

    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(tell)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(before)


def _make_batched(config: dict[str, Any], num_envs: int, seed: int):
    module, _, function = config["id"].partition(":")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise _not_made(config, error, "Give it as module:function") from error
    return make(num_envs=num_envs, seed=seed, **config["kwargs"])


def _not_made(config: dict[str, Any], error: Exception, advice: str = "") -> BadInput:
    """The error for an environment that could not be made: what to install where a package is missing."""
    missing = getattr(error, "name", None) or getattr(error.__cause__, "name", None)
    package = str(missing).partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and missing and importlib.util.find_spec(package) is None:
        advice = f"Install what brings it, most likely by: pip install {package}"
    return BadInput(f"env.id={config['id']}: {str(error).rstrip('.')}." + (f" {advice}" if advice else ""))


# --- spaces ---


def _num_actions(space: Any, who: str) -> int:
    """A of a Discrete space, 0 for a Box; BadInput for anything else."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return 0
    raise BadInput(f"{who}: actions are {space}; Discrete and Box of floats are supported")


def _flat(space: Any, value: Any) -> np.ndarray:
    """One observation as a float32 row; bytes (pixels) are scaled to 0..1."""
    from gymnasium import spaces

    row = spaces.flatten(space, value).astype(np.float32)
    return row / 255 if getattr(space, "dtype", None) == np.uint8 else row


class _Episodes:
    """Return and length of the running episodes, kept until the step after they ended."""

    def __init__(self, num_envs: int, num_agents: int):
        self.returns = np.zeros((num_envs, num_agents), np.float32)
        self.lengths = np.zeros(num_envs, np.int32)
        self.ended = np.zeros(num_envs, bool)

    def add(self, reward: np.ndarray, done: np.ndarray) -> None:
        self.returns[self.ended] = 0
        self.lengths[self.ended] = 0
        self.returns += reward
        self.lengths += 1
        self.ended = done.copy()


def _no_snapshot(*_: Any) -> dict[str, Any]:
    """Foreign environments cannot be saved: a resumed run starts new episodes."""
    return {}


class GymBatch:
    """A Gymnasium vector environment with SAME_STEP autoreset as a batch of one-agent worlds (N = 1)."""

    def __init__(self, vector: Any, seed: int = 0):
        from gymnasium import spaces

        self.vector, self.seed = vector, seed
        self.obs_space, self.action_space = vector.single_observation_space, vector.single_action_space
        self.num_envs, self.num_agents = vector.num_envs, 1
        self.num_actions = _num_actions(self.action_space, "this Gymnasium environment")
        self.obs_shape = self.state_shape = (spaces.flatdim(self.obs_space),)
        self.agent_ids, self.agent_teams = ["agent"], np.ones(1, np.int32)
        self.max_steps = (vector.spec.max_episode_steps if vector.spec else None) or 0
        self.metadata = {"shared_reward": True, "outcomes": False, "snapshot": False}
        self.obs = np.zeros((self.num_envs, 1, *self.obs_shape), np.float32)
        self.final = np.zeros_like(self.obs)
        self.episodes = _Episodes(self.num_envs, 1)

    def reset(self, seed: int | None = None):
        obs, info = self.vector.reset(seed=self.seed if seed is None else seed)
        self._write(self.obs, obs)
        self.episodes = _Episodes(self.num_envs, 1)
        return self.obs, self._info(info, np.zeros(self.num_envs, bool))

    def step(self, actions: np.ndarray):
        actions = actions[:, 0]
        if self.num_actions:
            actions = actions + self.action_space.start
        else:
            actions = np.clip(actions, self.action_space.low, self.action_space.high)
        obs, reward, terminated, truncated, info = self.vector.step(actions)
        self._write(self.obs, obs)
        done = terminated | truncated
        for b in np.flatnonzero(done):
            self.final[b, 0] = _flat(self.obs_space, info["final_obs"][b])
        reward = reward.astype(np.float32)[:, None]
        self.episodes.add(reward, done)
        return self.obs, reward, terminated, truncated, self._info(info, done)

    def _write(self, rows: np.ndarray, obs: Any) -> None:
        """Batched observations into float32 rows [B, 1, D]."""
        from gymnasium.vector.utils import iterate

        for b, one in enumerate(iterate(self.vector.observation_space, obs)):
            rows[b, 0] = _flat(self.obs_space, one)

    def _info(self, info: dict, done: np.ndarray) -> dict[str, np.ndarray]:
        final = info.get("final_info", {})
        success = np.asarray(final.get("is_success", final.get("success", np.zeros(self.num_envs))), bool)
        return {
            "final_obs": self.final,
            "final_state": self.final[:, 0],
            "alive": np.ones((self.num_envs, 1), bool),
            "success": (success & done)[:, None],
            "outcome": np.where(done, 0, -1).astype(np.int8),
            "episode_return": self.episodes.returns,
            "episode_length": self.episodes.lengths,
        }

    def state(self) -> np.ndarray:
        return self.obs[:, 0]

    def action_mask(self) -> np.ndarray:
        return np.ones((self.num_envs, 1, self.num_actions), bool)

    def close(self) -> None:
        self.vector.close()

    snapshot = _no_snapshot
    restore = _no_snapshot


class ParallelBatch:
    """Copies of a PettingZoo parallel environment as a batch. Agents with smaller spaces are padded and
    masked.

    An agent that leaves is dead until its world's episode ends, which is when all have left. The episode
    counts as truncated if anybody was truncated in its last step, else as terminated.
    """

    def __init__(self, envs: list[Any], seed: int = 0):
        from gymnasium import spaces

        self.envs, self.seed = envs, seed
        first = envs[0]
        self.agent_ids = list(first.possible_agents)
        self.obs_spaces = [self._inner(first.observation_space(name)) for name in self.agent_ids]
        self.action_spaces = [first.action_space(name) for name in self.agent_ids]
        named = zip(self.agent_ids, self.action_spaces, strict=True)
        sizes = [_num_actions(space, f"agent {name}") for name, space in named]
        if min(sizes) == 0 and any(space != self.action_spaces[0] for space in self.action_spaces):
            raise BadInput("agents with continuous actions must all have the same action space")
        self.sizes, self.action_space = sizes, self.action_spaces[int(np.argmax(sizes))]
        self.num_envs, self.num_agents, self.num_actions = len(envs), len(self.agent_ids), max(sizes)
        self.agent_teams = np.ones(self.num_agents, np.int32)
        self.obs_shape = (max(spaces.flatdim(space) for space in self.obs_spaces),)
        self.max_steps = 0
        self.metadata = {"shared_reward": False, "outcomes": False, "snapshot": False}
        B, N = self.num_envs, self.num_agents
        self.obs = np.zeros((B, N, *self.obs_shape), np.float32)
        self.final_obs = np.zeros_like(self.obs)
        self.mask = np.ones((B, N, self.num_actions), bool)
        self.alive = np.ones((B, N), bool)
        self.episodes = _Episodes(B, N)
        self._reset_world(0, seed)
        self.state_shape = self._world_state(0).shape
        self.states = np.zeros((B, *self.state_shape), np.float32)
        self.final_states = np.zeros_like(self.states)

    @staticmethod
    def _inner(space: Any) -> Any:
        """The observation itself where an environment gives {"observation", "action_mask"}."""
        from gymnasium import spaces

        return space["observation"] if isinstance(space, spaces.Dict) and "action_mask" in space.spaces else space

    def reset(self, seed: int | None = None):
        seed = self.seed if seed is None else seed
        for b in range(self.num_envs):
            self._reset_world(b, seed + b)
            self.states[b] = self._world_state(b)
        self.episodes = _Episodes(self.num_envs, self.num_agents)
        return self.obs, self._info(np.zeros(self.num_envs, bool))

    def _reset_world(self, b: int, seed: int | None = None) -> None:
        obs, info = self.envs[b].reset(seed=seed)
        self._write(b, obs, info)

    def _write(self, b: int, obs: dict, info: dict) -> None:
        """Observations, masks and who is alive of world b, from PettingZoo's dictionaries."""
        for n, name in enumerate(self.agent_ids):
            alive = name in self.envs[b].agents
            self.alive[b, n] = alive
            self.mask[b, n] = np.arange(self.num_actions) < (self.sizes[n] if alive else 1)
            self.obs[b, n] = 0
            if name not in obs:
                continue
            value, mask = obs[name], info.get(name, {}).get("action_mask")
            if isinstance(value, dict) and "action_mask" in value:
                value, mask = value["observation"], value["action_mask"]
            row = _flat(self.obs_spaces[n], value)
            self.obs[b, n, : len(row)] = row
            if alive and mask is not None:
                self.mask[b, n, : self.sizes[n]] = np.asarray(mask, bool)

    def _world_state(self, b: int) -> np.ndarray:
        """The environment's own state() if it has one, else all observations side by side."""
        try:
            return np.asarray(self.envs[b].state(), np.float32).ravel()
        except (NotImplementedError, AttributeError):
            return self.obs[b].reshape(-1).copy()

    def step(self, actions: np.ndarray):
        B, N = self.num_envs, self.num_agents
        reward = np.zeros((B, N), np.float32)
        terminated, truncated = np.zeros(B, bool), np.zeros(B, bool)
        for b, env in enumerate(self.envs):
            present = [(n, name) for n, name in enumerate(self.agent_ids) if name in env.agents]
            chosen = {name: self._action(n, actions[b, n]) for n, name in present}
            obs, rewards, _, cut, info = env.step(chosen)
            reward[b] = [rewards.get(name, 0.0) for name in self.agent_ids]
            self._write(b, obs, info)
            if not env.agents:
                truncated[b] = any(cut.values())
                terminated[b] = not truncated[b]
                self.final_obs[b], self.final_states[b] = self.obs[b], self._world_state(b)
                self._reset_world(b)
            self.states[b] = self._world_state(b)
        done = terminated | truncated
        self.episodes.add(reward, done)
        return self.obs, reward, terminated, truncated, self._info(done)

    def _action(self, n: int, action: np.ndarray) -> Any:
        space = self.action_spaces[n]
        if self.num_actions:
            return int(action) + int(space.start)
        return np.clip(action, space.low, space.high).astype(space.dtype)

    def _info(self, done: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "final_obs": self.final_obs,
            "final_state": self.final_states,
            "alive": self.alive,
            "success": np.zeros((self.num_envs, self.num_agents), bool),
            "outcome": np.where(done, 0, -1).astype(np.int8),
            "episode_return": self.episodes.returns,
            "episode_length": self.episodes.lengths,
        }

    def state(self) -> np.ndarray:
        return self.states

    def action_mask(self) -> np.ndarray:
        return self.mask

    def close(self) -> None:
        for env in self.envs:
            env.close()

    snapshot = _no_snapshot
    restore = _no_snapshot
