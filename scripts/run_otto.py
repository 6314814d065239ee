"""OTTO against its base algorithms: the experiments, cell by cell, and the table that sums them up.

    python -m scripts.run_otto tune                  strategies on the tuning datasets
    python -m scripts.run_otto report                base and OTTO on the reporting datasets
    python -m scripts.run_otto ablate                one choice changed at a time
    python -m scripts.run_otto neighbours            MOPO and COMBO beside them
    python -m scripts.run_otto foretold              held-out explained variance of OTTO's world models
    python -m scripts.run_otto table                 what is there so far, baselines/results/otto.json and the picture

A cell is a dataset, an algorithm and an arm (base, or OTTO with some settings); its three seeds are trained side by
side, OTTO's each with world models and generated trajectories of its own, MOPO's and COMBO's in one world model. The
arms of a dataset share what does not depend on the base: world models of a seed, and what they generate. A seed's score
is the mean over its policies after the last five thousand steps, each judged: one policy alone says little, for in
hopper the next one is often 30 points better or worse.

Each finished cell is a file in baselines/results/otto/, and a cell that has one with the same settings is not run
again: the command goes on where it was stopped, and stops at a file with other settings. --share 1/2 and --share 2/2 in
two processes use two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench_common import ROOT, header, tell, write_json

RESULTS = ROOT / "baselines" / "results" / "otto"
RUNS = ROOT / "runs" / "otto"
SEEDS = 3
UPDATES = 30_000
EPISODES = {"mabc": 256, "gym": 20}  # in which each of a seed's policies is judged
JUDGED = 5  # policies of a seed that are judged: those after each of the last thousands of steps

LOCOMOTION = {"hopper": "Hopper-v5", "halfcheetah": "HalfCheetah-v5", "walker2d": "Walker2d-v5"}
MAZES = {"umaze": "PointMaze_UMaze-v3", "medium": "PointMaze_Medium-v3"}
TUNING = {"hopper-medium-replay": "td3_bc", "halfcheetah-medium": "iql"}  # and the base on which choices are made
REPORTING = (
    "hopper-medium", "halfcheetah-medium-replay", "walker2d-medium-replay", "pointmaze-medium", "skirmish-3v3-medium",
)  # fmt: skip
CONTINUOUS = ("td3_bc", "iql", "rebrac")
DISCRETE = ("bc", "cql", "iql")

SMALL = {"hidden_size": 128, "lr": 1e-3}
"""Of all algorithms and arms: narrower networks and longer steps than usual, so that 30,000 of them are enough."""
FAST_TARGETS = {"tau": 0.02}
"""Of all that have targets: with the usual 0.005, values are still far from theirs after 30,000 steps."""
REBRAC_TUNED: dict[str, dict[str, Any]] = {
    f"actor-{weight}": {"actor_bc": weight, "critic_bc": 0.01, "norm_obs": True} for weight in (0.05, 0.01, 0.1)
} | {"raw-0.05": {"actor_bc": 0.05, "critic_bc": 0.01, "norm_obs": False}}
"""Arms of ReBRAC alone, on the tuning datasets: weights from its authors' grid, one pair for all datasets, where they
choose one for each; and observations as they are, which they leave so and the other algorithms here do not."""
REBRAC = REBRAC_TUNED["actor-0.05"]
"""What the report has: on the tuning datasets it is above the other bases. Arms without a file have not been run."""
NEIGHBOURS: dict[str, dict[str, Any]] = {
    "mopo": {"policy_lr": 3e-4, "batch_size": 128, "real_ratio": 0.5, "penalty_coef": 50.0},
    "combo": {"policy_lr": 3e-4, "batch_size": 128, "alpha": 5.0, "num_samples": 4},
}
"""Of MOPO and COMBO, with half the rows for time. Chosen by single seeds of 15,000 steps on hopper-medium-replay,
beside a penalty of 5 and an alpha of 1, with which next to nothing was learned."""
STRATEGY: dict[str, Any] = {
    "starts": "uniform", "actions": "logged", "noise": 0.1, "noise_clip": 0.3, "horizon": 10, "keep_fraction": 1.0,
    "correction": "penalise", "quantile": 0.99, "penalty_coef": 1.0, "real_ratio": 0.7,
}  # fmt: skip
"""Of every arm, where it says nothing else; spelled out, so that a file tells what was run whatever defaults are."""
OTTO = {**STRATEGY, "actions": "steered", "starts": "top"}
"""What the tuning datasets chose, and algos/offline/otto.py's defaults since."""

