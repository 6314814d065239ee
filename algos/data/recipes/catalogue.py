"""The datasets that have a name, and how each is made: bit for bit the same on one machine with the same versions.

    hopper|halfcheetah|walker2d - random|medium|medium-replay|medium-expert|expert    Gymnasium's v5 tasks
    pointmaze - umaze|medium                                                          gymnasium-robotics' PointMaze v3
    SCENARIO - random|medium|expert|mixed[-entities]                                  MABC, one learning team

The first two are kept in Minari's store, the last in our own.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from algos.common import config as cfg
from algos.common.checkpoint import SUFFIX
from algos.common.errors import CheckpointError
from algos.data import minari_files, store
from algos.data.dataset import Dataset, DatasetError
from algos.data.recipes import battles, behaviour
from algos.data.recipes.rollouts import Part, episode_returns, record

LOCOMOTION = {"hopper": "Hopper-v5", "halfcheetah": "HalfCheetah-v5", "walker2d": "Walker2d-v5"}
KINDS = {
    "random": 200_000,
    "medium": 1_000_000,
    "medium-replay": 200_000,
    "medium-expert": 1_000_000,
    "expert": 1_000_000,
}
"""Steps of each kind of a locomotion dataset."""
MAZES = {"pointmaze-umaze": "PointMaze_UMaze-v3", "pointmaze-medium": "PointMaze_Medium-v3"}
MAZE_STEPS = 200_000
REPLAY_SNAPSHOTS = 10  # at least, of a medium-replay

REFERENCES = behaviour.FOLDER / "references.json"
REFERENCE_EPISODES = 100
REFERENCE_SEED = 1_000_003


def names() -> list[str]:
    """Every name that `make` knows."""
    locomotion = [f"{task}-{kind}" for task in LOCOMOTION for kind in KINDS]
    return [*locomotion, *MAZES, *battles.names()]


def check_name(name: str) -> None:
    """BadInput, naming the nearest, for a name that no recipe has."""
    if name not in names():
        raise cfg.unknown("dataset", name, names())


def is_battle(name: str) -> bool:
    return not (name in MAZES or name.partition("-")[0] in LOCOMOTION)


def exists(name: str) -> bool:
    """Whether it has been made on this machine."""
    return store.path_of(name).is_file() if is_battle(name) else minari_files.is_local(minari_files.minari_id(name))


def place(name: str) -> Path:
    """Where it is kept: a file of our store, or a folder of Minari's."""
    return store.path_of(name) if is_battle(name) else minari_files.folder_of(minari_files.minari_id(name))


def load(name: str) -> Dataset:
    """A dataset that has been made; DatasetError says how to make a broken one again."""
    try:
        return store.load(store.path_of(name)) if is_battle(name) else minari_files.read(minari_files.minari_id(name))
    except DatasetError as error:
        raise DatasetError(f"{error}. To make it again: python -m scripts.make_dataset {name} --force") from error


def make(
    name: str,
    steps: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable = print,
    out: Path | None = None,
) -> Dataset:
    """Make a dataset by its name, keep it where `load` finds it, and return it; one process at a time does.

    steps: default the recipe's own; MABC's are about that many, in whole episodes. workers: processes that play
    (default one a core); they change nothing in the data. out: a file of our store to keep it in instead.
    BadInput for a name that no recipe has.
    """
    check_name(name)
    with alone(name, progress) if out is None else nullcontext():
        return _make(name, steps, seed, workers, progress, out)


def find(name: str, progress: Callable = print) -> Dataset:
    """A dataset by its name, made now if it has not been."""
    if not exists(name):
        with alone(name, progress):
            if not exists(name):  # another process has not made it meanwhile
                return _make(name, None, 0, None, progress, None)
    return load(name)


