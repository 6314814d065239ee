"""The zoo: trained teams that ship with the suite, as run folders in algos/zoo/. `run=zoo:NAME` means one of them."""

from __future__ import annotations

from pathlib import Path

from algos.common import config as cfg

FOLDER = cfg.FOLDER / "zoo"
PREFIX = "zoo:"


def names() -> list[str]:
    """Names of all teams in the zoo."""
    return sorted(path.parent.name for path in FOLDER.glob("*/checkpoints"))


def run_path(run: str | Path) -> Path:
    """What `run=` means as a path: zoo:NAME is a folder in the zoo. BadInput names the nearest team for none of it."""
    if not str(run).startswith(PREFIX):
        return Path(run)
    name = str(run).removeprefix(PREFIX)
    if name not in names():
        raise cfg.unknown("team in the zoo", name, names())
    return FOLDER / name


def replay_folder(run: str | Path) -> Path:
    """Where replays of a run belong: in its folder, and those of the zoo below runs/, for it may be read-only."""
    from algos.common.run import folder_of

    path = run_path(run)
    if FOLDER in path.resolve().parents:
        return Path("runs") / f"zoo-{path.resolve().relative_to(FOLDER).parts[0]}" / "replays"
    return folder_of(path) / "replays"