TUNED: dict[str, dict[str, Any]] = {
    "logged": {},
    "steered": {"actions": "steered"},
    "policy": {"actions": "policy"},
    "unrated": {"correction": "none"},
    "cut": {"correction": "cut"},
    "noise-0.03": {"noise": 0.03, "noise_clip": 0.09},
    "noise-0.3": {"noise": 0.3, "noise_clip": 0.9},
    "horizon-50": {"horizon": 50},
    "softmax": {"starts": "softmax"},
    "top": {"starts": "top"},
    "top-real-0.5": {"starts": "top", "real_ratio": 0.5},
    "steered-top": {"actions": "steered", "starts": "top"},
    "policy-top": {"actions": "policy", "starts": "top"},
    "steered-real-0.5": {"actions": "steered", "real_ratio": 0.5},
    "best": {"keep_fraction": 0.5},
    "real-0.9": {"real_ratio": 0.9},
    "real-0.5": {"real_ratio": 0.5},
}
ABLATED: dict[str, dict[str, Any]] = {
    "evaluator-off": {"correction": "none"},
    "noise-0": {"noise": 0.0},
    "policy": {"actions": "policy"},
    "horizon-50": {"horizon": 50},
    "mlp": {"model": "mlp"},
    "members-1": {"ensemble_size": 1, "correction": "none"},
}
"""What is changed of OTTO, one thing at a time. An evaluator that is off does not see to the generated share either;
without noise, trajectories are what was recorded, so that only their share is another."""
ABLATED_ON = (
    ("walker2d-medium-replay", "iql"),
    ("halfcheetah-medium-replay", "td3_bc"),
    ("skirmish-3v3-medium", "cql"),
)
"""Where, chosen when the report was there: OTTO helps in the first two. In the last it is its base whatever else is
changed, unless the evaluator is off, which alone asks whether anything can be foretold."""
AGAINST = {"members-1": "evaluator-off"}
"""What an ablation is compared with where it is not OTTO: one member has no evaluator."""


def env_of(dataset: str) -> dict[str, Any]:
    """The environment of a dataset, as a run's configuration has it."""
    from dataclasses import asdict

    from algos.adapters import config_class

    task, _, kind = dataset.partition("-")
    if task in LOCOMOTION:
        return asdict(config_class("gym")(id=LOCOMOTION[task]))
    if task == "pointmaze":
        kwargs = {"continuing_task": False}
        return asdict(config_class("gym")(id=MAZES[kind], kwargs=kwargs))
    return asdict(config_class("mabc")(scenario=dataset.rpartition("-")[0]))


def base_settings(dataset: str, base: str, arm: str = "") -> dict[str, Any]:
    """Settings of a base algorithm on a dataset: the same in every arm but those that choose ReBRAC's weights."""
    found = {"seeds": SEEDS, "eval_every": 10**9, "checkpoint_every": 10**9, "eval_episodes": 2, **SMALL}
    if base != "bc":
        found |= FAST_TARGETS
    if base == "rebrac":
        found |= {"batch_size": 256, **REBRAC_TUNED.get(arm, REBRAC)}  # of its own 1024, for time
    found |= NEIGHBOURS.get(base, {})
    if base == "rebrac" and dataset.startswith("pointmaze"):
        found |= {"norm_reward": True}  # as CORL has it for mazes
    if base == "iql" and dataset.startswith("pointmaze"):
        found |= {"expectile": 0.9, "beta": 10.0}  # as its authors have it for sparse rewards
    if is_battle(dataset):
        found |= {"batch_size": 128}  # teams: two or three times as many rows
    if is_battle(dataset) and base == "cql":
        found |= {"alpha": 1.0}
    return found


