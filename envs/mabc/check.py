"""Conformance checks that anybody can run on an environment of theirs: `mabc.check(env_or_factory)`.

Knows the batched protocol (see `make_batch`), PettingZoo parallel and AEC, Gymnasium `Env` and `VectorEnv`.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, VectorEnv
from pettingzoo import AECEnv, ParallelEnv

BATCH_ATTRIBUTES = [
    "num_envs",
    "num_agents",
    "num_actions",
    "obs_shape",
    "state_shape",
    "agent_ids",
    "agent_teams",
    "max_steps",
    "action_space",
    "metadata",
]
INFO_KEYS = ["final_obs", "final_state", "alive", "success", "outcome", "episode_return", "episode_length"]
MOST_STEPS = 10_000  # how long an episode is waited for where max_steps is unknown


class CheckError(AssertionError):
    """A check that failed. `name` is the check's; the message says what was seen and what would do."""

    def __init__(self, name: str, seen: str, remedy: str) -> None:
        super().__init__(f"{name}: {seen}. {remedy}")
        self.name, self.seen, self.remedy = name, seen, remedy


@dataclass
class Report:
    """The environment's kind, the checks that passed, and those that did not apply, with the reason."""

    kind: str
    passed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.kind}: {len(self.passed)} checks passed"] + [f"  ok    {name}" for name in self.passed]
        return "\n".join(lines + [f"  skip  {name}: {why}" for name, why in self.skipped.items()])


class Skip(Exception):
    """Raised by a check that does not apply."""


def check(env_or_factory: Any, steps: int = 100, seed: int = 0) -> Report:
    """Check an environment, or what a function without arguments makes: a Report, or CheckError at the first fault.

    A factory is better than an environment: two copies can then be compared. The environment is stepped and reset;
    what was made here is closed. steps: how long each rollout is.
    """
    make, own = _maker(env_or_factory)
    env = make()
    kind, checks = _checks_of(env)
    report = Report(kind)
    try:
        for one in checks:
            name = one.__name__.removeprefix("check_")
            try:
                one(_Case(env, make if own else None, steps, seed, name))
            except Skip as skip:
                report.skipped[name] = str(skip)
            else:
                report.passed.append(name)
    finally:
        if own:
            env.close()
    return report


@dataclass(frozen=True)
class _Case:
    """What a check gets: the environment, how to make another one (None: there is only this), and its budget."""

    env: Any
    make: Callable[[], Any] | None
    steps: int
    seed: int
    name: str

    def want(self, holds: Any, seen: str, remedy: str) -> None:
        """Fail unless `holds`."""
        if not holds:
            raise CheckError(self.name, seen, remedy)

    @contextlib.contextmanager
    def second(self) -> Iterator[Any]:
        """Another copy, where there is a factory; else the same environment."""
        other = self.make() if self.make else self.env
        try:
            yield other
        finally:
            if other is not self.env:
                other.close()


Check = Callable[[_Case], None]


def _maker(given: Any) -> tuple[Callable[[], Any], bool]:
    """A function that gives the environment, and whether it makes a new one each time."""
    if isinstance(given, type) or (callable(given) and not hasattr(given, "step")):
        return given, True
    return (lambda: given), False


def _checks_of(env: Any) -> tuple[str, list[Check]]:
    if isinstance(env, AECEnv):
        return "PettingZoo AEC", AEC_CHECKS
    if isinstance(env, ParallelEnv):
        return "PettingZoo parallel", PARALLEL_CHECKS
    if isinstance(env, VectorEnv):
        return "Gymnasium vector", VECTOR_CHECKS
    if isinstance(env, gymnasium.Env):
        return "Gymnasium", GYM_CHECKS
    if hasattr(env, "num_envs") and hasattr(env, "action_mask"):
        return "batched", BATCH_CHECKS
    raise TypeError(
        f"{type(env).__name__} is none of the kinds that can be checked: the batched protocol (num_envs, num_agents, "
        "action_mask(), ... as mabc.make_batch has them), pettingzoo.ParallelEnv, pettingzoo.AECEnv, gymnasium.Env, "
        "gymnasium.vector.VectorEnv"
    )


