"""How fast the environment is on this machine.

    python scripts/bench_env.py                                      a table
    python scripts/bench_env.py --json baselines/results/env.json    and the numbers in a file; --json alone: on stdout
    python scripts/bench_env.py --peers                              beside other environments (after `make peers`)
    python scripts/bench_env.py --only compile,parallel              some parts: throughput, parallel, compile, peers
    python scripts/bench_env.py --quick                              seconds, to see that it works

A step is `env.step` with random actions drawn beforehand and `env.action_mask()`: observations, rewards, masks and
automatic resets are in it. Worlds start at all ages (snapshots of a small batch along whole episodes), so resets come
as steadily as in a long run. Every repeat goes once over all cases before the next begins, so that what else the
machine does falls on all of them; the median, the least and the greatest are told. Nothing is measured cold, except
the time to compile, which has a fresh cache folder in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from bench_common import ROOT, Worker, cores, header, load, short, shown, spread, tell, write_json

import mabc

PARTS = ("throughput", "parallel", "compile", "peers")
SCENARIOS = ("skirmish-3v3", "skirmish-5v6", "versus-5v5", "skirmish-20v20", "defend-2", "scout-2v2")
OBSERVATIONS = ("vector", "entities", "planes", "rgb", "text")
BATCHES = (1, 64, 1024, 16_384)
THREADS = (1, 2)
SMALL = 64  # texts are strings of Python: no more worlds than this
PEERS = ("smax", "simple_spread", "battle")
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    scenarios: tuple[str, ...] = SCENARIOS
    observations: tuple[str, ...] = OBSERVATIONS
    batches: tuple[int, ...] = BATCHES
    threads: tuple[int, ...] = THREADS
    repeats: int = 5
    window: float = 0.2  # seconds a repeat measures, at least
    memory: float = 3.0  # GiB of observations; larger cases are left out and named
    pairs: int = 9  # of a window of ours and one of a peer
    pair_window: float = 3.0
    peer_batches: tuple[int, ...] = (256, 1024, 4096)
    peers: tuple[str, ...] = PEERS
    cold: int = 2  # compilations from nothing


QUICK = Options(
    scenarios=("skirmish-3v3", "versus-5v5"),
    observations=("vector", "planes"),
    batches=(1, 256),
    repeats=2,
    window=0.02,
    pairs=2,
    pair_window=0.3,
    peer_batches=(64,),
    cold=0,
)

# --- throughput ---


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    scenario: str
    obs: str
    threads: int
    batch: int
    opponents: str | None = None  # None: as the scenario says

    @property
    def changes(self) -> dict[str, str]:
        """What `make_batch` is told besides."""
        return {} if self.opponents is None else {"opponents": self.opponents}


@cache
def threads_used(batch: int, threads: int) -> int:
    """Threads that the environment takes when it may take so many."""
    return mabc.make_batch("solo", num_envs=batch, threads=threads).threads


def cases(options: Options) -> Iterator[Case]:
    """All cases: text in small batches only, more than one thread only where the environment would use it."""
    for scenario in options.scenarios:
        for obs in options.observations:
            for threads in options.threads:
                for batch in options.batches:
                    if threads_used(batch, threads) == threads and (obs != "text" or batch <= SMALL):
                        yield Case(scenario, obs, threads, batch)


def gib_needed(case: Case) -> float:
    """Memory of a case's observations: the current ones and the last ones of ended episodes."""
    if case.obs == "text":
        return 0.0
    env = mabc.make_batch(case.scenario, num_envs=1, obs=case.obs)
    obs, _ = env.reset(seed=0)

    def size(value: Any) -> int:
        if isinstance(value, dict):
            return sum(map(size, value.values()))
        return sum(map(size, value)) if isinstance(value, tuple) else value.nbytes

    return 2 * size(obs) * case.batch / 2**30


