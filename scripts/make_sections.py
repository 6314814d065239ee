"""Write what the viewer's page and docs/replay.md have of the table of a replay's sections (mabc.replay.sections).

python scripts/make_sections.py            write envs/mabc/viewer/sections.js and the table in docs/replay.md
python scripts/make_sections.py --check    exit status 1 where they are not up to date
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from bench_common import ROOT

from mabc.params import NUM_ACTIONS, POWER_UPS
from mabc.replay.events import EVENT_KINDS
from mabc.replay.sections import SECTIONS, Section

PAGE = ROOT / "envs" / "mabc" / "viewer" / "sections.js"
DOCS = ROOT / "docs" / "replay.md"
WORDS = {
    "T+1": "T + 1", "F+1": "F + 1", "hashes": "h", "tiles": "height · width", "changes": "E", "events": "E",
    "seen_bytes": "⌈(3M + B + 1) / 8⌉", "tile_bytes": "⌈height · width / 8⌉",
}  # fmt: skip
"""Words of shapes as the documentation has them."""
PLAIN = Section("", "", "")


def page() -> str:
    """viewer/sections.js."""
    lines = ["// The sections of a replay; written by scripts/make_sections.py from replay/sections.py.", ""]
    lines += [f"export const NUM_ACTIONS = {NUM_ACTIONS};", f"export const NUM_POWER_UPS = {len(POWER_UPS)};"]
    lines += [f"export const KINDS = {json.dumps(EVENT_KINDS)};", "export const SECTIONS = {"]
    for name, section in SECTIONS.items():
        facts: dict[str, Any] = {"dtype": section.dtype, "shape": section.shape.split()}
        for key in ("optional", "high", "low", "shift", "ascending"):
            if getattr(section, key) != getattr(PLAIN, key):
                facts[key] = getattr(section, key)
        lines.append(f"  {json.dumps(name)}: {json.dumps(facts)},")
    return "\n".join([*lines, "};", ""])


def docs() -> str:
    """docs/replay.md with its table made anew."""
    lines = ["| section | dtype, shape | what |", "|---|---|---|"]
    for name, section in SECTIONS.items():
        shape = ", ".join(WORDS.get(word, word) for word in section.shape.split())
        lines.append(f"| `{name}` | {section.dtype} [{shape}] | {section.what} |")
    lines.append("| `extra.NAME` | any | what a recorder adds per step: below |")
    before, rest = DOCS.read_text(encoding="utf-8").split("| section | dtype, shape | what |", 1)
    after = rest[rest.index("\n\n") :]
    return before + "\n".join(lines) + after


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    old = []
    check = parser.parse_args().check
    for path, text in ((PAGE, page()), (DOCS, docs())):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{'not up to date' if check else 'written'}: {', '.join(old)}" if old else "up to date")
    raise SystemExit(bool(old) and check)


if __name__ == "__main__":
    main()
