"""D4RL's HDF5 files, read without its package, which wants the old gym; and its reference scores.

Flat arrays of M rows: `observations`, `actions`, `rewards`, `terminals`; perhaps `timeouts`, `next_observations`.
An episode ends at a terminal, at a timeout, and where the next row's observation is not the one that followed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from algos.data.dataset import Dataset, DatasetError

KEYS = ("observations", "actions", "rewards", "terminals")
REFERENCES = {
    "halfcheetah": (-280.178953, 12135.0),
    "hopper": (-20.272305, 3234.3),
    "walker2d": (1.629008, 4592.3),
    "ant": (-325.6, 3879.7),
    "antmaze": (0.0, 1.0),
    "kitchen": (0.0, 4.0),
    "maze2d-umaze": (23.85, 161.86),
    "maze2d-medium": (13.13, 277.39),
    "maze2d-large": (6.7, 273.99),
    "maze2d-umaze-dense": (68.537689, 193.66285642381482),
    "maze2d-medium-dense": (44.264742, 297.4552547777125),
    "maze2d-large-dense": (30.569041, 303.4857382709002),
    "pen": (96.262799, 3076.833102),
    "hammer": (-274.856578, 12794.134825),
    "relocate": (-6.425911, 4233.877798),
    "door": (-56.512833, 2880.569309),
}
"""Returns of a random and of an expert policy by task, of D4RL's infos.py: on its own, older environments."""
FILE_NAMES = {"ant-maze-": "antmaze-", "walker-mixed": "walker2d-mixed", "mini-kitchen-": "kitchen-"}
"""Tasks that D4RL's own files call otherwise than its environments: Ant_maze_u-maze_….hdf5, walker_mixed.hdf5."""


def task_of(name: str) -> str | None:
    """The task in a D4RL file's name: hopper for hopper-medium-v2.hdf5 and hopper_medium-v2.hdf5."""
    plain = name.lower().replace("_", "-")
    for other, task in FILE_NAMES.items():
        plain = task + plain.removeprefix(other) if plain.startswith(other) else plain
    found = [task for task in REFERENCES if plain == task or plain.startswith(f"{task}-")]
    return max(found, key=len, default=None)


def read(path: str | Path, max_episode_steps: int | None = None) -> Dataset:
    """A D4RL file as a dataset of float32 observations and actions.

    max_episode_steps: the time limit, needed for a file that marks neither timeouts nor next observations. Without
    next observations, the last step of an episode that was cut off is dropped: its observation becomes the last row,
    and a terminal's unseen last row repeats the one before it (`end_seen` is False).
    DatasetError names the file, the key and what would do.
    """
    path = Path(path)
    raw = _arrays(path)
    M = len(raw["rewards"])
    terminals = raw["terminals"].astype(bool)
    ends = terminals | _timeouts(path, raw, terminals, max_episode_steps)
    following = raw.get("next_observations")
    if following is not None:
        ends[:-1] |= (following[:-1] != raw["observations"][1:]).any(1)
    ends[-1] = True  # the file's end
    starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
    dataset = _with_next(raw, starts) if following is not None else _without_next(raw, starts)
    if dataset is None:
        raise DatasetError(f"{path}: 'rewards' has {M} rows, and no episode of them has a step whose end is known")
    dataset.info = _info(path)
    return dataset.check()


