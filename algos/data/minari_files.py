"""Datasets in Minari's format, in Minari's own local store: written for everybody's tools, and read back.

Where the store is: $MINARI_DATASETS_PATH, else ~/.minari/datasets. Nothing here downloads anything.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from algos.data.dataset import Dataset, DatasetError

NAMESPACE = "mabc"
INFO = "mabc_info"  # the key of our info in Minari's metadata


def minari() -> Any:
    """The library; DatasetError says what to install."""
    try:
        import h5py  # noqa: F401 - what Minari stores with, and does not ask for
        import minari
    except ImportError as error:
        raise DatasetError(f"{error.name} is missing: pip install 'mabc[offline]'") from error
    return minari


def minari_id(name: str) -> str:
    """The id of one of our datasets: hopper-medium is mabc/hopper-medium-v0."""
    return f"{NAMESPACE}/{name}-v0"


def folder_of(dataset_id: str) -> Path:
    """Where Minari keeps a dataset."""
    minari()
    from minari.storage.datasets_root_dir import get_dataset_path

    return get_dataset_path(dataset_id)


def is_local(dataset_id: str) -> bool:
    """Whether Minari's store has it."""
    return (folder_of(dataset_id) / "data").is_dir()


def write(dataset: Dataset, dataset_id: str) -> Path:
    """Put a dataset with continuous actions into Minari's store, whole or not at all; an older one is replaced.

    DatasetError says why it could not be written.
    """
    try:
        return _replace(dataset, dataset_id)
    except OSError as error:
        raise DatasetError(
            f"minari:{dataset_id} could not be written: {error.filename or ''} {error.strerror or error}. Free some "
            "space, or name another folder in MINARI_DATASETS_PATH"
        ) from error


def _replace(dataset: Dataset, dataset_id: str) -> Path:
    target = folder_of(dataset_id)
    from minari.namespace import create_namespace, list_local_namespaces

    namespace = dataset_id.rpartition("/")[0]
    if namespace and namespace not in list_local_namespaces():
        create_namespace(namespace)
    target.parent.mkdir(parents=True, exist_ok=True)
    # a hidden folder is none of Minari's datasets
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        (temporary / "new").mkdir()
        _write_into(dataset, dataset_id, temporary / "new" / "data")
        if target.exists():  # out of the way whole, so that nobody ever finds half of it
            target.rename(temporary / "old")
        (temporary / "new").rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _write_into(dataset: Dataset, dataset_id: str, folder: Path) -> None:
    import minari
    from gymnasium import spaces
    from minari.dataset.minari_storage import MinariStorage

    info = dataset.info
    spec, low, high = _env_of(dataset)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a spec that json cannot write
        storage = MinariStorage.new(
            folder,
            observation_space=spaces.Box(-np.inf, np.inf, dataset.obs.shape[1:], np.float32),
            action_space=spaces.Box(low, high, dtype=np.float32),
            env_spec=spec,
        )
    references = info.get("references")
    scores = {"ref_min_score": references["random"], "ref_max_score": references["expert"]} if references else {}
    storage.update_metadata(
        {
            "dataset_id": dataset_id,
            "minari_version": minari.__version__,
            "algorithm_name": str(info.get("made", {}).get("policies", "")),
            "author": {"the mabc authors"},
            "description": str(info.get("made", {}).get("how", "")),
            **scores,
            INFO: json.dumps(info),
        }
    )
    storage.update_episodes(_buffers(dataset))


def _env_of(dataset: Dataset) -> tuple[Any, np.ndarray, np.ndarray]:
    """The environment's spec and its actions' bounds; None and infinite ones where no environment is named."""
    if not (config := dataset.info.get("env")):
        bound = np.full(dataset.actions.shape[1:], np.inf, np.float32)
        return None, -bound, bound
    from algos.data.recipes.rollouts import make_world

    env = make_world(config)
    env.close()
    return env.spec, env.action_space.low, env.action_space.high


def _buffers(dataset: Dataset) -> Iterator[Any]:
    from minari.data_collector.episode_buffer import EpisodeBuffer

    for e in range(dataset.num_episodes):
        first, last = dataset.starts[e : e + 2].tolist()
        terminations = dataset.terminals[first:last]
        truncations = np.zeros(last - first, bool)
        truncations[-1] = not terminations[-1]
        yield EpisodeBuffer(
            observations=dataset.obs[first + e : last + e + 1],
            actions=dataset.actions[first:last],
            rewards=dataset.rewards[first:last],
            terminations=terminations,
            truncations=truncations,
        )


