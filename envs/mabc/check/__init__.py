"""Conformance checks that anybody can run on an environment of theirs: `mabc.check(env_or_factory)`.

Knows the batched protocol (see `make_batch`), PettingZoo parallel and AEC, Gymnasium `Env` and `VectorEnv`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.vector import VectorEnv
from pettingzoo import AECEnv, ParallelEnv

from .batched import BATCH_CHECKS
from .case import Case, Check, CheckError, Report, Skip
from .gym import GYM_CHECKS, VECTOR_CHECKS
from .parallel import AEC_CHECKS, PARALLEL_CHECKS

__all__ = ["CheckError", "Report", "check"]


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
                one(Case(env, make if own else None, steps, seed, name))
            except Skip as skip:
                report.skipped[name] = str(skip)
            else:
                report.passed.append(name)
    finally:
        if own:
            env.close()
    return report


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
