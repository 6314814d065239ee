"""Our PPO against Stable-Baselines3's on the same task: steps a second, and time to a win rate of 0.9.

    python scripts/bench_train.py --json baselines/results/train.json --seed 0     one seed, ours and SB3's by turns
    python scripts/bench_train.py --json baselines/results/train.json --seed 1     … adds to the file
    python scripts/bench_train.py --json baselines/results/train.json --calibrate  find SB3's own best batch
    python scripts/bench_train.py --json baselines/results/train.json --seed 0 --learners sb3-best
    python scripts/bench_train.py --json baselines/results/train.json --show       the table so far
    python scripts/bench_train.py --quick                                          a minute, to see that it works

Learners (`--learners`, by default ours,sb3):
    ours      algos/online/ppo.py (`ippo`) on make_batch
    sb3       sb3-contrib's MaskablePPO (SB3's PPO with masks) on the PettingZoo environment through SuperSuit
    sb3-best  the same with the number of worlds, minibatches and threads at which it makes most steps a second here
    sb3-direct  the same as sb3 on mabc.interop.sb3's VecEnv: what is left when the environment is fast

Equal: scenario and opponents, observations, team reward, network (layers, widths, activation, orthogonal start, actor
and critic apart), optimiser and its step size's fall, worlds, steps of a rollout, passes, minibatches, discount, GAE,
clipping of policy and gradient, entropy bonus, masks, bootstrapping at the time limit, torch's threads, budget. Dead
agents too: SB3 keeps their rows, so a rollout buffer of ours leaves them out of the update, and gives them their team
mates' value (`LivingRows`); SuperSuit's wrapper passes on masks, deaths and time limits (`Rows`).
Not equal, each as its library has it: we normalise values and clip the value's movement (SB3 has no normalisation; its
value loss is the plain square with the usual weight 0.5, ours half of it), SB3 normalises advantages by minibatch, we
by rollout; a dead agent's end value at a time limit is its own there, its team mates' here. Neither writes logs or
checkpoints.

The settings are those that algos/online/ppo.py has by default, which were chosen for it and not for SB3; sb3-best has
a batch of its own. The wider the network and the more the epochs, the more of the time is the same arithmetic in both,
and the smaller the difference: `--width 256 --epochs 4` shows it.

Learners take turns, one interval of training each, all in one process, so that what else the machine does falls on all
of them; each has a clock and random streams of its own. Between intervals the clock stands and the greedy policy plays
512 episodes of worlds that nobody trains in, the same function for all. The target is reached with the first of two
evaluations in a row with a win rate of 0.9: the clock of training then is the time told. A learner that reached it
stops (after ten intervals at the earliest, for the sake of steps a second); one that runs out of budget or time counts
as slower than all that did.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from bench_common import header, load, shown, spread, tell, write_json

import mabc
from algos.evaluation import episodes
from algos.online import ppo

LEARNERS = ("ours", "sb3", "sb3-best", "sb3-direct")
# (worlds, minibatches, torch's threads) among which sb3-best is chosen
CANDIDATES = ((64, 2, 1), (64, 8, 1), (256, 2, 1), (256, 8, 1), (256, 8, 2), (1024, 2, 1), (1024, 8, 1), (1024, 8, 2))


@dataclass(frozen=True)
class Settings:
    """What all learners share: by default as `make train`, which normalises observations besides.

    Runs of different settings do not go into one file.
    """

    scenario: str = "skirmish-3v3"
    opponent: str = "tactical:novice"
    worlds: int = 256  # B
    num_steps: int = 16  # steps per world between updates (T)
    epochs: int = 2
    minibatches: int = 8
    layers: int = 2
    width: int = 128
    lr: float = 2e-3  # falls linearly to 0 over the budget
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.002
    value: float = 0.5
    max_grad_norm: float = 0.5
    budget: int = 3_000_000  # environment steps, summed over worlds
    interval: int = 98_304  # environment steps between evaluations, at least a rollout
    least: int = 10  # intervals that everybody trains for, so that steps a second are of something
    episodes: int = 512  # of an evaluation
    target: float = 0.9  # win rate, in two evaluations in a row
    threads: int = 1  # of torch


QUICK = Settings(worlds=16, num_steps=16, width=32, budget=2048, interval=512, least=1, episodes=32)

# --- learners ---


class Learner(ABC):
    """Something that trains in pieces, with a clock and random streams of its own."""

    def __init__(self, settings: Settings, seed: int):
        self.settings, self.seed = settings, seed
        self.steps, self.seconds = 0, 0.0  # environment steps summed over worlds; time of training alone
        self.speeds: list[float] = []
        self.curve: list[list[float]] = []  # [steps, seconds, win rate]
        self.streams: tuple = ()

    def keep_streams(self) -> None:
        """Remember where the global random streams stand: they are this learner's while it trains."""
        self.streams = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002

    def train(self) -> float:
        """One interval; returns its environment steps a second."""
        random.setstate(self.streams[0])
        np.random.set_state(self.streams[1])  # noqa: NPY002 - SB3 draws its minibatches from it
        torch.set_rng_state(self.streams[2])
        torch.set_num_threads(self.settings.threads)
        before, start = self.steps, time.perf_counter()
        goal = min(before + self.settings.interval, self.settings.budget)
        while self.steps < goal:
            self.update()
        elapsed = time.perf_counter() - start
        self.keep_streams()
        self.seconds += elapsed
        self.speeds.append((self.steps - before) / elapsed)
        return self.speeds[-1]

    @abstractmethod
    def update(self) -> None:
        """One rollout and its update; adds to `steps`."""

    @abstractmethod
    def policy(self, obs: np.ndarray, mask: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]:
        """Greedy actions [B, N] for observations [B, N, D] and masks [B, N, A]."""

    def judge(self) -> float:
        """Win rate of the greedy policy in worlds that nobody trains in; not on the clock."""
        settings = self.settings
        env = mabc.make_batch(settings.scenario, min(episodes.WORLDS, settings.episodes), opponents=settings.opponent)
        played = episodes.play_episodes(env, self.policy, settings.episodes)
        env.close()
        rate = float(played["success"].mean())
        self.curve.append([self.steps, round(self.seconds, 3), round(rate, 4)])
        return rate

    def over(self) -> bool:
        """Whether it has reached the target or used its budget."""
        done = self.reached() is not None and len(self.speeds) >= self.settings.least
        return done or self.steps >= self.settings.budget

    def reached(self) -> list[float] | None:
        """The point of the curve where the target was reached: the first of two in a row at or above it."""
        good = [point[2] >= self.settings.target for point in self.curve]
        return next((self.curve[k] for k in range(len(good) - 1) if good[k] and good[k + 1]), None)