# -- batched --------------------------------------------------------------------------------------


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, leaf) of nested dicts, lists and tuples; lists of text are leaves too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}[{key!r}]")
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def _freeze(value: Any) -> Any:
    """A deep copy that compares by value: arrays become (dtype, shape, bytes)."""
    return [
        (path, leaf.dtype.str, leaf.shape, leaf.tobytes()) if isinstance(leaf, np.ndarray) else (path, repr(leaf))
        for path, leaf in _leaves(value)
    ]


def _draw(env: Any, rng: np.random.Generator) -> np.ndarray:
    """Random legal actions of a batched environment: int64 [B, N], or float32 [B, N, k] where they are continuous."""
    if not env.num_actions:
        box = env.action_space
        low, high = np.maximum(box.low, -1e3), np.minimum(box.high, 1e3)
        return rng.uniform(low, high, (env.num_envs, env.num_agents, *box.shape)).astype(box.dtype)
    mask = np.asarray(env.action_mask())
    return np.argmax(np.where(mask, rng.random(mask.shape) + 1.0, 0.0), -1)


def _pick(value: Any, b: int, n: int) -> Any:
    """Agent n's observation of world b."""
    if isinstance(value, np.ndarray):
        return value[b, n]
    if isinstance(value, dict):
        return {key: _pick(item, b, n) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_pick(item, b, n) for item in value)
    return value[b][n]


def check_attributes(case: _Case) -> None:
    """Everything that an algorithm asks before the first step is there."""
    env = case.env
    missing = [name for name in BATCH_ATTRIBUTES if not hasattr(env, name)]
    case.want(not missing, f"no attribute {', '.join(missing)}", "Add them as the batched protocol has them")
    for name in ("num_envs", "num_agents", "num_actions", "max_steps"):
        value = getattr(env, name)
        case.want(
            isinstance(value, (int, np.integer)) and value >= (name in ("num_envs",)),
            f"{name} is {value!r}",
            "Make it a whole number",
        )
    ids = list(env.agent_ids)
    case.want(
        len(ids) == len(set(ids)) == env.num_agents,
        f"agent_ids {ids} with num_agents {env.num_agents}",
        "Give each agent one name of its own",
    )
    teams = np.asarray(env.agent_teams)
    case.want(
        teams.shape == (env.num_agents,) and teams.dtype.kind in "iu" and (teams >= 1).all(),
        f"agent_teams is {env.agent_teams!r}",
        "Make it an integer array [N], teams counted from 1",
    )


def _check_obs(case: _Case, obs: Any, where: str) -> None:
    """Shape, dtype, finite and inside the space."""
    env = case.env
    if isinstance(obs, np.ndarray):
        wanted = (env.num_envs, env.num_agents, *env.obs_shape)
        case.want(obs.shape == wanted, f"{where} has shape {obs.shape}", f"Make it [B, N, *obs_shape] = {wanted}")
    for path, leaf in _leaves(obs):
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f":
            case.want(np.isfinite(leaf).all(), f"{where}{path} holds nan or inf", "Observe finite numbers")
    space = getattr(env, "obs_space", None)
    if space is None:
        return
    for b in {0, env.num_envs - 1}:
        for n in range(env.num_agents):
            row = _pick(obs, b, n)
            case.want(
                space.contains(row),
                f"{where} of world {b}, agent {n} is not in obs_space {space} ({_describe(row)})",
                "Widen the space, or give observations of its shape, dtype and range",
            )


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        span = f", {value.min()} to {value.max()}" if value.size and value.dtype.kind in "iufb" else ""
        return f"{value.dtype}{list(value.shape)}{span}"
    return repr(value)[:80]


def check_reset(case: _Case) -> None:
    """reset(seed) gives observations and an info of arrays."""
    env = case.env
    given = env.reset(seed=case.seed)
    case.want(
        isinstance(given, tuple) and len(given) == 2, f"reset() returned {type(given).__name__}", "Return (obs, info)"
    )
    obs, info = given
    _check_obs(case, obs, "reset()'s obs")
    missing = [key for key in INFO_KEYS if key not in info]
    case.want(not missing, f"info lacks {', '.join(missing)}", f"It holds {', '.join(INFO_KEYS)} after every call")
    B, N = env.num_envs, env.num_agents
    for key, shape, kinds in (
        ("alive", (B, N), "b"),
        ("success", (B, N), "b"),
        ("outcome", (B,), "i"),
        ("episode_return", (B, N), "f"),
        ("episode_length", (B,), "i"),
    ):
        value = np.asarray(info[key])
        case.want(
            value.shape == shape and value.dtype.kind in kinds,
            f"info[{key!r}] is {value.dtype}{list(value.shape)}",
            f"Make it {({'b': 'bool', 'i': 'an integer', 'f': 'float32'})[kinds]} {list(shape)}",
        )


