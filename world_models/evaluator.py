"""The World Evaluator: how far an ensemble's predictions can be trusted.

OTTO's (arXiv 2404.10393) rule could not be read; this one is our choice. Members that learned the same data from
different weights and minibatches agree where the data speak and part where they do not. Shapes: E members, M rows,
D features.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from world_models.episodes import Episodes
from world_models.fit import one_step, some_of
from world_models.scale import Prediction


class WorldEvaluator:
    """Rates predictions by the members' disagreement; `threshold` is the most that is still trusted."""

    def __init__(self, obs_std: torch.Tensor, reward_std: float, threshold: float = math.inf):
        self.obs_std, self.reward_std, self.threshold = obs_std, float(reward_std), float(threshold)

    @classmethod
    def fit(
        cls, model: Any, episodes: Episodes, steps: np.ndarray, quantile: float = 0.99, most: int = 20_000
    ) -> WorldEvaluator:
        """An evaluator in the model's scale, its threshold the quantile of the uncertainty on real steps, int [M'].

        The steps should be ones that the model did not learn from; at most about `most` of them are looked at.
        """
        found = cls(model.scale.obs_std.clone(), model.scale.reward_std.item())
        data = torch.as_tensor(episodes.obs)
        rated = []
        for some, outputs in one_step(model, episodes, some_of(steps, most)):
            obs = data[some + episodes.episode[some]].to(outputs.device)
            rated.append(found.uncertainty(model.scale.read(outputs, obs)))
        found.threshold = float(np.quantile(torch.cat(rated).cpu().numpy(), quantile))
        return found

    def uncertainty(self, prediction: Prediction) -> torch.Tensor:
        """Disagreement, [M]: largest distance of a member's next state from the members' mean, plus spread in reward.

        The distance is taken in deviations of the states in the data and divided by sqrt(D), so that it is a root mean
        square over the features; the spread is the members' standard deviation, in deviations of the reward.
        """
        mean, reward, _ = prediction.mean()
        apart = ((prediction.obs - mean) / self.obs_std).square().mean(-1).sqrt()
        return apart.max(0).values + (prediction.reward - reward).square().mean(0).sqrt() / self.reward_std

    def confidence(self, uncertainty: torch.Tensor) -> torch.Tensor:
        """1 for members that agree, 0.5 at the threshold, towards 0 beyond it; any shape."""
        return torch.exp2(-uncertainty / self.threshold)

    def state(self) -> dict[str, Any]:
        """What `from_state` rebuilds it from: arrays and plain numbers."""
        return {"obs_std": self.obs_std.cpu().numpy(), "reward_std": self.reward_std, "threshold": self.threshold}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> WorldEvaluator:
        """The evaluator that `state` came from."""
        return cls(torch.as_tensor(state["obs_std"]), state["reward_std"], state["threshold"])
