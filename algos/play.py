"""Watch a trained team: record greedy episodes as replays, and export them as a page, a video or a picture.

    python -m algos.play run=runs/mine                      a replay in the run's replays/, and a page beside it
    python -m algos.play run=zoo:skirmish-3v3               a team of the zoo that ships with the suite
    python -m algos.play run=runs/mine export=mp4,gif       other formats (export= for the replay alone)
    python -m algos.play run=runs/mine episodes=5 seed=7 record=games/
    python -m algos.play run=runs/mine env.opponent=tactical
    python -m algos.play run=runs/mine show=true            in the terminal, and no file

A replay holds what the team thought, too: `value` [N] and `probs` [N, A] of each step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from algos.adapters import make_env
from algos.common import cli
from algos.common import config as cfg
from algos.common.checkpoint import find
from algos.common.errors import BadInput
from algos.common.protocol import rules_version
from algos.common.run import check_rules
from algos.evaluation.episodes import SEED
from algos.evaluation.playback import announce, export, record_episode
from algos.evaluation.trained import load_run
from algos.evaluation.zoo import replay_folder, run_path

FORMATS = ("html", "mp4", "gif", "png")
KEYS = {
    "run": "a run folder, one of its checkpoints, or zoo:NAME",
    "export": "html, mp4, gif, png, several with commas, or nothing (html)",
    "episodes": "how many, each with the next seed (1)",
    "seed": f"of the first one's world ({SEED})",
    "record": "where to: a .mabc file, or a folder (the run's replays/)",
    "show": "true: play in the terminal instead",
}


def show(env: Any, policy: Callable, seed: int, fps: float = 7.5) -> None:
    """Play an episode in the terminal."""
    from mabc.render import ansi

    obs, _ = env.reset(seed=seed)
    memory, ended = None, False
    while not ended:
        tty = sys.stdout.isatty()
        print(f"\x1b[H\x1b[2J{ansi(env, colour=True)}" if tty else f"{ansi(env)}\n")
        time.sleep(1 / fps if tty else 0)
        actions, memory = policy(obs, env.action_mask(), memory)
        obs, _, terminated, truncated, info = env.step(actions)
        ended = terminated[0] or truncated[0]
    outcome = int(info["outcome"][0])
    print(f"{f'team {outcome} won' if outcome else 'a draw'} after {info['episode_length'][0]} steps")


def places(run: str, options: dict[str, str], episodes: int, seed: int) -> list[Path]:
    """The file of each episode."""
    given = options.get("record")
    if given and Path(given).suffix == ".mabc":
        if episodes > 1:
            raise BadInput(f"record={given} is one file, for one episode; give a folder for {episodes}")
        return [Path(given)]
    folder, step = Path(given) if given else replay_folder(run), find(run_path(run)).stem
    return [folder / f"{step}-seed{seed + k}.mabc" for k in range(episodes)]


def run_play(argv: list[str]) -> None:
    options, changes = cli.parse(argv, KEYS)
    seed, episodes = cli.number(options, "seed", SEED), cli.number(options, "episodes", 1, above=0)
    formats = [name for name in options.get("export", "html").split(",") if name]
    for name in formats:
        if name not in FORMATS:
            raise cfg.unknown("export=", name, FORMATS)
    run = options["run"]
    config, policy = load_run(run)
    config["env"] = {**config["env"], **changes}
    if config["env"]["name"] != "mabc":
        raise BadInput(f"env={config['env']['name']} has no pictures here; MABC's episodes can be shown")
    env = make_env(config["env"], num_envs=1, seed=seed)
    check_rules(config["rules"], rules_version(env), run)
    if cli.flag(options, "show"):
        show(env, policy, seed)
        return
    for k, path in enumerate(places(run, options, episodes, seed)):
        record_episode(config["env"], policy, path, seed + k)
        print(announce(path, [export(path, name) for name in formats]), flush=True)


def main(argv: list[str] | None = None) -> None:
    cli.command(argv, __doc__, KEYS, run_play)


if __name__ == "__main__":
    main()
