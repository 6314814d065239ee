"""What a dataset holds, in lines of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np

from algos.data.dataset import Dataset, normalised_score

WIDTH = 80
LABEL = 14
QUANTILES = (0, 0.25, 0.5, 0.75, 1)


def describe(dataset: Dataset) -> str:
    """Statistics of a dataset: sizes, returns, lengths, ends, observations, actions, and who made it."""
    info = dataset.info
    lines = [f"{info.get('name', 'dataset')}"]
    lines += _row("environment", _env(info.get("env", {})))
    lines += _row("episodes", f"{dataset.num_episodes:,}")
    lines += _row("steps", f"{dataset.num_steps:,}" + (f" of a team of {dataset.num_agents}" * (dataset.obs.ndim == 3)))
    lines += _row("quantiles", "        0%       25%       50%       75%      100%      mean")
    lines += _row("  return", _quantiles(dataset.returns, "10.2f"))
    lines += _row("  length", _quantiles(dataset.lengths, "10.0f"))
    lines += _row("ends", _ends(dataset))
    if info.get("references"):
        lines += _row("references", "random {random:.2f}, expert {expert:.2f}".format(**info["references"]))
        lines += _row("score", f"{normalised_score(dataset.returns, info).mean():.1f} (0 random, 100 expert), mean")
    if "success" in dataset.extras:
        lines += _row("success", f"{dataset.extras['success'].mean():.3f} of episodes")
    lines += _row("observations", _observations(dataset.obs))
    lines += _row("actions", _actions(dataset))
    try:
        made = list(_made(info))
    except (AttributeError, KeyError, TypeError, ValueError):  # a stranger's file: it may say anything there
        made = ["in a form that is not known here"]
    for text in made:
        lines += _row("made", text)
    return "\n".join(lines)


def _row(label: str, text: str) -> list[str]:
    """A labelled line, wrapped under itself."""
    first, rest = f"{label:<{LABEL}}", " " * LABEL
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _env(env: dict[str, Any]) -> str:
    if env.get("name") == "mabc":
        return f"mabc {env.get('scenario', 'of a scenario not known')}, rules {env.get('rules', 'not known')}"
    kwargs = ", ".join(f"{key}={value}" for key, value in env.get("kwargs", {}).items())
    return f"{env.get('id') or env.get('task') or 'not known'}" + (f" ({kwargs})" if kwargs else "")


def _quantiles(values: np.ndarray, form: str) -> str:
    return "".join(f"{value:{form}}" for value in [*np.quantile(values, QUANTILES), values.mean()])


def _ends(dataset: Dataset) -> str:
    terminal = float(dataset.terminals[dataset.starts[1:] - 1].mean())
    unseen = "" if dataset.end_seen is None else f"; last row not seen in {float((~dataset.end_seen).mean()):.1%}"
    return f"{terminal:.1%} of episodes by a terminal, the rest were cut off{unseen}"


def _observations(obs: np.ndarray) -> str:
    rows = obs.reshape(-1, obs.shape[-1])
    low, high = rows.min(0), rows.max(0)
    constant = int((low == high).sum())
    text = f"{obs.shape[-1]} numbers from {low.min():.4g} to {high.max():.4g}, deviation {rows.std():.3g}"
    return text + (f"; {constant} never change" if constant else "")


def _actions(dataset: Dataset) -> str:
    actions = dataset.actions
    if dataset.num_actions:
        acting = actions if dataset.alive is None else actions[dataset.alive[dataset.rows]]
        shares = np.bincount(acting.ravel(), minlength=dataset.num_actions) / max(1, acting.size)
        return f"of {dataset.num_actions}, chosen by the living in %: " + " ".join(f"{100 * s:.0f}" for s in shares)
    low, high = actions.min(0), actions.max(0)
    saturated = ((actions == low) | (actions == high)).mean()
    text = f"{actions.shape[-1]} numbers from {low.min():.3g} to {high.max():.3g}, deviation {actions.std():.3g}"
    return f"{text}, {saturated:.1%} at their ends"


def _made(info: dict[str, Any]) -> Iterator[str]:
    made = info.get("made", {})
    for key in ("how", "policies", "author", "command"):
        if made.get(key) and not (key == "policies" and "parts" in made):
            yield str(made[key])
    if snapshots := made.get("snapshots"):
        told = ", ".join(f"{one['step'] / 1e6:.2f} M: {one['return']:.0f}" for one in snapshots)
        yield f"snapshots and their returns: {told}"
    for name, part in made.get("parts", {}).items():
        yield (
            f"{name}: {part['steps']:,} steps, {part['episodes']:,} episodes, win rate {part['win_rate']:.3f}; "
            f"{part['who']}"
        )
    if versions := info.get("versions"):
        yield ", ".join(f"{name} {number}" for name, number in versions.items() if number != "absent")
