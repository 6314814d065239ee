"""World models of recorded episodes, for the algorithms that learn in them: otto, mopo, combo.

Shapes: N agents, D features, k action dimensions, A actions, R rows, M steps.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from algos.common import checkpoint
from algos.common.errors import BadInput, require
from algos.common.run import Run
from algos.data.dataset import Dataset
from world_models.episodes import Episodes
from world_models.evaluator import WorldEvaluator
from world_models.fit import FitConfig, fit
from world_models.store import from_state, make_model, state


def train_world(
    config: Any, data: Dataset, episodes: Episodes, run: Run, number: int, seed: int, quantile: float = 0.99
) -> tuple[Any, WorldEvaluator]:
    """World model `number` of a run and its evaluator: from its file in the run folder, else trained and put there.

    config has model, ensemble_size, model_steps and world_models, as otto.Config explains them and the quantile. A file
    of config.world_models is copied into the folder; BadInput for one of another dataset or kind of model. Before
    anything is trained, the run gets a checkpoint to be resumed from.
    """
    require(
        bool(episodes.known.any()),
        f"data={run.config['data']}: no step's next observation is in it, so no world model can learn from it",
    )
    device = run.config["device"]
    path = run.folder / f"world-s{number}{checkpoint.SUFFIX}"
    source = path if path.is_file() or not config.world_models else Path(config.world_models) / path.name
    sizes = [episodes.obs.shape[-1], episodes.actions.shape[-1]]
    about = {"data": data.info.get("name"), "steps": data.num_steps, "episodes": data.num_episodes, "sizes": sizes}
    about |= {"model": config.model, "members": config.ensemble_size, "digest": data.digest}
    saved = source.is_file()
    if not saved and source != path:
        raise BadInput(f"algo.world_models={config.world_models}: there is no {path.name}")
    if saved:
        model, tree = _read(source, about)
    run.begin()
    if not saved:
        model = make_model(config.model, *sizes, members=config.ensemble_size, seed=seed).to(device)
        settings = FitConfig(updates=config.model_steps, seed=seed)
        found = fit(model, episodes, settings, progress=partial(_tell, config))
        tree = {"about": about, "model": state(model), "held_out": found["held_out"], "history": found["history"]}
    if source != path or not path.is_file():
        checkpoint.save(path, tree)
    model = model.to(device)
    return model, WorldEvaluator.fit(model, episodes, tree["held_out"], quantile)


def _read(path: Path, about: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A file's world models and its tree; BadInput if they are of something else than `about` or of another form."""
    tree = checkpoint.load(path)
    if tree.get("about") != about:
        raise BadInput(f"{path} holds world models of {tree.get('about')}; here they are of {about}")
    try:
        model, _ = from_state(tree["model"]), tree["held_out"]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"{path}: its world models have another form than {about['model']}'s here, from another version perhaps. "
            f"Delete it, and they are trained anew ({str(error).splitlines()[0]})"
        ) from error
    return model, tree


def _tell(config: Any, entry: dict[str, Any]) -> None:
    """A line of progress, with the losses on held-out episodes."""
    print(
        f"world models {entry['update']:>6,} / {config.model_steps:,} steps {entry['seconds']:>5.0f} s  "
        f"errors: {entry['change']:.4f} change, {entry['reward']:.4f} reward, {entry['terminal']:.4f} end",
        flush=True,
    )
