"""How fast the engine of this checkout is against that of another one, say before a change.

    git worktree add ../before HEAD~10
    python scripts/bench_checkouts.py ../before                      a table
    python scripts/bench_checkouts.py ../before --json FILE          and the numbers in a file

A step is as in bench_env.py, on one thread. Each checkout has a process of its own and they run by turns, a window at a
time; whoever was second in one pair is first in the next. Where a process has its memory decides some percent for as
long as it lives, so several of each are measured, and the interval of the mean ratio comes from them (Student's t).
The scenarios have a map and opponents that both checkouts know, and bots know everything, as they did before they had
`knowledge`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from bench_common import ROOT, Worker, header, spread, tell, write_json
from scipy import stats

CASES = (
    ("skirmish-3v3", {"map": "courtyard", "opponents": "random"}),
    ("skirmish-3v3", {"map": "courtyard", "opponents": "classic"}),
    ("versus-5v5", {"opponents": {2: "random"}}),
    ("versus-5v5", {"opponents": {2: "classic"}}),
    ("skirmish-5v6", {"map": "courtyard", "opponents": "classic"}),
    ("defend-2", {"opponents": "classic"}),
)

WORKER = """
import ast, dataclasses, json, sys, time
sys.path.insert(0, sys.argv[1] + "/envs")
import numpy as np
import mabc

worlds, cases = int(sys.argv[2]), ast.literal_eval(sys.argv[3])
ready = []
for name, changes in cases:
    scenario = mabc.scenario(name).changed(**changes)
    if hasattr(mabc.Team(), "knowledge"):  # earlier bots knew everything
        teams = tuple(dataclasses.replace(team, knowledge="all") for team in scenario.teams)
        scenario = scenario.changed(teams=teams)
    env = mabc.make_batch(scenario, num_envs=worlds, threads=1)
    rng = np.random.default_rng(0)
    actions = rng.integers(env.num_actions, size=(16, worlds, env.num_agents))
    env.reset(seed=0)
    for k in range(3 * env.max_steps):  # then worlds are of all ages
        env.step(actions[k % 16])
    ready.append((env, actions))
print('"ready"', flush=True)
for line in sys.stdin:
    case, window = json.loads(line)
    env, actions = ready[case]
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < window:
        for k in range(4):
            env.step(actions[(count + k) % 16])
            env.action_mask()
        count += 4
    print(count * worlds / elapsed, flush=True)
"""


def engine(checkout: Path, worlds: int) -> Worker:
    """A checkout's engine, which answers a case's number and seconds with environment steps a second."""
    return Worker(
        f"the engine of {checkout.name}", [sys.executable, "-c", WORKER, str(checkout), str(worlds), repr(CASES)]
    )


def pairs(other: Path, options: argparse.Namespace) -> list[np.ndarray]:
    """For each process: rates of this checkout and the other, float [2, cases, pairs]."""
    found = []
    for k in range(options.processes):
        engines = [engine(ROOT, options.worlds), engine(other, options.worlds)]
        rates = np.zeros((2, len(CASES), options.pairs))
        for pair in range(options.pairs):
            for case in range(len(CASES)):
                for which in (0, 1) if pair % 2 else (1, 0):
                    rates[which, case, pair] = engines[which].ask([case, options.window])
        for one in engines:
            one.close()
        found.append(rates)
        tell(f"process {k + 1} of {options.processes}: {np.median(rates[0] / rates[1], axis=-1).round(3).tolist()}")
    return found


def row(case: int, found: list[np.ndarray]) -> dict[str, Any]:
    """A case's rates, ratios by process, their mean and its interval."""
    ratios = np.array([np.median(rates[0, case] / rates[1, case]) for rates in found])
    name, changes = CASES[case]
    margin = stats.t.ppf(0.975, len(ratios) - 1) * ratios.std(ddof=1) / len(ratios) ** 0.5
    return {
        "scenario": name,
        "changes": {key: str(value) for key, value in changes.items()},
        "env_steps_per_s": spread(np.concatenate([rates[0, case] for rates in found])),
        "other_env_steps_per_s": spread(np.concatenate([rates[1, case] for rates in found])),
        "ratio_by_process": spread(ratios),
        "ratio": round(float(ratios.mean()), 4),
        "interval_95": [round(float(ratios.mean() + sign * margin), 4) for sign in (-1, 1)],
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="another checkout of this repository")
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--processes", type=int, default=6, help="of each checkout, at least 2")
    parser.add_argument("--pairs", type=int, default=9, help="windows of each in a process")
    parser.add_argument("--window", type=float, default=0.5, help="seconds")
    parser.add_argument("--json", help="write the numbers to this file; - is standard output")
    options = parser.parse_args()
    if not (options.other / "envs" / "mabc").is_dir():
        parser.error(f"{options.other}: no checkout of this repository, it has no envs/mabc")
    if options.processes < 2:
        parser.error(f"--processes {options.processes}: an interval needs at least 2")
    asked = ["git", "-C", str(options.other), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    head = header("numba", "numpy")
    found = pairs(options.other.resolve(), options)
    rows = [row(case, found) for case in range(len(CASES))]
    for one in rows:
        low, high = one["interval_95"]
        print(f"{one['scenario']:<14}{one['changes']!s:<52} {one['ratio']:.3f} ({low:.3f} to {high:.3f})")
    write_json(options.json, head | {"other": commit, "worlds": options.worlds, "cases": rows})


if __name__ == "__main__":
    main()
