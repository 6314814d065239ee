"""Runs of earlier versions: they open, play and go on, to the bit."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from algos.common import renamed
from algos.common.log import CLOCK, read_metrics
from algos.evaluation.trained import load_run

OLD = Path(__file__).parent / "format-1"  # mappo with a GRU and agents' numbers, of the commit before format 2
ROOT = Path(__file__).resolve().parents[3]


def told(lines):
    return [{key: value for key, value in line.items() if not key.startswith(CLOCK)} for line in lines]


def test_an_old_run_goes_on_as_it_would_have(tmp_path):
    """metrics.jsonl is of the whole old run, the checkpoint of its middle."""
    shutil.copytree(OLD, tmp_path / "format-1")
    command = [sys.executable, "-m", "algos.train", "resume=format-1"]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'envs'}", "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert told(read_metrics(tmp_path / "format-1" / "metrics.jsonl")) == told(read_metrics(OLD / "metrics.jsonl"))


def test_an_old_run_plays():
    config, policy = load_run(OLD)
    assert config["algo"]["name"] == "mappo"
    actions, memory = policy(np.zeros((2, 3, 5), np.float32), np.ones((2, 3, 4), bool))
    assert actions.shape == (2, 3)
    assert memory.shape == (2, 3, 8)


def test_old_keys():
    algo = {"name": "otto", "members": 5, "keep": 0.5, "kwargs": {"policy_every": 3}}
    tree = {"config": {"algo": algo}, "state": {}}
    found = renamed.upgrade(tree)["config"]["algo"]
    assert found == {"name": "otto", "ensemble_size": 5, "keep_fraction": 0.5, "kwargs": {"policy_freq": 3}}


def test_old_buffers():
    buffer = {"obs": 1, "dones": 2}
    tree = {"state": {"nets": {}, "sizes": {"obs": 3}, "sampler": {"buffer": buffer, "calls": 4}}}
    state = renamed.upgrade(tree)["state"]
    assert state["sampler"] == {"buffer": {"obs": 1, "terminals": 2}, "calls": 4}
    assert state["sizes"] == {"obs": 3}, "an offline learner's stay as they are"


@pytest.mark.parametrize("tree", [{"env": "Hopper-v5", "snapshots": []}, {"model": {}, "about": {}}, {"state": {}}])
def test_what_is_no_run_stays(tree):
    assert renamed.upgrade(tree) == tree
