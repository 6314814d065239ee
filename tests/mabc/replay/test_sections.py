"""The table of sections: what is made from it is up to date, and it is what the recorder writes."""

import subprocess
import sys
from pathlib import Path

import mabc
from mabc.replay.container import unpack
from mabc.replay.sections import DELTA, SECTIONS, columns_of

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_and_the_documentation_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/make_sections.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run scripts/make_sections.py"


def test_a_recording_has_the_sections_and_no_others(tmp_path):
    env = mabc.make_batch("skirmish-2v2", 1, seed=0, record=str(tmp_path / "game.mabc"), line_of_sight=True)
    env.reset(seed=0)
    for _ in range(3):
        env.step(env.bot_actions("random"))
    env.close()
    _, sections = unpack((tmp_path / "game.mabc").read_bytes())
    needed = {name for name, section in SECTIONS.items() if not section.optional}
    assert set(sections) == needed | {"seen_tiles"}
    assert set(SECTIONS) > DELTA
    assert list(columns_of("change")) == ["frame", "tile", "code"]