def run_cell(dataset: str, base: str, arm: str, otto: dict[str, Any] | None, updates: int) -> None:
    """Train and judge one cell, unless its result is there; otto None: the base alone (or mopo, combo)."""
    path = RESULTS / f"{dataset}.{base}.{arm}.json"
    settings = base_settings(dataset, base, arm)
    name = "otto" if otto is not None else base
    if otto is not None:
        settings = {"base": base, "kwargs": settings, **otto}
    if is_done(path, settings, updates):
        return
    from algos.adapters import make_env
    from algos.common import config as cfg
    from algos.common.run import Run
    from algos.offline import loop
    from algos.offline.policy import Policy

    tell(f"{dataset} {base} {arm}")
    module = cfg.load_module(cfg.presets()[name])
    algo_config = module.Config(name=name, **settings)
    folder, config = set_up(dataset, f"{base}.{arm}", algo_config, updates)
    env_config = config["env"]
    about = header("torch", "numpy", "mujoco")
    start, clock = time.perf_counter(), time.process_time()
    env = make_env(env_config, num_envs=1)
    judge = make_env(env_config, num_envs=EPISODES[env_config["name"]] * SEEDS, seed=1)
    judged: list[np.ndarray] = []

    class JudgedRun(Run):
        """A run whose last policies are judged on the way, all seeds of each."""

        def show(self, step: int, policy: Any) -> None:
            if step > max(updates - 1_000 * JUDGED, 0):
                everyone = Policy(policy.actor, policy.scaling, SEEDS, seed=None)
                found = loop.evaluate(everyone, judge, seed=3_000_017 + step)
                judged.append(np.stack(found).reshape(2, SEEDS, -1).mean(-1))

    run = JudgedRun(folder, config)
    policy = module.train(algo_config, env, run)
    run.log.close()
    judge.close()
    seconds, processor = time.perf_counter() - start, time.process_time() - clock
    keep_worlds(folder, dataset, algo_config)
    returns, success = np.stack(judged, -1).round(6).tolist()  # [seeds, policies] each
    result = {"dataset": dataset, "base": base, "arm": arm, "settings": settings, "updates": updates}
    result |= {"returns": returns, "success": success}
    result["scores"] = scores(result, policy.references)
    result |= {"seconds": round(seconds), "processor_seconds": round(processor), **about}
    write_json(str(path), result)
    shutil.rmtree(folder)
    tell(f"{dataset} {base} {arm}: scores {[round(x, 1) for x in result['scores']]}, {seconds:.0f} s")


def scores(result: dict[str, Any], references: dict[str, float] | None) -> list[float]:
    """Normalised scores of the seeds: by our references in locomotion, 100 x success elsewhere."""
    from algos.data.dataset import normalised_score

    if is_locomotion(result["dataset"]):
        return normalised_score(np.mean(result["returns"], -1), {"references": references}).tolist()
    return (100 * np.mean(result["success"], -1)).tolist()


def is_done(path: Path, settings: dict[str, Any], updates: int) -> bool:
    """Whether a cell has its result; SystemExit if that was made with other settings."""
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding="utf-8"))
    if (found["settings"], found["updates"]) != (settings, updates):
        raise SystemExit(f"{path.name} was made with {found['settings']}, {found['updates']} updates: move it away")
    return True


def worlds_folder(dataset: str, config: Any) -> Path:
    """Where the world models of a dataset are kept from cell to cell."""
    return RUNS / dataset / f"worlds-{config.model}-{config.ensemble_size}-{config.model_steps}"


def set_up(dataset: str, name: str, algo_config: Any, updates: int) -> tuple[Path, dict[str, Any]]:
    """A new run folder, with the dataset's world models if they are trained already, and the run's configuration."""
    from dataclasses import asdict

    from algos.common.run import create_folder

    folder = RUNS / dataset / name
    shutil.rmtree(folder, ignore_errors=True)
    config = {"env": env_of(dataset), "algo": asdict(algo_config), "seed": 0, "total_steps": updates}
    config |= {"data": dataset, "device": "cpu"}
    create_folder(folder, config)
    share_worlds(folder, dataset, algo_config)
    return folder, config


def foretold(dataset: str, path: Path = RESULTS.parent / "otto-foretold.json") -> None:
    """Add to a file what share of the variance the world models of each seed foretell, as OTTO's cells have them."""
    result: dict[str, Any] = {**header("torch", "numpy", "mujoco"), "settings": OTTO, "datasets": {}}
    if path.exists():
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["settings"] != OTTO:
            raise SystemExit(f"{path.name} was made with {result['settings']}: move it away")
    if dataset in result["datasets"]:
        return
    from algos.adapters import make_env
    from algos.common.run import Run
    from algos.data.load import load_data
    from algos.offline import otto

    base = bases_of(dataset)[0]  # any: it does not learn
    config = otto.Config(base=base, kwargs=base_settings(dataset, base), **OTTO)
    folder, run_config = set_up(dataset, "foretold", config, 1)
    env_config, run = run_config["env"], Run(folder, run_config)
    data, env = load_data(dataset, env_config), make_env(env_config, num_envs=1)
    made = [otto.generated_data(config, data, env, run, number) for number in range(SEEDS)]
    run.log.close()
    keep_worlds(folder, dataset, config)
    result["datasets"][dataset] = {
        "foretold": [generated.info["made"]["skill"] for generated in made],
        "generated_share": round(1 - otto.real_ratio_of(config, made), 4),
    }
    write_json(str(path), result)
    shutil.rmtree(folder)
    tell(f"{dataset}: {json.dumps(result['datasets'][dataset])}")


