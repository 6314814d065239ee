"""The OTTO experiments: pairs, gains, intervals, and a cell so small that it takes seconds instead of minutes."""

import json
from functools import partial

import pytest

from algos.data.recipes import battles, catalogue
from scripts import run_otto


def cell(dataset, base, arm, scores, updates=10):
    return {"dataset": dataset, "base": base, "arm": arm, "scores": scores, "updates": updates}


def test_gains_are_taken_seed_by_seed():
    results = [
        cell("a", "iql", "base", [10, 20, 30]),
        cell("a", "iql", "otto", [11, 25, 29]),
        cell("a", "bc", "base", [0, 0, 0]),  # without a partner
        cell("b", "iql", "base", [0, 0, 0], updates=5),  # of another budget
        cell("b", "iql", "otto", [9, 9, 9]),
        cell("c", "iql", "base", [0, 0, 0]),  # of another group of datasets
        cell("c", "iql", "otto", [9, 9, 9]),
    ]
    assert run_otto.gains(results, "otto", "base", ("a", "b")) == {"a": {"iql": [1, 5, -1]}}


def test_an_interval_by_hand():
    """Datasets weigh alike, however many bases they have; where nothing varies, the interval is a point."""
    found = run_otto.interval({"a": {"iql": [2.0, 2.0], "bc": [2.0, 2.0]}, "b": {"iql": [2.0]}}, draws=20)
    assert found == {"mean": 2.0, "low": 2.0, "high": 2.0}
    found = run_otto.interval({"a": {"iql": [0.0], "bc": [2.0]}, "b": {"iql": [9.0]}}, draws=2000)
    assert found["mean"] == 5.0
    # a quarter of the draws is dataset b twice: 9. Another is dataset a twice, each time the mean of two of its bases:
    # of these, 1/16 give 0 and 0, in all less than 2.5%, and 1/4 give 0 and 1, so that the lower bound is 0.5
    assert found["low"] == 0.5
    assert found["high"] == 9.0


def test_base_and_otto_learn_with_the_same_settings():
    """Every reported pair has both arms, on datasets on which nothing was chosen."""
    cells = {cell[:3]: cell[3] for cell in run_otto.cells("report")}
    pairs = [key[:2] for key in cells if key[2] == "otto"]
    assert len(pairs) == 15
    assert len({dataset for dataset, _ in pairs}) == 5
    for dataset, base in pairs:
        assert (dataset, base, "base") in cells
        assert run_otto.base_settings(dataset, base, "otto") == run_otto.base_settings(dataset, base, "base")
        assert dataset not in run_otto.TUNING
    assert {(dataset, "bc") for dataset in run_otto.REPORTING} <= {key[:2] for key in cells if key[2] == "base"}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Results, runs and a small dataset in a folder of the test."""
    monkeypatch.setenv("MABC_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(battles, "REFERENCE_WORLDS", 4)
    monkeypatch.setattr(battles, "REFERENCE_ROUNDS", 1)
    monkeypatch.setattr(run_otto, "RESULTS", tmp_path / "results" / "otto")
    monkeypatch.setattr(run_otto, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(run_otto, "EPISODES", {"mabc": 2})
    monkeypatch.setattr(run_otto, "SMALL", {"hidden_size": 8, "lr": 1e-3})
    catalogue.make("skirmish-2v2-random", 400, 0, 1, lambda text: None)
    return tmp_path


def test_a_cell_from_its_dataset_to_the_table(folders, capsys):
    """Scores of the policies of each seed, judged after every thousand steps and kept once; the table sums them up."""
    run = partial(run_otto.run_cell, "skirmish-2v2-random", "bc", "base", None)
    run(1_000)
    (file,) = (folders / "results" / "otto").iterdir()
    assert file.name == "skirmish-2v2-random.bc.base.json"
    found = json.loads(file.read_text())
    assert [len(policies) for policies in found["success"]] == [1, 1, 1], "after 1,000 steps, not before the first"
    assert found["scores"] == pytest.approx([100 * rate for (rate,) in found["success"]])
    written = file.stat().st_mtime_ns
    run(1_000)
    assert file.stat().st_mtime_ns == written, "a finished cell is not run again"
    with pytest.raises(SystemExit, match="move it away"):
        run(2_000)
    run_otto.table()
    assert "skirmish-2v2-random" in capsys.readouterr().out
    assert json.loads((folders / "results" / "otto.json").read_text())["cells"] == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["tune", "--share", "x"], "a share as 1/2 and 2/2 are"),
        (["tune", "--share", "1/0"], "a share as 1/2 and 2/2 are"),
        (["tune", "--share", "0/1"], "a share as 1/2 and 2/2 are"),
        (["report", "--arm", "ottto"], "--arm ottto: report has base, otto"),
        (["report", "--updates", "10"], "--updates 10: at least 1,000"),
    ],
)
def test_options_that_make_no_sense(words, text, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["run_otto", *words])
    with pytest.raises(SystemExit) as stop:
        run_otto.main()
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("part", ["tune", "report", "ablate", "neighbours"])
def test_every_cell_is_one_that_can_be_run(part):
    """Settings are those of the algorithms' configurations, and no two cells share a file."""
    from algos.common import config as cfg
    from algos.data.recipes import catalogue

    cells = run_otto.cells(part)
    assert len({cell[:3] for cell in cells}) == len(cells)
    for dataset, base, arm, settings in cells:
        catalogue.check_name(dataset)
        kwargs = run_otto.base_settings(dataset, base, arm)
        name = base if settings is None else "otto"
        given = kwargs if settings is None else {"base": base, "kwargs": kwargs, **settings}
        cfg.load_module(cfg.presets()[name]).Config(name=name, **given)
