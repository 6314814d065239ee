"""Curves of a run as a picture."""

from __future__ import annotations

from pathlib import Path

from algos.common.log import read_metrics

CURVES = {
    "episode/win_rate": "win rate",
    "episode/draw_rate": "draws",
    "episode/return": "return",
    "episode/score": "normalised score",
    "loss/entropy": "entropy",
    "time/steps_per_second": "steps per second",
}


def plot(folder: str | Path) -> Path | None:
    """Write report.png; None where matplotlib is absent or nothing has been measured."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    metrics = read_metrics(Path(folder) / "metrics.jsonl")
    names = [name for name in CURVES if any(line.get(name) is not None for line in metrics)]
    if not names:
        return None
    figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        points = [(line["step"], line[name]) for line in metrics if line.get(name) is not None]
        axes.plot(*zip(*points, strict=True))
        axes.set(title=CURVES[name], xlabel="steps")
        axes.grid(alpha=0.3)
    path = Path(folder) / "report.png"
    figure.savefig(path, dpi=100)
    return path
