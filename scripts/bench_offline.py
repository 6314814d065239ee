"""How long a gradient step of the offline algorithms takes, beside CORL's own files on the same machine.

    python scripts/bench_offline.py                                       ours alone
    python scripts/bench_offline.py --corl ~/CORL/algorithms/offline      and CORL's td3_bc.py, iql.py, cql.py,
                                                                          any_percent_bc.py, run as they are
    python scripts/bench_offline.py --json baselines/results/offline-speed.json …

Both sides: 17 observations, 6 actions, batch 256, 256 x 256 networks (cql: critics and actor with three layers, as CORL
has them), float32, sampling the minibatch included. Blocks of updates take turns, and ratios are those of neighbouring
blocks. CORL's files import packages that only its training loop needs (d4rl, gym, wandb, pyrallis): empty modules stand
in for those, nothing else is touched.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_common import header, short, spread, tell, write_json

from algos.data.dataset import Dataset
from algos.offline import bc, cql, iql, td3_bc
from algos.offline.minibatches import Minibatches, Scaling, Transitions

OBS, ACTIONS, BATCH = 17, 6, 256
OURS = {"bc": bc, "td3_bc": td3_bc, "iql": iql, "cql": cql}
FILES = {"bc": "any_percent_bc.py", "td3_bc": "td3_bc.py", "iql": "iql.py", "cql": "cql.py"}
UPDATES = {"bc": 200, "td3_bc": 100, "iql": 100, "cql": 10}  # in a block


def fake_data(steps: int = 100_000) -> Dataset:
    """Random numbers of a cheetah's shape, in episodes of 1,000 steps."""
    random = np.random.default_rng(0)
    starts = np.arange(0, steps + 1, 1000)
    obs = random.standard_normal((steps + len(starts) - 1, OBS), np.float32)
    actions = np.tanh(random.standard_normal((steps, ACTIONS), np.float32))
    return Dataset(obs, actions, random.standard_normal(steps, np.float32), np.zeros(steps, bool), starts)


def ours(name: str, data: Dataset, seeds: int = 1) -> Callable[[], Any]:
    """A function that draws a minibatch and makes one update."""
    module = OURS[name]
    config = module.Config(seeds=seeds, **({"num_layers": 3} if name == "cql" else {}))
    sizes = {"obs": OBS, "actions": 0, "action_dims": ACTIONS, "agents": 1}
    learner = module.make_learner(config, sizes, 1_000_000)
    scaling = Scaling([0.0] * OBS, [1.0] * OBS, [-1.0] * ACTIONS, [1.0] * ACTIONS)
    minibatches = Minibatches([Transitions(data, scaling)], seeds, config.batch_size, 0)
    return lambda: learner.update(minibatches.sample())


# --- CORL ---


