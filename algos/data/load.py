"""`load_data`: what the key `data=` means, as a Dataset that fits the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from algos.common import config as cfg
from algos.data import d4rl, minari_files, replays, store
from algos.data.dataset import Dataset, DatasetError
from algos.data.recipes import battles, catalogue

MINARI = "minari:"
HDF5 = (".hdf5", ".h5")
SLACK = 1e-3  # of the bounds' width: by how much actions may pass them and are clipped


def load_data(what: str, env: dict[str, Any], progress: Callable = print) -> Dataset:
    """The dataset that `what` names, for the environment of a configuration (`algos.adapters.make_env`'s).

    what: a recipe's name (hopper-medium; with env=mabc `expert` means that of env.scenario), made now if it has not
    been; a D4RL file (.hdf5), a file of our store (.safetensors), a folder of replays, or minari:ID.
    Raises BadInput for a name that does not exist, naming the nearest, and DatasetError for a dataset that is broken
    or does not fit the environment.
    """
    dataset = _find(str(what), env, progress)
    check_fits(dataset, env)
    if changed := changes(dataset.info.get("env", {}), env):
        told = ", ".join(f"{key}={value}" for key, value in changed.items())
        progress(f"note: {dataset.info.get('name', 'the dataset')} was recorded without {told} of the environment")
    return dataset


def _find(what: str, env: dict[str, Any], progress: Callable) -> Dataset:
    if what.startswith(MINARI):
        return minari_files.read(what.removeprefix(MINARI))
    name = full_name(what, env)
    if name is not None:
        _check_env(catalogue.env_of(name), env, name)  # before minutes go into making it
        return catalogue.find(name, progress)
    path = Path(what)
    if path.is_dir():
        return replays.read(path)
    if path.suffix in HDF5:
        return d4rl.read(path, time_limit(env))
    if path.suffix == store.SUFFIX:
        return store.load(path)
    if path.exists() or path.suffix == replays.SUFFIX:
        raise DatasetError(
            f"{what}: a .hdf5 or {store.SUFFIX} file, or a folder of {replays.SUFFIX} files, can be read"
        )
    raise not_found(what, [*_kinds(env), *catalogue.names()])


def not_found(what: str, names: list[str]) -> Exception:
    """The error for what is neither a file that is there nor one of the names."""
    if len(Path(what).parts) > 1:
        return DatasetError(f"{what} is not there; a dataset is a file, a folder of replays, minari:ID or a name")
    return cfg.unknown("dataset", what, names)


def full_name(what: str, env: dict[str, Any]) -> str | None:
    """The name of the recipe that is meant; None for what is none."""
    if what in _kinds(env):
        what = f"{env['scenario']}-{what}"
    return what if what in catalogue.names() else None


def _kinds(env: dict[str, Any]) -> list[str]:
    """Names that stand for the scenario's own datasets."""
    if env["name"] != "mabc":
        return []
    return [f"{kind}{suffix}" for suffix in ("", battles.ENTITIES) for kind in battles.KINDS]


def time_limit(env: dict[str, Any]) -> int | None:
    """Steps after which a Gymnasium environment cuts its episodes; None if it does not or is none."""
    if env["name"] != "gym":
        return None
    import gymnasium as gym

    from algos.adapters.gym import known_id

    try:
        return gym.spec(known_id(env["id"])).max_episode_steps
    except gymnasium_error():
        return None


def gymnasium_error() -> type[Exception]:
    import gymnasium

    return gymnasium.error.Error


# --- does it fit? ---


def check_fits(dataset: Dataset, env: dict[str, Any]) -> None:
    """DatasetError, naming both, for a dataset of another environment, width, kind of action, team or rules.

    Actions that pass the bounds by a hair are clipped to them.
    """
    from algos.adapters import make_env

    told = dataset.info.get("name", "the dataset")
    _check_env(dataset.info.get("env", {}), env, told)
    world = make_env(env, num_envs=1)
    try:
        _check_widths(dataset, world, told, env.get("scenario") or env.get("id"))
        _check_rules(dataset.info.get("env", {}).get("rules"), world, told)
        if not world.num_actions:
            dataset.actions = _within(dataset.actions, world.action_space, told)
    finally:
        world.close()


def _check_env(recorded: dict[str, Any], env: dict[str, Any], told: str) -> None:
    """The environments' names: Hopper-v5's data fits Hopper-v4, not Walker2d-v5, whatever the widths."""
    if recorded.get("name") == "d4rl":
        task, here = recorded.get("task"), str(env.get("id", "")).lower()
        if env["name"] == "gym" and task in catalogue.LOCOMOTION and task not in here:
            raise DatasetError(f"{told} was recorded on {task}, the environment is {env['id']}: give env.id or data")
        return
    if not recorded:
        return
    if recorded["name"] != env["name"]:
        raise DatasetError(f"{told} was recorded with env={recorded['name']}, the environment is env={env['name']}")
    if recorded["name"] != "gym":
        scenario = recorded.get("scenario")
        if scenario not in (None, env.get("scenario")):
            raise DatasetError(
                f"{told} was recorded in {scenario}, the environment is {env.get('scenario')}: "
                f"set env.scenario={scenario}"
            )
        return
    if _plain(recorded["id"]) != _plain(env["id"]):
        raise DatasetError(f"{told} was recorded on {recorded['id']}, the environment is {env['id']}")
    for key, value in recorded.get("kwargs", {}).items():
        if env.get("kwargs", {}).get(key) != value:
            raise DatasetError(
                f"{told} was recorded on {recorded['id']} with {key}={value}, the environment has "
                f"{env.get('kwargs', {}).get(key, 'its default')}: set env.kwargs.{key}={str(value).lower()}"
            )


def changes(recorded: dict[str, Any], env: dict[str, Any]) -> dict[str, Any]:
    """Settings that the environment has and the recorded one had not: allowed, for somebody may want to know."""
    from algos.adapters.mabc import Config

    if not recorded or recorded.get("name") != env["name"]:
        return {}
    if env["name"] == "mabc":
        same = {item.name for item in fields(Config)} - {"opponent", "gamma"}
        return {f"env.{key}": value for key, value in env.items() if key not in same and value is not None}
    given = env.get("kwargs", {}).items()
    return {f"env.kwargs.{key}": value for key, value in given if key not in recorded.get("kwargs", {})}


def _plain(env_id: str) -> str:
    """An id without module and version."""
    return env_id.rpartition(":")[2].rpartition("-v")[0] or env_id


def _check_widths(dataset: Dataset, world: Any, told: str, where: Any) -> None:
    if world.obs_shape is None:
        raise DatasetError(f"{told} holds an array of numbers for each agent, {where} entities: use env.obs=vector")
    team = dataset.obs.ndim - len(world.obs_shape) == 2
    shape = dataset.obs.shape[2 if team else 1 :]
    agents = dataset.obs.shape[1] if team else 1
    own = dataset.actions.shape[-1] if not dataset.num_actions else 0
    wanted = 0 if world.num_actions else world.action_space.shape[0]
    pairs = [
        ("observations of shape", shape, tuple(world.obs_shape)),
        ("agents:", agents, world.num_agents),
        ("discrete actions:", dataset.num_actions, world.num_actions),
        ("action dimensions:", own, wanted),
    ]
    for what, has, needs in pairs:
        if has != needs:
            raise DatasetError(f"{told} does not fit {where}: it has {what} {has}, the environment {needs}")
    if team and not dataset.num_actions:
        raise DatasetError(
            f"{told} is of a team of {agents} with continuous actions: teams are learned from with discrete ones, and "
            "continuous actions with one agent"
        )


def _check_rules(rules: str | None, world: Any, told: str) -> None:
    from algos.common.protocol import rules_version

    current = rules_version(world)
    if rules is not None and current is not None and rules != current:
        raise DatasetError(
            f"{told} was recorded under rules version {rules}, the environment has {current}: make it again "
            f"(python -m scripts.make_dataset {told} --force), or install the mabc that recorded it"
        )


def _within(actions: np.ndarray, space: Any, told: str) -> np.ndarray:
    """Actions within the bounds; DatasetError for such as pass them by more than rounding does."""
    low, high = space.low, space.high
    slack = np.where(np.isfinite(high - low), SLACK * (high - low), 0)
    if (actions < low - slack).any() or (actions > high + slack).any():
        raise DatasetError(
            f"{told}: 'actions' reach from {actions.min():.4g} to {actions.max():.4g}, the environment takes "
            f"{low.min():.4g} to {high.max():.4g}: scale them, or name the environment that they were recorded in"
        )
    return np.clip(actions, low, high)
