"""What README.md and docs/ show is true: every Python block runs, every relative link leads somewhere."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"<!-- not run: \S[^>]*-->\s*\Z")  # directly before a block, with a reason
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, text: str) -> list[Block]:
    """The Python blocks of a page that are to be run; `line` is where the code begins."""
    return [
        Block(page, text.count("\n", 0, found.start(1)) + 1, found.group(1))
        for found in FENCE.finditer(text)
        if not NOT_RUN.search(text[: found.start()])
    ]


ALL_BLOCKS = [block for page in PAGES for block in blocks(page, page.read_text("utf-8"))]


@pytest.mark.parametrize("block", ALL_BLOCKS, ids=str)
def test_block_runs(block, tmp_path):
    """In an empty folder and a process of its own, so that no block leans on another or on the checkout."""
    script = tmp_path / "block.py"
    script.write_text("\n" * (block.line - 1) + block.code, "utf-8")  # a traceback shows the page's line
    path = os.pathsep.join([str(ROOT / "envs"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path, "SDL_VIDEODRIVER": "dummy", "MPLBACKEND": "agg"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = ["".join(pair) for pair in LINK.findall(page.read_text("utf-8"))]
    local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    missing = [link for link in local if link and not (page.parent / link).exists()]
    assert not missing, f"{page.name} links to {missing}"


def test_readme_shows_code():
    assert any(block.page.name == "README.md" for block in ALL_BLOCKS)


def test_blocks_are_found_and_left_out():
    page = "# x\n```python\na = 1\n```\n<!-- not run: needs a window -->\n```python\nb = 2\n```\n"
    page += "```console\nc\n```\n<!-- not run: -->\n```python\nd = 4\n```\n"
    assert [(b.line, b.code) for b in blocks(ROOT / "README.md", page)] == [(3, "a = 1\n"), (14, "d = 4\n")]
