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
    """Rates predictions by the members' disagreement; `threshold` is the most that is still trusted.

    Disagreement tells where a model is worse than elsewhere, not whether it is any good. `skill` does, a number from
    0 to 1: the explained variance (R²) of the members' mean, of changes or of rewards, whichever is less.
    """

    def __init__(self, obs_std: torch.Tensor, reward_std: float, threshold: float = math.inf, skill: float = 1.0):
        self.obs_std, self.reward_std = obs_std, float(reward_std)
        self.threshold, self.skill = float(threshold), float(skill)

    @classmethod
    def fit(
        cls, model: Any, episodes: Episodes, steps: np.ndarray, quantile: float = 0.99, most: int = 20_000
    ) -> WorldEvaluator:
        """An evaluator in the model's scale, from real steps, int [M'], at most about `most` of them.

        Its threshold is the quantile of the uncertainty on them. They should be ones that the model did not learn from.
        """
        found = cls(model.scale.obs_std.clone(), model.scale.reward_std.item())
        device = found.obs_std.device
        arrays = (episodes.obs, episodes.rewards, episodes.terminals)
        seen, rewards, terminals = (torch.as_tensor(x, dtype=torch.float32, device=device) for x in arrays)
        rated, changes, earned = [], [], []  # of the latter two, what was said and what was true
        for some, outputs in one_step(model, episodes, some_of(steps, most)):
            rows = some + episodes.episode[some]
            rated.append(found.uncertainty(model.scale.read(outputs, seen[rows])))
            known = episodes.known[some]
            targets = model.scale.targets(seen[rows], seen[rows + 1], rewards[some], terminals[some])
            both = torch.stack([outputs.mean(0), targets])
            changes.append(both[:, known, :-2])
            earned.append(both[:, :, -2:-1])
        found.threshold = float(np.quantile(torch.cat(rated).cpu().numpy(), quantile))
        found.skill = min(_skill(*torch.cat(changes, 1)), _skill(*torch.cat(earned, 1)))
        return found

    def uncertainty(self, prediction: Prediction) -> torch.Tensor:
        """Disagreement, [M]: largest distance of a member's next state from the members' mean, plus spread in reward.

        The distance is taken in deviations of the states in the data and divided by sqrt(D), so that it is a root mean
        square over the features; the spread is the members' standard deviation, in deviations of the reward.
        """
        mean, reward, _ = prediction.mean()
        apart = ((prediction.obs - mean) / self.obs_std).square().mean(-1).sqrt()
        return apart.max(0).values + (prediction.reward - reward).square().mean(0).sqrt() / self.reward_std


def _skill(said: torch.Tensor, true: torch.Tensor) -> float:
    """Share of the variance explained, 0 to 1, of all columns of [M, D] together; 1 where nothing varies."""
    if not len(true) or not (spread := true.var(0, correction=0).sum()):
        return 1.0
    return min(max(float(1 - (said - true).square().mean(0).sum() / spread), 0.0), 1.0)
