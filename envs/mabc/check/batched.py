"""Checks of the batched protocol, as `make_batch` and algos/common have it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..observe.entities import flatten
from .case import MOST_STEPS, Case, Check, CheckError, Skip, describe, freeze, leaves

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


def check_attributes(case: Case) -> None:
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


def _first(value: Any) -> Any:
    """World 0 of an array, or of a pair of them."""
    return tuple(array[0] for array in value) if isinstance(value, tuple) else value[0]


def _fits(space: Any, row: Any) -> bool:
    """Whether an observation is in its space; pairs of rows and mask are as `entities` lists them."""
    return space.contains(row) or (isinstance(row, dict) and space.contains(flatten(row)))


def _check_obs(case: Case, obs: Any, where: str) -> None:
    """Shape, dtype, finite and inside the space."""
    env = case.env
    if isinstance(obs, np.ndarray):
        wanted = (env.num_envs, env.num_agents, *env.obs_shape)
        case.want(obs.shape == wanted, f"{where} has shape {obs.shape}", f"Make it [B, N, *obs_shape] = {wanted}")
    for path, leaf in leaves(obs):
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f":
            case.want(np.isfinite(leaf).all(), f"{where}{path} holds nan or inf", "Observe finite numbers")
    space = getattr(env, "obs_space", None)
    if space is None:
        return
    for b in {0, env.num_envs - 1}:
        for n in range(env.num_agents):
            row = _pick(obs, b, n)
            case.want(
                _fits(space, row),
                f"{where} of world {b}, agent {n} is not in obs_space {space} ({describe(row)})",
                "Widen the space, or give observations of its shape, dtype and range",
            )


def check_reset(case: Case) -> None:
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


def check_state(case: Case) -> None:
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
    one = {key: _first(value) for key, value in state.items()} if isinstance(state, dict) else state[0]
    case.want(
        _fits(space, one),
        f"state() is not in state_space {space} ({describe(one)})",
        "Widen the space, or give a state of its shape, dtype and range",
    )


def _check_mask(case: Case, mask: Any, when: str) -> None:
    env = case.env
    wanted = (env.num_envs, env.num_agents, env.num_actions)
    case.want(
        isinstance(mask, np.ndarray) and mask.shape == wanted and mask.dtype == bool,
        f"action_mask() {when} is {describe(mask)}",
        f"Make it bool {list(wanted)}",
    )
    stuck = np.argwhere(~mask.any(-1))
    case.want(
        not len(stuck),
        f"action_mask() {when} leaves no legal action to agent {stuck[0][1] if len(stuck) else ''} of some world",
        "Leave one, also to the dead (stay)",
    )


def check_masks(case: Case) -> None:
    """The mask always leaves a legal action, and legal actions are accepted."""
    env = case.env
    if not env.num_actions:
        raise Skip("actions are continuous")
    rng = np.random.default_rng(case.seed)
    env.reset(seed=case.seed)
    for step in range(case.steps):
        _check_mask(case, env.action_mask(), f"after {step} steps")
        env.step(_draw(env, rng))


def check_step(case: Case) -> None:
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
            f"reward is {describe(reward)}",
            f"Make it float32 [{B}, {N}], finite",
        )
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            case.want(flag.shape == (B,) and flag.dtype == bool, f"{name} is {describe(flag)}", f"Make it bool [{B}]")
        case.want(
            not (terminated & truncated).any(),
            "a world is both terminated and truncated",
            "Truncate only a world that no rule ended",
        )


def check_buffers(case: Case) -> None:
    """obs, final_obs, state() and final_state do not share memory: one must not overwrite the other."""
    env = case.env
    obs, info = env.reset(seed=case.seed)
    obs, _, _, _, info = env.step(_draw(env, np.random.default_rng(case.seed)))
    for one, other in (("final_obs", obs), ("final_state", env.state())):
        for _, left in leaves(info[one]):
            for _, right in leaves(other):
                case.want(
                    not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray))
                    or not np.shares_memory(left, right),
                    f"info[{one!r}] shares memory with what reset() will overwrite",
                    "Keep last observations and states in buffers of their own",
                )


def check_autoreset(case: Case) -> None:
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


def _check_end(case: Case, obs: Any, info: dict, ended: np.ndarray) -> None:
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
    seen = [freeze((env.reset(seed=seed)[0],))] if reset else []
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(_draw(env, rng))
        rest = {key: info[key] for key in INFO_KEYS if key not in ("final_obs", "final_state")}
        mask = env.action_mask() if env.num_actions else ()
        seen.append(freeze((obs, reward, terminated, truncated, rest, env.state(), mask)))
    return seen


def _want_equal(case: Case, left: list, right: list, what: str, remedy: str) -> None:
    for step, (one, other) in enumerate(zip(left, right, strict=True)):
        if one != other:
            fields = ("obs", "reward", "terminated", "truncated", "info", "state", "mask")
            paths = [a[0] for a, b in zip(one, other, strict=False) if a != b]
            first = paths[0] if paths else "the keys"
            name = next((f for k, f in enumerate(fields) if first.startswith(f"[{k}]")), "obs")
            raise CheckError(case.name, f"{what}: first difference at step {step} in {name}", remedy)


def check_seeding(case: Case) -> None:
    """The same seed and actions give the same bytes; in a second copy too, where there is a factory."""
    first = _rollout(case.env, case.seed, case.steps)
    with case.second() as other:
        second = _rollout(other, case.seed, case.steps)
    remedy = "Draw all randomness from streams that reset(seed=) restarts, and clear everything at reset"
    _want_equal(case, first, second, "two rollouts with one seed differ", remedy)


def check_snapshot(case: Case) -> None:
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
    frozen = freeze(taken)
    first = _rollout(env, case.seed, case.steps, reset=False)
    case.want(freeze(taken) == frozen, "the snapshot changed while the environment went on", "Copy its arrays")
    env.restore(taken)
    remedy = "Put all that decides the future into the snapshot: clocks, flags, masks, random streams"
    _want_equal(case, first, _rollout(env, case.seed, case.steps, reset=False), "restore() went on differently", remedy)


def check_wrong_actions(case: Case) -> None:
    """Actions of a wrong shape, dtype or range are refused with a ValueError, and nothing moves."""
    env = case.env
    if not env.num_actions:
        raise Skip("actions are continuous")
    env.reset(seed=case.seed)
    good = _draw(env, np.random.default_rng(case.seed))
    before = freeze(env.state())
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
        case.want(freeze(env.state()) == before, f"actions {what} were refused, but the state changed", "Check first")


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
