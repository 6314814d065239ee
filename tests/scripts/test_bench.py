"""The benchmarks run and tell what they promise to tell; how fast anything is, no test judges."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow  # a cold cache makes them compile


@pytest.fixture
def scripts(monkeypatch):
    """Modules of scripts/ can be imported, as when a script there runs."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


def run(script, *options, timeout=500):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *map(str, options)],
        capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def is_spread(found):
    return 0 < found["min"] <= found["median"] <= found["max"] and len(found["values"]) >= 1


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "results" / "env.json"
    done = run("bench_env.py", "--quick", "--json", path)
    assert "env-steps/s" in done.stdout
    return json.loads(path.read_text("utf-8"))


def test_results_say_where_they_come_from(result):
    assert result["command"] == "python scripts/bench_env.py --quick --json env.json"
    assert result["machine"]["processor"]
    assert result["machine"]["cores"] >= 1
    assert {"python", "mabc", "rules", "numba", "numpy", "pettingzoo"} <= set(result["versions"])
    assert result["quick"] is True
    assert str(ROOT) not in json.dumps(result), "no folder of this machine in a published file"


def test_throughput_has_every_case_with_its_spread(result):
    rows = result["throughput"]["cases"]
    assert {(row["scenario"], row["obs"]) for row in rows} == {
        (scenario, obs) for scenario in ("skirmish-3v3", "versus-5v5") for obs in ("vector", "planes")
    }
    for row in rows:
        assert is_spread(row["env_steps_per_s"])
        assert is_spread(row["agent_steps_per_s"])
        assert row["agents"] == {"skirmish-3v3": 3, "versus-5v5": 10}[row["scenario"]]
    assert all(is_spread(row["ratio"]) for row in result["throughput"]["cost"])
    assert {row["scenario"] for row in result["parallel"]} == {"skirmish-3v3", "versus-5v5"}


def test_compile_time_is_told_by_part(result):
    assert result["compile"]["cold"] is None  # --quick does not compile from nothing
    assert set(result["compile"]["cached"]) == {"import", "make_batch", "first_reset", "first_step", "total"}


def test_json_without_a_file_goes_to_stdout():
    done = run("bench_env.py", "--quick", "--only", "parallel", "--scenarios", "skirmish-3v3", "--json")
    assert json.loads(done.stdout)["parallel"][0]["scenario"] == "skirmish-3v3"


def test_an_unknown_part_is_refused():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/bench_env.py"), "--only", "thruput"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "throughput, parallel, compile, peers" in done.stderr


def test_training_adds_seeds_to_its_file(tmp_path):
    pytest.importorskip("sb3_contrib")
    path = tmp_path / "train.json"
    for seed in (0, 1):
        run("bench_train.py", "--quick", "--budget", "512", "--seed", seed, "--json", path)
    found = json.loads(path.read_text("utf-8"))
    assert [(each["learner"], each["seed"]) for each in found["runs"]] == [
        ("ours", 0), ("ours", 1), ("sb3", 0), ("sb3", 1),
    ]  # fmt: skip
    assert len(found["pieces"]) == 2
    assert found["pieces"][0]["machine"]["processor"]
    assert found["settings"]["scenario"] == "skirmish-3v3"
    for each in found["runs"]:
        assert is_spread(each["steps_per_s"])
        assert each["curve"][-1][0] == 512
    assert is_spread(found["summary"]["sb3"]["ours_steps_per_s_over_it"])
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/bench_train.py"), "--quick", "--json", str(path)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "another budget" in done.stderr, "runs of different settings do not go into one file"


def test_what_was_not_reached_is_slower_than_what_was(scripts):
    from bench_train import known

    assert known([3.0, 1.0, None]) == {"median": 3.0, "min": 1.0, "max": None}
    assert known([None, 1.0, None]) is None
    assert known([4.0, 1.0]) == {"median": 2.5, "min": 1.0, "max": 4.0}


def test_sb3_learns_from_living_rows_only(scripts):
    pytest.importorskip("sb3_contrib")
    import torch
    from gymnasium import spaces
    from sb3_rows import LivingRows

    class Env:
        alive = np.array([True, True, True, True])  # two worlds of two

    env, T = Env(), 3
    box = spaces.Box(0, 9, (1,), np.float32)
    buffer = LivingRows(T, box, spaces.Discrete(2), "cpu", 1.0, 1.0, 4, rows=env, agents=2, minibatches=2)
    buffer.reset()
    values = [[1, 2, 3, 4], [5, 6, 7, 8], [1, 1, 1, 1]]
    for t in range(T):
        alive_after = [[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 0, 1]]
        env.alive = np.array(alive_after[t], bool)
        rows = np.arange(4) + 4 * t
        zero = np.zeros(4, np.float32)
        told = torch.tensor(values[t], dtype=torch.float32)
        masks = np.ones((4, 2))
        buffer.add(rows[:, None], zero[:, None], zero, zero, told, torch.zeros(4), action_masks=masks)
    buffer.compute_returns_and_advantage(torch.tensor([[9.0], [0.0], [0.0], [8.0]]), np.zeros(4))
    assert buffer.values[2].tolist() == [1, 1, 1, 1]
    assert buffer.returns[0].tolist() == [9, 9, 8, 8], "the dead expect what their team mate expects"
    parts = list(buffer.get(99))
    assert len(parts) == 2
    learnt = sorted(int(x) for part in parts for x in part.observations[:, 0])
    assert learnt == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]  # row 9 (t = 2, agent 1) is dead
