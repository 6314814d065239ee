"""The named scenarios."""

from __future__ import annotations

from .scenarios import Scenario, ScenarioError, Team, unknown

_TEMP = "\n".join(["...A..A..A...", ".............", "..##.....##..", ".............", "....#...#....", "......#......", ".#..#.#.#..#.", "......#......", "....#...#....", ".............", "..##.....##..", ".............", "...B..B..B..."])
_TEMP5 = "\n".join(["A..A..A..A..A", ".............", "..##.....##..", ".............", "....#...#....", "......#......", ".#..#.#.#..#.", "......#......", "....#...#....", ".............", "..##.....##..", ".............", "B..B..B..B..B"])
_V5 = "\n".join(["A..A.#E#.A..A", ".....###.....", "..##.....##..", "......A......", "....#...#....", "......#......", ".#..#.#.#..#.", "......#......", "....#...#....", "......B......", "..##.....##..", ".....###.....", "B..B.#F#.B..B"])

_ALL = {
    s.name: s
    for s in (
        Scenario("skirmish-3v3", "skirmish", _TEMP, (Team(("player",) * 3), Team(("player",) * 3, "classic"))),
        Scenario("skirmish-5v6", "skirmish", _TEMP5.replace("B..B..B..B..B", "B.B.B..B.B..B"), (Team(("player",) * 5), Team(("player",) * 6, "classic"))),
        Scenario("versus-5v5", "versus", _V5, (Team(("player",) * 5), Team(("player",) * 5)), max_steps=300),
        Scenario("solo", "skirmish", "duel", (Team(), Team(driver="classic")), note="one tank against one bot"),
        Scenario("duel", "skirmish", "duel", (Team(), Team()), note="one tank against one tank, both learning"),
    )
}


def scenarios() -> list[str]:
    """The names of all scenarios."""
    return list(_ALL)


def scenario(name: str | Scenario) -> Scenario:
    """The scenario of that name; a Scenario is returned as it is."""
    if isinstance(name, Scenario):
        return name
    if not isinstance(name, str):
        raise ScenarioError(f"scenario={name!r}: expected a name or a Scenario")
    if name not in _ALL:
        raise unknown("scenario", name, _ALL)
    return _ALL[name]
