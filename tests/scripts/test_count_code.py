"""The house stays in order: no circles, one place that takes gradient steps, few lines behind an algorithm."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import count_code


def test_there_is_no_circle_of_imports():
    assert count_code.circles() == []


def test_a_circle_is_found(tmp_path, monkeypatch):
    (tmp_path / "algos").mkdir()
    (tmp_path / "algos" / "one.py").write_text("from algos import two\n")
    (tmp_path / "algos" / "two.py").write_text("import algos.one\n\n\ndef later():\n    import algos.two\n")
    monkeypatch.setattr(count_code, "ROOT", tmp_path)
    assert [sorted(circle) for circle in count_code.circles()] == [["algos.one", "algos.two"]]
    assert count_code.imports_of(tmp_path / "algos" / "two.py") == ({"algos.one"}, 1)


def test_an_algorithm_needs_few_files():
    found = count_code.closure("algos.offline.iql")
    assert found["lines"] <= 1_600
    assert count_code.lines_of(count_code.ROOT / "algos" / "online" / "ppo.py") <= 400
    assert count_code.lines_of(*(count_code.ROOT / "algos" / "common").glob("*.py")) <= 1_500
