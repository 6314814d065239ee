"""MOPO (Yu et al. 2020, "Model-based offline policy optimization"): soft actor-critic in short rollouts of a model.

An ensemble of MLPs learns the recorded world; every so often the policy of the moment rolls it on for a few steps from
recorded states, and each reward is lowered by the model's uncertainty (eq. 5, algorithm 1). Uncertainty is the World
Evaluator's disagreement, where the paper takes the largest deviation of Gaussian members: our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from algos.offline import policy
from algos.offline.model_rollouts import ModelConfig, fit_in_model
from algos.offline.sac import SAC

PRESETS: dict[str, dict[str, Any]] = {"mopo": {}}
DATA = "required"
TOTAL_STEPS = 100_000  # gradient steps of a run, unless total_steps= is given


@dataclass
class Config(ModelConfig):
    name: str = "mopo"


make_learner = SAC
train = partial(fit_in_model, make_learner)
load_policy = partial(policy.load_policy, make_learner, Config)