def _info(path: Path) -> dict[str, Any]:
    task = task_of(path.stem)
    info: dict[str, Any] = {"name": path.name, "env": {"name": "d4rl", "task": task}}
    if task is not None:
        info["references"] = dict(zip(("random", "expert"), REFERENCES[task], strict=True))
    return info


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays by key, of fitting shapes."""
    try:
        import h5py
    except ImportError as error:
        raise DatasetError(f"{path}: h5py is missing: pip install 'mabc[offline]'") from error
    if not path.is_file():
        raise DatasetError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: an HDF5 file is needed")
    if not h5py.is_hdf5(path):
        raise DatasetError(
            f"{path} is not an HDF5 file ({path.stat().st_size} bytes; nothing is read with pickle): "
            "give D4RL's .hdf5, or convert it to one"
        )
    try:
        with h5py.File(path, "r") as file:
            for key in KEYS:
                if not isinstance(file.get(key), h5py.Dataset):
                    raise DatasetError(f"{path}: '{key}' is missing; a file of D4RL has {', '.join(KEYS)}")
            found = [key for key in (*KEYS, "timeouts", "next_observations") if key in file]
            raw = {key: np.asarray(file[key]) for key in found}
    except (OSError, RuntimeError, KeyError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} is cut short or broken ({error}): download it again") from error
    return _checked(path, raw)


def _checked(path: Path, raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays with the types of a Dataset; DatasetError for lengths and shapes that do not fit."""
    M = len(raw["rewards"]) if raw["rewards"].ndim else 0
    if M == 0:
        raise DatasetError(f"{path}: 'rewards' is {raw['rewards'].shape}: not a single step")
    for key, array in raw.items():
        flat = key in ("rewards", "terminals", "timeouts")
        if flat and array.shape == (M, 1):
            array = raw[key] = array[:, 0]
        if array.ndim != (1 if flat else 2) or len(array) != M or array.dtype.kind not in "fiub":
            wanted = f"({M},)" if flat else f"({M}, width)"
            raise DatasetError(f"{path}: '{key}' is {array.dtype} {array.shape}, numbers of shape {wanted} are needed")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DatasetError(f"{path}: '{key}' holds numbers that are not finite, first in row {_first_bad(array)}")
    if "next_observations" in raw and raw["next_observations"].shape != raw["observations"].shape:
        shapes = raw["next_observations"].shape, raw["observations"].shape
        raise DatasetError(f"{path}: 'next_observations' is {shapes[0]}, 'observations' {shapes[1]}: they must agree")
    kinds = {"terminals": bool, "timeouts": bool}
    return {key: array.astype(kinds.get(key, np.float32)) for key, array in raw.items()}


def _first_bad(array: np.ndarray) -> int:
    return int(np.argwhere(~np.isfinite(array))[0][0])


def _timeouts(path: Path, raw: dict[str, np.ndarray], terminals: np.ndarray, limit: int | None) -> np.ndarray:
    """Where a time limit cut an episode, bool [M]: as marked, else counted if nothing else tells of cuts."""
    if "timeouts" in raw:
        return raw["timeouts"]
    cut = np.zeros(len(terminals), bool)
    if "next_observations" in raw:
        return cut
    if limit is None:
        raise DatasetError(
            f"{path}: has neither 'timeouts' nor 'next_observations', so where its episodes were cut cannot be known: "
            "give max_episode_steps, its environment's time limit, as data= does with env.id's"
        )
    first = 0
    for end in [*np.flatnonzero(terminals).tolist(), len(terminals) - 1]:
        cut[first + limit - 1 : end + 1 : limit] = True
        first = end + 1
    return cut


def _with_next(raw: dict[str, np.ndarray], starts: np.ndarray) -> Dataset:
    """Every episode with the row that followed its last step."""
    rows = np.insert(raw["observations"], starts[1:], raw["next_observations"][starts[1:] - 1], axis=0)
    return Dataset(rows, raw["actions"], raw["rewards"], raw["terminals"], starts)


def _without_next(raw: dict[str, np.ndarray], starts: np.ndarray) -> Dataset | None:
    """Cut episodes lose their last step, and are gone if it was the only one; ended ones repeat their last row."""
    ended = raw["terminals"][starts[1:] - 1]
    lengths = np.diff(starts) - ~ended
    kept = lengths > 0
    if not kept.any():
        return None
    dropped = np.zeros(len(raw["rewards"]), bool)  # a last step of a cut episode
    dropped[starts[1:][~ended] - 1] = True
    gone = np.repeat(~kept, np.diff(starts))
    rows = np.insert(raw["observations"], starts[1:][ended], raw["observations"][starts[1:][ended] - 1], axis=0)
    gone_rows = np.insert(gone, starts[1:][ended], False)  # an episode that ended has a step
    steps = ~dropped & ~gone
    return Dataset(
        rows[~gone_rows],
        raw["actions"][steps],
        raw["rewards"][steps],
        raw["terminals"][steps],
        np.concatenate([[0], np.cumsum(lengths[kept])]),
        end_seen=~ended[kept],
    )
