"""An edited rule takes effect in the next run, although the compiled code of the old one is in numba's cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mabc

PROBE = '''
"""A kernel that flies the bullets of one world for one frame, compiled and cached as the game's own are."""
from .jit import kernel
from .rules.bullets import fly


@kernel
def probe(worlds, spec_array, scratch):
    fly(worlds[0], spec_array[0], scratch[0])
'''

FLY_ONCE = """
import numpy as np
from mabc.probe import probe
from mabc.state import SCRATCH, SPEC, WORLD
worlds, spec, scratch = np.zeros(1, WORLD), np.zeros(1, SPEC), np.zeros(1, SCRATCH)
spec["num_tanks"] = worlds["flying"] = scratch["fired"] = 1
worlds["bullets"]["speed"][0, 0], worlds["bullets"]["heading"][0, 0] = 2, 1
probe(worlds, spec, scratch)
print(int(worlds["bullets"]["x"][0, 0]), sum(probe.stats.cache_hits.values()))
"""

SHOOT = """
import mabc
battle = mabc.Scenario("t", "skirmish", "A..\\n...\\n..B", (mabc.Team(), mabc.Team()), frame_skip=1, swap_sides=False)
env = mabc.make_batch(battle)
env.reset(seed=0)
for action in (1, 0, 0, 0):
    env.step([[action, 0]])
print(abs(env.world(0)["bullets"][0]["x"] - 8) + abs(env.world(0)["bullets"][0]["y"] - 8))
"""


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the package, to break; imported from its parent folder."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(mabc.__file__).parent, tmp_path / "mabc", ignore=ignore)
    return tmp_path / "mabc"


def run(copy: Path, code: str) -> list[int]:
    """The numbers that a program prints which imports the copy, with a cache folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(copy.parent), "MABC_CACHE_DIR": str(copy.parent / "cache")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=copy.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs once."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_an_edited_rule_is_compiled_anew(copy):
    (copy / "probe.py").write_text(PROBE)
    assert run(copy, FLY_ONCE) == [2, 0]
    assert run(copy, FLY_ONCE) == [2, 1]  # from the cache
    edit(copy / "rules" / "bullets.py", "bullet.x += bullet.speed * DX", "bullet.x += 3 * bullet.speed * DX")
    assert run(copy, FLY_ONCE) == [6, 0]


def test_an_edited_number_is_compiled_anew(copy):
    """DX is not in the kernel's file, nor in that of the rule which reads it."""
    (copy / "probe.py").write_text(PROBE)
    assert run(copy, FLY_ONCE) == [2, 0]
    edit(copy / "params.py", "DX = np.array((0, 1, 0, -1))", "DX = np.array((0, 5, 0, -5))")
    assert run(copy, FLY_ONCE) == [10, 0]


@pytest.mark.slow
def test_the_next_game_plays_by_the_edited_rule(copy):
    assert run(copy, SHOOT) == [8 + 3 * 2]
    assert run(copy, SHOOT) == [8 + 3 * 2]
    edit(
        copy / "params.py",
        "BULLET_SPEED = np.array((2, 2, 4, 2, 2))",
        "BULLET_SPEED = np.array((2, 2, 4, 2, 3))",
    )
    assert run(copy, SHOOT) == [8 + 3 * 3]
