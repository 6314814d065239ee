"""docs/rules.md names a test for every rule, and every rule test is named there."""

import ast
import re
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "tests" / "mabc" / "rules"


def named() -> list[str]:
    """The test ids in the last column of the tables."""
    rows = [line for line in (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").splitlines() if "::" in line]
    ids = [re.fullmatch(r"\| .+ \| `(test_\w+\.py::test_\w+)` \|", row) for row in rows]
    assert all(ids), [row for row, found in zip(rows, ids, strict=True) if not found]
    return [found.group(1) for found in ids if found]


def existing() -> set[str]:
    """The ids of the tests in tests/mabc/rules."""
    return {
        f"{path.name}::{node.name}"
        for path in RULES.glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_is_named_exists():
    assert not set(named()) - existing()


def test_every_rule_test_is_named():
    assert not existing() - set(named())


def test_the_facts_are_there():
    assert len(named()) > 150


def test_rules_can_be_broken_on_purpose():
    """scripts/mutate_rules.py still finds what it breaks, and the tests that should go red."""
    script = runpy.run_path(str(ROOT / "scripts" / "mutate_rules.py"))
    assert len(script["MUTATIONS"]) >= 5
    for mutation in script["MUTATIONS"].values():
        assert script["broken"](mutation)
        assert mutation.test in existing()