def check_state(case: _Case) -> None:
    """The global state has its shape, is finite, and is in state_space where there is one."""
    env = case.env
    env.reset(seed=case.seed)
    state = env.state()
    if isinstance(state, np.ndarray):
        wanted = (env.num_envs, *env.state_shape)
        case.want(state.shape == wanted, f"state() has shape {state.shape}", f"Make it [B, *state_shape] = {wanted}")
        case.want(np.isfinite(state).all(), "state() holds nan or inf", "Give finite numbers")
    space = getattr(env, "state_space", None)
    if space is None:
        raise Skip("there is no state_space")
    one = {key: value[0] for key, value in state.items()} if isinstance(state, dict) else state[0]
    case.want(
        isinstance(state, dict) or space.contains(one),
        f"state() is not in state_space {space} ({_describe(one)})",
        "Widen the space, or give a state of its shape, dtype and range",
    )


def _check_mask(case: _Case, mask: Any, when: str) -> None:
    env = case.env
    wanted = (env.num_envs, env.num_agents, env.num_actions)
    case.want(
        isinstance(mask, np.ndarray) and mask.shape == wanted and mask.dtype == bool,
        f"action_mask() {when} is {_describe(mask)}",
        f"Make it bool {list(wanted)}",
    )
    stuck = np.argwhere(~mask.any(-1))
    case.want(
        not len(stuck),
        f"action_mask() {when} leaves no legal action to agent {stuck[0][1] if len(stuck) else ''} of some world",
        "Leave one, also to the dead (stay)",
    )


def check_masks(case: _Case) -> None:
    """The mask always leaves a legal action, and legal actions are accepted."""
    env = case.env
    if not env.num_actions:
        raise Skip("actions are continuous")
    rng = np.random.default_rng(case.seed)
    env.reset(seed=case.seed)
    for step in range(case.steps):
        _check_mask(case, env.action_mask(), f"after {step} steps")
        env.step(_draw(env, rng))


def check_step(case: _Case) -> None:
    """What step() returns has its shapes and dtypes, observations are in their space, and actions are left alone."""
    env = case.env
    rng = np.random.default_rng(case.seed)
    env.reset(seed=case.seed)
    B, N = env.num_envs, env.num_agents
    for _ in range(case.steps):
        actions = _draw(env, rng)
        before = actions.copy()
        given = env.step(actions)
        case.want(
            len(given) == 5, f"step() returned {len(given)} things", "Return obs, reward, terminated, truncated, info"
        )
        obs, reward, terminated, truncated, info = given
        case.want(np.array_equal(actions, before), "step() wrote into the caller's actions", "Copy them first")
        _check_obs(case, obs, "step()'s obs")
        case.want(
            reward.shape == (B, N) and reward.dtype == np.float32 and np.isfinite(reward).all(),
            f"reward is {_describe(reward)}",
            f"Make it float32 [{B}, {N}], finite",
        )
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            case.want(flag.shape == (B,) and flag.dtype == bool, f"{name} is {_describe(flag)}", f"Make it bool [{B}]")
        case.want(
            not (terminated & truncated).any(),
            "a world is both terminated and truncated",
            "Truncate only a world that no rule ended",
        )


def check_buffers(case: _Case) -> None:
    """obs, final_obs, state() and final_state do not share memory: one must not overwrite the other."""
    env = case.env
    obs, info = env.reset(seed=case.seed)
    obs, _, _, _, info = env.step(_draw(env, np.random.default_rng(case.seed)))
    for one, other in (("final_obs", obs), ("final_state", env.state())):
        for _, left in _leaves(info[one]):
            for _, right in _leaves(other):
                case.want(
                    not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray))
                    or not np.shares_memory(left, right),
                    f"info[{one!r}] shares memory with what reset() will overwrite",
                    "Keep last observations and states in buffers of their own",
                )