class Ours(Learner):
    """algos/online/ppo.py, one update at a time."""

    def __init__(self, settings: Settings, seed: int):
        super().__init__(settings, seed)
        config = ppo.Config(
            num_steps=settings.num_steps,
            update_epochs=settings.epochs,
            num_minibatches=settings.minibatches,
            num_layers=settings.layers,
            hidden_size=settings.width,
            lr=settings.lr,
            gamma=settings.gamma,
            gae_lambda=settings.gae_lambda,
            clip_coef=settings.clip,
            ent_coef=settings.entropy,
            vf_coef=settings.value,
            max_grad_norm=settings.max_grad_norm,
            norm_obs=False,  # SB3's rows are as the game tells them
        )
        env = mabc.make_batch(settings.scenario, settings.worlds, seed=seed, opponents=settings.opponent)
        run = SimpleNamespace(seed=seed, total_steps=settings.budget, state=None, config={"device": "cpu"})
        self.learner = ppo.Learner(config, env, run)
        self.greedy = ppo.Policy(self.learner.agent)

    def update(self) -> None:
        self.learner.iterate()
        self.steps = self.learner.step

    def policy(self, obs: np.ndarray, mask: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]:
        return self.greedy(obs, mask, memory)


class Sb3(Learner):
    """MaskablePPO on rows of SB3's VecEnv, row b * N + n being agent n of world b."""

    def __init__(self, settings: Settings, seed: int, direct: bool = False):
        super().__init__(settings, seed)
        from sb3_contrib import MaskablePPO
        from sb3_rows import LivingRows, direct_rows, supersuit_rows

        rows = (direct_rows if direct else supersuit_rows)(settings.scenario, settings.worlds, settings.opponent)
        widths = [settings.width] * settings.layers
        self.agents = rows.num_envs // settings.worlds
        self.model = MaskablePPO(
            "MlpPolicy",
            rows,
            learning_rate=lambda _: settings.lr * max(1 - self.steps / settings.budget, 0.0),
            n_steps=settings.num_steps,
            batch_size=rows.num_envs * settings.num_steps // settings.minibatches,
            n_epochs=settings.epochs,
            gamma=settings.gamma,
            gae_lambda=settings.gae_lambda,
            clip_range=settings.clip,
            ent_coef=settings.entropy,
            vf_coef=settings.value,
            max_grad_norm=settings.max_grad_norm,
            rollout_buffer_class=LivingRows,
            rollout_buffer_kwargs={"rows": rows, "agents": self.agents, "minibatches": settings.minibatches},
            policy_kwargs={"net_arch": {"pi": widths, "vf": widths}, "activation_fn": torch.nn.ReLU},
            seed=seed,
            device="cpu",
        )

    def update(self) -> None:
        rollout = self.settings.num_steps * self.model.n_envs
        self.model.learn(rollout, log_interval=1 << 30, reset_num_timesteps=False)
        self.steps = self.model.num_timesteps // self.agents

    def policy(self, obs: np.ndarray, mask: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]:
        worlds, agents = obs.shape[:2]
        flat = obs.reshape(worlds * agents, -1)
        masks = mask.reshape(worlds * agents, -1)
        actions, _ = self.model.predict(flat, deterministic=True, action_masks=masks)
        return actions.reshape(worlds, agents), None


