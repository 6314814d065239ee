"""The run folder: config.yaml, metrics.jsonl, tensorboard/, checkpoints/, replays/, report.png."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from algos.common import checkpoint
from algos.common.errors import BadInput
from algos.common.log import Log
from algos.common.protocol import Policy

CLIPS = 3  # at so many moments of a run, evenly spaced from its start, an episode is recorded; at its end, too
RESUME_KEYS = {"resume", "total_steps", "device"}  # what may be given beside resume=


@dataclass
class Run:
    """One training run as its algorithm sees it."""

    folder: Path
    config: dict[str, Any]  # the effective configuration: env, algo, seed, total_steps …
    tree: dict[str, Any] | None = None  # the checkpoint to go on from
    keep: int = 3  # checkpoints that stay
    rules: Any = None  # version of the environment's rules
    record: Callable[[int, Policy], Any] | None = None  # what `show` calls with a step and the greedy policy
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        saved = self.tree or {"step": 0, "seconds": 0.0}
        self.log = Log(self.folder, self.total_steps, saved["step"], saved["seconds"])
        self.shown = saved["step"] * CLIPS // self.total_steps if self.state else -1

    @property
    def seed(self) -> int:
        return self.config["seed"]

    @property
    def total_steps(self) -> int:
        return self.config["total_steps"]

    @property
    def last_step(self) -> int:
        """Environment step of the newest checkpoint."""
        return int(checkpoint.find(self.folder).stem)

    @property
    def state(self) -> dict[str, Any] | None:
        """What the algorithm gave to `save` when the checkpoint to go on from was written."""
        return self.tree["state"] if self.tree else None

    def show(self, step: int, policy: Policy) -> None:
        """Training has come to a step, with this greedy policy: at a few moments of a run an episode is recorded."""
        moment = step * CLIPS // self.total_steps
        if self.record and self.shown < moment < CLIPS:
            self.shown = moment
            self.record(step, policy)

    def begin(self) -> None:
        """Leave a checkpoint without a policy, so that a run can be resumed that is stopped while it prepares."""
        if not checkpoint.list_checkpoints(self.folder / "checkpoints"):
            self.save(0, {})

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write the algorithm's state at an environment step; older checkpoints beyond `keep` go."""
        tree = {
            "step": step,
            "seconds": self.log.seconds,
            "config": self.config,
            "rules": self.rules,
            "state": state,
        }
        path = checkpoint.save(self.folder / "checkpoints" / f"{step:012d}{checkpoint.SUFFIX}", tree)
        checkpoint.prune(path.parent, self.keep)
        return path


def default_folder(config: dict[str, Any]) -> Path:
    """runs/<environment>-<algorithm>-s<seed>, with a number behind it if that is taken."""
    env = config["env"]
    what = str(env.get("scenario") or env.get("id") or env["name"]).replace("/", "-").replace(":", "-")
    base = Path("runs") / f"{what}-{config['algo']['name']}-s{config['seed']}"
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def create_folder(folder: Path, config: dict[str, Any]) -> None:
    """Make a run folder and write its configuration; BadInput if it is taken or cannot be written."""
    from omegaconf import OmegaConf

    if (folder / "config.yaml").exists():
        raise BadInput(
            f"run folder {folder} already holds a run: go on with it by resume={folder}, "
            "or choose another dir= (in a sweep: 'dir=runs/name-${seed}')"
        )
    try:
        for name in ("checkpoints", "replays"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        checkpoint.write_bytes(folder / "config.yaml", OmegaConf.to_yaml(config).encode())
    except OSError as error:
        raise _not_writable(folder, error) from error


def check_writable(folder: Path) -> None:
    """BadInput if nothing can be written to an existing run folder."""
    try:
        for part in (folder, folder / "checkpoints"):
            checkpoint.write_bytes(part / ".writable", b"")
            (part / ".writable").unlink()
    except OSError as error:
        raise _not_writable(folder, error) from error


def _not_writable(folder: Path, error: OSError) -> BadInput:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return BadInput(f"run folder {folder} cannot be written: {reason}. Choose another one with dir=PATH")


def folder_of(path: str | Path) -> Path:
    """Run folder of a path that is one, or one of its checkpoints."""
    return checkpoint.find(path).parent.parent


def resume_file(path: str | Path) -> tuple[Path, dict[str, Any]]:
    """Checkpoint file that `resume=PATH` means and its tree, PATH being a run folder or one of its checkpoints."""
    file = checkpoint.find(path)
    tree = checkpoint.load(file)
    check_writable(folder_of(file))
    return file, tree


def drop_later(file: Path) -> None:
    """Delete the checkpoints after the one that a run goes on from, and say which."""
    later = [other for other in checkpoint.list_checkpoints(file.parent) if other.name > file.name]
    for other in later:
        other.unlink()
    if later:
        print(f"going on from {file.name}; removed what came later: {', '.join(other.name for other in later)}")


def check_rules(saved: Any, current: Any, path: str | Path) -> None:
    """BadInput if a run was made under another version of the rules than the environment has now."""
    if saved != current:
        raise BadInput(
            f"{path} was made under rules version {saved}, the environment now has {current}: what was "
            "learned may not hold. Install the version of mabc it was made with, or train anew"
        )


def read_config(path: str | Path) -> dict[str, Any]:
    """Effective configuration of a run folder or of one of its checkpoints."""
    return checkpoint.load(checkpoint.find(path))["config"]
