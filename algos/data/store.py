"""Our own episode store: a dataset in one safetensors file, its info as JSON in the header; no pickle.

Arrays are episode-major and ragged, as in `Dataset`: `pad` makes the padded view that sequence learners want.

Shapes: E episodes, M steps, R = M + E rows, T steps of the longest episode.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from algos.common.checkpoint import write_bytes
from algos.data.dataset import ARRAYS, Dataset, DatasetError

FORMAT = 1
KIND = "mabc-dataset"
SUFFIX = ".safetensors"
NEEDED = ARRAYS[:5]
KINDS = {"obs": "f", "rewards": "f", "terminals": "b", "starts": "i", "masks": "b", "alive": "b", "end_seen": "b"}


def folder() -> Path:
    """Where datasets are kept: $MABC_DATA, else mabc/datasets in the user's cache folder."""
    if given := os.environ.get("MABC_DATA"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mabc" / "datasets"


def path_of(name: str) -> Path:
    """The file of a dataset by its name."""
    return folder() / f"{name}{SUFFIX}"


def save(path: str | Path, dataset: Dataset) -> Path:
    """Write a dataset whole or not at all; DatasetError says why it could not be written."""
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    arrays = {name: getattr(dataset, name) for name in ARRAYS}
    arrays |= {f"extras/{name}": array for name, array in dataset.extras.items()}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
    header = {"format": FORMAT, "num_actions": dataset.num_actions, "info": dataset.info}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # one entry: safetensors writes several in an order of chance, and the file is to be the same to the bit
        write_bytes(path, to_bytes(arrays, metadata={KIND: json.dumps(header)}))
    except OSError as error:
        raise DatasetError(
            f"dataset {path} could not be written: {error.strerror or error}. Free some space, or name another "
            "folder in MABC_DATA"
        ) from error
    return path


def load(path: str | Path) -> Dataset:
    """Read a dataset; DatasetError if it is missing, cut short, not one of ours or does not hold together."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise DatasetError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: a {SUFFIX} file is needed")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KIND)
            arrays = {name: file.get_tensor(name) for name in file.keys()} if text else {}  # noqa: SIM118 - not a dict
        header = json.loads(text or "null")
    except (SafetensorError, OSError, ValueError, TypeError) as error:  # TypeError: a type that numpy has not
        raise DatasetError(
            f"{path} is cut short or not a safetensors file ({path.stat().st_size} bytes; {error}): make it again"
        ) from error
    if header is None:
        raise DatasetError(f"{path} is a safetensors file, but not a dataset of this suite (scripts.make_dataset's)")
    found = header.get("format") if isinstance(header, dict) else header
    if found != FORMAT:
        raise DatasetError(f"{path} has format {found!r}, this version reads {FORMAT}: make it again")
    return _dataset(path, header, arrays)


def _dataset(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Dataset:
    """The dataset of a file's content, checked."""
    for name in NEEDED:
        if name not in arrays:
            raise DatasetError(f"{path}: '{name}' is missing; it has {', '.join(sorted(arrays))}: make it again")
    for name, kind in KINDS.items():
        if name in arrays and arrays[name].dtype.kind != kind:
            raise DatasetError(f"{path}: '{name}' is {arrays[name].dtype}, another kind of number is needed")
    if type(num_actions := header.get("num_actions")) is not int or num_actions < 0:
        raise DatasetError(f"{path}: 'num_actions' is {num_actions!r}: 0, or as many as there are discrete actions")
    extras = {name.removeprefix("extras/"): array for name, array in arrays.items() if name.startswith("extras/")}
    main: dict[str, Any] = {name: arrays.get(name) for name in ARRAYS}
    dataset = Dataset(**main, extras=extras, num_actions=num_actions)
    dataset.info = header.get("info")  # type: ignore[assignment] # whatever it is: check() judges it
    try:
        return dataset.check()
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error


def pad(dataset: Dataset, episodes: np.ndarray, length: int | None = None) -> dict[str, np.ndarray]:
    """Some episodes, int [E'], side by side: arrays [E', T, ...], zero where an episode has ended.

    What belongs to a step (actions, rewards, terminals) has T entries, what was seen (obs, masks, alive, state …) has
    T + 1, an extra of whole episodes one. `filled` bool [E', T]: where there is a step. length: T, by default that of
    the longest of them; ValueError for one that would cut an episode.
    """
    part = dataset.select(np.asarray(episodes))
    E, M, lengths = part.num_episodes, part.num_steps, part.lengths
    T = int(lengths.max()) if length is None else length
    if lengths.max() > T:
        raise ValueError(f"length={length}: an episode has {lengths.max()} steps; give at least as many")
    filled = np.arange(T) < lengths[:, None]
    seen = np.arange(T + 1) <= lengths[:, None]
    padded = {"filled": filled}
    arrays = {name: getattr(part, name) for name in ("obs", "actions", "rewards", "terminals", "masks", "alive")}
    for name, array in {**arrays, **part.extras}.items():
        if array is None:
            continue
        if len(array) == E and E not in (M, M + E):
            padded[name] = array
            continue
        where = filled if len(array) == M else seen
        padded[name] = np.zeros((*where.shape, *array.shape[1:]), array.dtype)
        padded[name][where] = array
    return padded
