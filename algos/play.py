"""Look at a trained policy: record an episode, or show it in the terminal.

python -m algos.play run=runs/mine                 plays one greedy episode in the terminal
python -m algos.play run=runs/mine record=true     writes it to the run's replays/ instead

run= may be one of the run's checkpoints, too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from algos.common import config as cfg
from algos.evaluate import SEED, load_run, number, parse

KEYS = {
    "run": "a run folder or one of its checkpoints",
    "record": "true: write a file instead of showing it",
    "seed": "of the world",
    "fps": "frames a second (8)",
}
HEADINGS = {"up": "^", "right": ">", "down": "v", "left": "<"}


def make_opponent(run: str | Path, greedy: bool = True) -> Callable:
    """A run's policy as an opponent for `mabc.make_batch(…, opponents=…)`."""
    return load_run(str(run), greedy=greedy)[1]


def play_frames(env: Any, policy: Callable, draw: Callable[[Any], Any], seed: int) -> Iterator[Any]:
    """What `draw(env)` makes of every step of an episode of world 0; last comes the info of its end."""
    obs, _ = env.reset(seed=seed)
    memory = None
    while True:
        yield draw(env)
        actions, memory = policy(obs, env.action_mask(), memory)
        obs, _, terminated, truncated, info = env.step(actions)
        if terminated[0] or truncated[0]:
            yield {name: np.asarray(info[name])[0].tolist() for name in ("outcome", "success", "episode_length")}
            return


def draw_text(env: Any) -> str:
    """World 0 as text: the map, tanks as arrows (^>v< learning, their team's number else), bullets as *."""
    world = env.world(0)
    text = world["map"] if isinstance(world["map"], str) else "\n".join(world["map"])
    rows = [list(line) for line in text.splitlines() if line and line != "tiles"]

    def put(x: float, y: float, sign: str) -> None:
        row, column = int(y) // 8, int(x) // 8
        if 0 <= row < len(rows) and 0 <= column < len(rows[row]):
            rows[row][column] = sign

    for tank in world["tanks"]:
        if tank["alive"]:
            sign = HEADINGS[tank["heading"]] if tank["controlled"] else str(tank["team"])
            for dx, dy in ((-4, -4), (4, -4), (-4, 4), (4, 4)):
                put(tank["x"] + dx, tank["y"] + dy, sign)
    for bullet in world["bullets"]:
        put(bullet["x"], bullet["y"], "*")
    return f"step {world['step']}\n" + "\n".join("".join(row) for row in rows)


def picture() -> Callable[[Any], np.ndarray] | None:
    """A function that draws world 0 as pixels [H, W, 3], or None where nothing can draw."""
    try:
        import PIL.Image  # noqa: F401 - what writes the GIF; matplotlib brings it

        from mabc.render import draw_world
    except ImportError:
        return None
    return lambda env: draw_world(env, 0, scale=2)


def record_episode(folder: str | Path, config: dict[str, Any], policy: Callable, seed: int = SEED) -> Path | None:
    """Save a greedy episode of MABC in the run's replays/: a GIF, or text frames where nothing can draw."""
    from algos.common.adapters import make_env

    if config["env"]["name"] != "mabc":
        return None
    env = make_env(config["env"], num_envs=1, seed=seed)
    draw = picture()
    frames = list(play_frames(env, policy, draw or draw_text, seed))
    env.close()
    path = Path(folder) / "replays" / ("episode.gif" if draw else "episode.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    if draw:
        write_gif(path, frames[:-1])
    else:
        path.write_text("\n\n".join([*frames[:-1], result_line(frames[-1])]) + "\n", encoding="utf-8")
    return path


def write_gif(path: Path, frames: list[np.ndarray], fps: float = 8.0) -> None:
    """Write pictures [H, W, 3] as a GIF that repeats and stays on its last picture for two seconds."""
    from PIL import Image

    pictures = [Image.fromarray(frame).quantize(64) for frame in frames]
    durations = [round(1000 / fps)] * (len(pictures) - 1) + [2000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)


def result_line(end: dict[str, Any]) -> str:
    """How an episode ended, in words."""
    outcome = "a draw" if end["outcome"] == 0 else f"team {end['outcome']} won"
    return f"{outcome} after {end['episode_length']} steps"


def show(env: Any, policy: Callable, seed: int, fps: float) -> None:
    """Play an episode in the terminal."""
    for frame in play_frames(env, policy, draw_text, seed):
        if isinstance(frame, dict):
            print(result_line(frame))
            return
        print(f"\x1b[H\x1b[2J{frame}" if sys.stdout.isatty() else f"{frame}\n")
        time.sleep(1 / fps if sys.stdout.isatty() else 0)


def run_play(argv: list[str]) -> None:
    from algos.common.adapters import make_env
    from algos.common.protocol import rules_version
    from algos.common.run import check_rules, folder_of

    options, changes = parse(argv, KEYS)
    seed, fps = number(options, "seed", SEED), number(options, "fps", 8.0, float, above=0)
    config, policy = load_run(options["run"])
    config["env"] = {**config["env"], **changes}
    if config["env"]["name"] != "mabc":
        raise cfg.BadInput(f"env={config['env']['name']} has no pictures here; MABC's episodes can be shown")
    env = make_env(config["env"], num_envs=1, seed=seed)
    check_rules(config["rules"], rules_version(env), options["run"])
    if options.get("record", "false").lower() == "true":
        print(record_episode(folder_of(options["run"]), config, policy, seed))
    else:
        show(env, policy, seed, fps)


def main(argv: list[str] | None = None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    if {"-h", "--help"} & set(argv):
        print((__doc__ or "").strip() + "\n")
        print("\n".join(f"  {key:<10} {text}" for key, text in KEYS.items()))
        return
    from algos.common.checkpoint import CheckpointError

    try:
        run_play(argv)
    except (cfg.BadInput, CheckpointError) as error:
        cfg.stop(error)


if __name__ == "__main__":
    main()