def share_worlds(folder: Path, dataset: str, config: Any) -> None:
    """Put world models that an earlier cell trained into a run folder."""
    if hasattr(config, "world_models"):
        for path in worlds_folder(dataset, config).glob("world-s*"):
            shutil.copy(path, folder / path.name)


def keep_worlds(folder: Path, dataset: str, config: Any) -> None:
    """Inverse of `share_worlds`."""
    for path in folder.glob("world-s*"):
        home = worlds_folder(dataset, config)
        home.mkdir(parents=True, exist_ok=True)
        if not (home / path.name).exists():
            shutil.copy(path, home / f".{path.name}.tmp")
            (home / f".{path.name}.tmp").replace(home / path.name)


def is_locomotion(dataset: str) -> bool:
    """Whether it is one of MuJoCo's walkers."""
    return dataset.startswith(tuple(LOCOMOTION))


def is_battle(dataset: str) -> bool:
    """Whether it is one of MABC."""
    return not (is_locomotion(dataset) or dataset.startswith("pointmaze"))


def bases_of(dataset: str) -> tuple[str, ...]:
    """The base algorithms that a dataset is learned with."""
    return DISCRETE if is_battle(dataset) else CONTINUOUS


def share_of(text: str) -> tuple[int, int]:
    """A share "1/2" of the cells as numbers; ArgumentTypeError for what is none."""
    try:
        number, count = map(int, text.split("/"))
    except ValueError:
        number, count = 0, 0
    if not 1 <= number <= count:
        raise argparse.ArgumentTypeError(f"{text}: a share as 1/2 and 2/2 are, from 1/N to N/N")
    return number, count


def cells(part: str) -> list[tuple[str, str, str, dict[str, Any] | None]]:
    """(dataset, base, arm, OTTO's settings) of a part, in the order in which they are run."""
    if part == "tune":
        arms: list[tuple[str, dict[str, Any] | None]] = [("base", None)]
        arms += [(arm, {**STRATEGY, **change}) for arm, change in TUNED.items()]
        weights = [(dataset, "rebrac", arm, None) for arm in REBRAC_TUNED for dataset in TUNING]
        return weights + [(dataset, base, *arm) for arm in arms for dataset, base in TUNING.items()]
    if part == "report":
        pairs = [(dataset, base) for dataset in REPORTING for base in bases_of(dataset)]
        imitation = [(dataset, "bc", "base", None) for dataset in REPORTING if "bc" not in bases_of(dataset)]
        return [(*pair, *arm) for pair in pairs for arm in (("base", None), ("otto", OTTO))] + imitation
    if part == "ablate":
        arms = [(arm, {**OTTO, **change}) for arm, change in ABLATED.items()]
        every = [(*pair, *arm) for arm in arms for pair in ABLATED_ON]
        return [cell for cell in every if not is_battle(cell[0]) or cell[3]["correction"] == "none"]
    continuous = [dataset for dataset in REPORTING if not is_battle(dataset)]
    return [(dataset, name, "base", None) for dataset in continuous for name in ("mopo", "combo")]


# --- the table ---


