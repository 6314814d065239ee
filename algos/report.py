"""Curves of a run as a picture: python -m algos.report run=PATH writes report.png into the run folder."""

from __future__ import annotations

from algos.common import cli
from algos.common.errors import BadInput
from algos.evaluation.plots import plot

KEYS = {"run": "a run folder"}


def run_report(argv: list[str]) -> None:
    options, _ = cli.parse(argv, KEYS)
    try:
        print(plot(options["run"]))
    except OSError as error:
        raise BadInput(error) from error


def main(argv: list[str] | None = None) -> None:
    cli.command(argv, __doc__, KEYS, run_report)


if __name__ == "__main__":
    main()
