"""Train the policies that the locomotion recipes roll out: PPO on Gymnasium's v5 tasks, with snapshots on the way.

    python scripts/make_behaviour.py                  hopper, halfcheetah and walker2d, one after the other
    python scripts/make_behaviour.py hopper           one of them

Writes algos/data/recipes/behaviour/TASK.safetensors: the actors of 24 moments of one run, their exploration noise
and the mean return of 20 episodes of each. A dataset called *expert* is made by the best of them, *medium* by the one
nearest a third of its return, *medium-replay* by all up to that one (see algos/data/recipes/catalogue.py).
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from bench_common import machine, tell, versions

from algos.adapters import make_env
from algos.common import checkpoint
from algos.data.recipes.behaviour import FOLDER, SNAPSHOTS, Behaviour, rollout_returns
from algos.online import ppo

TASKS: dict[str, tuple[str, int, int, float, dict[str, Any]]] = {
    "hopper": ("Hopper-v5", 2_000_000, 1, 0.0, {"gamma": 0.99, "gae_lambda": 0.95}),
    "halfcheetah": ("HalfCheetah-v5", 2_000_000, 2, -1.0, {"gamma": 0.98, "gae_lambda": 0.92}),
    "walker2d": ("Walker2d-v5", 3_000_000, 1, 0.0, {"gamma": 0.99, "gae_lambda": 0.95}),
}
"""Of each task: environment, steps of training, how its snapshots are spaced (2: the n-th at n squared, because the
cheetah learns most in its first tenth), log of the noise's deviation at the start, and ippo's settings that differ from
the others': with a cheetah's settings the hopper learns to stand, with a hopper's the cheetah runs on its back."""

CONFIG: dict[str, Any] = {
    "num_steps": 64,
    "update_epochs": 10,
    "num_minibatches": 8,
    "lr": 3e-4,
    "ent_coef": 0.0,
    "clip_vloss": False,
    "norm_obs": True,
    "activation": "tanh",
}
"""What differs from ippo's defaults: the settings usual for PPO on these tasks."""
WORLDS = 32
SEED = 0
EPISODES = 20


class _Run:
    """The part of a run that a Learner reads."""

    def __init__(self, total_steps: int):
        self.seed, self.total_steps, self.state, self.config = SEED, total_steps, None, {"device": "cpu"}


def actor(learner: ppo.Learner) -> dict[str, np.ndarray]:
    """What a Behaviour needs of a learner's networks."""
    weights = {name: value.detach().cpu().numpy() for name, value in learner.agent.state_dict().items()}
    names = ("encoder.body.0", "encoder.body.2", "head")
    layers, biases = ([weights[f"actor.{name}.{part}"] for name in names] for part in ("weight", "bias"))
    return {
        **{f"weight{i}": layer.T.copy() for i, layer in enumerate(layers)},
        **{f"bias{i}": bias.copy() for i, bias in enumerate(biases)},
        "std": np.exp(weights["log_std"]),
        "obs_mean": weights["obs_mean"].copy(),
        "obs_std": weights["obs_std"].copy(),
    }


def make(task: str) -> None:
    """Train one task and write its file."""
    env_id, total_steps, spacing, log_std, settings = TASKS[task]
    env = make_env({"name": "gym", "id": env_id, "num_envs": WORLDS, "kwargs": {}}, seed=SEED)
    learner = ppo.Learner(ppo.Config(**CONFIG, **settings), env, _Run(total_steps))
    learner.agent.log_std.data.fill_(log_std)
    marks = iter(total_steps * np.linspace(0, 1, SNAPSHOTS + 1)[1:] ** spacing)
    mark, snapshots = next(marks), []
    while learner.step < total_steps:
        learner.iterate()
        if learner.step >= mark:
            weights = actor(learner)
            returns = rollout_returns(Behaviour(weights), env_id, EPISODES, seed=10_000 + len(snapshots))
            snapshots.append({"step": learner.step, "return": float(returns.mean()), "weights": weights})
            tell(f"{task}: {learner.step:>9,} steps, return {returns.mean():8.1f} (± {returns.std():.1f})")
            mark = next(marks, np.inf)
    env.close()
    made = {"config": {**CONFIG, **settings}, "log_std": log_std, "spacing": spacing, "num_envs": WORLDS, "seed": SEED}
    made |= {"total_steps": total_steps}
    made |= {"machine": machine(), "versions": versions("torch", "numpy", "gymnasium", "mujoco")}
    FOLDER.mkdir(exist_ok=True)
    path = checkpoint.save(FOLDER / f"{task}.safetensors", {"env": env_id, "snapshots": snapshots, "made": made})
    tell(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """What the command line asks for."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; none: all")
    options = parser.parse_args()
    if unknown := set(options.tasks) - set(TASKS):
        parser.error(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
    torch.set_num_threads(1)
    for task in options.tasks or TASKS:
        make(task)


if __name__ == "__main__":
    main()
