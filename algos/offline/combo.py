"""COMBO (Yu et al. 2021, "Conservative offline model-based policy optimization"): CQL in rollouts of a model.

Values are pushed down on recorded and generated states for the policy's actions, and up on recorded transitions alone
(eq. 2), so that no uncertainty has to be measured. The rollouts are MOPO's, without its penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from algos.common.errors import require
from algos.offline import policy
from algos.offline.cql import ContinuousLearner
from algos.offline.model_rollouts import ModelConfig, fit_in_model

PRESETS: dict[str, dict[str, Any]] = {"combo": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given


@dataclass
class Config(ModelConfig):
    name: str = "combo"
    alpha: float = 1.0  # weight of the conservative term (beta of eq. 2)
    num_samples: int = 10  # actions from each of three sources in its log-sum-exp
    penalty_coef: float = 0.0  # penalty coefficient λ of the uncertainty: COMBO measures none
    real_ratio: float = 0.5  # real ratio: recorded share of a minibatch

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.alpha >= 0, f"algo.alpha={self.alpha}: at least 0")
        require(self.num_samples >= 1, f"algo.num_samples={self.num_samples}: at least 1")
        require(
            round(self.batch_size * self.real_ratio) >= 1,
            f"algo.real_ratio={self.real_ratio}: of {self.batch_size} rows none would be recorded, and values are "
            "pushed up on those alone",
        )


def make_learner(config: Config, sizes: dict[str, int], total_steps: int) -> ContinuousLearner:
    """CQL's learner, which pushes values up on the recorded rows of a minibatch alone; they come first."""
    learner = ContinuousLearner(config, sizes, total_steps)
    learner.real = round(config.batch_size * config.real_ratio)
    return learner


train = partial(fit_in_model, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
