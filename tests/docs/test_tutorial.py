"""The tutorial's program runs, and its page quotes it word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_page_quotes_the_program():
    program = (DOCS / "tutorial.py").read_text("utf-8")
    quotes = re.findall(r"^```python\n(.*?)^```$", (DOCS / "tutorial.md").read_text("utf-8"), re.M | re.S)
    assert len(quotes) >= 4
    for quote in quotes:
        assert quote in program


def test_program_runs():
    env = {**os.environ, "PYTHONPATH": str(DOCS.parent / "envs"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(DOCS / "tutorial.py"), "20"]
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert out.count("episodes won") == 2
