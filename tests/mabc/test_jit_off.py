"""The rules as plain Python (NUMBA_DISABLE_JIT=1) give the bytes of the compiled ones."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

ROOT = Path(__file__).parents[2]
PLAYED = ("solo", "skirmish-3x3", "siege-3v3", "siege-5v5", "versus-1v1", "scout-3v4-patrol", "defend-1")

PROGRAM = """
import hashlib, sys
import numpy as np
import mabc

def digest(name):
    env = mabc.make_batch(name, num_envs=2, seed=3, max_steps=15, shaping=1.0)
    sha, rng = hashlib.sha256(), np.random.default_rng(0)
    obs, info = env.reset(seed=3)
    for _ in range(20):
        obs, reward, _, _, info = env.step(rng.integers(0, 10, (2, env.num_agents)))
        worlds = env.worlds.view(np.uint8)  # padding too
        seen = (worlds, obs, reward, env.action_mask(), info["success"], info["final_obs"], info["final_state"])
        for array in (*seen, env.bot_actions("classic")):
            sha.update(array.tobytes())
    return sha.hexdigest()

for name in sys.argv[1:]:
    print(name, digest(name))
for kind in ("entities", "planes"):
    env = mabc.make_batch("solo", num_envs=1, obs=kind, state=kind)
    obs, _ = env.reset(seed=0)
    arrays = [a for pair in obs.values() for a in pair] if isinstance(obs, dict) else [obs]
    print(kind, hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


def digests(jit: bool) -> str:
    """What the program prints, with the compiler on or off."""
    path = os.pathsep.join((str(ROOT / "envs"), os.environ.get("PYTHONPATH", "")))
    environ = {**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "0" if jit else "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM, *PLAYED],
        env=environ, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the compiler is off")
def test_plain_python_plays_the_same_bytes():
    assert digests(jit=False).splitlines() == digests(jit=True).splitlines()