# --- reading ---


def read(dataset_id: str) -> Dataset:
    """A dataset of Minari's local store, ours or anybody's, its observations flattened to float32 rows.

    DatasetError, naming what would do, for one that is not there, is broken, or holds other than numbers.
    """
    library = minari()
    try:
        known = is_local(dataset_id)
    except ValueError as error:
        raise DatasetError(f"minari:{dataset_id}: {error}") from error
    if not known:
        raise DatasetError(
            f"minari:{dataset_id} is not in Minari's store ({folder_of('')}). One of Minari's hub is fetched by "
            f"`minari download {dataset_id}`; `minari list local` shows what is there"
        )
    try:
        found = library.load_dataset(dataset_id)
        return _dataset(dataset_id, found, list(found.iterate_episodes()))
    except (OSError, KeyError, ValueError, AssertionError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"minari:{dataset_id} is broken ({type(error).__name__}: {error}): delete {folder_of(dataset_id)} and "
            "download or make it again"
        ) from error


def _dataset(dataset_id: str, found: Any, episodes: list[Any]) -> Dataset:
    from gymnasium import spaces

    where = f"minari:{dataset_id}"
    num_actions = int(found.action_space.n) if isinstance(found.action_space, spaces.Discrete) else 0
    if not num_actions and not (isinstance(found.action_space, spaces.Box) and len(found.action_space.shape) == 1):
        raise DatasetError(f"{where}: actions are {found.action_space}; Discrete and Box of one axis can be read")
    kept = [episode for episode in episodes if len(episode.rewards)]
    if not kept:
        raise DatasetError(f"{where}: 'rewards': there is not a single step in it")
    lengths = np.array([len(episode.rewards) for episode in kept])
    scale = 255 if found.observation_space.dtype == np.uint8 else 1  # pixels, as env=gym scales them
    obs = [_rows(found.observation_space, episode.observations, where) / np.float32(scale) for episode in kept]
    for episode, rows, length in zip(kept, obs, lengths, strict=True):
        if len(rows) != length + 1 or len(episode.actions) != length or len(episode.terminations) != length:
            raise DatasetError(
                f"{where}: episode {episode.id} has {length} rewards, {len(episode.actions)} actions and {len(rows)} "
                "observations; as many actions as rewards and one observation more are needed"
            )
    actions = np.concatenate([episode.actions for episode in kept])
    if num_actions:
        actions = actions.astype(np.int64) - int(found.action_space.start)
    return Dataset(
        obs=np.concatenate(obs),
        actions=actions if num_actions else actions.astype(np.float32),
        rewards=np.concatenate([episode.rewards for episode in kept]).astype(np.float32),
        terminals=np.concatenate([episode.terminations for episode in kept]).astype(bool),
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        num_actions=num_actions,
        info=_info(dataset_id, found),
    ).check()


def _rows(space: Any, value: Any, where: str) -> np.ndarray:
    """Observations of an episode as float32 [T + 1, D], in the order of `gymnasium.spaces.flatten`."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return np.concatenate([_rows(part, value[key], where) for key, part in space.spaces.items()], -1)
    if isinstance(space, spaces.Tuple):
        return np.concatenate([_rows(part, item, where) for part, item in zip(space.spaces, value, strict=True)], -1)
    if isinstance(space, spaces.Discrete):
        return np.eye(space.n, dtype=np.float32)[np.asarray(value) - space.start]
    if isinstance(space, spaces.Box):
        value = np.asarray(value)
        return value.reshape(len(value), -1).astype(np.float32)
    raise DatasetError(f"{where}: observations hold {space}; Box, Discrete, and Dict or Tuple of them can be read")


def _info(dataset_id: str, found: Any) -> dict[str, Any]:
    """Our info, or what Minari's metadata says of somebody else's dataset."""
    metadata = found.storage.metadata
    info: dict[str, Any] = {"name": f"minari:{dataset_id}"}
    if INFO in metadata:
        return info | dict(json.loads(metadata[INFO]))
    if found.env_spec is not None:
        info["env"] = {"name": "gym", "id": found.env_spec.id, "kwargs": dict(found.env_spec.kwargs)}
    if None not in (metadata.get("ref_min_score"), metadata.get("ref_max_score")):
        info["references"] = {"random": metadata["ref_min_score"], "expert": metadata["ref_max_score"]}
    made = {"policies": metadata.get("algorithm_name"), "author": ", ".join(sorted(metadata.get("author", ())))}
    return {**info, "made": {key: value for key, value in made.items() if value}}
