"""The wheel, installed alone, works in a folder that has packages called `envs` and `algos` of its own."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {"mabc": ROOT / "envs" / "mabc", "algos": ROOT / "algos", "world_models": ROOT / "world_models"}
DATA = (
    "*.py",
    "py.typed",
    "maps/data/*.txt",
    "viewer/*.html",
    "viewer/*.css",
    "viewer/*.js",
    "zoo/*.md",
    "zoo/*/*.json",
    "zoo/*/checkpoints/*.safetensors",
    "data/recipes/behaviour/*",
)

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, timeout: int = 300, **env: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=os.environ | env, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that a stale build/ of the checkout cannot hide a file that is missing."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    for name in ("envs", "algos", "world_models", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist", cwd=copy)
    (built,) = (copy / "dist").glob("mabc-*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """The wheel alone in a folder; its four dependencies come from the environment of the tests."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    run(*pip, "--target", target, wheel, cwd=target)
    return target


@pytest.fixture
def strangers_folder(tmp_path) -> Path:
    """A project that has packages `envs` and `algos`, which must be neither disturbed nor used."""
    for name in ("envs", "algos"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWNER = 'stranger'\n")
    return tmp_path


def test_contents(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in SOURCES.items()
        for pattern in DATA
        for path in (folder.rglob(pattern) if pattern == "*.py" else folder.glob(pattern))
        if "__pycache__" not in path.parts
    }
    assert any(name.startswith("mabc/maps/data/") for name in expected)
    assert "mabc/py.typed" in expected
    assert expected <= inside, f"missing: {sorted(expected - inside)}"
    rest = {name for name in inside - expected if ".dist-info/" not in name}
    assert not rest, f"has no business here: {sorted(rest)}"


LOOP = """
import envs, algos
assert envs.OWNER == algos.OWNER == "stranger"

import mabc
env = mabc.parallel_env("skirmish-3v3")
observations, infos = env.reset(seed=0)
for _ in range(20):
    if not env.agents:
        observations, infos = env.reset()
    actions = {agent: 2 for agent in env.agents}  # up
    observations, rewards, terminated, truncated, infos = env.step(actions)
assert set(observations) <= set(env.possible_agents)
env.close()
print(mabc.__file__)
"""


def test_pettingzoo_loop_beside_a_strangers_packages(site, strangers_folder):
    (strangers_folder / "loop.py").write_text(LOOP)
    printed = run(sys.executable, "loop.py", cwd=strangers_folder, PYTHONPATH=str(site))
    assert Path(printed.split()[-1]).is_relative_to(site), f"not the wheel's mabc: {printed}"


def test_train_help_from_the_wheel(site, tmp_path):
    assert "env=" in run(sys.executable, "-m", "algos.train", "--help", cwd=tmp_path, PYTHONPATH=str(site))


def test_console_script_points_at_a_function(site, tmp_path):
    (entry,) = site.glob("mabc-*.dist-info/entry_points.txt")
    assert "mabc = mabc.cli:main" in entry.read_text()
    check = "from mabc.cli import main; assert callable(main)"
    run(sys.executable, "-c", check, cwd=tmp_path, PYTHONPATH=str(site))
