"""The benchmarks run and tell what they promise to tell; how fast anything is, no test judges."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow  # a cold cache makes them compile


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
