"""The audit's results (scripts/audit_scenarios.py) as tables: in a terminal, and in docs/scenarios.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from bench_common import ROOT

import mabc
from mabc.render.png import write_png

TRIVIAL = ("constant-0", "best constant", "uniform")
PLAYERS = ("classic", "tactical:novice", "tactical:regular", "tactical:expert")
SHORT = {"constant-0": "still", "best constant": "constant", "open-loop": "open loop"}


def best_constant(team: dict[str, Any]) -> float:
    """The highest win rate of one action for ever."""
    return max(found["win"] for name, found in team.items() if name.startswith("constant-"))


def wins(found: dict[str, Any], team: int) -> dict[str, float | None]:
    """Win rates with a team's tanks, by who is tried."""
    played = found.get(f"team{team}", {})
    rates: dict[str, float | None] = {name: played[name]["win"] for name in (*PLAYERS, "uniform") if name in played}
    if played:
        rates["constant-0"], rates["best constant"] = played["constant-0"]["win"], best_constant(played)
    rates["open-loop"] = found.get("open-loop", {}).get("win") if team == 1 else None
    return rates


def learned(found: dict[str, Any], kind: str) -> list[float]:
    """Win rates of the trained ones of a kind, "memoryless" or "recurrent"."""
    runs = [value for key, value in found.items() if key.startswith(f"ippo.{kind}.")]
    return [run["policy"]["win_rate"] if "policy" in run else run["win_rate"] for run in runs]


def cell(value: float | None) -> str:
    """A rate with two digits, or a dash."""
    return "–" if value is None else f"{value:.2f}"


def rows(found: Iterable[dict[str, Any]]) -> list[list[str]]:
    """A row for every team that learns in every scenario."""
    table = []
    for one in found:
        teams = [int(key.removeprefix("team")) for key in one if key.startswith("team")]
        for team in teams:
            rates = wins(one, team)
            kinds = [learned(one, kind) if team == 1 else [] for kind in ("memoryless", "recurrent")]
            table.append(
                [
                    one["scenario"] if team == teams[0] else "",
                    str(team),
                    *(cell(rates.get(name)) for name in (*TRIVIAL, "open-loop", *PLAYERS)),
                    *(cell(float(np.mean(kind)) if kind else None) for kind in kinds),
                ]
            )
    return table


HEAD = [
    *("scenario", "team", "still", "constant", "uniform", "open loop", "classic", "novice", "regular", "expert"),
    *("ippo", "ippo, GRU"),
]


def chi_squared_p(counts: np.ndarray) -> float:
    """p of the hypothesis that all outcomes are as likely (Pearson's test)."""
    from scipy.stats import chisquare

    return float(chisquare(counts).pvalue) if counts.sum() else 1.0


def fairness(found: Iterable[dict[str, Any]]) -> list[list[str]]:
    """A row for every scenario of equal teams and every bot: draws, shares by team and by side, and p."""
    table = []
    for one in found:
        for key, games in one.items():
            if key.startswith("mirror."):
                by_team, by_side = np.array(games["by_team"]), np.array(games["by_side"])
                had = np.array(games["had_side"])
                shares = by_side / had / max((by_side / had).sum(), 1e-9)
                table.append(
                    [
                        one["scenario"],
                        key.removeprefix("mirror."),
                        f"{games['draw']:.2f}",
                        " / ".join(f"{share:.3f}" for share in by_team / max(by_team.sum(), 1)),
                        f"{chi_squared_p(by_team):.3f}",
                        " / ".join(f"{share:.3f}" for share in shares),
                    ]
                )
    return table


FAIR_HEAD = ["scenario", "bot", "draws", "shares by team", "p", "shares by side"]