def aged_worlds(scenario: str, batch: int, stops: int = 16, cohort: int = 64, **changes: str) -> dict[str, np.ndarray]:
    """A snapshot of `batch` worlds at all ages, played at random; beyond stops * cohort they repeat."""
    cohort = max(1, min(cohort, batch // stops))
    stops = min(stops, batch)
    env = mabc.make_batch(scenario, num_envs=cohort, seed=0, **changes)
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    parts = []
    for _ in range(stops):
        for _ in range(env.max_steps // stops + 1):
            env.step(rng.integers(env.num_actions, size=(cohort, env.num_agents)))
        parts.append(env.snapshot())
    env.close()
    order = np.arange(batch) % (cohort * stops)

    def joined(name: str) -> Any:
        rows = [np.asarray(part[name]) for part in parts]
        return np.concatenate(rows)[order] if rows[0].ndim else rows[0]

    return {name: joined(name) for name in parts[0]}


def ready(case: Case, worlds: dict[str, np.ndarray]) -> tuple[Any, Callable[[int], None]]:
    """A case's environment, warm, and a function that makes k steps."""
    env = mabc.make_batch(case.scenario, num_envs=case.batch, obs=case.obs, threads=case.threads, **case.changes)
    rng = np.random.default_rng(1)
    actions = rng.integers(env.num_actions, size=(16, case.batch, env.num_agents))
    env.reset(seed=0)
    env.restore(worlds)

    def steps(count: int) -> None:
        for k in range(count):
            env.step(actions[k % 16])
            env.action_mask()

    steps(2)
    return env, steps


def rate(steps: Callable[[int], None], batch: int, window: float) -> float:
    """Environment steps a second over at least `window` seconds."""
    piece = max(1, 128 // batch)
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < window or not count:
        steps(piece)
        count += piece
    return count * batch / elapsed


def throughput(options: Options) -> dict[str, Any]:
    """All cases, repeats interleaved; and what a world's step costs in the largest batch against 1,024 worlds."""
    every = list(cases(options))
    sizes = {case: gib_needed(case) for case in every}
    chosen = [case for case in every if sizes[case] <= options.memory]
    left_out = [{**vars(case), "why": f"{sizes[case]:.1f} GiB of observations"} for case in every if case not in chosen]
    found: dict[Case, list[float]] = {case: [] for case in chosen}
    agents: dict[str, int] = {}
    for repeat in range(options.repeats):
        worlds: dict[tuple[str, int], dict] = {}
        for case in chosen:
            key = (case.scenario, case.batch)
            if key not in worlds:
                worlds = {k: v for k, v in worlds.items() if k[0] == case.scenario}
                worlds[key] = aged_worlds(*key)
            env, steps = ready(case, worlds[key])
            found[case].append(rate(steps, case.batch, options.window))
            agents[case.scenario] = env.num_agents
            env.close()
        tell(f"throughput: repeat {repeat + 1} of {options.repeats} ({len(chosen)} cases)")
    rows = [
        {
            **vars(case),
            "agents": agents[case.scenario],
            "env_steps_per_s": spread(values),
            "agent_steps_per_s": spread(value * agents[case.scenario] for value in values),
            "us_per_world_step": spread(1e6 / value for value in values),
        }
        for case, values in found.items()
    ]
    return {"cases": rows, "left_out": left_out, "cost": cost(found, options)}


def cost(found: dict[Case, list[float]], options: Options) -> list[dict[str, Any]]:
    """Time of a world's step in the largest batch over that in the next smaller one, repeat by repeat."""
    rows = []
    for case, values in found.items():
        small = replace(case, batch=sorted(options.batches)[-2])
        if case.batch == max(options.batches) and small in found:
            ratios = [few / many for few, many in zip(found[small], values, strict=True)]
            rows.append({**vars(case), "against_batch": small.batch, "ratio": spread(ratios)})
    return rows


# --- PettingZoo ---


def parallel_steps(scenario: str) -> Callable[[int], None]:
    """Makes k steps of one world through the PettingZoo parallel interface; episodes restart."""
    env = mabc.parallel_env(scenario, seed=0)
    rng = np.random.default_rng(0)
    names, sizes = env.possible_agents, [env.action_space(agent).n for agent in env.possible_agents]
    actions = [dict(zip(names, rng.integers(sizes).tolist(), strict=True)) for _ in range(64)]
    env.reset(seed=0)

    def steps(count: int) -> None:
        for k in range(count):
            if not env.agents:
                env.reset()
            env.step(actions[k % 64])

    steps(64)
    return steps


def parallel(options: Options) -> list[dict[str, Any]]:
    """Steps a second of one world through the PettingZoo parallel interface (masks are in its infos)."""
    made = {scenario: parallel_steps(scenario) for scenario in options.scenarios}
    found: dict[str, list[float]] = {scenario: [] for scenario in made}
    for _ in range(options.repeats):
        for scenario, steps in made.items():
            found[scenario].append(rate(steps, 1, 2 * options.window))
    tell("PettingZoo parallel interface")
    return [{"scenario": scenario, "env_steps_per_s": spread(values)} for scenario, values in found.items()]


# --- compile time ---

FIRST_STEP = """
import json, time
times, start = {}, time.perf_counter()
def lap(name):
    global start
    now = time.perf_counter()
    times[name], start = round(now - start, 3), now
import mabc
lap("import")
env = mabc.make_batch("skirmish-3v3", num_envs=1)
lap("make_batch")
env.reset(seed=0)
lap("first_reset")
env.step([[0] * env.num_agents])
lap("first_step")
times["total"] = round(sum(times.values()), 3)
print(json.dumps(times))
"""


def first_step(cache: str | None) -> dict[str, float]:
    """Seconds to the end of the first step in a fresh process, with a cache folder (None: the user's)."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "envs"), os.environ.get("PYTHONPATH", "")])}
    if cache:
        env["MABC_CACHE_DIR"] = cache
    done = subprocess.run([sys.executable, "-c", FIRST_STEP], env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the process that measures the first step failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compile_time(options: Options) -> dict[str, Any]:
    """Seconds of import, make_batch, first reset and first step: cold, and with the cache that the cold one left."""
    cold, cached = [], []
    for _ in range(options.cold):
        with tempfile.TemporaryDirectory() as folder:
            cold.append(first_step(folder))
            cached += [first_step(folder) for _ in range(2)]
        tell(f"compile: {cold[-1]['total']} s cold, {cached[-1]['total']} s with the cache")
    if not cold:  # --quick
        cached = [first_step(None)]

    def summary(runs: list[dict[str, float]]) -> dict[str, Any] | None:
        return {part: spread(run[part] for run in runs) for part in runs[0]} if runs else None

    return {"cold": summary(cold), "cached": summary(cached)}


# --- peers ---


class Peer(Worker):
    """A peer in its own process: see peers/worker.py. `ready` is its setting."""

    def __init__(self, name: str, options: Options):
        how = {"batches": options.peer_batches, "probe": options.pair_window}
        if not PEER_PYTHON.exists():
            sys.exit("--peers: their environment is not there yet. Make it once (about 1 GB): make peers")
        command = [str(PEER_PYTHON), str(ROOT / "scripts/peers/worker.py"), name, json.dumps(how)]
        super().__init__(name, command, {key: value for key, value in os.environ.items() if key != "PYTHONPATH"})

    def rates(self, seconds: float) -> tuple[float, float]:
        """Environment and agent steps a second, measured now for at least so long."""
        found = self.ask(seconds)
        return found["env_steps"] / found["seconds"], found["agent_steps"] / found["seconds"]


@dataclass
class Ours:
    """One way to run ours, ready to be measured again and again."""

    setting: dict[str, Any]
    agents: int
    measure: Callable[[float], float]  # seconds -> environment steps a second


def ours_at_best(scenario: str, options: Options) -> Ours:
    """`make_batch` on all cores at the batch size that is fastest here, found by trying; against `classic`.

    SMAX's enemies are of that kind: they go to the nearest of ours and shoot.
    """
    best: tuple[float, Ours] | None = None
    tried = []
    for batch in sorted({1024, 4096, max(options.batches)}):
        case = Case(scenario, "vector", cores(), batch, "classic")
        env, steps = ready(case, aged_worlds(scenario, batch, **case.changes))
        found = rate(steps, batch, options.pair_window)
        tried.append({"batch": batch, "agent_steps_per_s": round(found * env.num_agents)})
        setting = {"interface": "make_batch", "scenario": scenario, "obs": "vector", "batch": batch}
        setting |= {"threads": env.threads, "opponents": case.opponents, "tried": tried}
        ours = Ours(setting, env.num_agents, lambda seconds, steps=steps, batch=batch: rate(steps, batch, seconds))
        if best is None or found > best[0]:
            best = (found, ours)
    assert best
    return best[1]


def ours_parallel(scenario: str) -> Ours:
    """One world through the PettingZoo interface, as the peers that have nothing else."""
    steps = parallel_steps(scenario)
    agents = len(mabc.parallel_env(scenario).possible_agents)
    setting = {"interface": "PettingZoo parallel", "scenario": scenario, "obs": "vector", "batch": 1}
    return Ours(setting, agents, lambda seconds: rate(steps, 1, seconds))


def compare(peer: Peer, ours: Ours, options: Options) -> dict[str, Any]:
    """Pairs of windows, ours and the peer's by turns; ratios pair by pair."""
    pairs = []
    for k in range(options.pairs):
        if k % 2:  # whoever is second in one pair is first in the next
            theirs = peer.rates(options.pair_window)
            mine = ours.measure(options.pair_window)
        else:
            mine = ours.measure(options.pair_window)
            theirs = peer.rates(options.pair_window)
        pairs.append((mine, mine * ours.agents, *theirs))
    names = ("ours_env_steps_per_s", "ours_agent_steps_per_s", "peer_env_steps_per_s", "peer_agent_steps_per_s")
    found = {name: spread(column) for name, column in zip(names, zip(*pairs, strict=True), strict=True)}
    found["ratio_env_steps"] = spread(mine / theirs for mine, _, theirs, _ in pairs)
    found["ratio_agent_steps"] = spread(mine / theirs for _, mine, _, theirs in pairs)
    row = {"peer": peer.ready, "ours": ours.setting, **found}
    tell(f"{peer.name}: agent-steps/s ours over theirs {shown(found['ratio_agent_steps'])}")
    return row


def peers(options: Options) -> list[dict[str, Any]]:
    """Every peer against ours; those without batches also against one world of ours behind the same interface."""
    rows = []
    best = ours_at_best("skirmish-5v6", options)
    for name in options.peers:
        tell(f"peer {name}: setting up (JAX compiles for a minute or two)" if name == "smax" else f"peer {name}")
        peer = Peer(name, options)
        rows.append(compare(peer, best, options))
        if peer.ready["batch"] == 1:
            same = "skirmish-3v3" if name == "simple_spread" else "skirmish-20v20"
            rows.append(compare(peer, ours_parallel(same), options))
        peer.close()
    return rows


# --- what is promised ---


def promises(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The numbers that the project promises on two cores, as measured; those whose part did not run are absent."""
    found: list[tuple[str, float, float, bool]] = []  # what, measured, bound, at least (else at most)
    lines = result.get("throughput", {}).get("cases", ())

    def median(**wanted: Any) -> list[float]:
        chosen = [line for line in lines if all(line[key] == value for key, value in wanted.items())]
        return [line["agent_steps_per_s"]["median"] / (line["agents"] if "batch" in wanted else 1) for line in chosen]

    if values := median(scenario="versus-5v5", obs="vector"):
        found.append(("versus-5v5, vector, best batch: agent-steps/s", max(values), 5e6, True))
    if values := median(scenario="skirmish-3v3", obs="vector", batch=1):
        found.append(("skirmish-3v3, vector, one world: steps/s", max(values), 30_000, True))
    for row in result.get("parallel", ()):
        if row["scenario"] == "skirmish-3v3":
            median_found = row["env_steps_per_s"]["median"]
            found.append(("skirmish-3v3, PettingZoo parallel: steps/s", median_found, 8_000, True))
    for row in result.get("throughput", {}).get("cost", ()):
        if row["obs"] == "vector" and (row["batch"], row["against_batch"]) == (16_384, 1024):
            what = "{scenario}, vector, {threads} threads: world-step, {batch} over {against_batch} worlds"
            found.append((what.format(**row), row["ratio"]["median"], 1.5, False))
    for kind, bound in (("cold", 40), ("cached", 2)):
        if times := result.get("compile", {}).get(kind):
            found.append((f"import to first step, {kind}: s", times["total"]["median"], bound, False))
    for row in result.get("peers", ()):
        if row["peer"]["peer"] == "smax":
            found.append(("skirmish-5v6 over SMAX: agent-steps/s", row["ratio_agent_steps"]["median"], 15, True))
    return [
        {"what": what, "measured": value, "bound": ("≥ " if least else "≤ ") + short(bound)}
        | {"met": bool(value >= bound if least else value <= bound)}
        for what, value, bound, least in found
    ]


# --- output ---


def table(result: dict[str, Any]) -> str:
    """All results for people."""
    machine, version = result["machine"], result["versions"]
    out = [f"{machine['processor']}, {machine['cores']} cores; load before {result['load_before']}"]
    out.append(", ".join(f"{name} {number}" for name, number in version.items() if name != "mabc_sources"))
    if "throughput" in result:
        out.append("\nThroughput, median (least to greatest)")
        names = ("scenario", "observation", "threads", "worlds", "env-steps/s", "agent-steps/s")
        out.append("{:<15} {:<11} {:>7} {:>7}  {:<28} {}".format(*names))
        for row in result["throughput"]["cases"]:
            head = f"{row['scenario']:<15} {row['obs']:<11} {row['threads']:>7} {row['batch']:>7}"
            out.append(f"{head}  {shown(row['env_steps_per_s']):<28} {shown(row['agent_steps_per_s'])}")
        for row in result["throughput"]["left_out"]:
            out.append(f"{row['scenario']:<15} {row['obs']:<11} {row['threads']:>7} {row['batch']:>7}  ({row['why']})")
    if "parallel" in result:
        out.append("\nPettingZoo parallel interface, one world, steps/s")
        out += [f"{row['scenario']:<15} {shown(row['env_steps_per_s'])}" for row in result["parallel"]]
    if "compile" in result:
        out.append("\nSeconds in a fresh process")
        for kind, times in result["compile"].items():
            parts = ", ".join(f"{part} {shown(value)}" for part, value in times.items()) if times else "not measured"
            out.append(f"{kind:<7} {parts}")
    if "peers" in result:
        out.append("\nAgainst peers, in pairs of windows by turns; ratios of agent-steps/s, learners only")
        for row in result["peers"]:
            peer, ours = row["peer"], row["ours"]
            left = f"{ours['scenario']} ({ours['interface']}, {ours['batch']} worlds)"
            out.append(f"{left} {shown(row['ours_agent_steps_per_s'])}")
            right = f"{peer['peer']} ({peer['batch']} worlds)"
            out.append(f"  over {right} {shown(row['peer_agent_steps_per_s'])} = {shown(row['ratio_agent_steps'])}")
    if result["promises"]:
        out.append("\nPromised on two cores")
        for row in result["promises"]:
            mark = "met" if row["met"] else "NOT MET"
            out.append(f"{row['what']:<72} {short(row['measured']):>8}  {row['bound']:<8} {mark}")
    return "\n".join(out)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="results as JSON; without FILE on stdout")
    parser.add_argument("--quick", action="store_true", help="a small version, to see that everything works")
    parser.add_argument("--peers", action="store_true", help="measure other environments too (after `make peers`)")
    parser.add_argument("--only", metavar="PARTS", help=f"some of {','.join(PARTS)}")
    for name, known in (("scenarios", SCENARIOS), ("observations", OBSERVATIONS), ("batches", BATCHES)):
        parser.add_argument(f"--{name}", metavar="LIST", help=f"default {','.join(map(str, known))}")
    parser.add_argument("--repeats", type=int, help="of every case (5)")
    parser.add_argument("--window", type=float, help="seconds of a repeat (0.2)")
    given = parser.parse_args(argv)
    for part in (given.only or "").split(","):
        if part and part not in PARTS:
            parser.error(f"--only {part}: choose from {', '.join(PARTS)}")
    return given


def options_of(given: argparse.Namespace) -> Options:
    """How much is measured, as the command line says."""
    changes: dict[str, Any] = {}
    for name in ("scenarios", "observations", "batches"):
        if text := getattr(given, name):
            kind = int if name == "batches" else str
            changes[name] = tuple(kind(word) for word in text.split(","))
    changes |= {name: value for name in ("repeats", "window") if (value := getattr(given, name)) is not None}
    return replace(QUICK if given.quick else Options(), **changes)


def main(argv: list[str] | None = None) -> None:
    """Measure, print, write."""
    given = parse(argv)
    options = options_of(given)
    wanted = given.only.split(",") if given.only else [part for part in PARTS if part != "peers" or given.peers]
    result: dict[str, Any] = header("numba", "numpy", "gymnasium", "pettingzoo", "llvmlite")
    result |= {"quick": given.quick, "options": vars(options)}
    measures = {"throughput": throughput, "parallel": parallel, "compile": compile_time, "peers": peers}
    for part in PARTS:
        if part in wanted:
            tell(f"{part} …")
            result[part] = measures[part](options)
    result["load_after"] = load()
    result["promises"] = [] if given.quick else promises(result)
    write_json(given.json, result)
    print(table(result), file=sys.stderr if given.json == "-" else sys.stdout)
    if given.json and given.json != "-":
        tell(f"written to {Path(given.json).name}")


if __name__ == "__main__":
    main()
