"""Every example runs, as a user starts it, with few steps."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
NEEDS = {
    "gymnasium_vector": (["--steps", "20"], []),
    "pettingzoo_loop": (["--steps", "60"], []),
    "sb3_supersuit": (["--steps", "1000", "--copies", "2"], ["stable_baselines3", "supersuit"]),
    "sb3_vecenv": (["--steps", "1000", "--num-envs", "4"], ["stable_baselines3"]),
    "torchrl_ppo": (["--steps", "256", "--num-envs", "4"], ["torchrl"]),
}
ELSEWHERE = {"rllib_ppo"}  # run by `make interop`


def test_none_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == NEEDS.keys() | ELSEWHERE


@pytest.mark.parametrize("name", NEEDS)
def test_example(name, tmp_path):
    arguments, modules = NEEDS[name]
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (extra `interop`)")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT / "envs"), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
