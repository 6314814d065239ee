"""Evaluate a run: its greedy policy unless greedy=false, fixed seeds, so many episodes; prints one JSON line.

    python -m algos.evaluate run=runs/skirmish-3v3-ippo-s0
    python -m algos.evaluate run=runs/mine episodes=2048 bots=classic,tactical env.opponent=tactical:regular
    python -m algos.evaluate run=zoo:skirmish-3v3 record=games/       keeps the first world's episodes as replays

Win rates come with their 95% Wilson interval; `bots` control the very same agents. Where several
teams learn, the policy (or the bot) drives the first, and tactical:regular (or env.opponent) the others, `against` it.
"""

from __future__ import annotations

import json
from typing import Any

from algos.adapters import make_env
from algos.common import cli
from algos.common import config as cfg
from algos.common.errors import BadInput
from algos.common.protocol import rules_version
from algos.common.run import check_rules
from algos.evaluation.episodes import BOTS, SEED, evaluate_run
from algos.evaluation.trained import load_run

KEYS = {
    "run": "a run folder, one of its checkpoints, or zoo:NAME",
    "episodes": "how many (512)",
    "bots": "bots for comparison (random,classic,tactical:regular,tactical; none: bots=)",
    "seed": f"of the worlds ({SEED})",
    "device": "of the network (cpu)",
    "greedy": "false: sample actions from the policy, where it has a distribution, as in training (true)",
    "record": "a folder for replays of the policy's episodes in the first world, or a .mabc file for the last of them",
}


def run_evaluation(argv: list[str]) -> dict[str, Any]:
    """What the command line asks for, as a dictionary."""
    options, changes = cli.parse(argv, KEYS)
    numbers = {"episodes": cli.number(options, "episodes", 512, above=0), "seed": cli.number(options, "seed", SEED)}
    import torch

    config, policy = load_run(options["run"], options.get("device", "cpu"), cli.flag(options, "greedy", True))
    config["env"] = {**config["env"], **changes}
    record = options.get("record")
    if record and config["env"]["name"] != "mabc":
        raise BadInput(f"record={record}: episodes of env=mabc can be recorded, not of {config['env']['name']}")
    env = make_env(config["env"], num_envs=1, opponent=None)
    check_rules(config["rules"], rules_version(env), options["run"])
    env.close()
    bots = tuple(name for name in options.get("bots", ",".join(BOTS)).split(",") if name)
    for bot in bots:
        if bot not in BOTS:
            raise cfg.unknown("bot", bot, BOTS)
    torch.manual_seed(numbers["seed"])  # of actions that are drawn
    return evaluate_run(options["run"], config, policy, bots=bots, record=record, **numbers)


def main(argv: list[str] | None = None) -> None:
    cli.command(argv, __doc__, KEYS, lambda words: print(json.dumps(run_evaluation(words))))


if __name__ == "__main__":
    main()
