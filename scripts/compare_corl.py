"""What CORL's IQL learns from our datasets, beside ours: is a low score the data's doing, or a mistake of ours?

    python scripts/compare_corl.py --corl ~/CORL/algorithms/offline --json baselines/results/corl-iql.json

CORL's iql.py runs as it is, a seed at a time, with the networks, step sizes, targets, minibatches and gradient steps of
scripts/run_otto.py, and is judged as there. Ours are the finished cells of that script. Rewards are scaled by each
side's own rule. The file is written after every dataset, and a dataset that is in it is not run again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_common import header, tell, write_json
from bench_offline import corl_module

from algos.adapters import make_env
from algos.data.dataset import Dataset
from algos.data.load import load_data
from algos.offline.iql import Config
from algos.offline.loop import evaluate, scaling_of
from algos.offline.minibatches import Scaling
from scripts import run_otto

DATASETS = ("walker2d-medium-replay", "halfcheetah-medium-replay", "hopper-medium")


def trainer_of(m: Any, data: Dataset, scaling: Scaling, config: Config) -> tuple[Callable[[], Any], Callable]:
    """CORL's update, and its greedy policy as a function of our environments' arrays."""
    D, k, rows = data.obs.shape[-1], data.actions.shape[-1], data.rows
    obs = scaling.obs(torch.as_tensor(data.obs)).numpy()
    buffer = m.ReplayBuffer(D, k, data.num_steps, "cpu")
    buffer.load_d4rl_dataset({
        "observations": obs[rows], "actions": scaling.to_unit(torch.as_tensor(data.actions)).numpy(),
        "rewards": data.rewards * (1000 / np.ptp(data.returns)),  # its modify_reward for locomotion
        "next_observations": obs[rows + 1], "terminals": data.terminals,
    })  # fmt: skip
    q, v = m.TwinQ(D, k, config.hidden_size), m.ValueFunction(D, config.hidden_size)
    actor = m.GaussianPolicy(D, k, 1.0, config.hidden_size)
    adams = [torch.optim.Adam(network.parameters(), lr=config.lr) for network in (actor, q, v)]
    trainer = m.ImplicitQLearning(
        1.0, actor, adams[0], q, adams[1], v, adams[2], iql_tau=config.expectile, beta=config.beta,
        max_steps=run_otto.UPDATES, discount=config.gamma, tau=config.tau,
    )  # fmt: skip

    @torch.inference_mode()
    def policy(obs: np.ndarray, mask: np.ndarray, memory: Any = None) -> tuple[np.ndarray, None]:
        actions = actor(scaling.obs(torch.as_tensor(obs[:, 0], dtype=torch.float32))).mean.clamp(-1, 1)
        return scaling.to_env(actions)[:, None].numpy(), None

    return lambda: trainer.train(buffer.sample(config.batch_size)), policy


def scores_of(m: Any, dataset: str) -> list[float]:
    """Normalised scores of CORL's IQL: each seed's mean over the policies after the last thousands of steps."""
    env_config = run_otto.env_of(dataset)
    data, env = load_data(dataset, env_config), make_env(env_config, num_envs=1)
    judge = make_env(env_config, num_envs=run_otto.EPISODES["gym"], seed=1)
    config = Config(**run_otto.base_settings(dataset, "iql"))
    scaling = scaling_of(data, env, config)
    returns = []
    for seed in range(run_otto.SEEDS):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - CORL's buffer draws by it
        update, policy = trainer_of(m, data, scaling, config)
        returns.append([])
        for step in range(1, run_otto.UPDATES + 1):
            update()
            if step % 1_000 == 0 and step > run_otto.UPDATES - 1_000 * run_otto.JUDGED:
                returns[-1].append(evaluate(policy, judge, seed=3_000_017 + step)[0].mean())
        tell(f"{dataset}, seed {seed}: mean return {np.mean(returns[-1]):.0f}")
    return run_otto.scores({"dataset": dataset, "returns": returns}, data.info.get("references"))


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corl", type=Path, metavar="FOLDER", required=True, help="CORL's folder algorithms/offline")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=DATASETS, metavar="DATASET",
                        help=f"some of {', '.join(DATASETS)}")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", required=True, help="write results there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    module = corl_module(options.corl, "iql")
    made_with = {"updates": run_otto.UPDATES, **run_otto.SMALL, **run_otto.FAST_TARGETS}
    result: dict[str, Any] = {**header("torch", "numpy", "mujoco"), "settings": made_with, "datasets": {}}
    if options.json.exists():
        result = json.loads(options.json.read_text(encoding="utf-8"))
        if result["settings"] != made_with:
            raise SystemExit(f"{options.json} was made with {result['settings']}, not {made_with}: move it away")
    for dataset in options.datasets:
        if dataset in result["datasets"]:
            continue
        ours = json.loads((run_otto.RESULTS / f"{dataset}.iql.base.json").read_text(encoding="utf-8"))
        found = {"corl": scores_of(module, dataset), "ours": ours["scores"]}
        result["datasets"][dataset] = found
        write_json(str(options.json), result)
        tell(f"{dataset}: CORL {np.mean(found['corl']):.1f}, ours {np.mean(found['ours']):.1f}")


if __name__ == "__main__":
    main()
