"""Checkpoints: exact round trip, and every way in which one can be broken."""

import errno

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from algos.common import checkpoint
from algos.common.errors import CheckpointError

RECORD = np.dtype([("x", np.int16), ("name", "S3"), ("inner", [("y", np.float32, (2,))], (2,))])


def tree(value=1):
    records = np.zeros(3, RECORD)
    records["inner"]["y"] = value
    return {
        "step": 7,
        "weights": {"a.b": torch.arange(3) * value, "scalar": torch.tensor(1.5)},
        "list": [1, "two", None, True, np.float64(0.1)],
        "records": records,
        "empty": np.zeros((0, 3), np.float32),
        "words": np.array([2**64 - 1], np.uint64),
    }


def test_round_trip_is_exact(tmp_path):
    loaded = checkpoint.load(checkpoint.save(tmp_path / "a.safetensors", tree()))
    assert loaded["step"] == 7
    assert loaded["list"] == [1, "two", None, True, 0.1]
    assert loaded["weights"]["a.b"].tolist() == [0, 1, 2]
    assert loaded["weights"]["scalar"].shape == ()
    assert loaded["records"].dtype == RECORD
    assert loaded["records"].tobytes() == tree()["records"].tobytes()
    assert loaded["empty"].shape == (0, 3)
    assert loaded["words"][0] == 2**64 - 1
    loaded["records"]["x"] = 1  # writable


def test_objects_are_refused():
    with pytest.raises(TypeError, match="entry x is an array of Python objects"):
        checkpoint.pack({"x": np.array([None])})
    with pytest.raises(TypeError, match="entry /x/0 is a set"):
        checkpoint.pack({"x": [{1}]})


def two_checkpoints(folder):
    first = checkpoint.save(folder / "000000000001.safetensors", tree(1))
    return first, checkpoint.save(folder / "000000000002.safetensors", tree(2))


@pytest.mark.parametrize("size", [0, 5, 200, -1])
def test_truncated(tmp_path, size):
    first, second = two_checkpoints(tmp_path)
    second.write_bytes(second.read_bytes()[:size])
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(second)
    assert str(error.value).startswith(f"{second} is cut short or not a safetensors file")
    assert str(error.value).endswith(f"Use the one before it: {first}")


def test_foreign(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"x": np.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="is a safetensors file, but not a checkpoint of this suite"):
        checkpoint.load(path)
    path.write_bytes(b"\x80\x04K\x01.")  # a pickle
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        checkpoint.load(path)


def test_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"no such checkpoint.*train anew"):
        checkpoint.load(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="is not a run folder"):
        checkpoint.find(tmp_path)
    (tmp_path / "config.yaml").touch()
    with pytest.raises(CheckpointError, match="holds no checkpoint yet"):
        checkpoint.find(tmp_path)


class FullDisk:
    """A file that takes a few bytes and then has no space left."""

    def __init__(self, path, mode):
        self.file = open(path, mode)  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        self.file.write(data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_leaves_the_previous_one(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    first, second = two_checkpoints(folder)
    before = second.read_bytes()
    monkeypatch.setattr(checkpoint, "open", FullDisk, raising=False)
    for path in (second, folder / "000000000003.safetensors"):
        with pytest.raises(CheckpointError) as error:
            checkpoint.save(path, tree(3))
        assert str(error.value) == (
            f"checkpoint {path} could not be written: No space left on device. Earlier checkpoints in "
            f"{folder} are whole. Free some space and go on with resume={tmp_path}"
        )
    assert sorted(folder.iterdir()) == [first, second], "no temporary file stays"
    assert second.read_bytes() == before
    assert checkpoint.load(checkpoint.find(tmp_path))["weights"]["a.b"].tolist() == [0, 2, 4]


def test_prune_keeps_the_newest(tmp_path):
    _, second = two_checkpoints(tmp_path)
    checkpoint.prune(tmp_path, 1)
    assert checkpoint.list_checkpoints(tmp_path) == [second]