def make_learner(name: str, settings: Settings, seed: int, best: dict[str, int] | None) -> Learner:
    """A learner by its name, its random streams seeded; `best` holds sb3-best's worlds, minibatches and threads."""
    if name == "sb3-best":
        if not best:
            sys.exit("sb3-best: its best batch is not known yet; find it with --calibrate --json FILE")
        settings = replace(settings, **best)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    learner = Ours(settings, seed) if name == "ours" else Sb3(settings, seed, direct=name == "sb3-direct")
    learner.keep_streams()
    return learner


# --- measuring ---


def run_seed(names: list[str], settings: Settings, seed: int, best: Any, limit: float) -> list[dict[str, Any]]:
    """Train some learners by turns until each reached the target, its budget's end, or the time limit."""
    start = time.perf_counter()
    learners = {name: make_learner(name, settings, seed, best) for name in names}
    tell(f"seed {seed}: {', '.join(names)} are set up")
    while time.perf_counter() - start < limit:
        going = {name: learner for name, learner in learners.items() if not learner.over()}
        if not going:
            break
        for name, learner in going.items():
            speed, rate = learner.train(), learner.judge()
            tell(f"seed {seed} {name:<10} {learner.steps:>9,} steps {speed:>8,.0f} steps/s  win rate {rate:.3f}")
    return [summary(name, learner) for name, learner in learners.items()]


def summary(name: str, learner: Learner) -> dict[str, Any]:
    """A run as the file has it. The first interval's speed is left out: it is not warm."""
    reached = learner.reached()
    return {
        "learner": name,
        "seed": learner.seed,
        "worlds": learner.settings.worlds,
        "minibatches": learner.settings.minibatches,
        "threads": learner.settings.threads,
        "steps_per_s": spread(learner.speeds[1:] or learner.speeds),
        "reached": reached is not None,
        "steps_to_target": reached[0] if reached else None,
        "seconds_to_target": reached[1] if reached else None,
        "seconds": round(learner.seconds, 3),
        "curve": learner.curve,
    }


