"""TorchRL: a batch as a native, batched `EnvBase`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Binary, Categorical, Composite, Unbounded
from torchrl.envs import EnvBase

from ..api.manual import ManualBatch
from ..params import NUM_ACTIONS
from ..scenarios import Scenario


class TankEnv(EnvBase):
    """B worlds of N agents, batch_size [B].

    Under "agents": observation float32 [B, N, D], action_mask bool [B, N, A], action int64 [B, N], reward float32
    [B, N, 1], alive and success bool [B, N, 1]. Beside it: state float32 [B, S] and done, terminated, truncated [B, 1].
    Worlds that ended stay as they are until TorchRL resets them, which its rollouts and collectors do with the
    "_reset" mask. Random actions are legal ones.
    changes: as for `mabc.make_batch`; obs and state must be arrays.
    """

    def __init__(
        self,
        scenario: str | Scenario,
        num_envs: int = 1,
        seed: int = 0,
        device: Any = "cpu",
        obs: str = "vector",
        state: str = "vector",
        **changes: Any,
    ) -> None:
        self.batch = ManualBatch(scenario, num_envs, obs, state, seed, **changes)
        if self.batch.obs_space.shape is None or self.batch.state_space.shape is None:
            raise ValueError(f'obs={obs!r}, state={state!r}: TorchRL gets arrays; use "vector", "planes" or "rgb"')
        self._next_seed: int | None = None
        super().__init__(device=device, batch_size=[num_envs])
        self._make_specs()

    def _make_specs(self) -> None:
        B, N, where = self.batch.num_envs, self.batch.num_agents, self.device
        obs, state = self.batch.obs_space, self.batch.state_space

        def numbers(space: Any, *lead: int) -> Unbounded:
            dtype = torch.from_numpy(np.zeros(1, space.dtype)).dtype
            return Unbounded((*lead, *space.shape), dtype=dtype, device=where)

        def flags(*shape: int) -> Binary:
            return Binary(shape[-1], shape, dtype=torch.bool, device=where)

        agents = {
            "observation": numbers(obs, B, N),
            "action_mask": flags(B, N, NUM_ACTIONS),
            "alive": flags(B, N, 1),
            "success": flags(B, N, 1),
        }
        self.observation_spec = Composite(
            {"agents": Composite(agents, shape=(B, N)), "state": numbers(state, B)},
            shape=(B,),
        )
        action = Categorical(NUM_ACTIONS, shape=(B, N), dtype=torch.int64, device=where)
        self.action_spec = Composite({"agents": Composite({"action": action}, shape=(B, N))}, shape=(B,))
        reward = Unbounded((B, N, 1), dtype=torch.float32, device=where)
        self.reward_spec = Composite({"agents": Composite({"reward": reward}, shape=(B, N))}, shape=(B,))
        self.done_spec = Composite({name: flags(B, 1) for name in ("done", "terminated", "truncated")}, shape=(B,))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        """A copy of one of the batch's own arrays, on this environment's device."""
        return torch.from_numpy(array.copy()).to(self.device)

    def _observed(self, obs: np.ndarray, info: dict[str, Any]) -> TensorDict:
        B, N = self.batch.num_envs, self.batch.num_agents
        mask = self._tensor(self.batch.action_mask())
        self.full_action_spec["agents", "action"].update_mask(mask)
        agents = {
            "observation": self._tensor(obs),
            "action_mask": mask,
            "alive": self._tensor(info["alive"]).unsqueeze(-1),
            "success": self._tensor(info["success"]).unsqueeze(-1),
        }
        told = {
            "agents": TensorDict(agents, (B, N), device=self.device),
            "state": self._tensor(self.batch.state()),
        }
        return TensorDict(told, (B,), device=self.device)

    def _reset(self, tensordict: TensorDictBase | None = None, **kwargs: Any) -> TensorDict:
        """Start new episodes: everywhere, or in the worlds that "_reset" marks."""
        only = None if tensordict is None else tensordict.get("_reset", None)
        seed, self._next_seed = self._next_seed, None
        if only is None or seed is not None:
            obs, info = self.batch.reset(seed=seed)
        else:
            obs, info = self.batch.reset_where(only.reshape(self.batch.num_envs).cpu().numpy())
        told = self._observed(obs, info)
        running = torch.zeros(self.batch.num_envs, 1, dtype=torch.bool, device=self.device)
        return told.update({name: running.clone() for name in ("done", "terminated", "truncated")})

    def _step(self, tensordict: TensorDictBase) -> TensorDict:
        actions = tensordict["agents", "action"].cpu().numpy()
        obs, reward, terminated, truncated, info = self.batch.step(actions)
        told = self._observed(obs, info)
        told["agents", "reward"] = self._tensor(reward).unsqueeze(-1)
        flags = {"done": terminated | truncated, "terminated": terminated, "truncated": truncated}
        return told.update({name: self._tensor(flag).unsqueeze(-1) for name, flag in flags.items()})

    def _set_seed(self, seed: int | None) -> None:
        """The next reset starts the random streams of this seed."""
        self._next_seed = seed

    def close(self, **kwargs: Any) -> None:
        """Stop the batch's threads."""
        self.batch.close()
        super().close(**kwargs)
