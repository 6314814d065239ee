"""Checks of PettingZoo environments, parallel and AEC."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from gymnasium import spaces

from .case import Case, Check, Skip, delegate, describe, freeze

AGENT_NAME = re.compile("[a-z]+_[0-9]+")


def check_parallel_api(case: Case) -> None:
    """PettingZoo's own parallel_api_test."""
    from pettingzoo.test import parallel_api_test

    delegate(case, "pettingzoo.test.parallel_api_test", parallel_api_test, case.env, num_cycles=case.steps)


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


def _parallel_rollout(case: Case, env: Any) -> list:
    """What a seeded rollout of up to `steps` steps returns, over several episodes."""
    seen = []
    obs, infos = env.reset(seed=case.seed)
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(case.seed + number)
    for _ in range(case.steps):
        told = env.step(_act(env, obs, infos))
        obs, infos = (told[0], told[4]) if env.agents else env.reset()
        seen.append(freeze((told, obs)))
    return seen


def check_parallel_seeding(case: Case) -> None:
    """The same seed and actions give the same results, episode after episode."""
    first = _parallel_rollout(case, case.env)
    with case.second() as other:
        second = _parallel_rollout(case, other)
    remedy = "Draw all randomness from generators that reset(seed=) seeds, and clear everything at reset"
    for step, (one, two) in enumerate(zip(first, second, strict=True)):
        case.want(one == two, f"two rollouts with one seed differ at step {step}", remedy)


def check_parallel_spaces(case: Case) -> None:
    """Observations are in their spaces, rewards are finite, at every step."""
    env = case.env
    obs, infos = env.reset(seed=case.seed)
    for _ in range(case.steps):
        for agent in env.agents:
            space = env.observation_space(agent)
            case.want(
                space.contains(obs[agent]),
                f"the observation of {agent!r} is not in {space} ({describe(obs[agent])})",
                "Widen the space, or give observations of its shape, dtype and range",
            )
        if not env.agents:
            obs, infos = env.reset()
            continue
        obs, rewards, _, _, infos = env.step(_act(env, obs, infos))
        for agent, reward in rewards.items():
            case.want(np.isfinite(reward), f"the reward of {agent!r} is {reward!r}", "Give finite rewards")


def check_parallel_state(case: Case) -> None:
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
            f"state() is not in state_space {env_space} ({describe(state)})",
            "Widen the space, or give a state of its shape, dtype and range",
        )
        if not env.agents:
            obs, infos = env.reset()
            continue
        before = freeze(state)
        obs, _, _, _, infos = env.step(_act(env, obs, infos))
        case.want(freeze(state) == before, "a state that was returned changed with the next step", "Return a copy")


def check_parallel_masks(case: Case) -> None:
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


def check_parallel_copies(case: Case) -> None:
    """Observations that were returned stay as they are while the environment goes on."""
    env = case.env
    obs, infos = env.reset(seed=case.seed)
    kept = [(obs, freeze(obs))]
    for _ in range(min(case.steps, 20)):
        if not env.agents:
            break
        obs, _, _, _, infos = env.step(_act(env, obs, infos))
        kept.append((obs, freeze(obs)))
    for value, before in kept:
        case.want(freeze(value) == before, "an observation that was returned changed later", "Return copies")


def _check_names(case: Case) -> None:
    odd = [agent for agent in case.env.possible_agents if not (isinstance(agent, str) and AGENT_NAME.fullmatch(agent))]
    case.want(
        not odd,
        f"agents are called {odd}",
        f'PettingZoo asks for "{AGENT_NAME.pattern}", what an agent is and its number, such as "blue_0"',
    )


def check_parallel_names(case: Case) -> None:
    """Names are as PettingZoo asks; SuperSuit's agent_indicator reads the kind of an agent from them."""
    _check_names(case)


def check_parallel_space_dicts(case: Case) -> None:
    """action_spaces and observation_spaces, where older wrappers (EPyMARL's) look, say what the functions say."""
    env = case.env
    for name, space_of in (("action_spaces", env.action_space), ("observation_spaces", env.observation_space)):
        told = getattr(env, name, None)
        if told is None:
            raise Skip(f"there is no {name}")
        case.want(
            set(told) == set(env.possible_agents) and all(told[agent] == space_of(agent) for agent in told),
            f"{name} is {told}",
            f"Hold what {name[:-1]}(agent) returns, for each of possible_agents",
        )


def check_parallel_np_random(case: Case) -> None:
    """np_random, where SuperSuit's frame_skip looks, is a generator that reset(seed) restarts."""
    drawn = []
    for seed in (case.seed, case.seed + 1, case.seed):
        case.env.reset(seed=seed)
        rng = getattr(case.env.unwrapped, "np_random", None)
        if rng is None:
            raise Skip("there is no np_random")
        case.want(
            isinstance(rng, np.random.Generator),
            f"np_random is {type(rng).__name__}",
            "Make it a numpy.random.Generator",
        )
        drawn.append(rng.integers(2**62))
    case.want(
        drawn[0] == drawn[2] != drawn[1],
        f"the first numbers of np_random after reset() with seeds s, s + 1 and s are {drawn}",
        "Make a new generator of the seed in each reset(seed=seed)",
    )


PARALLEL_CHECKS: list[Check] = [
    check_parallel_api,
    check_parallel_spaces,
    check_parallel_state,
    check_parallel_masks,
    check_parallel_copies,
    check_parallel_seeding,
    check_parallel_names,
    check_parallel_space_dicts,
    check_parallel_np_random,
]


def check_aec_api(case: Case) -> None:
    """PettingZoo's own api_test."""
    from pettingzoo.test import api_test

    delegate(case, "pettingzoo.test.api_test", api_test, case.env, num_cycles=case.steps)


def check_aec_seeding(case: Case) -> None:
    """PettingZoo's own seed_test."""
    from pettingzoo.test import seed_test

    if case.make is None:
        raise Skip("needs a factory")
    delegate(case, "pettingzoo.test.seed_test", seed_test, case.make, num_cycles=case.steps)


def check_aec_names(case: Case) -> None:
    """Names are as PettingZoo asks; SuperSuit's agent_indicator reads the kind of an agent from them."""
    _check_names(case)


AEC_CHECKS: list[Check] = [check_aec_api, check_aec_seeding, check_aec_names]