def read_results() -> list[dict[str, Any]]:
    """All finished cells."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]


def gains(results: list[dict[str, Any]], arm: str, against: str, datasets: tuple[str, ...]) -> dict[str, Any]:
    """Differences of scores, seed by seed, of one arm to another: {dataset: {base: [seed …]}}."""
    cells = {(r["dataset"], r["base"], r["arm"]): r for r in results}
    found: dict[str, Any] = {}
    for (dataset, base, name), cell in cells.items():
        other = cells.get((dataset, base, against))
        if name == arm and dataset in datasets and other and other["updates"] == cell["updates"]:
            found.setdefault(dataset, {})[base] = (np.array(cell["scores"]) - other["scores"]).tolist()
    return found


def interval(found: dict[str, dict[str, list[float]]], draws: int = 10_000) -> dict[str, float]:
    """Mean gain and its 95% bootstrap interval: datasets are drawn, then bases, then seeds.

    The bases of a dataset learn from the same recorded trajectories, and a seed of theirs from the same generated ones:
    what is drawn of a dataset is the same seeds for all of its bases. One dataset alone has no interval.
    """
    random = np.random.default_rng(0)
    groups = [np.array(list(bases.values())) for bases in found.values()]  # of each dataset, [bases, seeds]
    mean = float(np.mean([group.mean() for group in groups]))
    if len(groups) == 1:
        return {"mean": mean}

    def draw(count: int) -> np.ndarray:
        return random.integers(count, size=count)

    def drawn(group: np.ndarray) -> float:
        bases, seeds = map(draw, group.shape)
        return group[np.ix_(bases, seeds)].mean()

    means = [np.mean([drawn(groups[i]) for i in draw(len(groups))]) for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": mean, "low": float(low), "high": float(high)}


def table() -> None:
    """Print what is there, and write baselines/results/otto.json."""
    results = read_results()
    for r in sorted(results, key=lambda r: (r["dataset"], r["base"], r["arm"] != "base", r["arm"])):
        spread = " ".join(f"{x:6.1f}" for x in r["scores"])
        print(f"{r['dataset']:<26} {r['base']:<7} {r['arm']:<15} {np.mean(r['scores']):6.1f}   [{spread} ]")
    arms = sorted({r["arm"] for r in results} - {"base"})
    groups = {
        "tuning": (tuple(TUNING), arms),
        "reporting": (REPORTING, arms),
        "locomotion alone": (tuple(filter(is_locomotion, REPORTING)), ["otto"]),
    }
    summary: dict[str, Any] = {"command": "python -m scripts.run_otto table", "cells": len(results), "gains": {}}
    for title, (datasets, some) in groups.items():
        for arm in some:
            against = AGAINST.get(arm, "otto") if arm in ABLATED and title == "reporting" else "base"
            if found := gains(results, arm, against, datasets):
                summary["gains"][f"{title}: {arm} over {against}"] = {**interval(found), "cells": found}
    for name, gain in summary["gains"].items():
        between = f" ({gain['low']:+.1f} to {gain['high']:+.1f})" if "low" in gain else " (one dataset)"
        print(f"{name:<45} {gain['mean']:+6.1f}{between}")
    write_json(str(RESULTS.parent / "otto.json"), summary)
    if any(r["dataset"] in REPORTING for r in results):
        plot(results)


def plot(results: list[dict[str, Any]], path: Path = ROOT / "docs" / "images" / "otto.png") -> None:
    """Scores on the reporting datasets, base beside OTTO, then MOPO and COMBO; each seed a point, their mean a bar."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = {(r["dataset"], r["base"], r["arm"]): r["scores"] for r in results}
    figure, panels = plt.subplots(1, len(REPORTING), figsize=(3.3 * len(REPORTING), 3.2), layout="constrained")
    for panel, dataset in zip(panels, REPORTING, strict=True):
        bases = bases_of(dataset) + (() if is_battle(dataset) else tuple(NEIGHBOURS))
        for arm, colour, side in (("base", "tab:gray", -0.18), ("otto", "tab:orange", 0.18)):
            for place, base in enumerate(bases):
                seeds = found.get((dataset, base, arm), [])
                at = place + side * (base not in NEIGHBOURS)  # which have one arm
                panel.plot([at] * len(seeds), seeds, "o", color=colour, markersize=4)
                panel.plot(at, np.mean(seeds or np.nan), "_", color=colour, markersize=14, markeredgewidth=2)
            panel.plot([], [], "o", color=colour, label={"base": "alone", "otto": "with OTTO"}[arm])
        panel.set_xticks(range(len(bases)), bases)
        panel.set_xlim(-0.6, len(bases) - 0.4)
        panel.set_ylim(bottom=0)
        panel.set_title(dataset, fontsize=10)
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("score")
    panels[0].legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("tune", "report", "ablate", "neighbours", "foretold", "table"))
    parser.add_argument("--share", default="1/1", type=share_of, help="this process's share of the cells, e.g. 1/2")
    parser.add_argument("--updates", type=int, default=UPDATES, help=f"gradient steps of a cell ({UPDATES})")
    parser.add_argument("--arm", help="only cells of this arm")
    options = parser.parse_args()
    if options.part == "table":
        table()
        return
    if options.part == "foretold":
        for dataset in REPORTING:
            foretold(dataset)
        return
    if options.updates < 1_000:
        parser.error(f"--updates {options.updates}: at least 1,000, for a policy is judged after each thousand")
    every = cells(options.part)
    chosen = [cell for cell in every if options.arm in (None, cell[2])]
    if not chosen:
        parser.error(f"--arm {options.arm}: {options.part} has {', '.join(dict.fromkeys(cell[2] for cell in every))}")
    number, count = options.share
    for cell in chosen[number - 1 :: count]:
        run_cell(*cell, options.updates)


if __name__ == "__main__":
    main()
