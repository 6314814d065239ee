"""Trained policies: a run folder, one of its checkpoints, or zoo:NAME as something that acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from algos.common import checkpoint
from algos.common import config as cfg
from algos.common.errors import BadInput, CheckpointError
from algos.common.protocol import BatchedEnv, Policy, rules_version
from algos.common.run import check_rules
from algos.evaluation.zoo import run_path


def load_run(run: str | Path, device: str = "cpu", greedy: bool = True) -> tuple[dict[str, Any], Policy]:
    """Configuration and policy of a run folder, one of its checkpoints or zoo:NAME; one thread, as in training."""
    import torch

    torch.set_num_threads(1)
    tree = checkpoint.load(checkpoint.find(run_path(run)))
    config = tree["config"]
    module = cfg.load_module(cfg.presets()[config["algo"]["name"]])
    return {**config, "rules": tree["rules"]}, module.load_policy(config["algo"], tree["state"], device, greedy)


def load_opponent(run: str | Path, env: BatchedEnv | None = None, greedy: bool = True) -> tuple[Policy, str]:
    """A run's policy as an opponent of MABC, `mabc.make_batch(…, opponents=policy)`, and the observations it reads.

    env: where it will play. BadInput, a ValueError, for a run of another environment, or of other rules than `env` has,
    and for what is no run at all. This is the door through which `mabc play` takes a trained team.
    """
    try:
        config, policy = load_run(run, greedy=greedy)
    except CheckpointError as error:
        raise BadInput(str(error)) from error
    if config["env"]["name"] != "mabc":
        raise BadInput(f"{run} was trained on env={config['env']['name']}, not on mabc")
    if env is not None:
        check_rules(config["rules"], rules_version(env), run)
    return policy, config["env"].get("obs") or "vector"
