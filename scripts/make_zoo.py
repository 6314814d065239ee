"""Make the zoo: train the teams that ship with the suite, keep what playing needs, and measure them.

    python scripts/make_zoo.py                      all teams, and algos/zoo/README.md
    python scripts/make_zoo.py siege-3v3            one of them
    python scripts/make_zoo.py --replays            the episodes in docs/replays/, by the teams that are there

Needed again after a change of the rules: a team plays by the rules version it was made under, no other.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_common import ROOT, machine, tell, versions

TEAMS = {
    "skirmish-3v3": ["env.scenario=skirmish-3v3"],
    "skirmish-5v5": ["env.scenario=skirmish-5v5"],
    "siege-3v3": ["env.scenario=siege-3v3", "env.shaping=1.0"],
    "versus-2v2": ["env.scenario=versus-2v2"],
    "scout-2v2": ["env.scenario=scout-2v2", "env.shaping=1.0"],
    "defend-2": [
        *("env.scenario=defend-2", "env.kill=8"),
        *("algo.num_steps=64", "algo.lr=1e-3", "algo.update_epochs=3", "algo.ent_coef=0.01"),
    ],
}
"""What follows `python -m algos.train env=mabc` for each team; all else is as it is by default, seed 0."""

REPLAYS = {"skirmish-5v5": 12, "versus-2v2": 4, "defend-2": 0}
"""Seeds of the episodes in docs/replays/."""

ZOO = ROOT / "algos" / "zoo"
EPISODES = 512


def train_command(name: str) -> list[str]:
    """What trains a team, without the folder."""
    return ["-m", "algos.train", "env=mabc", *TEAMS[name]]


def train(name: str, folder: Path) -> Path:
    """Train a team in a process of its own; its last checkpoint."""
    from algos.common import checkpoint

    command = [sys.executable, *train_command(name), f"dir={folder}"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr, stdin=subprocess.DEVNULL)
    return checkpoint.find(folder)


def slim(tree: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint without what only training needs: optimiser, worlds, random streams."""
    from algos.common import config as cfg

    module = cfg.load_module(cfg.presets()[tree["config"]["algo"]["name"]])
    state = {key: tree["state"][key] for key in module.POLICY_STATE}
    config = {key: value for key, value in tree["config"].items() if key not in ("dir", "resume", "given")}
    return {**tree, "config": config, "state": state}


def make(name: str) -> None:
    """Train, keep and measure one team."""
    from algos.common import checkpoint
    from algos.evaluation.episodes import evaluate_run
    from algos.evaluation.trained import load_run

    tell(f"{name}: training")
    with tempfile.TemporaryDirectory() as folder:
        found = train(name, Path(folder) / name)
        tree = checkpoint.load(found)
    home = ZOO / name / "checkpoints"
    shutil.rmtree(home.parent, ignore_errors=True)
    home.mkdir(parents=True)
    path = checkpoint.save(home / found.name, slim(tree))
    tell(f"{name}: {path.stat().st_size / 1000:.0f} kB, evaluating")
    result = evaluate_run(f"zoo:{name}", *load_run(f"zoo:{name}"), EPISODES)
    made = {"command": " ".join(["python", *train_command(name)]), "steps": tree["step"]}
    made |= {"seconds": round(tree["seconds"]), "machine": machine(), "versions": versions("torch", "numpy", "numba")}
    text = json.dumps({**result, "made": made}, indent=1) + "\n"
    (home.parent / "evaluation.json").write_text(text, encoding="utf-8")


def readme() -> str:
    """algos/zoo/README.md from the results of all teams that are there."""
    lines = [
        "# The zoo",
        "",
        "Small trained teams that ship with the suite. `run=zoo:NAME` stands wherever a run folder may:",
        "",
        "```console",
        "python -m algos.play run=zoo:skirmish-3v3            # a replay and a page of one episode",
        "python -m algos.evaluate run=zoo:skirmish-3v3        # win rate, interval, bots in the same seats",
        "mabc play skirmish-3v3 --against zoo:skirmish-3v3",
        "```",
        "",
        f"Greedy policy, {EPISODES} episodes, fixed seeds, 95% Wilson intervals. The bots control the same agents,",
        "against the same opponents. Made by `python scripts/make_zoo.py`; seconds are those of two shared cores,",
        "evaluation left out. Each folder's `evaluation.json` has the numbers, the command, versions and the machine.",
        "",
        "| team | against | win rate | `random` | `classic` | `tactical:regular` | `tactical` | steps | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [row(json.loads(path.read_text(encoding="utf-8"))) for path in sorted(ZOO.glob("*/evaluation.json"))]
    lines += ["", "A checkpoint here holds the networks and the configuration alone: it can be played, not resumed."]
    return "\n".join(lines) + "\n"


def row(result: dict[str, Any]) -> str:
    """A team's line of the table."""
    import mabc
    from algos.evaluation.episodes import BOTS

    drivers = {team.driver for team in mabc.scenario(result["scenario"]).teams} - {"learn"}
    bots = " | ".join(f"{result['bots'][bot]['win_rate']:.2f}" for bot in BOTS)
    low, high = result["interval"]
    against = result["against"] or ", ".join(sorted(drivers))
    rate = f"{result['win_rate']:.3f} ({low:.3f} to {high:.3f})"
    made = result["made"]
    name = result["run"].removeprefix("zoo:")
    return f"| `{name}` | {against} | {rate} | {bots} | {made['steps'] / 1e6:.1f} M | {made['seconds']} |"


def record_replays() -> None:
    """Write docs/replays/."""
    from algos.evaluation.playback import record_episode
    from algos.evaluation.trained import load_run

    for name, seed in REPLAYS.items():
        config, policy = load_run(f"zoo:{name}")
        path = record_episode(config["env"], policy, ROOT / "docs" / "replays" / f"{name}.mabc", seed)
        tell(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teams", nargs="*", metavar="TEAM", help=f"of {', '.join(TEAMS)}; none: all")
    parser.add_argument("--replays", action="store_true", help="record docs/replays/ instead")
    options = parser.parse_args()
    if unknown := set(options.teams) - set(TEAMS):
        parser.error(f"no such team: {', '.join(sorted(unknown))}; there are {', '.join(TEAMS)}")
    if options.replays:
        record_replays()
        return
    for name in options.teams or TEAMS:
        make(name)
    (ZOO / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
