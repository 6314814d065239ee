"""The seams of the suite: what an environment, a policy and an algorithm's module are to the others.

Further ones stand beside what uses them: encoders and heads in `algos.backbones`, what learns offline and where its
minibatches come from in `algos.offline.loop`.

Shapes: B worlds, N agents, A actions, k action dimensions, D features, S state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class BatchedEnv(Protocol):
    """B worlds of N agents that step together and restart by themselves, in the same step (SAME_STEP).

    Returned arrays belong to the environment and are overwritten by its next call.
    """

    num_envs: int  # B
    num_agents: int  # N
    num_actions: int  # A; 0 where actions are continuous: action_space is then a Box of shape (k,)
    obs_shape: tuple[int, ...]  # (D,)
    state_shape: tuple[int, ...]  # (S,)
    agent_ids: list[str]  # N names
    agent_teams: np.ndarray  # int [N], teams count from 1
    max_steps: int  # time limit in steps, 0 if unknown
    action_space: Any  # of one agent
    metadata: dict[str, Any]  # read here: shared_reward, outcomes, snapshot (bool), rules_version

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Start all worlds anew: obs float32 [B, N, D] and info (see `step`)."""
        ...

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """One step with actions int [B, N] (continuous: float32 [B, N, k]).

        Returns obs float32 [B, N, D], reward float32 [B, N], terminated bool [B], truncated bool [B] and
        info: final_obs [B, N, D] and final_state [B, S] (valid where an episode ended), alive bool [B, N]
        (who may act next, in a new episode where one ended), success bool [B, N], outcome int [B] (-1 runs
        on, 0 draw, else the winning team), episode_return float32 [B, N], episode_length int [B].
        """
        ...

    def state(self) -> np.ndarray:
        """Global state of the current step, float32 [B, S]."""
        ...

    def action_mask(self) -> np.ndarray:
        """Legal actions, bool [B, N, A]."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Everything needed to go on exactly, as a dict of arrays and numbers."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to `snapshot`, random stream included."""
        ...

    def close(self) -> None: ...


class Policy(Protocol):
    """What acts, and may be given to MABC as an opponent: `policy(obs, mask, memory) -> (actions, memory)`.

    | | what it is |
    |---|---|
    | `obs` | what the environment gives, [B, N, …]; N may be less than in training |
    | `mask` | legal actions, bool [B, N, A]; A is 0 where actions are continuous |
    | `memory` | None at first, then an array [B, N, …] whose rows of ended worlds the caller sets to 0, or None |
    | `actions` | int [B, N], or float32 [B, N, k] |
    | `greedy` | whether it takes the likeliest action, or samples |
    | `references` | returns of a dataset's "random" and "expert", where it learned from one that names them |
    """

    greedy: bool
    references: dict[str, float] | None

    def __call__(self, obs: Any, mask: np.ndarray, memory: Any = None) -> tuple[np.ndarray, Any]: ...


@runtime_checkable
class Explains(Protocol):
    """A policy that can say what led to its actions; see `algos.online.agent.Policy.explain`."""

    def explain(
        self, obs: Any, mask: np.ndarray, memory: Any, states: Any, critic_memory: Any = None
    ) -> tuple[dict[str, np.ndarray], Any]: ...


class AlgorithmModule(Protocol):
    """A file of algos.online or algos.offline that answers to `algo=`; it is found by its PRESETS.

    | name | what it is |
    |---|---|
    | `PRESETS` | the names that it answers to, and what of its Config each of them changes |
    | `DATA` | whether it learns from a dataset, data=: "none", "optional" or "required" |
    | `TOTAL_STEPS` | the default of total_steps=: environment steps, or with a dataset gradient steps |
    | `Config` | a dataclass: its fields, a comment on each, are the keys `algo.…`; it refuses what is out of range |
    | `train(config, env, run)` | learns until `run.total_steps`, from `run.state` if there is one; gives the policy |
    | `load_policy(config, state, device, greedy)` | a policy from a configuration and a state that `train` saved |

    The first three are literals: they are read without importing the file.
    """

    PRESETS: dict[str, dict[str, Any]]
    DATA: str
    TOTAL_STEPS: int
    Config: Any
    train: Callable[[Any, BatchedEnv, Any], Policy]
    load_policy: Callable[..., Policy]


def shares_reward(env: BatchedEnv) -> bool:
    """Whether all agents of a team get the same reward."""
    own = getattr(getattr(env, "scenario", None), "per_agent_reward", False)
    return env.metadata.get("shared_reward", not own)


def rules_version(env: BatchedEnv) -> str | None:
    """Versions of the rules and of the scenario that an environment plays by; None where it names none."""
    rules = env.metadata.get("rules_version")
    scenario = getattr(getattr(env, "scenario", None), "version", None)
    return None if rules is None else f"{rules}" + (f" (scenario {scenario})" if scenario is not None else "")