def check_autoreset(case: _Case) -> None:
    """A world that ends starts its next episode within the same step, and info tells of the one that ended."""
    env = case.env
    rng = np.random.default_rng(case.seed)
    env.reset(seed=case.seed)
    expected = np.ones(env.num_envs, np.int64)
    for _ in range((env.max_steps or MOST_STEPS) + 1):
        obs, _, terminated, truncated, info = env.step(_draw(env, rng))
        ended = terminated | truncated
        length = np.asarray(info["episode_length"])
        wrong = np.flatnonzero(length != expected)
        case.want(
            not len(wrong),
            f"episode_length is {length[wrong[:1]]}, but {expected[wrong[:1]]} steps were taken in this episode",
            "Count the steps of the running or just-ended episode, from 1 at its first step",
        )
        case.want(
            (np.asarray(info["outcome"])[ended] >= 0).all() and (np.asarray(info["outcome"])[~ended] == -1).all(),
            f"outcome is {info['outcome']} where episodes ended: {ended}",
            "-1 while a world runs, 0 for a draw, else the winning team, in the step in which it ended",
        )
        expected = np.where(ended, 1, expected + 1)
        if ended.any():
            _check_end(case, obs, info, ended)
            env.step(_draw(env, rng))
            return
    raise CheckError(
        case.name,
        f"no episode ended within {(env.max_steps or MOST_STEPS) + 1} steps",
        "End episodes at max_steps (truncated), or say a larger max_steps",
    )


def _check_end(case: _Case, obs: Any, info: dict, ended: np.ndarray) -> None:
    _check_obs(case, info["final_obs"], "final_obs")
    if isinstance(obs, np.ndarray):
        same = (obs[ended] == info["final_obs"][ended]).all()
        case.want(
            not same,
            "the observation after an end equals final_obs: the world was not reset, or final_obs was overwritten",
            "Copy the last observation to final_obs, then reset and observe anew, all in the same step",
        )
    case.want(not info["success"][~ended].any(), "success of a world that still runs", "Set it only at the end")


def _rollout(env: Any, seed: int, steps: int, reset: bool = True) -> list:
    """Everything that a rollout with seeded actions returns, by value."""
    rng = np.random.default_rng(seed)
    seen = [_freeze((env.reset(seed=seed)[0],))] if reset else []
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(_draw(env, rng))
        rest = {key: info[key] for key in INFO_KEYS if key not in ("final_obs", "final_state")}
        mask = env.action_mask() if env.num_actions else ()
        seen.append(_freeze((obs, reward, terminated, truncated, rest, env.state(), mask)))
    return seen


def _want_equal(case: _Case, left: list, right: list, what: str, remedy: str) -> None:
    for step, (one, other) in enumerate(zip(left, right, strict=True)):
        if one != other:
            fields = ("obs", "reward", "terminated", "truncated", "info", "state", "mask")
            paths = [a[0] for a, b in zip(one, other, strict=False) if a != b]
            first = paths[0] if paths else "the keys"
            name = next((f for k, f in enumerate(fields) if first.startswith(f"[{k}]")), "obs")
            raise CheckError(case.name, f"{what}: first difference at step {step} in {name}", remedy)


def check_seeding(case: _Case) -> None:
    """The same seed and actions give the same bytes; in a second copy too, where there is a factory."""
    first = _rollout(case.env, case.seed, case.steps)
    with case.second() as other:
        second = _rollout(other, case.seed, case.steps)
    remedy = "Draw all randomness from streams that reset(seed=) restarts, and clear everything at reset"
    _want_equal(case, first, second, "two rollouts with one seed differ", remedy)


