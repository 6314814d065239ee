"""Teams driven by callables: each gets its own tanks' observations once a step, as the agents do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import write_all_masks
from ..observe.kinds import View, obs_kind
from ..params import NUM_ACTIONS, POLICY

if TYPE_CHECKING:
    from .batched import BatchedEnv


def _leaves(memory: Any) -> list[np.ndarray]:
    """The arrays of a memory: an array, or a tuple, list or dict of memories."""
    if isinstance(memory, np.ndarray):
        return [memory]
    if isinstance(memory, dict):
        return [leaf for item in memory.values() for leaf in _leaves(item)]
    if isinstance(memory, (tuple, list)):
        return [leaf for item in memory for leaf in _leaves(item)]
    return []


class Opponent:
    """One team's callable (obs, mask, memory) -> (actions, memory).

    obs: of the kind the agents get, [B, n, ...]; mask: bool [B, n, A]; memory: None at the start of the run, then
    whatever the callable returned. In the arrays of memory with a leading B, rows of worlds that ended are set to 0.
    """

    def __init__(self, team: int, policy: Callable, env: BatchedEnv, columns: slice):
        self.team, self.policy, self.columns = team, policy, columns
        self.memory: Any = None
        self._env = env
        self._spec = env.view.spec.copy()
        tanks = np.flatnonzero(self._spec[0]["team"][: env.view.num_tanks] == team)
        self.num_tanks = len(tanks)
        self._spec[0]["num_agents"] = self.num_tanks
        self._spec[0]["slot"][: self.num_tanks] = tanks
        self._kind = obs_kind(env.obs_name, View(env.scenario, self._spec, env.view.width, env.view.height))
        self._obs = self._kind.allocate(env.num_envs)
        self._mask = np.zeros((env.num_envs, self.num_tanks, NUM_ACTIONS), bool)
        self._alive = np.zeros((env.num_envs, self.num_tanks), bool)

    def act(self, orders: np.ndarray) -> None:
        """Write this step's actions into orders, int8 [B, columns]."""
        env = self._env
        env.write(self._kind, self._obs)
        write_all_masks(env.worlds, self._spec, self._mask, self._alive)
        actions, self.memory = self.policy(self._obs, self._mask, self.memory)
        actions = np.asarray(actions)
        wanted = (env.num_envs, self.num_tanks)
        if actions.shape != wanted or actions.dtype.kind not in "iu":
            raise ValueError(
                f"the opponent of team {self.team} returned actions of shape {actions.shape} and dtype "
                f"{actions.dtype}; expected integers of shape {wanted}"
            )
        if actions.size and (actions.min() < 0 or actions.max() >= NUM_ACTIONS):
            raise ValueError(f"the opponent of team {self.team} returned an action outside 0 to {NUM_ACTIONS - 1}")
        orders[:, self.columns] = actions

    def forget(self, ended: np.ndarray) -> None:
        """Clear the memory of worlds that ended, bool [B]."""
        for leaf in _leaves(self.memory):
            if leaf.ndim and leaf.shape[0] == len(ended):
                leaf[ended] = 0


def make_opponents(env: BatchedEnv, opponents: Any) -> list[Opponent]:
    """The callables among `opponents`, one Opponent a team that is driven as "policy"."""
    spec = env.view.spec[0]
    found, first = [], env.num_agents
    for number, team in enumerate(env.scenario.teams, 1):
        if team.driver != "policy":
            continue
        policy = opponents.get(number) if isinstance(opponents, dict) else opponents
        if not callable(policy):
            raise ValueError(f'team {number} is driven as "policy": give make_batch(opponents={{{number}: callable}})')
        size = int(spec["team_size"][number - 1])
        found.append(Opponent(number, policy, env, slice(first, first + size)))
        first += size
    assert first == int((spec["driver"][: env.view.num_tanks] == POLICY).sum()) + env.num_agents
    return found
