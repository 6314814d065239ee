"""World Transformer against MLP ensemble: open-loop rollouts of real episodes, after the same seconds of training.

    python scripts/compare_world_models.py                              three tasks, three seeds, both models
    python scripts/compare_world_models.py --tasks hopper --seeds 1 --seconds 60 --json a.json --image a.png

Each model learns from nine tenths of the episodes of a medium-replay dataset; from the others, 1,000 stretches of 50
steps are drawn, and their logged actions are replayed in the model. Error: root mean square over features of the
distance to the real states, in deviations of the states in the data. Beside it, whether the World Evaluator's
uncertainty ranks that error (Spearman's correlation): of the first step, and, added up along a rollout, of all steps,
because errors add up too. Writes baselines/results/world-models.json and docs/images/world-models.png; what the file
already holds is not made again, and one that was made with other settings is left alone.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from bench_common import ROOT, header, spread, tell, write_json

TASKS = {"hopper": "Hopper-v5", "halfcheetah": "HalfCheetah-v5", "walker2d": "Walker2d-v5"}
"""Tasks, each with its environment; the data are TASK-medium-replay."""
MODELS: dict[str, dict[str, dict[str, Any]]] = {
    "mlp": {"model": {}, "fit": {}},
    "transformer": {"model": {}, "fit": {}},
}
"""What each is built and trained with, where it differs from its own defaults, which are the best that were found."""
HORIZON, ROLLOUTS, CHECKS = 50, 1000, 10
RESULT = ROOT / "baselines" / "results" / "world-models.json"
IMAGE = ROOT / "docs" / "images" / "world-models.png"


def episodes_of(task: str) -> Any:
    """The task's recorded episodes, as world models read them."""
    from algos.data.load import load_data
    from world_models.episodes import Episodes

    data = load_data(f"{task}-medium-replay", {"name": "gym", "id": TASKS[task], "num_envs": 1, "kwargs": {}}, tell)
    return Episodes(data.obs, data.actions, data.rewards, data.terminals, data.starts, data.next_known)


def measure(model: Any, episodes: Any, held_out: np.ndarray, seed: int) -> dict[str, Any]:
    """Error and uncertainty of open-loop rollouts from held-out steps, int [M']."""
    from world_models.episodes import ahead, context
    from world_models.evaluator import WorldEvaluator
    from world_models.rollout import data_bounds, generate

    evaluator = WorldEvaluator.fit(model, episodes, held_out)
    left = episodes.starts[episodes.episode[held_out] + 1] - held_out
    steps = np.random.default_rng(seed).choice(held_out[left >= HORIZON], ROLLOUTS)
    real, actions, _ = ahead(episodes, steps, HORIZON)
    past = context(episodes, steps, model.context)
    bounds = data_bounds(model.scale)
    made = generate(model, evaluator, *past, lambda t, _: actions[:, t], HORIZON, "none", bounds=bounds)
    square = (((made.obs - real) / model.scale.obs_std.numpy())[:, 1:] ** 2).mean(-1)
    return {
        "rmse": float(np.sqrt(square.mean())),
        "curve": [round(float(value), 5) for value in np.sqrt(square.mean(0))],
        "spearman_first_step": rank_correlation(made.uncertainty[:, 0], square[:, 0]),
        "spearman": rank_correlation(np.cumsum(made.uncertainty, 1).ravel(), square.ravel()),
        "threshold": evaluator.threshold,
        "trusted_steps": float((made.uncertainty <= evaluator.threshold).mean()),
    }


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation of two rows of numbers, ties aside."""
    ranks = [values.argsort().argsort().astype(float) for values in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


def piece(task: str, name: str, seed: int, seconds: float, threads: int) -> dict[str, Any]:
    """Train one model on one task and measure it."""
    import torch

    from world_models.fit import FitConfig, fit
    from world_models.store import make_model

    torch.set_num_threads(threads)
    episodes = episodes_of(task)
    sizes = episodes.obs.shape[1], episodes.actions.shape[1]
    model = make_model(name, *sizes, seed=seed, **MODELS[name]["model"])
    config = FitConfig(updates=0, seconds=seconds, checks=CHECKS, seed=seed, **MODELS[name]["fit"])
    found = fit(model, episodes, config)
    result = measure(model, episodes, found["held_out"], seed)
    tell(f"{task} {name} seed {seed}: error {result['rmse']:.3f}, Spearman {result['spearman']:.2f}")
    parameters = sum(param.numel() for param in model.parameters()) // model.members
    return {
        "task": task,
        "model": name,
        "seed": seed,
        "settings": settings(name, seconds, threads),
        "updates": found["history"][-1]["update"],
        "parameters_of_a_member": parameters,
        **result,
        "history": [{key: round(value, 6) for key, value in entry.items()} for entry in found["history"]],
    }


def settings(name: str, seconds: float, threads: int) -> dict[str, Any]:
    """All that a piece depends on beside its task and seed."""
    from world_models.store import KINDS

    return {"seconds": seconds, "threads": threads, **MODELS[name], "fitting": KINDS[name].fitting}


def summary(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Per task: the models' errors and correlations over the seeds, and the ratio of the mean errors."""
    found: dict[str, Any] = {}
    for task in dict.fromkeys(row["task"] for row in pieces):
        entry: dict[str, Any] = {}
        for name in MODELS:
            rows = [row for row in pieces if (row["task"], row["model"]) == (task, name)]
            if rows:
                entry[name] = {
                    key: spread(row[key] for row in rows)
                    for key in ("rmse", "spearman_first_step", "spearman", "updates")
                }
        if len(entry) == len(MODELS):
            means = {name: np.mean(entry[name]["rmse"]["values"]) for name in MODELS}
            entry["ratio"] = round(float(means["transformer"] / means["mlp"]), 3)
        found[task] = entry
    return found


