"""The command that makes datasets, as people run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    """python -m scripts.make_dataset from the checkout, its stores in the test's folder."""
    env = os.environ | {"MABC_DATA": str(tmp_path / "data"), "MINARI_DATASETS_PATH": str(tmp_path / "minari")}
    env.pop("PYTHONPATH", None)

    def call(*words, rc=0, command=("-m", "scripts.make_dataset")):
        done = subprocess.run(
            [sys.executable, *command, *map(str, words)],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == rc, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return call


def test_make_look_and_make_again(run, tmp_path):
    made = run("skirmish-2v2-random", "--steps", 100)
    assert "win rate" in made.stdout
    path = tmp_path / "data" / "skirmish-2v2-random.safetensors"
    before = path.read_bytes()
    there = run("skirmish-2v2-random", "--steps", 100)
    assert "is there already" in there.stdout
    other = run("skirmish-2v2-random", "--steps", 200, rc=1)
    assert "--force replaces it" in other.stderr
    run("skirmish-2v2-random", "--steps", 100, "--force")
    assert path.read_bytes() == before  # the same to the bit
    shown = run("skirmish-2v2-random", "--info").stdout
    assert max(map(len, shown.splitlines())) <= 80
    for words in ("of a team of 2", "expert", "random legal actions", "success", "observations  75 numbers"):
        assert words in shown
    listed = run("--list").stdout
    assert "*   skirmish-2v2               random" in listed
    assert max(map(len, listed.splitlines())) <= 80


def test_mistakes_are_told_in_a_line(run, tmp_path):
    assert "Did you mean 'hopper-medium'" in run("hoper-medium", rc=2).stderr
    assert "is not made yet" in run("hopper-medium", "--info", rc=1).stderr
    assert "at least 1" in run("hopper-medium", "--steps", 0, rc=2).stderr
    assert "NAME is missing" in run(rc=2).stderr
    (tmp_path / "a.hdf5").write_bytes(b"no")
    assert "not an HDF5 file" in run(tmp_path / "a.hdf5", "--info", rc=1).stderr


def test_as_a_file_and_into_a_file(run, tmp_path):
    out = tmp_path / "mine.safetensors"
    run("skirmish-2v2-random", "--steps", 50, "--out", out, command=("scripts/make_dataset.py",))
    assert "skirmish-2v2-random" in run(out, "--info").stdout
    assert not (tmp_path / "data").exists()
