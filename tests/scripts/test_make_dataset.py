"""The command that makes datasets, as people run it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from algos.data import store
from algos.data.dataset import Dataset
from algos.data.recipes import battles
from scripts import make_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def stores(tmp_path, monkeypatch):
    """Datasets of a test stay in its folder; references are of a handful of episodes."""
    monkeypatch.setenv("MABC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.setattr(battles, "REFERENCE_WORLDS", 4)
    monkeypatch.setattr(battles, "REFERENCE_ROUNDS", 1)


@pytest.fixture
def run(capsys):
    """main(), what it printed, and its exit code."""

    def call(*words, rc=0):
        code = 0
        try:
            make_dataset.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        found = capsys.readouterr()
        assert code == rc, found
        return found

    return call


@pytest.mark.parametrize("command", [("-m", "scripts.make_dataset"), ("scripts/make_dataset.py",)])
def test_in_a_process_of_its_own(tmp_path, command):
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    out = tmp_path / "mine.safetensors"
    done = subprocess.run(
        [sys.executable, *command, "skirmish-2v2-random", "--steps", "50", "--out", str(out)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "win rate" in done.stdout
    assert out.is_file()
    assert not (tmp_path / "data").exists()


def test_make_look_and_make_again(run, tmp_path):
    run("skirmish-2v2-random", "--steps", 100)
    path = tmp_path / "data" / "skirmish-2v2-random.safetensors"
    before = path.read_bytes()
    assert "is there already" in run("skirmish-2v2-random", "--steps", 100).out
    assert "is there already" in run("skirmish-2v2-random").out
    for other in (("--steps", 200), ("--seed", 1)):
        assert "--force replaces it" in run("skirmish-2v2-random", *other, rc=1).err
    assert path.read_bytes() == before
    run("skirmish-2v2-random", "--steps", 100, "--force")
    assert path.read_bytes() == before  # the same to the bit
    run("skirmish-2v2-random", "--steps", 100, "--seed", 1, "--force")
    assert path.read_bytes() != before


def test_what_is_told_fits_80_columns(run, tmp_path):
    run("skirmish-2v2-mixed", "--steps", 100)
    shown = run("skirmish-2v2-mixed", "--info").out
    assert max(map(len, shown.splitlines())) <= 80
    shown = " ".join(shown.split())
    for words in ("of a team of 2", "expert", "random legal actions", "success", "observations 79 numbers"):
        assert words in shown
    assert shown == " ".join(run(tmp_path / "data" / "skirmish-2v2-mixed.safetensors", "--info").out.split())
    listed = run("--list").out
    assert "*   skirmish-2v2               mixed" in listed
    assert "  hopper-medium " in listed
    assert max(map(len, listed.splitlines())) <= 80


@pytest.mark.parametrize(
    "info",
    [
        {"env": {"name": "mabc"}},
        {"made": {"parts": [1]}},
        {"made": {"parts": {"a": {"steps": 1}}}},
        {"made": {"snapshots": 3}},
        {"versions": "x"},
    ],
)
def test_a_strangers_file_may_say_anything_of_itself(run, tmp_path, info):
    none = np.zeros((2, 1), np.float32)
    data = Dataset(none, none[:1], none[0], np.ones(1, bool), np.array([0, 1]), info=info)
    assert "not known" in run(store.save(tmp_path / "a.safetensors", data), "--info").out


def test_mistakes_are_told_in_a_line(run, tmp_path):
    assert "Did you mean 'hopper-medium'" in run("hoper-medium", rc=2).err
    assert "Did you mean 'hopper-medium'" in run("hoper-medium", "--info", rc=2).err
    assert "NAME is missing" in run(rc=2).err
    assert "--steps 0: at least 1" in run("hopper-medium", "--steps", 0, rc=2).err
    assert "--seed -1: at least 0" in run("hopper-medium", "--seed", -1, rc=2).err
    assert "nope/x.hdf5 is not there" in run("nope/x.hdf5", "--info", rc=1).err
    assert " more." in (told := run("zzz", "--info", rc=2).err), "some of the hundreds of names, not all"
    assert len(told) < 1_500
    assert "ends in .safetensors" in run("skirmish-2v2-random", "--out", "a.npz", rc=2).err
    assert "is not made yet" in run("skirmish-2v2-random", "--info", rc=1).err
    pytest.importorskip("h5py")
    (tmp_path / "a.hdf5").write_bytes(b"no")
    assert "not an HDF5 file" in run(tmp_path / "a.hdf5", "--info", rc=1).err
    assert "minari download somebody/else-v0" in run("minari:somebody/else-v0", "--info", rc=1).err
