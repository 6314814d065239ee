"""What a run tells: metrics.jsonl, TensorBoard events and a progress line."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

PROGRESS = (("return", "episode/return"), ("win rate", "episode/win_rate"), ("draws", "episode/draw_rate"))
CLOCK = "time/"  # metrics that a clock decides begin with this; all others repeat bit for bit


def truncate_metrics(path: Path, step: int) -> None:
    """Drop the lines after `step`, and a last line that was cut short: a resumed run writes them again."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] > step:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line + "\n")
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(kept), encoding="utf-8")
    os.replace(temporary, path)


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """All lines of a metrics.jsonl."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Log:
    """Writes one line of metrics per update, and a live line (plain lines where stdout is no terminal)."""

    def __init__(self, folder: Path, total_steps: int, step: int = 0, seconds: float = 0.0, stream: Any = None):
        self.total_steps, self.first_step = total_steps, step
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()
        self.start = time.perf_counter()
        self.earlier_seconds = seconds  # spent before the run was resumed
        self.last_shown = -1e9
        truncate_metrics(folder / "metrics.jsonl", step)
        self.file = open(folder / "metrics.jsonl", "a", encoding="utf-8")  # noqa: SIM115 - closed in close()
        self.board = _summary_writer(folder, step)

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the run, those before a resume included."""
        return self.earlier_seconds + time.perf_counter() - self.start

    def restart_clock(self) -> None:
        """Count the speed from now on: what came before were preparations."""
        self.earlier_seconds, self.start = self.seconds, time.perf_counter()

    def write(self, step: int, metrics: dict[str, float | None]) -> None:
        """One line of metrics at an environment step; None (nothing to report) is written as null."""
        speed = (step - self.first_step) / max(time.perf_counter() - self.start, 1e-9)
        clock = {f"{CLOCK}seconds": round(self.seconds, 3), f"{CLOCK}steps_per_second": round(speed, 1)}
        self.file.write(json.dumps({"step": step, **metrics, **clock}) + "\n")
        self.file.flush()
        if self.board:
            for name, value in {**metrics, **clock}.items():
                if value is not None:
                    self.board.add_scalar(name, value, step)
        self._progress(step, speed, metrics)

    def _progress(self, step: int, speed: float, metrics: dict[str, float | None]) -> None:
        now, last = time.perf_counter(), step >= self.total_steps
        if not last and now - self.last_shown < (0.2 if self.live else 5.0):
            return
        self.last_shown = now
        left = max(self.total_steps - step, 0) / max(speed, 1e-9)
        parts = [f"{step:>11,} / {self.total_steps:,} steps", f"{speed:>8,.0f} steps/s"]
        for label, key in PROGRESS:
            if metrics.get(key) is not None:
                parts.append(f"{label} {metrics[key]:.3f}")
        parts.append(f"{left // 60:.0f}:{left % 60:02.0f} left")
        line = "  ".join(parts)
        self.stream.write(f"\r\x1b[K{line}" if self.live else f"{line}\n")
        if self.live and last:
            self.stream.write("\n")
        self.stream.flush()

    def close(self) -> None:
        self.file.close()
        if self.board:
            self.board.close()


def _summary_writer(folder: Path, step: int) -> Any:
    """A TensorBoard writer that hides what was written after `step`; None without TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)