def check_snapshot(case: _Case) -> None:
    """After restore() everything goes on as after snapshot(), the random streams included."""
    env = case.env
    if not (hasattr(env, "snapshot") and hasattr(env, "restore")) or not env.metadata.get("snapshot", True):
        raise Skip("there are no snapshots")
    _rollout(env, case.seed, case.steps // 2)
    taken = env.snapshot()
    case.want(
        isinstance(taken, dict), f"snapshot() returned {type(taken).__name__}", "Return a dict of arrays and numbers"
    )
    strange = [key for key, value in taken.items() if not isinstance(value, (np.ndarray, np.generic, int, float, str))]
    case.want(
        not strange, f"snapshot holds objects in {strange}", "Hold arrays and numbers only: files store no objects"
    )
    frozen = _freeze(taken)
    first = _rollout(env, case.seed, case.steps, reset=False)
    case.want(_freeze(taken) == frozen, "the snapshot changed while the environment went on", "Copy its arrays")
    env.restore(taken)
    remedy = "Put all that decides the future into the snapshot: clocks, flags, masks, random streams"
    _want_equal(case, first, _rollout(env, case.seed, case.steps, reset=False), "restore() went on differently", remedy)


def check_wrong_actions(case: _Case) -> None:
    """Actions of a wrong shape, dtype or range are refused with a ValueError, and nothing moves."""
    env = case.env
    if not env.num_actions:
        raise Skip("actions are continuous")
    env.reset(seed=case.seed)
    good = _draw(env, np.random.default_rng(case.seed))
    before = _freeze(env.state())
    out_of_range, negative = good.copy(), good.copy()
    out_of_range[-1, -1], negative[0, 0] = env.num_actions, -1
    for what, bad in (
        ("of shape [B]", good[:, 0]),
        ("of shape [B, N + 1]", np.concatenate([good, good[:, :1]], 1)),
        ("of dtype float64", good + 0.5),
        (f"of value {env.num_actions}", out_of_range),
        ("of value -1", negative),
    ):
        try:
            env.step(bad)
        except (ValueError, TypeError):
            pass
        except Exception as error:
            raise CheckError(
                case.name, f"actions {what} raised {type(error).__name__}: {error}", "Raise a ValueError that says why"
            ) from error
        else:
            raise CheckError(case.name, f"actions {what} were accepted", "Raise a ValueError that says why")
        case.want(_freeze(env.state()) == before, f"actions {what} were refused, but the state changed", "Check first")


BATCH_CHECKS: list[Check] = [
    check_attributes,
    check_reset,
    check_state,
    check_masks,
    check_step,
    check_buffers,
    check_autoreset,
    check_seeding,
    check_snapshot,
    check_wrong_actions,
]

# -- PettingZoo -----------------------------------------------------------------------------------


def _delegate(case: _Case, whose: str, function: Callable, *args: Any, **options: Any) -> None:
    """Run somebody else's test quietly; what it raises becomes a CheckError."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            function(*args, **options)
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
            raise CheckError(case.name, seen, f"See the documentation of {whose}") from error


def check_parallel_api(case: _Case) -> None:
    """PettingZoo's own parallel_api_test."""
    from pettingzoo.test import parallel_api_test

    _delegate(case, "pettingzoo.test.parallel_api_test", parallel_api_test, case.env, num_cycles=case.steps)


def _mask_of(obs: Any, info: dict) -> np.ndarray | None:
    if isinstance(obs, dict) and "action_mask" in obs:
        return obs["action_mask"]
    return info.get("action_mask")


def _act(env: Any, obs: dict, infos: dict) -> dict[str, Any]:
    """A sample of each agent's space, legal where a mask is given."""
    actions = {}
    for agent in env.agents:
        space, mask = env.action_space(agent), _mask_of(obs[agent], infos.get(agent, {}))
        discrete = isinstance(space, spaces.Discrete) and mask is not None
        actions[agent] = space.sample(np.asarray(mask, np.int8)) if discrete else space.sample()
    return actions


def _parallel_rollout(case: _Case, env: Any) -> list:
    """What a seeded rollout of up to `steps` steps returns, over several episodes."""
    seen = []
    obs, infos = env.reset(seed=case.seed)
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(case.seed + number)
    for _ in range(case.steps):
        told = env.step(_act(env, obs, infos))
        obs, infos = (told[0], told[4]) if env.agents else env.reset()
        seen.append(_freeze((told, obs)))
    return seen


def check_parallel_seeding(case: _Case) -> None:
    """The same seed and actions give the same results, episode after episode."""
    first = _parallel_rollout(case, case.env)
    with case.second() as other:
        second = _parallel_rollout(case, other)
    remedy = "Draw all randomness from generators that reset(seed=) seeds, and clear everything at reset"
    for step, (one, two) in enumerate(zip(first, second, strict=True)):
        case.want(one == two, f"two rollouts with one seed differ at step {step}", remedy)


def check_parallel_spaces(case: _Case) -> None:
    """Observations are in their spaces, rewards are finite, at every step."""
    env = case.env
    obs, infos = env.reset(seed=case.seed)
    for _ in range(case.steps):
        for agent in env.agents:
            space = env.observation_space(agent)
            case.want(
                space.contains(obs[agent]),
                f"the observation of {agent!r} is not in {space} ({_describe(obs[agent])})",
                "Widen the space, or give observations of its shape, dtype and range",
            )
        if not env.agents:
            obs, infos = env.reset()
            continue
        obs, rewards, _, _, infos = env.step(_act(env, obs, infos))
        for agent, reward in rewards.items():
            case.want(np.isfinite(reward), f"the reward of {agent!r} is {reward!r}", "Give finite rewards")


def check_parallel_state(case: _Case) -> None:
    """state() is in state_space, at the end of an episode too, and is not overwritten by the next step."""
    env = case.env
    env_space = getattr(env, "state_space", None)
    if env_space is None:
        raise Skip("there is no state_space")
    obs, infos = env.reset(seed=case.seed)
    for _ in range(case.steps):
        state = env.state()
        case.want(
            env_space.contains(state),
            f"state() is not in state_space {env_space} ({_describe(state)})",
            "Widen the space, or give a state of its shape, dtype and range",
        )
        if not env.agents:
            obs, infos = env.reset()
            continue
        before = _freeze(state)
        obs, _, _, _, infos = env.step(_act(env, obs, infos))
        case.want(_freeze(state) == before, "a state that was returned changed with the next step", "Return a copy")


def check_parallel_masks(case: _Case) -> None:
    """Masks have one entry an action and leave a legal one."""
    env = case.env
    obs, infos = env.reset(seed=case.seed)
    if all(_mask_of(obs[agent], infos.get(agent, {})) is None for agent in env.agents):
        raise Skip("there are no masks")
    for _ in range(case.steps):
        for agent in env.agents:
            mask = np.asarray(_mask_of(obs[agent], infos.get(agent, {})))
            wanted = (int(env.action_space(agent).n),)
            case.want(mask.shape == wanted, f"the mask of {agent!r} has shape {mask.shape}", f"Make it {wanted}")
            case.want(mask.any(), f"the mask of {agent!r} leaves no legal action", "Leave one")
        if not env.agents:
            obs, infos = env.reset()
            continue
        obs, _, _, _, infos = env.step(_act(env, obs, infos))


def check_parallel_copies(case: _Case) -> None:
    """Observations that were returned stay as they are while the environment goes on."""
    env = case.env
    obs, infos = env.reset(seed=case.seed)
    kept = [(obs, _freeze(obs))]
    for _ in range(min(case.steps, 20)):
        if not env.agents:
            break
        obs, _, _, _, infos = env.step(_act(env, obs, infos))
        kept.append((obs, _freeze(obs)))
    for value, before in kept:
        case.want(_freeze(value) == before, "an observation that was returned changed later", "Return copies")


PARALLEL_CHECKS: list[Check] = [
    check_parallel_api,
    check_parallel_spaces,
    check_parallel_state,
    check_parallel_masks,
    check_parallel_copies,
    check_parallel_seeding,
]


def check_aec_api(case: _Case) -> None:
    """PettingZoo's own api_test."""
    from pettingzoo.test import api_test

    _delegate(case, "pettingzoo.test.api_test", api_test, case.env, num_cycles=case.steps)


def check_aec_seeding(case: _Case) -> None:
    """PettingZoo's own seed_test."""
    from pettingzoo.test import seed_test

    if case.make is None:
        raise Skip("needs a factory")
    _delegate(case, "pettingzoo.test.seed_test", seed_test, case.make, num_cycles=case.steps)


AEC_CHECKS: list[Check] = [check_aec_api, check_aec_seeding]

# -- Gymnasium ------------------------------------------------------------------------------------


def check_gym_api(case: _Case) -> None:
    """Gymnasium's own check_env (its test of rendering apart, which needs a registered environment)."""
    from gymnasium.utils.env_checker import check_env

    _delegate(case, "gymnasium.utils.env_checker", check_env, case.env.unwrapped, skip_render_check=True)


def _gym_rollout(case: _Case, env: Any) -> list:
    seen = []
    obs, info = env.reset(seed=case.seed)
    env.action_space.seed(case.seed)
    for _ in range(case.steps):
        told = env.step(_sample(env.action_space, info))
        _, _, terminated, truncated, info = told
        if terminated or truncated:
            obs, info = env.reset()
        seen.append((*told[:4], obs))
    return seen


def _sample(space: spaces.Space, info: dict) -> Any:
    if isinstance(space, spaces.Discrete) and "action_mask" in info:
        return space.sample(np.asarray(info["action_mask"], np.int8))
    return space.sample()


def check_gym_seeding(case: _Case) -> None:
    """The same seed and actions give the same results, episode after episode."""
    first = _gym_rollout(case, case.env)
    with case.second() as other:
        second = _gym_rollout(case, other)
    for step, (one, two) in enumerate(zip(first, second, strict=True)):
        case.want(
            data_equivalence(one, two),
            f"two rollouts with one seed differ at step {step}",
            "Draw all randomness from self.np_random (super().reset(seed=seed)), and clear everything at reset",
        )


def check_gym_masks(case: _Case) -> None:
    """The mask in info, if there is one, has an entry an action and leaves a legal one."""
    env = case.env
    _, info = env.reset(seed=case.seed)
    if "action_mask" not in info:
        raise Skip("there are no masks")
    over = False
    for _ in range(case.steps):
        if over:
            _, info = env.reset()
        mask = np.asarray(info["action_mask"])
        case.want(mask.shape == (int(env.action_space.n),), f"the mask has shape {mask.shape}", "One entry an action")
        case.want(mask.any(), "the mask leaves no legal action", "Leave one")
        _, _, terminated, truncated, info = env.step(_sample(env.action_space, info))
        over = terminated or truncated


GYM_CHECKS: list[Check] = [check_gym_api, check_gym_seeding, check_gym_masks]


def check_vector_spaces(case: _Case) -> None:
    """Batched and single spaces agree, and what is returned is in them."""
    env = case.env
    obs, _ = env.reset(seed=case.seed)
    case.want(
        isinstance(env.metadata.get("autoreset_mode"), AutoresetMode),
        f"metadata['autoreset_mode'] is {env.metadata.get('autoreset_mode')!r}",
        "Set it to a gymnasium.vector.AutoresetMode",
    )
    for _ in range(case.steps):
        case.want(
            env.observation_space.contains(obs),
            f"observations are not in {env.observation_space} ({_describe(obs)})",
            "Give observations of the batched space's shape, dtype and range",
        )
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        for name, value in (("reward", reward), ("terminated", terminated), ("truncated", truncated)):
            case.want(
                np.shape(value) == (env.num_envs,),
                f"{name} has shape {np.shape(value)}",
                f"Make it ({env.num_envs},)",
            )


def check_vector_autoreset(case: _Case) -> None:
    """SAME_STEP: where an episode ends, info has final_obs and final_info, each with its mask."""
    env = case.env
    if env.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
        raise Skip("the autoreset mode is not SAME_STEP")
    env.reset(seed=case.seed)
    for _ in range(MOST_STEPS):
        obs, _, terminated, truncated, info = env.step(env.action_space.sample())
        ended = terminated | truncated
        if not ended.any():
            case.want("final_obs" not in info, "final_obs in a step in which nothing ended", "Leave it out")
            continue
        for key in ("final_obs", "final_info"):
            case.want(key in info and f"_{key}" in info, f"info lacks {key} or _{key}", "Add both where episodes end")
            case.want(
                np.array_equal(info[f"_{key}"], ended), f"_{key} is {info[f'_{key}']}", f"Episodes ended in {ended}"
            )
        for b in np.flatnonzero(ended):
            case.want(
                env.single_observation_space.contains(info["final_obs"][b]),
                f"final_obs[{b}] is not in {env.single_observation_space}",
                "Keep the last observation of the episode",
            )
        return
    raise CheckError(case.name, f"no episode ended within {MOST_STEPS} steps", "End or truncate episodes")


def check_vector_seeding(case: _Case) -> None:
    """The same seed and actions give the same results."""

    def rollout(env: Any) -> list:
        seen = [env.reset(seed=case.seed)[0]]
        env.action_space.seed(case.seed)
        for _ in range(case.steps):
            seen.append(env.step(env.action_space.sample())[:4])
        return [_freeze(one) for one in seen]

    first = rollout(case.env)
    with case.second() as other:
        second = rollout(other)
    for step, (one, two) in enumerate(zip(first, second, strict=True)):
        case.want(one == two, f"two rollouts with one seed differ at step {step}", "Seed every sub-environment")


VECTOR_CHECKS: list[Check] = [check_vector_spaces, check_vector_autoreset, check_vector_seeding]