def draw(pieces: list[dict[str, Any]], path: Path) -> None:
    """The error over the horizon: one panel a task, a line a model, least to greatest of the seeds shaded."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    tasks = list(dict.fromkeys(row["task"] for row in pieces))
    figure, panels = plt.subplots(1, len(tasks), figsize=(3.6 * len(tasks), 3.2), squeeze=False)
    for panel, task in zip(panels[0], tasks, strict=True):
        for name, colour in (("mlp", "tab:orange"), ("transformer", "tab:blue")):
            curves = np.array([row["curve"] for row in pieces if (row["task"], row["model"]) == (task, name)])
            if len(curves):
                steps = np.arange(1, curves.shape[1] + 1)
                panel.plot(steps, curves.mean(0), color=colour, label={"mlp": "MLP"}.get(name, "World Transformer"))
                panel.fill_between(steps, curves.min(0), curves.max(0), color=colour, alpha=0.2, linewidth=0)
        panel.set(title=task, xlabel="steps ahead", ylim=(0, None))
    panels[0][0].set_ylabel("error (deviations of the state)")
    panels[0][0].legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, dpi=110, format="png")
    os.replace(temporary, path)
    plt.close(figure)


def kept(path: Path, seconds: float, threads: int) -> list[dict[str, Any]]:
    """Pieces of an earlier run; SystemExit if they were made with other settings."""
    rows = json.loads(path.read_text(encoding="utf-8"))["pieces"] if path.is_file() else []
    for row in rows:
        if row["settings"] != json.loads(json.dumps(settings(row["model"], seconds, threads))):
            raise SystemExit(f"{path} was made with {row['settings']}: name other files, --json FILE --image FILE")
    return rows


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS), metavar="TASK")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--seconds", type=float, default=100, help="of training, of each model")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--json", type=Path, default=RESULT, help="results; pieces that it holds are kept")
    parser.add_argument("--image", type=Path, default=IMAGE)
    options = parser.parse_args()
    wanted = [(task, name, seed) for task in options.tasks for seed in range(options.seeds) for name in MODELS]
    head = header("torch", "numpy", "gymnasium", "mujoco")
    pieces = kept(options.json, options.seconds, options.threads)
    names = [*TASKS, *MODELS]
    done = {(row["task"], row["model"], row["seed"]) for row in pieces}
    for task, name, seed in wanted:
        if (task, name, seed) in done:
            continue
        pieces.append(piece(task, name, seed, options.seconds, options.threads))
        order = sorted(pieces, key=lambda row: (names.index(row["task"]), row["seed"], names.index(row["model"])))
        write_json(str(options.json), {**head, "summary": summary(order), "pieces": order})
        draw(order, options.image)
    for task, entry in summary(pieces).items():
        tell(f"{task}: {json.dumps(entry)}")


if __name__ == "__main__":
    main()
