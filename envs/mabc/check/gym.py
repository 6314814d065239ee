"""Checks of Gymnasium environments, single and vectorised."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode

from .case import MOST_STEPS, Case, Check, CheckError, Skip, delegate, describe, freeze


def check_gym_api(case: Case) -> None:
    """Gymnasium's own check_env (its test of rendering apart, which needs a registered environment)."""
    from gymnasium.utils.env_checker import check_env

    delegate(case, "gymnasium.utils.env_checker", check_env, case.env.unwrapped, skip_render_check=True)


def _gym_rollout(case: Case, env: Any) -> list:
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


def check_gym_seeding(case: Case) -> None:
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


def check_gym_masks(case: Case) -> None:
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


def check_vector_spaces(case: Case) -> None:
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
            f"observations are not in {env.observation_space} ({describe(obs)})",
            "Give observations of the batched space's shape, dtype and range",
        )
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        for name, value in (("reward", reward), ("terminated", terminated), ("truncated", truncated)):
            case.want(
                np.shape(value) == (env.num_envs,),
                f"{name} has shape {np.shape(value)}",
                f"Make it ({env.num_envs},)",
            )


def check_vector_autoreset(case: Case) -> None:
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


def check_vector_seeding(case: Case) -> None:
    """The same seed and actions give the same results."""

    def rollout(env: Any) -> list:
        seen = [env.reset(seed=case.seed)[0]]
        env.action_space.seed(case.seed)
        for _ in range(case.steps):
            seen.append(env.step(env.action_space.sample())[:4])
        return [freeze(one) for one in seen]

    first = rollout(case.env)
    with case.second() as other:
        second = rollout(other)
    for step, (one, two) in enumerate(zip(first, second, strict=True)):
        case.want(one == two, f"two rollouts with one seed differ at step {step}", "Seed every sub-environment")


VECTOR_CHECKS: list[Check] = [check_vector_spaces, check_vector_autoreset, check_vector_seeding]