def calibrate(settings: Settings, candidates: tuple, repeats: int = 3) -> dict[str, Any]:
    """SB3's steps a second at several numbers of worlds and minibatches; the best."""
    rows = []
    for worlds, minibatches, threads in candidates:
        size = {"worlds": worlds, "minibatches": minibatches, "threads": threads}
        chosen = replace(settings, **size, interval=worlds * settings.num_steps)
        learner = make_learner("sb3", chosen, 0, None)
        speeds = [learner.train() for _ in range(repeats + 1)][1:]
        rows.append({**size, "steps_per_s": spread(speeds)})
        words = ", ".join(f"{number} {what}" for what, number in size.items())
        tell(f"calibrate: {words}: {shown(rows[-1]['steps_per_s'])} steps/s")
    best = max(rows, key=lambda row: row["steps_per_s"]["median"])
    return {"tried": rows, "best": {what: best[what] for what in size}}


# --- the file ---


def open_results(path: str | None, settings: Settings) -> dict[str, Any]:
    """Results so far, if they are of the same settings; otherwise an empty file's contents."""
    if path and path != "-" and Path(path).exists():
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        differing = sorted(key for key, value in asdict(settings).items() if found["settings"].get(key) != value)
        if differing:
            sys.exit(f"{Path(path).name} was made with another {', '.join(differing)}: give another file")
        return found
    return {"settings": asdict(settings), "runs": [], "pieces": []}


def add(result: dict[str, Any], runs: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add runs, in place of those of the same learner and seed; `piece` says what made them."""
    new = {(run["learner"], run["seed"]) for run in runs}
    kept = [run for run in result["runs"] if (run["learner"], run["seed"]) not in new]
    result["runs"] = sorted(kept + runs, key=lambda run: (LEARNERS.index(run["learner"]), run["seed"]))
    result["pieces"].append(piece)
    result["summary"] = summarise(result["runs"])


def summarise(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median and range over seeds, by learner, and how many times ours each other learner takes (same seeds)."""
    found: dict[str, Any] = {}
    by_learner = {name: {run["seed"]: run for run in runs if run["learner"] == name} for name in LEARNERS}
    for name, own in by_learner.items():
        if not own:
            continue
        row: dict[str, Any] = {"seeds": sorted(own)}
        row["steps_per_s"] = spread(run["steps_per_s"]["median"] for run in own.values())
        row["not_reached"] = [seed for seed, run in own.items() if not run["reached"]]
        for key in ("seconds_to_target", "steps_to_target"):
            row[key] = known([run[key] for run in own.values()])
        both = [(by_learner["ours"][seed], run) for seed, run in own.items() if seed in by_learner["ours"]]
        if name != "ours" and both:
            pairs = [(mine["steps_per_s"]["median"], run["steps_per_s"]["median"]) for mine, run in both]
            row["ours_steps_per_s_over_it"] = spread(mine / its for mine, its in pairs)
            times = [(mine["seconds_to_target"], run["seconds_to_target"]) for mine, run in both if mine["reached"]]
            row["its_seconds_over_ours"] = known([its and its / mine for mine, its in times])
        found[name] = row
    return found


def known(values: list[float | None]) -> dict[str, Any] | None:
    """A spread in which None (not reached) is greater than all; None where the median itself was not reached."""
    ordered = sorted(math.inf if value is None else value for value in values)
    half = [ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]] if ordered else [math.inf]
    if math.inf in half:
        return None
    finite = spread(value for value in ordered if value < math.inf)
    greatest = None if ordered[-1] == math.inf else finite["max"]
    return {"median": float(f"{sum(half) / 2:.4g}"), "min": finite["min"], "max": greatest}


def table(result: dict[str, Any]) -> str:
    """The summary for people."""
    settings = result["settings"]
    out = ["{scenario} against {opponent}, {worlds} worlds × {num_steps} steps, {epochs} passes".format(**settings)]
    out[0] += ", {minibatches} minibatches, {layers} × {width}".format(**settings)
    for row in result.get("calibration", {}).get("tried", ()):
        out.append(
            f"  SB3, {row['worlds']} worlds, {row['minibatches']} minibatches: {shown(row['steps_per_s'])} steps/s"
        )
    for name, row in result.get("summary", {}).items():
        out.append(f"{name:<10} seeds {row['seeds']}: {shown(row['steps_per_s'])} steps/s")
        out.append(f"{'':<10} to a win rate of {settings['target']}: {reach(row, 'seconds_to_target')} s")
        out[-1] += f", {reach(row, 'steps_to_target')} steps"
        if "ours_steps_per_s_over_it" in row:
            out.append(f"{'':<10} ours makes {shown(row['ours_steps_per_s_over_it'])} times its steps/s")
            out[-1] += f" and is there {reach(row, 'its_seconds_over_ours')} times as soon"
    return "\n".join(out)


