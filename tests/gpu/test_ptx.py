"""The step compiles for a GPU: runs compile_ptx.py where numba-cuda is installed, here or by `make gpu-check`."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python_with_numba_cuda() -> Path | None:
    """This Python, that of .venv-cuda, or None."""
    if importlib.util.find_spec("numba_cuda"):
        return Path(sys.executable)
    if (ROOT / ".venv-cuda" / ".ready").exists():
        return ROOT / ".venv-cuda" / "bin" / "python"
    return None


@pytest.mark.slow
def test_step_compiles_to_ptx_for_every_mode_and_opponent():
    python = python_with_numba_cuda()
    if python is None:
        pytest.skip("numba-cuda is not installed: `make gpu-check` makes an environment with it and runs this check")
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "envs"), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run(
        [python, ROOT / "tests" / "gpu" / "compile_ptx.py"], env=environ, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert "modes defend, skirmish, siege, versus, scout" in done.stdout


def test_the_launcher_gives_the_same_in_the_simulator():
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "envs")}
    environ |= {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
    command = [
        sys.executable,
        ROOT / "scripts" / "gpu_compare.py",
        "solo",
        "siege-3v3",
        "--worlds",
        "2",
        "--steps",
        "12",
    ]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("same ") == 2


def test_without_a_gpu_it_says_so():
    cuda = pytest.importorskip("numba.cuda")
    if cuda.is_available():
        pytest.skip("there is a GPU")
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "envs")}
    command = [sys.executable, ROOT / "scripts" / "gpu_compare.py", "solo", "--worlds", "2"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "no CUDA GPU found" in done.stderr
