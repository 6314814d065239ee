"""The file itself: a header in JSON and named arrays, each compressed (docs/replay.md). The game is not known here."""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import Any, NamedTuple, TypeGuard

import numpy as np

MAGIC = b"\x89MABC\x1a\r\n"
FORMAT_VERSION = 1
MAX_HEADER = 4 << 20  # bytes of text
MAX_SECTIONS = 256 << 20  # bytes of all arrays together, unpacked
DTYPES = ("u1", "i1", "u2", "i2", "i4", "f2", "f4")
_START = struct.Struct("<8sII")


class ReplayError(ValueError):
    """A file that is no replay, or a broken one; the message says what is wrong with it and what would do."""


class _Entry(NamedTuple):
    """A section's line in the table of the header."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    delta: int
    size: int  # bytes, unpacked
    stored: int  # bytes in the file
    crc: int


def pack(header: dict[str, Any], sections: dict[str, np.ndarray], deltas: frozenset[str] | set[str]) -> bytes:
    """A file's bytes. header: what json can write, without "sections"; deltas: names that are stored as differences."""
    table, stored = [], []
    for name, array in sections.items():
        dtype = array.dtype.str[1:]
        if dtype not in DTYPES:
            raise ValueError(f"section {name!r} has dtype {array.dtype}; a replay holds {', '.join(DTYPES)}")
        delta = int(name in deltas)
        packed = zlib.compress(_shuffled(array) if delta else np.ascontiguousarray(array).tobytes(), 9)
        stored.append(packed)
        table.append(
            {
                "name": name,
                "dtype": dtype,
                "shape": list(array.shape),
                "delta": delta,
                "bytes": len(packed),
                "crc32": zlib.crc32(packed),
            }
        )
    text = zlib.compress(json.dumps({**header, "sections": table}, separators=(",", ":")).encode(), 9)
    return b"".join([_START.pack(MAGIC, FORMAT_VERSION, len(text)), text, *stored])


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file's bytes; ReplayError for anything but a whole file of a version known here."""
    if not data.startswith(MAGIC[:5]):
        raise ReplayError("this is no replay: a *.mabc file begins with the bytes 89 4D 41 42 43")
    if len(data) < _START.size:
        raise ReplayError(f"the file ends after {len(data)} bytes, within its first {_START.size}: it was cut short")
    magic, version, size = _START.unpack_from(data)
    if magic != MAGIC:
        raise ReplayError("the file was changed on its way: a transfer as text alters line ends; copy it as binary")
    if version != FORMAT_VERSION:
        raise ReplayError(
            f"the file has format version {version}, this mabc reads {FORMAT_VERSION}: install the mabc that wrote it"
        )
    header = _header(data[_START.size : _START.size + size], size)
    return header, _sections(header, data, _START.size + size)


def _header(stored: bytes, size: int) -> dict[str, Any]:
    if len(stored) < size:
        raise ReplayError(f"the file ends within its header ({len(stored)} of {size} bytes): it was cut short")
    try:
        header = json.loads(_inflate("header", stored, MAX_HEADER, exact=False))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or a number of thousands of digits
        raise ReplayError(f"the header is no JSON: {error}") from None
    if not isinstance(header, dict) or not isinstance(header.get("sections"), list):
        raise ReplayError("the header has no list of sections")
    return header


def _sections(header: dict[str, Any], data: bytes, at: int) -> dict[str, np.ndarray]:
    """The arrays. Sizes are checked before anything is unpacked, so that a small file cannot fill the memory."""
    table = [_entry(entry) for entry in header["sections"]]
    total = sum(entry.size for entry in table)
    if total > MAX_SECTIONS:
        raise ReplayError(f"its sections hold {total:,} bytes; at most {MAX_SECTIONS:,} are read")
    found: dict[str, np.ndarray] = {}
    for name, dtype, shape, delta, size, stored, crc in table:
        if name in found:
            raise ReplayError(f"section {name!r} is there twice")
        packed = data[at : at + stored]
        if len(packed) < stored:
            raise ReplayError(f"the file ends within section {name!r}: it was cut short")
        if zlib.crc32(packed) != crc:
            raise ReplayError(f"section {name!r} is damaged: its checksum differs")
        raw = _inflate(f"section {name!r}", packed, size)
        found[name] = _unshuffled(raw, dtype, shape) if delta else np.frombuffer(raw, dtype).reshape(shape).copy()
        at += stored
    if at != len(data):
        raise ReplayError(f"{len(data) - at} bytes follow the last section: the file is damaged")
    return found


def _entry(entry: Any) -> _Entry:
    """A section's line in the table, each value a legal one."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ReplayError("a section has no name")
    name = entry["name"][:80]
    dtype, shape, delta = entry.get("dtype"), entry.get("shape"), entry.get("delta")
    if dtype not in DTYPES:
        raise ReplayError(f"section {name!r}: dtype {dtype!r} is none of {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(shape) > 8 or not all(_whole(side, 2**31) for side in shape):
        raise ReplayError(f"section {name!r}: shape {str(shape)[:80]} is not a list of whole numbers")
    stored, crc = entry.get("bytes"), entry.get("crc32")
    if not _whole(delta, 2) or not _whole(stored, 2**32) or not _whole(crc, 2**32) or (delta and not shape):
        raise ReplayError(f"section {name!r}: its delta, bytes or crc32 is out of range")
    kind = np.dtype("<" + str(dtype))
    if math.prod(side for side in shape if side) * kind.itemsize > MAX_SECTIONS:  # a side of 0 hides the others
        raise ReplayError(f"section {name!r}: shape {shape} is more than the {MAX_SECTIONS:,} bytes that are read")
    return _Entry(name, kind, tuple(shape), delta, math.prod(shape) * kind.itemsize, stored, crc)


def _whole(value: Any, limit: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < limit


def _inflate(what: str, stored: bytes, size: int, exact: bool = True) -> bytes:
    """Unpack, but never more than `size` bytes."""
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(stored, size + 1)
    except zlib.error as error:
        raise ReplayError(f"the {what} cannot be unpacked: {error}") from None
    if len(raw) > size or (exact and len(raw) < size):
        raise ReplayError(f"the {what} does not unpack to the {size:,} bytes that it should have")
    if not engine.eof or engine.unused_data:
        raise ReplayError(f"the {what} is damaged: its compressed data does not end where it should")
    return raw


def _shuffled(array: np.ndarray) -> bytes:
    """Differences along the first axis, each value's history together, low bytes first: what zlib packs best."""
    unsigned = np.ascontiguousarray(array).view(f"<u{array.dtype.itemsize}")
    steps = unsigned.copy()
    steps[1:] -= unsigned[:-1]
    histories = np.ascontiguousarray(np.moveaxis(steps, 0, -1))
    return histories.view(np.uint8).reshape(-1, array.dtype.itemsize).T.tobytes()


def _unshuffled(raw: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The array whose _shuffled bytes are `raw`."""
    unsigned = np.dtype(f"<u{dtype.itemsize}")
    values = np.frombuffer(raw, np.uint8).reshape(dtype.itemsize, -1).T
    histories = np.ascontiguousarray(values).view(unsigned).reshape(*shape[1:], shape[0])
    array = np.cumsum(np.moveaxis(histories, -1, 0), axis=0, dtype=unsigned)
    return np.ascontiguousarray(array).view(dtype)
