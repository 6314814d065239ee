"""COMBO (Yu et al. 2021, "Conservative offline model-based policy optimization"): CQL in rollouts of a model.

Values are pushed down on recorded and generated states for the policy's actions, and up on recorded transitions alone
(eq. 2), so that no uncertainty has to be measured. The rollouts are MOPO's, without its penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from algos.offline import loop
from algos.offline.loop import POLICY_STATE, TOTAL_STEPS, Batch, require  # noqa: F401
from algos.offline.mopo import Config as MopoConfig
from algos.offline.mopo import Learner as MopoLearner
from algos.offline.mopo import fit_in_model

PRESETS = {"combo": {}}
DATA = "required"

# --- config ---


@dataclass
class Config(MopoConfig):
    name: str = "combo"
    alpha: float = 1.0  # weight of the conservative term (beta of eq. 2)
    num_samples: int = 10  # actions from each of three sources in its log-sum-exp
    penalty: float = 0.0  # weight of the uncertainty in the reward: COMBO measures none
    real_share: float = 0.5  # of recorded transitions in a minibatch

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha >= 0, f"algo.alpha={self.alpha}: at least 0")
        require(self.num_samples >= 1, f"algo.num_samples={self.num_samples}: at least 1")
        require(
            round(self.batch_size * self.real_share) >= 1,
            f"algo.real_share={self.real_share}: of {self.batch_size} rows none would be recorded, and values are "
            "pushed up on those alone",
        )


# --- update ---


class Learner(MopoLearner):
    """MOPO's learner with the conservative term; the recorded rows of a minibatch come first."""

    backup_entropy = False

    def gap(self, batch: Batch, q: torch.Tensor) -> torch.Tensor:
        """log sum exp on all states less the values of recorded actions, summed over critics and seeds."""
        real = round(self.config.batch_size * self.config.real_share)
        pushed_down = self.sampled_values(batch).logsumexp(-1).mean(-1)
        return (pushed_down - q[..., :real].mean(-1)).sum()


train = partial(fit_in_model, Learner)
load_policy = partial(loop.load_policy, Learner, Config)