@contextmanager
def alone(name: str, progress: Callable) -> Iterator[None]:
    """While no other process makes the dataset; waits for one that does."""
    path = store.folder() / f".{name}.lock"
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(f"{name} is being made by another process: waiting for it")
            lock.acquire()
    except OSError as error:
        raise DatasetError(
            f"{path} could not be written: {error.strerror or error}. Name another folder in MABC_DATA"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _make(
    name: str, steps: int | None, seed: int, workers: int | None, progress: Callable, out: Path | None
) -> Dataset:
    progress(f"making {name}: {steps or default_steps(name):,} steps")
    arguments = (name, steps or default_steps(name), seed, workers, progress)
    dataset = battles.make(*arguments) if is_battle(name) else make_gym(*arguments)
    dataset.info |= {"steps": dataset.num_steps, "seed": seed, "versions": versions()}
    dataset.check()
    if out is not None or is_battle(name):
        kept = store.save(out or store.path_of(name), dataset)
    else:
        kept = minari_files.write(dataset, minari_files.minari_id(name))
    progress(f"made {name}: {dataset.num_episodes:,} episodes, mean return {dataset.returns.mean():.2f}, in {kept}")
    return dataset


def default_steps(name: str) -> int:
    if is_battle(name):
        return battles.STEPS
    return MAZE_STEPS if name in MAZES else KINDS[name.partition("-")[2]]


def versions() -> dict[str, str]:
    """What a dataset was made with."""
    found = {"python": platform.python_version()}
    for package in ("mabc", "numpy", "gymnasium", "mujoco", "gymnasium-robotics", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


# --- Gymnasium ---


@dataclass
class Plan:
    """Who plays how many steps in which environment, and what to tell of it."""

    env: dict[str, Any]
    parts: list[Part]
    made: dict[str, Any]


def make_gym(name: str, steps: int, seed: int, workers: int | None, progress: Callable) -> Dataset:
    """A locomotion or maze dataset, not yet kept."""
    plan = plan_of(name, steps)
    dataset = record(plan.parts, seed, workers, progress)
    made = {**plan.made, "command": f"python -m scripts.make_dataset {name} --steps {steps} --seed {seed}"}
    dataset.info = {"name": name, "env": plan.env, "references": references(name, workers, progress), "made": made}
    return dataset


def env_of(name: str) -> dict[str, Any]:
    """The environment of a named dataset, as its info has it; of MABC's only which kind it is."""
    if is_battle(name):
        return {"name": "mabc"}
    if name in MAZES:
        return {"name": "gym", "id": MAZES[name], "kwargs": {"continuing_task": False}}
    return {"name": "gym", "id": LOCOMOTION[task_of(name)], "kwargs": {}}


def plan_of(name: str, steps: int) -> Plan:
    """The parts of a named dataset."""
    env = env_of(name)
    if name in MAZES:
        how = (
            "shortest ways between cells and a PD controller, pushed by noise, with detours; a fifth of the episodes "
            "waits elsewhere; an episode ends at the goal"
        )
        return Plan(env, [Part(env, "careless", steps)], {"how": how, "policies": "waypoint controller"})
    task, _, kind = name.partition("-")
    if kind == "random":
        return Plan(env, [Part(env, "random", steps)], {"how": "uniform actions", "policies": "uniform"})
    snapshots = snapshots_of(task)
    chosen, how = choose(kind, [snapshot["return"] for snapshot in snapshots])
    shares = np.diff(np.linspace(0, steps, len(chosen) + 1).astype(int)).tolist()
    parts = [Part(env, snapshots[i]["weights"], share) for i, share in zip(chosen, shares, strict=True)]
    told = [{key: snapshots[i][key] for key in ("step", "return")} for i in chosen]
    made = {"how": how, "policies": "PPO snapshots with their exploration noise, clipped", "snapshots": told}
    return Plan(env, [part for part in parts if part.steps], made)


def snapshots_of(task: str) -> list[dict[str, Any]]:
    """The committed snapshots of a task's training, oldest first."""
    path, again = behaviour.FOLDER / f"{task}{SUFFIX}", f"python scripts/make_behaviour.py {task}"
    if not path.is_file():
        raise DatasetError(f"{path}: the snapshots that play {task} are not there; they are trained by: {again}")
    try:
        return behaviour.load_snapshots(task)["snapshots"]
    except (CheckpointError, KeyError) as error:
        raise DatasetError(
            f"{path}: the snapshots cannot be read ({error}). They are trained anew by: {again}"
        ) from error


def choose(kind: str, returns: list[float]) -> tuple[list[int], str]:
    """Which snapshots, by their number, make a kind of dataset, and a sentence on why.

    *medium* is looked for among those up to the best one, so that a run that fell back at its end does not make it.
    """
    best = int(np.argmax(returns))
    medium = int(np.argmin(np.abs(np.array(returns[: best + 1]) - returns[best] / 3)))
    text = {
        "expert": f"the best snapshot, {best + 1} of {len(returns)}",
        "medium": f"the snapshot whose return is nearest a third of the best one's, {medium + 1} of {len(returns)}",
    }
    if kind == "expert":
        return [best], text["expert"]
    if kind == "medium":
        return [medium], text["medium"]
    if kind == "medium-expert":
        return [medium, best], f"half by {text['medium']}; half by {text['expert']}"
    last = max(medium + 1, min(REPLAY_SNAPSHOTS, len(returns)))
    how = f"equal shares by the first {last} snapshots, of which number {medium + 1} is the medium one"
    return list(range(last)), how + (", as fewer came before it" if last > medium + 1 else "")


# --- reference returns ---


def task_of(name: str) -> str:
    """What a dataset's references are of: hopper for hopper-medium."""
    return name if name in MAZES else name.partition("-")[0]


def players(task: str) -> tuple[dict[str, Any], Any]:
    """Environment and expert of a task."""
    if task in MAZES:
        return env_of(task), "expert"
    plan = plan_of(f"{task}-expert", 1)
    return plan.env, plan.parts[0].policy


def digest(task: str) -> str:
    """What references depend on: the snapshots, or the controller's source."""
    path = Path(__file__).parent / "pointmaze.py" if task in MAZES else behaviour.FOLDER / f"{task}{SUFFIX}"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "absent"


def committed() -> dict[str, Any]:
    """The references that are kept beside the snapshots, of those tasks whose policies they are still of."""
    found = json.loads(REFERENCES.read_text("utf-8")) if REFERENCES.is_file() else {}
    return {task: told for task, told in found.items() if told["digest"] == digest(task)}


def references(name: str, workers: int | None = None, progress: Callable = print) -> dict[str, float]:
    """Mean return of the random and of the expert policy: the committed ones, else measured now."""
    task = task_of(name)
    found = committed().get(task)
    if found is None:
        progress(f"  measuring the random and the expert policy of {task}, {REFERENCE_EPISODES} episodes each")
        found = measure(task, workers)
    return {key: found[key] for key in ("random", "expert")}


def measure(task: str, workers: int | None = None, episodes: int = REFERENCE_EPISODES) -> dict[str, Any]:
    """Mean returns of the random and the expert policy, over fixed seeds, and what they were measured with."""
    env, expert = players(task)
    random_returns = episode_returns(env, "random", episodes, REFERENCE_SEED, workers)
    expert_returns = episode_returns(env, expert, episodes, REFERENCE_SEED, workers)
    means = {"random": float(random_returns.mean()), "expert": float(expert_returns.mean())}
    return {**means, "episodes": episodes, "digest": digest(task), "versions": versions()}


def commit_references(workers: int | None = None, progress: Callable = print, anew: bool = False) -> Path:
    """Write references.json beside the snapshots: all tasks whose policies are there and changed (or all, `anew`)."""
    found = {} if anew else committed()
    for task in [*LOCOMOTION, *MAZES]:
        if task not in found and digest(task) != "absent":
            found[task] = measure(task, workers)
            progress(f"{task}: random {found[task]['random']:.2f}, expert {found[task]['expert']:.2f}")
    REFERENCES.parent.mkdir(exist_ok=True)
    REFERENCES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return REFERENCES
