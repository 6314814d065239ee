"""Checkpoints: one safetensors file each, its JSON part in the header, written whole or not at all. No
pickle.

A checkpoint is a tree: dicts (with string keys) and lists of arrays, tensors, numbers, strings, booleans and
None.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from algos.common.errors import CheckpointError
from algos.common.renamed import upgrade

FORMAT = 2
KIND = "mabc-checkpoint"
SUFFIX = ".safetensors"


def pack(tree: Any) -> tuple[dict[str, np.ndarray], Any]:
    """Split a tree into named arrays and a JSON skeleton that refers to them."""
    arrays: dict[str, np.ndarray] = {}

    def visit(node: Any, path: str) -> Any:
        if isinstance(node, dict):
            return {key: visit(value, f"{path}/{key}") for key, value in node.items()}
        if isinstance(node, (list, tuple)):
            return [visit(value, f"{path}/{i}") for i, value in enumerate(node)]
        if isinstance(node, np.generic):
            return node.item()
        if hasattr(node, "detach"):  # a torch tensor, without importing torch
            node = node.detach().cpu().numpy()
        if isinstance(node, np.ndarray):
            return _store(arrays, path.strip("/"), node)
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        raise TypeError(f"checkpoint entry {path} is a {type(node).__name__}; arrays and plain data can be stored")

    return arrays, visit(tree, "")


def _store(arrays: dict[str, np.ndarray], name: str, array: np.ndarray) -> dict[str, Any]:
    """Put an array aside; records and odd types travel as bytes, with their type beside them."""
    array = np.ascontiguousarray(array).reshape(array.shape)  # contiguous, and () stays ()
    if array.dtype.kind in "biuf":
        arrays[name] = array
        return {"__array__": name}
    if array.dtype.hasobject:
        raise TypeError(f"checkpoint entry {name} is an array of Python objects, which cannot be stored")
    arrays[name] = np.frombuffer(array.tobytes(), np.uint8)
    descr = np.lib.format.dtype_to_descr(array.dtype)
    return {"__array__": name, "dtype": descr, "shape": list(array.shape)}


def unpack(arrays: dict[str, np.ndarray], skeleton: Any) -> Any:
    """Inverse of `pack`; every array is a writable one of its own."""
    if isinstance(skeleton, dict):
        if "__array__" not in skeleton:
            return {key: unpack(arrays, value) for key, value in skeleton.items()}
        array = arrays[skeleton["__array__"]]
        if "dtype" in skeleton:
            dtype = np.lib.format.descr_to_dtype(_tuples(skeleton["dtype"]))
            array = np.frombuffer(array.tobytes(), dtype).reshape(skeleton["shape"])
        return array.copy()
    if isinstance(skeleton, list):
        return [unpack(arrays, value) for value in skeleton]
    return skeleton


def _tuples(descr: Any) -> Any:
    """JSON turns the tuples of a type's description into lists; turn fields and shapes back."""
    if isinstance(descr, str):
        return descr
    fields = []
    for name, kind, *shape in descr:
        fields.append((name, _tuples(kind), *(tuple(s) if isinstance(s, list) else s for s in shape)))
    return fields


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all (temporary name, fsync, rename); OSError leaves nothing behind."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable, where the system lets one open folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save(path: str | Path, tree: dict[str, Any]) -> Path:
    """Write `tree` to `path`; CheckpointError says what failed, and what was there before stays."""
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    arrays, skeleton = pack(tree)
    header = {"kind": KIND, "format": str(FORMAT), "tree": json.dumps(skeleton)}
    try:
        write_bytes(path, to_bytes(arrays, metadata=header))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "Free some space" if full else "Make the folder writable"
        raise CheckpointError(
            f"checkpoint {path} could not be written: {reason}. Earlier checkpoints in {path.parent} "
            f"are whole. {what} and go on with resume={path.parent.parent}"
        ) from error
    return path


def load(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint file; CheckpointError if it is missing, cut short or not one of ours."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    hint = _other_checkpoint(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint.{hint}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is cut short or not a safetensors file ({path.stat().st_size} bytes; {error}).{hint}"
        ) from error
    if header.get("kind") != KIND:
        raise CheckpointError(f"{path} is a safetensors file, but not a checkpoint of this suite.{hint}")
    if header.get("format") not in ("1", str(FORMAT)):
        raise CheckpointError(
            f"{path} has checkpoint format {header.get('format')}, this version reads 1 to {FORMAT}: "
            "use the version of mabc that wrote it, or train anew."
        )
    tree = unpack(arrays, json.loads(header["tree"]))
    return upgrade(tree) if header["format"] == "1" else tree


def _other_checkpoint(path: Path) -> str:
    """A sentence that names the newest other checkpoint beside `path`, or says what to do without one."""
    others = [other for other in list_checkpoints(path.parent) if other.name != path.name]
    if others:
        return f" Use the one before it: {others[-1]}"
    return " There is no other checkpoint beside it; train anew."


def list_checkpoints(folder: str | Path) -> list[Path]:
    """Checkpoint files of a folder, oldest first (their names count environment steps)."""
    return sorted(path for path in Path(folder).glob(f"*{SUFFIX}") if not path.name.startswith("."))


def find(run: str | Path) -> Path:
    """The newest checkpoint of a run folder; a checkpoint file is returned as it is."""
    run = Path(run)
    if run.is_file():
        return run
    found = list_checkpoints(run / "checkpoints")
    if not found:
        what = "holds no checkpoint yet" if (run / "config.yaml").is_file() else "is not a run folder"
        raise CheckpointError(f"{run} {what}: expected {run / 'checkpoints'}/*{SUFFIX}")
    return found[-1]


def prune(folder: str | Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints."""
    for path in list_checkpoints(folder)[:-keep]:
        path.unlink(missing_ok=True)
