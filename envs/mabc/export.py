"""Replays as videos, pictures and pages: for slides, papers and people without mabc."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from .params import FPS
from .render import FOG, enlarged
from .render.effects import COLOURS
from .render.png import png
from .render.sprites import SHEET
from .replay import Replay
from .replay.recorder import write_file

T = TypeVar("T")
_SAME = np.uint8(255)
"""In a GIF, the number of the colour that lets the picture before shine through: long runs of it pack well."""
_NEEDS = 'needs {0}: pip install "mabc[render]"'


def export_mp4(
    replay: Replay,
    path: str | os.PathLike[str],
    scale: int = 3,
    speed: float = 1.0,
    agent: str | int | None = None,
    progress: bool = False,
) -> None:
    """A video at 60 frames a second, one second of the game in `1 / speed` seconds.

    Faster than 1 leaves frames out, slower shows them longer. agent: a tank, to show what it sees.
    """
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(f"a video {_NEEDS.format('imageio with ffmpeg')}") from error
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"no such folder: {Path(path).parent}")
    rate, every = _pace(speed, FPS)
    first = replay.picture(0, 1, agent)
    height, width = first.shape[0] * scale, first.shape[1] * scale
    temporary = Path(path).with_name(f".{Path(path).name}.part.mp4")
    # The encoder enlarges: small pictures go through the pipe nine times faster. Even sides, as H.264 wants them.
    writer = imageio_ffmpeg.write_frames(
        os.fspath(temporary),
        (first.shape[1], first.shape[0]),
        fps=rate,
        codec="libx264",
        macro_block_size=1,
        pix_fmt_out="yuv420p",
        ffmpeg_log_level="error",
        output_params=[
            *("-vf", f"scale={width + width % 2}:{height + height % 2}:flags=neighbor"),
            *("-preset", "veryfast", "-crf", "22", "-movflags", "+faststart"),
            # Sprites move by whole pixels: what costs an encoder most, the search for motion, finds nothing more.
            *("-x264-params", "ref=1:subme=0:me=dia:rc-lookahead=0:mbtree=0:trellis=0"),
        ],
    )
    try:
        writer.send(None)
        for picture in _told(replay.pictures(every, 1, agent, effects=True), _count(replay, every), "mp4", progress):
            writer.send(picture)
        writer.close()
        temporary.replace(path)
    finally:
        writer.close()
        temporary.unlink(missing_ok=True)


def export_gif(
    replay: Replay,
    path: str | os.PathLike[str],
    scale: int = 2,
    speed: float = 1.0,
    fps: float = 15,
    agent: str | int | None = None,
    progress: bool = False,
) -> None:
    """A GIF that repeats, in its exact colours, and rests on its last picture for two seconds."""
    write_file(Path(path), gif_bytes(replay, scale, speed, fps, agent, progress))


def gif_bytes(
    replay: Replay,
    scale: int = 2,
    speed: float = 1.0,
    fps: float = 15,
    agent: str | int | None = None,
    progress: bool = False,
) -> bytes:
    """What `export_gif` writes. A GIF counts in hundredths of a second; browsers slow down what is faster than 50."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"a GIF {_NEEDS.format('pillow')}") from error
    import io

    rate, every = _pace(speed, fps)
    pictures = _told(replay.pictures(every, 1, agent, effects=True), _count(replay, every), "gif", progress)
    colours = _colours()
    palette = _channels(colours).tobytes()
    images, before = [], None
    for picture in pictures:
        numbers = _numbers(picture, colours)
        changed = numbers if before is None else np.where(numbers == before, _SAME, numbers)
        image = Image.fromarray(enlarged(changed, scale), "P")
        image.putpalette(palette)
        images.append(image)
        before = numbers
    buffer = io.BytesIO()
    durations = [max(20, round(100 / rate) * 10)] * (len(images) - 1) + [2000]
    images[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        optimize=False,
        disposal=1,
        transparency=int(_SAME),
    )
    return buffer.getvalue()


def export_png(
    replay: Replay,
    path: str | os.PathLike[str],
    frame: int | None = None,
    scale: int = 3,
    agent: str | int | None = None,
) -> None:
    """One frame, by default the last, as a picture."""
    write_file(
        Path(path), png(replay.picture(replay.num_frames if frame is None else frame, scale, agent, effects=True))
    )


def export_html(
    replay: Replay,
    path: str | os.PathLike[str],
    name: str = "",
    beside: Replay | None = None,
    beside_name: str = "",
) -> None:
    """A page that shows the replay in any browser, without a network. beside: a second one, to play in step."""
    from .viewer import page

    files = [(name or f"{replay.scenario_name}.mabc", replay.data)]
    if beside is not None:
        files.append((beside_name or f"{beside.scenario_name}.mabc", beside.data))
    write_file(Path(path), page(files).encode(errors="replace"))


def _pace(speed: float, fps: float) -> tuple[float, int]:
    """Pictures a second, and how many frames lie between two of them, for a speed; at most `fps` pictures a second."""
    if not 1 / 64 <= speed <= 64:
        raise ValueError(f"speed={speed!r}: expected 1/64 to 64")
    every = max(1, round(FPS * speed / fps))
    return FPS * speed / every, every


def _count(replay: Replay, every: int) -> int:
    return -(-replay.num_frames // every) + 1


def _packed(colours: np.ndarray) -> np.ndarray:
    """Colours, uint8 [..., 3], as one number each."""
    return colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _channels(packed: np.ndarray) -> np.ndarray:
    """The opposite: uint8 [..., 3]."""
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)


def _colours() -> np.ndarray:
    """All colours that a picture may have, with and without fog: uint32, in order; they fit into one GIF palette."""
    plain = np.concatenate([SHEET.palettes.reshape(-1, 3), COLOURS])
    return np.unique(_packed(np.concatenate([plain, plain // FOG])))


def _numbers(picture: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A picture, uint8 [H, W, 3], as numbers of its colours, uint8 [H, W]."""
    return np.searchsorted(colours, _packed(picture)).astype(np.uint8)


def _told(items: Iterable[T], count: int, what: str, progress: bool) -> Iterator[T]:
    """The items, with a bar on stderr that tells how far they are, where anybody watches."""
    show = progress and sys.stderr.isatty()
    start = last = time.monotonic()
    for n, item in enumerate(items):
        yield item
        now = time.monotonic()
        if show and (now - last > 0.1 or n + 1 == count):
            last = now
            full = round(30 * (n + 1) / count)
            left = (now - start) / (n + 1) * (count - n - 1)
            bar = "█" * full + "·" * (30 - full)
            print(f"\r{what} {bar} {n + 1}/{count}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)
    if show:
        print(f"\r{'':70}\r", end="", file=sys.stderr, flush=True)
