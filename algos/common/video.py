"""Moving pictures for TensorBoard, of episodes that were recorded while a run went on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECONDS, FPS = 8, 10  # of a clip, at most; a longer episode is shown faster


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