def corl_module(folder: Path, name: str) -> Any:
    """One of CORL's files as a module."""
    for missing in ("d4rl", "gym", "wandb", "pyrallis"):
        sys.modules.setdefault(missing, types.ModuleType(missing))
    sys.modules["pyrallis"].wrap = lambda: lambda function: function  # type: ignore[attr-defined]
    sys.modules["gym"].Env = object  # type: ignore[attr-defined]
    path = folder / FILES[name]
    if not path.is_file():
        raise SystemExit(f"--corl {folder}: there is no {path.name}; give CORL's folder algorithms/offline")
    spec = importlib.util.spec_from_file_location(f"corl_{name}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[f"corl_{name}"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def corl(folder: Path, name: str, data: Dataset) -> Callable[[], Any]:
    """The same with CORL's trainer and buffer."""
    module = corl_module(folder, name)
    buffer = module.ReplayBuffer(OBS, ACTIONS, data.num_steps, "cpu")
    rows = data.rows
    buffer.load_d4rl_dataset({
        "observations": data.obs[rows], "actions": data.actions, "rewards": data.rewards,
        "next_observations": data.obs[rows + 1], "terminals": data.terminals,
    })  # fmt: skip
    trainer = CORL_TRAINERS[name](module)
    return lambda: trainer.train([x.to("cpu") for x in buffer.sample(BATCH)])


def adam(network: torch.nn.Module, lr: float = 3e-4) -> torch.optim.Adam:
    """As CORL makes it."""
    return torch.optim.Adam(network.parameters(), lr=lr)


def corl_bc(m: Any) -> Any:
    """any_percent_bc.py's trainer."""
    actor = m.Actor(OBS, ACTIONS, 1.0)
    return m.BC(1.0, actor, adam(actor))


def corl_td3_bc(m: Any) -> Any:
    """td3_bc.py's trainer."""
    actor, first, second = m.Actor(OBS, ACTIONS, 1.0), m.Critic(OBS, ACTIONS), m.Critic(OBS, ACTIONS)
    return m.TD3_BC(1.0, actor, adam(actor), first, adam(first), second, adam(second))


def corl_iql(m: Any) -> Any:
    """iql.py's trainer."""
    q, v, actor = m.TwinQ(OBS, ACTIONS), m.ValueFunction(OBS), m.GaussianPolicy(OBS, ACTIONS, 1.0)
    return m.ImplicitQLearning(1.0, actor, adam(actor), q, adam(q), v, adam(v))


def corl_cql(m: Any) -> Any:
    """cql.py's trainer, with the settings of its locomotion runs."""
    first, second = (m.FullyConnectedQFunction(OBS, ACTIONS, True, 3) for _ in range(2))
    actor = m.TanhGaussianPolicy(OBS, ACTIONS, 1.0, orthogonal_init=True)
    return m.ContinuousCQL(
        first, adam(first), second, adam(second), actor, adam(actor, 3e-5), target_entropy=-float(ACTIONS),
        policy_lr=3e-5, bc_steps=0, cql_alpha=10.0, cql_n_actions=10,
    )  # fmt: skip


CORL_TRAINERS = {"bc": corl_bc, "td3_bc": corl_td3_bc, "iql": corl_iql, "cql": corl_cql}


# --- measuring ---


def milliseconds(update: Callable[[], Any], count: int) -> float:
    """Milliseconds an update, over a block."""
    start = time.perf_counter()
    for _ in range(count):
        update()
    return (time.perf_counter() - start) / count * 1e3


def measure(name: str, data: Dataset, folder: Path | None, blocks: int) -> dict[str, Any]:
    """Blocks of our updates, of CORL's, and of three seeds side by side, in turns."""
    sides = {"ours": ours(name, data), "ours_3_seeds": ours(name, data, 3)}
    if folder:
        sides["corl"] = corl(folder, name, data)
    times: dict[str, list[float]] = {side: [] for side in sides}
    for side in sides.values():
        milliseconds(side, 3)
    for _ in range(blocks):
        for side, update in sides.items():
            times[side].append(milliseconds(update, UPDATES[name]))
    found = {f"{side}_ms": spread(values) for side, values in times.items()}
    if folder:
        pairs = zip(times["ours"], times["corl"], strict=True)
        found["ours_over_corl"] = spread(mine / theirs for mine, theirs in pairs)
    return found


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corl", type=Path, metavar="FOLDER", help="CORL's folder algorithms/offline")
    parser.add_argument("--algos", nargs="+", choices=list(OURS), default=list(OURS), metavar="ALGO",
                        help=f"some of {', '.join(OURS)}")  # fmt: skip
    parser.add_argument("--blocks", type=int, default=7, help="blocks of updates of each side (7)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    parser.add_argument("--json", metavar="FILE", help="write results there (- is stdout)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = {**header("torch", "numpy"), "threads": options.threads, "algorithms": {}}
    data = fake_data()
    for name in options.algos:
        found = measure(name, data, options.corl, options.blocks)
        result["algorithms"][name] = found
        tell(f"{name:<7}" + "  ".join(
            f"{key} {short(value['median'])} ({short(value['min'])} to {short(value['max'])})"
            for key, value in found.items()
        ))  # fmt: skip
    write_json(options.json, result)


if __name__ == "__main__":
    main()
