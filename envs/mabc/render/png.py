"""PNG without a library: a picture is rows of bytes behind a filter byte, compressed."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np


def png(picture: np.ndarray) -> bytes:
    """A picture, uint8 [H, W, 3], as the bytes of a PNG file."""
    height, width, _ = picture.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = picture.reshape(height, -1)
    start = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(*part) for part in ((b"IHDR", start), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    )


def write_png(path: str | os.PathLike[str], picture: np.ndarray) -> None:
    """Write a picture, uint8 [H, W, 3], as a PNG file."""
    with open(path, "wb") as file:
        file.write(png(picture))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