def levels(found: Iterable[dict[str, Any]]) -> list[list[str]]:
    """A row for every scenario of two equal teams: bots as agents against themselves, and level against level."""
    table = []
    for one in found:
        agents = [one.get(f"agents.{bot}") for bot in ("classic", "tactical:regular", "tactical:expert")]
        above = [one.get(f"above.{bot}") for bot in ("tactical:novice", "tactical:regular")]
        if any((*agents, *above)):
            table.append([one["scenario"], *(cell(games and games["decided"]) for games in (*agents, *above))])
    return table


LEVEL_HEAD = ["scenario", *(f"{bot} as agents" for bot in ("classic", "regular", "expert"))]
LEVEL_HEAD += ["regular v novice", "expert v regular"]


def shown(found: list[dict[str, Any]]) -> str:
    """All tables for a terminal."""
    tables = ((HEAD, rows(found)), (FAIR_HEAD, fairness(found)), (LEVEL_HEAD, levels(found)))
    return "\n\n".join(plain(head, table) for head, table in tables)


def plain(head: list[str], table: list[list[str]]) -> str:
    """Columns of equal width."""
    widths = [max(map(len, column)) for column in zip(head, *table, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in [head, *table]]
    return "\n".join(line.rstrip() for line in lines)


def markdown(head: list[str], table: list[list[str]]) -> str:
    """The same in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *table]]
    return "\n".join(lines)


INTRO = """# Scenarios

What trivial policies, bots and learners reach in every named scenario: whether its game is worth learning. A game is if
nothing that looks at nothing wins it, somebody does, equals draw seldom, and no team is luckier than another.

Rates are shares of games won with a team's tanks over the first episodes of 512 worlds. *still*: never acts.
*constant*: the best of the ten actions, for ever. *uniform*: random legal actions. *open loop*: the best fixed sequence
that a cross-entropy search finds. *classic* to *expert*: `env.bot_actions`, the last three of `tactical`. *ippo*:
greedy, the mean of its seeds at the default budget; the recurrent one has 64 units. Other learning teams are driven by
`tactical:regular`. A dash: not measured yet.

Made by `python scripts/audit_scenarios.py` and `--table`; the numbers are in
[baselines/results/audit](../baselines/results/audit)."""


def write_page(found: list[dict[str, Any]]) -> None:
    """Write docs/scenarios.md and a picture of every field that it shows."""
    folder = ROOT / "docs" / "images" / "scenarios"
    folder.mkdir(parents=True, exist_ok=True)
    for one in found:
        env = mabc.make_batch(one["scenario"], 1)
        env.reset(seed=0)
        write_png(folder / f"{one['scenario']}.png", mabc.render.draw_world(env, 0, 1))
    (ROOT / "docs" / "scenarios.md").write_text(page(found), encoding="utf-8")


def page(found: list[dict[str, Any]]) -> str:
    """The text of docs/scenarios.md."""
    standard = [one for one in found if one["scenario"] in mabc.STANDARD]
    others = [one for one in found if one["scenario"] not in mabc.STANDARD]
    fields = [["scenario", "mode", "field", "what it is"]]
    for one in found:
        scenario = mabc.scenario(one["scenario"])
        picture = f"![{scenario.name}](images/scenarios/{scenario.name}.png)"
        fields.append([f"`{scenario.name}`", scenario.mode, picture, scenario.note])
    parts = [
        INTRO,
        "## The benchmark set, `mabc.STANDARD`",
        markdown(HEAD, rows(standard)),
        "## All other scenarios",
        markdown(HEAD, rows(others)),
        "## Fairness",
        "One bot drives all teams. Shares of the decided games; p of the hypothesis that all teams win as many;\n"
        "shares by the side of the map on which a team began.",
        markdown(FAIR_HEAD, fairness(found)),
        "## Levels",
        "Shares of the decided games. *as agents*: `env.bot_actions`, once a step, against the same bot in the\n"
        "kernel, an even match. The rest: a level against the one below, both in the kernel.",
        markdown(LEVEL_HEAD, levels(found)),
        "## The fields",
        markdown(fields[0], fields[1:]),
    ]
    return "\n\n".join(parts) + "\n"
