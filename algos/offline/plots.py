"""Generated trajectories beside recorded ones as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from algos.data.dataset import Dataset


def plot_generated(path: Path, recorded: Dataset, generated: Dataset, points: int = 2_000) -> Path | None:
    """A picture of generated trajectories beside recorded ones; None where matplotlib is absent.

    Left: where they are, in the plane in which the recorded observations vary most. Middle: what is earned in a step.
    Right: the evaluator's uncertainty along a trajectory, if the dataset has it.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    places, rewards, doubts = figure.subplots(1, 3)
    random = np.random.default_rng(0)
    rows = [data.obs.reshape(len(data.obs), -1).astype(np.float64) for data in (recorded, generated)]
    some = [x[random.integers(len(x), size=points)] for x in rows]
    mean, std = some[0].mean(0), some[0].std(0) + 1e-3
    plane = np.linalg.svd((some[0] - mean) / std, full_matrices=False)[2][:2].T
    for x, label in zip(some, ("recorded", "generated"), strict=True):
        places.scatter(*((x - mean) / std @ plane).T, s=3, alpha=0.4, label=label)
    places.set(title="observations, first two principal components")
    bins = np.histogram_bin_edges(np.concatenate([recorded.rewards, generated.rewards]), 60)
    for data, label in ((recorded, "recorded"), (generated, "generated")):
        rewards.hist(data.rewards, bins=bins, density=True, alpha=0.5, label=label)
    rewards.set(title="reward of a step")
    for axes in (places, rewards):
        axes.legend(markerscale=3)
    if "uncertainty" in generated.extras:
        step = np.arange(generated.num_steps) - np.repeat(generated.starts[:-1], generated.lengths)
        along = range(int(generated.lengths.max()))
        parts = [generated.extras["uncertainty"][step == t] for t in along]
        doubts.plot(along, [np.median(part) for part in parts], label="median")
        doubts.plot(along, [np.quantile(part, 0.9) for part in parts], label="90% quantile")
        doubts.legend()
    doubts.set(title="uncertainty of what was kept", xlabel="step of the trajectory")
    figure.savefig(path, dpi=100)
    return path
