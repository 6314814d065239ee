"""World models of recorded episodes, for the algorithms that learn in them: otto, mopo, combo.

Shapes: N agents, D features, k action dimensions, A actions, R rows, M steps.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from algos.common import checkpoint
from algos.common.config import BadInput
from algos.common.datasets.dataset import Dataset
from algos.common.protocol import BatchedEnv
from world_models.episodes import Episodes
from world_models.evaluator import WorldEvaluator
from world_models.fit import FitConfig, fit
from world_models.store import from_state, make_model, state


def bounds_of(env: BatchedEnv) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of continuous actions; empty for discrete ones."""
    if env.num_actions:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    return env.action_space.low, env.action_space.high


def episodes_of(data: Dataset, low: np.ndarray, high: np.ndarray) -> Episodes:
    """Recorded episodes as a world model reads them: actions in -1..1 or one-hot, a team's agents side by side.

    Each agent's masks of legal actions and whether it lives stand behind its observation, so they are foretold too.
    """
    rows, steps = len(data.obs), data.num_steps
    obs = [data.obs.reshape(rows, data.num_agents, -1)]
    if data.masks is not None:
        obs.append(data.masks.reshape(rows, data.num_agents, -1))
    if data.alive is not None:
        obs.append(data.alive.reshape(rows, data.num_agents, 1))
    if data.num_actions:
        actions = np.eye(data.num_actions, dtype=np.float32)[data.actions].reshape(steps, -1)
    else:
        actions = 2 * (data.actions - low) / (high - low) - 1
    joined = np.concatenate(obs, -1).reshape(rows, -1).astype(np.float32)
    return Episodes(joined, actions.astype(np.float32), data.rewards, data.terminals, data.starts, data.next_known)


def train_world(
    config: Any, data: Dataset, episodes: Episodes, folder: Path, number: int, seed: int, device: str = "cpu"
) -> tuple[Any, WorldEvaluator]:
    """World model `number` of a run and its evaluator: from its file in the folder, else trained and put there.

    config has model, members, model_steps, quantile and worlds, as otto.Config explains them. A file from
    config.worlds is copied into the folder; BadInput for one of another dataset or kind of model.
    """
    path = folder / f"world-s{number}{checkpoint.SUFFIX}"
    source = path if path.is_file() or not config.worlds else Path(config.worlds) / path.name
    sizes = [episodes.obs.shape[-1], episodes.actions.shape[-1]]
    about = {"data": data.info.get("name"), "steps": data.num_steps, "episodes": data.num_episodes, "sizes": sizes}
    about |= {"model": config.model, "members": config.members}
    if source.is_file():
        tree = checkpoint.load(source)
        if tree.get("about") != about:
            raise BadInput(f"{source} holds world models of {tree.get('about')}; here they are of {about}")
    elif source != path:
        raise BadInput(f"algo.worlds={config.worlds}: there is no {path.name}")
    else:
        model = make_model(config.model, *sizes, members=config.members, seed=seed).to(device)
        settings = FitConfig(updates=config.model_steps, seed=seed)
        found = fit(model, episodes, settings, progress=partial(_tell, config))
        tree = {"about": about, "model": state(model), "held_out": found["held_out"], "history": found["history"]}
    try:
        model, held_out = from_state(tree["model"]), tree["held_out"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{source}: its world models have another form than {config.model}'s here, from another version perhaps. "
            f"Delete it, and they are trained anew ({str(error).splitlines()[0]})"
        ) from error
    if source != path or not path.is_file():
        checkpoint.save(path, tree)
    model = model.to(device)
    return model, WorldEvaluator.fit(model, episodes, held_out, config.quantile)


def _tell(config: Any, entry: dict[str, Any]) -> None:
    """A line of progress, with the losses on held-out episodes."""
    print(
        f"world models {entry['update']:>6,} / {config.model_steps:,} steps {entry['seconds']:>5.0f} s  "
        f"errors: {entry['change']:.4f} change, {entry['reward']:.4f} reward, {entry['terminal']:.4f} end",
        flush=True,
    )
