"""Break rules on purpose, one at a time, and show that a test of that rule goes red.

    python scripts/mutate_rules.py            # all of them: a minute each, since every one is compiled anew
    python scripts/mutate_rules.py stun order # some of them
    python scripts/mutate_rules.py --list

Each is broken in a copy of the package in a temporary folder; the checkout stays as it is. Exits with 1 if a broken
rule goes unnoticed, or if a test is red without any.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "envs" / "mabc"
TESTS = "tests/mabc/rules"


class Mutation(NamedTuple):
    """One broken rule: in a file, `old` (which occurs once) becomes `new`; `test` is the rule's."""

    what: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS = {
    "range": Mutation(
        "a bullet hits a tank at 10 px",
        "params.py",
        "BULLET_TANK = 10",
        "BULLET_TANK = 11",
        "test_bullets.py::test_bullet_against_tank_within_10_px",
    ),
    "stun": Mutation(
        "friendly fire stuns for 266 frames",
        "params.py",
        "STUN_FRAMES = 267",
        "STUN_FRAMES = 266",
        "test_lives.py::test_friendly_fire_stuns_for_267_frames",
    ),
    "brick": Mutation(
        "a normal shot clears whole tiles",
        "rules/bullets.py",
        "world.terrain[at] = code & ~mask",
        "world.terrain[at] = 0",
        "test_terrain.py::test_two_shots_a_tile_four_a_block",
    ),
    "snap": Mutation(
        "a reversal snaps too",
        "rules/drive.py",
        "if (heading - tank.heading) & 1:",
        "if heading != tank.heading:",
        "test_tanks.py::test_a_reversal_does_not_snap",
    ),
    "order": Mutation(
        "bullets meet tanks before bullets",
        "core.py",
        "    bullets_on_bullets(world, scratch)\n    bullets_on_tanks(world, spec, scratch)\n",
        "    bullets_on_tanks(world, spec, scratch)\n    bullets_on_bullets(world, scratch)\n",
        "test_order.py::test_bullet_against_bullet_before_bullet_against_tank",
    ),
    "middle": Mutation(
        "by time the team farther from the middle wins",
        "rules/outcome.py",
        "float(other_way * count - way * other_count)",
        "float(way * other_count - other_way * count)",
        "test_modes.py::test_at_the_time_limit_of_even_teams_the_one_nearer_to_the_middle_wins",
    ),
    "odds": Mutation(
        "enemies fire with probability 1/24",
        "params.py",
        "FIRE_ODDS = 32",
        "FIRE_ODDS = 24",
        "test_classic.py::test_fires_with_probability_1_in_32_a_frame",
    ),
    "entry": Mutation(
        "an entry takes 27 frames",
        "params.py",
        "ENTER_FRAMES = 28",
        "ENTER_FRAMES = 27",
        "test_geometry.py::test_an_entering_tank_cannot_be_hit_for_28_frames",
    ),
    "grenade": Mutation(
        "a grenade earns points",
        "rules/power_ups.py",
        "destroy(world, j, i, False)",
        "destroy(world, j, i, True)",
        "test_power_ups.py::test_grenade_explodes_all_enemies_without_points",
    ),
}


def run_tests(envs: Path, cache: Path, tests: list[str]) -> tuple[int, int, int]:
    """Run rule tests against the package in `envs`: pytest's exit status, how many passed and how many failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", f"pythonpath={envs} ."]
    command += [f"{TESTS}/{test}" for test in tests]
    environment = {**os.environ, "MABC_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    if done.returncode not in (0, 1) or "error" in counts:
        sys.exit(f"the tests could not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode, counts.get("passed", 0), counts.get("failed", 0)


def broken(mutation: Mutation) -> str:
    """The text of the mutation's file with the rule broken; ValueError if `old` does not occur once."""
    text = (PACKAGE / mutation.file).read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file}: {mutation.old!r} occurs {text.count(mutation.old)} times, not once")
    return text.replace(mutation.old, mutation.new)


def try_one(mutation: Mutation | None, tests: list[str]) -> tuple[bool, str, float]:
    """Run tests on a copy, broken or not: whether they are red, the counts, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "envs" / "mabc"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if mutation is not None:
            (copy / mutation.file).write_text(broken(mutation), encoding="utf-8")
        start = time.perf_counter()
        status, passed, failed = run_tests(copy.parent, Path(folder) / "cache", tests)
        return status != 0, f"{failed} of {passed + failed} red", time.perf_counter() - start


def main() -> int:
    """Print the table; 0 if every broken rule was noticed."""
    parser = argparse.ArgumentParser(description="Break rules on purpose and show that their tests go red.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(MUTATIONS)}; default all")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in MUTATIONS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(MUTATIONS)}")
    chosen = {name: MUTATIONS[name] for name in options.names or MUTATIONS}
    if options.list:
        print("\n".join(f"{name:8} {m.what} ({m.file})" for name, m in chosen.items()))
        return 0
    print(f"{'rule':9}{'broken so that':37}{'its test':72}{'result':20}seconds")
    red, counts, seconds = try_one(None, [m.test for m in chosen.values()])
    print(f"{'-':9}{'not broken':37}{'all of the below':72}{counts:20}{seconds:.0f}", flush=True)
    good = not red
    for name, mutation in chosen.items():
        red, counts, seconds = try_one(mutation, [mutation.test])
        verdict = counts if red else f"UNNOTICED ({counts})"
        print(f"{name:9}{mutation.what:37}{mutation.test:72}{verdict:20}{seconds:.0f}", flush=True)
        good &= red
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