def reach(row: dict[str, Any], key: str) -> str:
    """A spread with values that were not reached."""
    if row[key] is None:
        return "(not reached)"
    return shown({**row[key], "max": math.inf if row[key]["max"] is None else row[key]["max"]})


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE", help="add to this file; without FILE to stdout")
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", default="0,1,2,3,4", help="several, one after the other (0,1,2,3,4)")
    parser.add_argument("--learners", default="ours,sb3", help=f"some of {','.join(LEARNERS)}")
    parser.add_argument("--budget", type=int, help=f"environment steps of a run ({Settings.budget})")
    parser.add_argument("--opponent", help=f"who is played against ({Settings.opponent})")
    parser.add_argument("--target", type=float, help=f"win rate to reach ({Settings.target})")
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds for one seed, evaluation included (1800)")
    parser.add_argument("--width", type=int, help=f"of the hidden layers ({Settings.width})")
    parser.add_argument("--epochs", type=int, help=f"passes over a rollout ({Settings.epochs})")
    parser.add_argument("--threads", type=int, help="of torch, for all learners (1; sb3-best has its own)")
    parser.add_argument("--calibrate", action="store_true", help="find SB3's own best batch, nothing else")
    parser.add_argument("--show", action="store_true", help="print the table of a file, measure nothing")
    parser.add_argument("--quick", action="store_true", help="tiny networks and budgets, to see that everything works")
    given = parser.parse_args(argv)
    given.learners = given.learners.split(",")
    for name in given.learners:
        if name not in LEARNERS:
            parser.error(f"--learners {name}: choose from {', '.join(LEARNERS)}")
    return given


def needed() -> None:
    """Stop with what to do where SB3's masked PPO is absent."""
    try:
        import sb3_contrib  # noqa: F401
        import supersuit  # noqa: F401
    except ImportError as error:
        sys.exit(f"{error.name} is needed: pip install -c constraints.txt -e '.[train,interop]'")


def main(argv: list[str] | None = None) -> None:
    """Measure one piece or several, print, write after each."""
    given = parse(argv)
    settings = QUICK if given.quick else Settings()
    changes = {
        name: getattr(given, name)
        for name in ("budget", "opponent", "target", "width", "epochs", "threads")
        if getattr(given, name)
    }
    settings = replace(settings, **changes)
    result = open_results(given.json, settings)
    if not given.show:
        if set(given.learners) != {"ours"} or given.calibrate:
            needed()
        measure_pieces(given, settings, result)
    if given.json == "-":
        write_json("-", result)
    print(table(result), file=sys.stderr if given.json == "-" else sys.stdout)


def measure_pieces(given: argparse.Namespace, settings: Settings, result: dict[str, Any]) -> None:
    """What the command line asks for; the file is written after each seed."""
    packages = ("torch", "numba", "numpy", "stable_baselines3", "sb3_contrib", "supersuit", "pettingzoo", "gymnasium")

    def piece() -> dict[str, Any]:
        return header(*packages)

    def write() -> None:
        if given.json and given.json != "-":
            write_json(given.json, result)

    if given.calibrate:
        at = piece()
        candidates: tuple = ((8, 4, 1), (16, 4, 1)) if given.quick else CANDIDATES
        result["calibration"] = {**calibrate(settings, candidates), **at}
        write()
        return
    seeds = [given.seed] if given.seed is not None else [int(seed) for seed in given.seeds.split(",")]
    best = result.get("calibration", {}).get("best")
    for seed in seeds:
        at = piece()
        runs = run_seed(given.learners, settings, seed, best, given.limit)
        add(result, runs, {**at, "seed": seed, "learners": given.learners, "load_after": load()})
        write()


if __name__ == "__main__":
    main()
