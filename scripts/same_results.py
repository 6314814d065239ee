"""Does a change leave every number that is learned as it was? Trains each algorithm before and after it, and compares.

    python scripts/same_results.py --before REVISION             every case: some minutes
    python scripts/same_results.py --before REVISION --only ippo,iql

`before` is checked out into a folder of its own; both sides train with the same seeds on the same data, in processes
of their own. metrics.jsonl (without the columns that a clock decides) and all numbers of the last checkpoint's networks
and optimisers must be equal bit for bit; metrics that are new are counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from bench_common import ROOT

import mabc
from algos.common import checkpoint, renamed
from algos.common.log import CLOCK, read_metrics
from algos.data import store
from algos.data.dataset import Dataset

# --- what is trained ---

GAME = "env=mabc env.scenario=skirmish-3v3 env.num_envs=16 total_steps=2048"
OFFLINE = "total_steps=60 algo.eval_every=30 algo.eval_episodes=2 algo.seeds=2 algo.batch_size=64 algo.hidden_size=32"
SWING = f"env=gym env.id=Pendulum-v1 data=DATA/pendulum.safetensors {OFFLINE}"
TEAM = f"env=mabc env.scenario=skirmish-3v3 data=DATA/games {OFFLINE}"
WORLD = "algo.ensemble_size=2 algo.model_steps=20"
CASES = {
    "ippo": f"{GAME} algo=ippo",
    "ippo-tanh": f"{GAME} algo=ippo algo.activation=tanh algo.norm_obs=false algo.agent_id=true algo.huber_delta=0",
    "ippo-recurrent": f"{GAME} algo=ippo algo.recurrent=true",
    "ippo-continuous": "env=gym env.id=Pendulum-v1 env.num_envs=8 total_steps=2048 algo=ippo algo.num_steps=32",
    "ippo-teams": f"{GAME} env.scenario=versus-2v2 algo=ippo algo.target_kl=0.01",
    "mappo": f"{GAME} algo=mappo",
    "mappo-recurrent": f"{GAME} algo=mappo algo.recurrent=true algo.agent_id=true",
    "bc": f"{SWING} algo=bc",
    "iql": f"{SWING} algo=iql",
    "td3_bc": f"{SWING} algo=td3_bc",
    "rebrac": f"{SWING} algo=rebrac",
    "cql": f"{SWING} algo=cql",
    "mopo": f"{SWING} algo=mopo {WORLD}",
    "combo": f"{SWING} algo=combo {WORLD}",
    "otto": "env=gym env.id=Pendulum-v1 data=DATA/pendulum.safetensors total_steps=60 algo=otto algo.num_generated=500 "
    f"algo.kwargs.eval_every=30 algo.kwargs.eval_episodes=2 {WORLD}",
    "bc-team": f"{TEAM} algo=bc",
    "iql-team": f"{TEAM} algo=iql",
    "cql-team": f"{TEAM} algo=cql",
    "otto-team": "env=mabc env.scenario=skirmish-3v3 data=DATA/games total_steps=60 algo=otto algo.base=iql "
    f"algo.num_generated=300 algo.kwargs.eval_every=30 algo.kwargs.eval_episodes=2 {WORLD}",
}


def make_data(folder: Path) -> None:
    """What offline algorithms learn from here: random swings of a pendulum, and games between two bots."""
    import gymnasium

    env, random = gymnasium.make("Pendulum-v1", max_episode_steps=50), np.random.default_rng(0)
    obs, actions, rewards = [], [], []
    for episode in range(20):
        obs.append(env.reset(seed=episode)[0])
        for _ in range(50):
            actions.append(random.uniform(-2, 2, 1).astype(np.float32))
            seen, reward, *_ = env.step(actions[-1])
            obs.append(seen)
            rewards.append(reward)
    data = Dataset(
        np.stack(obs), np.stack(actions), np.asarray(rewards, np.float32), np.zeros(1000, bool), np.arange(21) * 50
    )
    store.save(folder / "pendulum.safetensors", data.check())
    games = mabc.make_batch("skirmish-3v3", num_envs=1, seed=0, record=str(folder / "games"))
    games.reset(seed=0)
    ended = 0
    while ended < 8:
        _, _, terminated, truncated, _ = games.step(games.bot_actions("tactical:regular"))
        ended += int(terminated[0] | truncated[0])
    games.close()


# --- runs ---

LEARNED = ("weights", "nets", "optimiser", "optimisers", "value_norm", "obs_norm", "scaling")  # of a checkpoint's state


def train(checkout: Path, case: str, data: Path, folder: Path) -> None:
    """Train a case with the sources of a checkout; its words stay in a file beside the run."""
    words = [former(word, checkout) for word in CASES[case].replace("DATA", str(data)).split()]
    path = os.pathsep.join([str(checkout / "envs"), str(checkout)])
    command = [sys.executable, "-m", "algos.train", *words, "seed=3", f"dir={folder}"]
    with open(folder.with_suffix(".txt"), "w", encoding="utf-8") as file:
        done = subprocess.run(command, cwd=checkout, env={**os.environ, "PYTHONPATH": path}, stdout=file, stderr=file)
    if done.returncode:
        raise SystemExit(f"{case} in {checkout}:\n{folder.with_suffix('.txt').read_text(encoding='utf-8')[-2000:]}")


def former(word: str, checkout: Path) -> str:
    """An override by the key that a checkout knows, where it has been renamed since."""
    key, _, value = word.partition("=")
    group, _, name = key.rpartition(".")
    there = checkout / "algos" / "common" / "renamed.py"
    known = there.read_text(encoding="utf-8") if there.exists() else ""
    old = next((old for old, new in renamed.KEYS.items() if new == name and f'"{new}"' not in known), name)
    return f"{group}.{old}={value}" if group else word


def numbers(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a checkpoint's tree by its dotted name."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from numbers(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, tree


def learned(folder: Path) -> dict[str, Any]:
    """Metrics and, as the present sources read them, networks and optimisers of a run, name by name."""
    state = checkpoint.load(checkpoint.find(folder))["state"]
    kept = {key: value for key, value in state.items() if key in LEARNED}
    found = dict(numbers(kept))
    for i, line in enumerate(read_metrics(folder / "metrics.jsonl")):
        found |= {f"line {i}: {key}": value for key, value in line.items() if not key.startswith(CLOCK)}
    return found


def new_metrics(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Metrics that the runs before did not write."""
    return {name for name in after.keys() - before.keys() if name.startswith("line ")}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not equal bit for bit, in words."""
    lonely = (before.keys() ^ after.keys()) - new_metrics(before, after)
    found = [f"{name}: only {'before' if name in before else 'after'}" for name in lonely]
    for name in before.keys() & after.keys():
        old, new = (np.asarray(side[name]) for side in (before, after))
        if old.dtype != new.dtype or old.shape != new.shape or old.tobytes() != new.tobytes():
            found.append(f"{name}: {old.ravel()[:3]} before, {new.ravel()[:3]} after")
    return sorted(found)


def main() -> None:
    """The command line; exit status 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="a revision of git")
    parser.add_argument("--only", help=f"some of {','.join(CASES)}")
    parser.add_argument("--json", metavar="FILE", help="write what was compared")
    arguments = parser.parse_args()
    cases = arguments.only.split(",") if arguments.only else list(CASES)
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        make_data(room)
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(room / "old"), arguments.before], check=True, capture_output=True)
        try:
            for case in cases:
                for side, checkout in (("before", room / "old"), ("after", ROOT)):
                    train(checkout, case, room, room / f"{case}-{side}")
                sides = [learned(room / f"{case}-{side}") for side in ("before", "after")]
                found, new = differences(*sides), new_metrics(*sides)
                report[case] = {"compared": len(sides[0]), "different": found, "new": len(new)}
                print(
                    f"{case:<16} {len(sides[0]):>5} numbers and arrays, {len(found)} differ, {len(new)} new", flush=True
                )
                for line in found[:5]:
                    print(f"    {line}")
        finally:
            subprocess.run([*git, "remove", "--force", str(room / "old")], check=True)
    if arguments.json:
        before = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", arguments.before], check=True,
                                capture_output=True, text=True).stdout.strip()  # fmt: skip
        Path(arguments.json).write_text(json.dumps({"before": before, "cases": report}, indent=1) + "\n")
    raise SystemExit(any(row["different"] for row in report.values()))


if __name__ == "__main__":
    main()
