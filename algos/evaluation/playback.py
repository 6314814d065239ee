"""Replays of policies: recorded while they train and afterwards, exported, announced, and shown in TensorBoard."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from algos.adapters import make_env
from algos.common.errors import BadInput
from algos.common.protocol import Policy
from algos.common.run import Run
from algos.evaluation.episodes import SEED, play_episodes

SECONDS, FPS = 8, 10  # of a clip in TensorBoard, at most; a longer episode is shown faster


def record_episode(env_config: dict[str, Any], policy: Policy, path: str | Path, seed: int = SEED) -> Path:
    """Play one episode of MABC and write it to a .mabc file, with what the policy thought."""
    env = make_env(env_config, num_envs=1, seed=seed, record=str(path))
    play_episodes(env, policy, 1, seed)
    env.close()
    return Path(path)


def record_clip(run: Run, step: int, policy: Policy) -> Path | None:
    """Record a greedy episode of MABC in the run's replays/ and show it in TensorBoard.

    In worlds of its own, and without a random number: what is learned does not depend on it. None, and a line that
    says why, where the file cannot be written.
    """
    path = run.folder / "replays" / f"{step:012d}.mabc"
    try:
        record_episode(run.config["env"], policy, path)
    except (OSError, BadInput) as error:
        print(f"no replay at step {step}: {error}")
        return None
    if run.log.board:
        add_clip(run.log.board, path, step)
    return path


def export(path: str | Path, kind: str = "html") -> Path:
    """Write a replay beside itself as a page, a video or a picture of its middle; BadInput names what is missing."""
    from mabc import export as exports
    from mabc import load_replay

    replay, target = load_replay(path), Path(path).with_suffix(f".{kind}")
    try:
        if kind == "html":
            exports.export_html(replay, target, name=Path(path).name)
        elif kind == "png":
            exports.export_png(replay, target, frame=replay.num_frames // 2)
        else:
            write = exports.export_mp4 if kind == "mp4" else exports.export_gif
            write(replay, target, progress=True)
    except ImportError as error:
        raise BadInput(f"export={kind}: {error}") from error
    return target


def watch_command(path: str | Path) -> str:
    """The command that shows a replay, as it can be typed where this program was started."""
    beside = Path(sys.executable).with_name("mabc")
    if shutil.which("mabc") or not beside.exists():
        return f"mabc watch {path}"
    here = Path.cwd()
    return f"{beside.relative_to(here) if beside.is_relative_to(here) else beside} watch {path}"


def announce(path: Path, exported: list[Path]) -> str:
    """What a person wants to know of a replay that was saved: how it ended, its path, its exports, how to see it."""
    from mabc import load_replay

    lines = [f"replay  {path}  ({load_replay(path)!r})"]
    lines += [f"{file.suffix[1:]:<7} {file}" for file in exported]
    return "\n".join([*lines, f"watch   {watch_command(path)}"])


def add_clip(board: Any, path: str | Path, step: int) -> None:
    """Show a replay in TensorBoard's IMAGES: `episode/clip`, an animated GIF, and `episode/end`, a still picture.

    board: a SummaryWriter. Its own add_video needs moviepy; but a GIF is an image like any other to TensorBoard.
    """
    from mabc import load_replay
    from mabc.export import gif_bytes
    from mabc.params import FPS as FRAMES
    from mabc.render.png import png

    replay = load_replay(path)
    speed = min(64.0, max(1.0, replay.num_frames / FRAMES / SECONDS))
    add_image(board, "episode/clip", gif_bytes(replay, scale=1, speed=speed, fps=FPS), replay, step)
    add_image(board, "episode/end", png(replay.picture(replay.num_frames)), replay, step)


def add_image(board: Any, tag: str, data: bytes, replay: Any, step: int) -> None:
    """Write an encoded picture as an image summary."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    height, width = (8 * replay.header[side] for side in ("height", "width"))
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
    board.file_writer.add_summary(Summary(value=[Summary.Value(tag=tag, image=image)]), step)
