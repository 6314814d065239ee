"""The named scenarios: one row each. `mabc scenarios` prints them.

The name says mode and sides (`skirmish-5v6`); sides that learn come first. Any opponents can be replaced:
`make_batch("skirmish-3v3", opponents="tactical:regular")`. docs/scenarios.md tells what each demands and how well
trivial policies, bots and learners do in it.
"""

from __future__ import annotations

from .endgames import ENDGAMES
from .params import WAVE_SIZE
from .scenarios import Rewards, Scenario, ScenarioError, Team, unknown, wave_team

TRAIN_MAPS = ("clearing", "courtyard", "crossing", "hedges", "orchard")
"""Two-team skirmish maps of the training split."""

TEST_MAPS = ("frozen_lake", "quarry", "ruins")
"""Two-team skirmish maps of the test split."""

GENERATED = tuple(f"generator:{seed}" for seed in range(32))
"""Generated skirmish maps with five entries a side."""

VERSION = 2
"""Of all named scenarios: raised whenever one of them changes."""

FIRST_WAVE = ("basic",) * 12 + ("fast",) * 4 + ("basic",) * 2 + ("power", "armor")
LATER_WAVE = ("basic", "fast", "power", "armor") * (WAVE_SIZE // 4)


NOVICE, REGULAR, EXPERT = "tactical:novice", "tactical:regular", "tactical:expert"


def learners(count: int, kind: str = "player", **more) -> Team:
    """A learning team of tanks of one type."""
    return Team((kind,) * count, **more)


def bots(count: int, kind: str = "player", driver: str = REGULAR, **more) -> Team:
    """A bot team of tanks of one type."""
    return Team((kind,) * count, driver=driver, **more)


MIXED = ("player", "armor", "fast", "power")

_SKIRMISH = [
    Scenario(
        "solo",
        "skirmish",
        "duel",
        (learners(1), bots(1, driver=NOVICE)),
        max_steps=200,
        note="a first lesson: one tank against one bot",
    ),
    Scenario(
        "duel",
        "skirmish",
        "duel",
        (learners(1), learners(1)),
        max_steps=200,
        note="a first lesson, both learn: aim, one against one",
    ),
    Scenario(
        "skirmish-2v2",
        "skirmish",
        "duel",
        (learners(2), bots(2, driver=NOVICE)),
        max_steps=200,
        note="a small field: aim and timing",
    ),
    Scenario(
        "skirmish-3v3",
        "skirmish",
        "clearing",
        (learners(3), bots(3, driver=NOVICE, knowledge="agent")),
        max_steps=200,
        note="the default",
    ),
    Scenario(
        "skirmish-5v5",
        "skirmish",
        "clearing",
        (learners(5), bots(5)),
        max_steps=200,
        note="opponents who tell each other what they see",
    ),
    Scenario(
        "skirmish-5v6",
        "skirmish",
        "orchard",
        (learners(5), bots(6)),
        max_steps=200,
        note="outnumbered among trees: see first, trade well",
    ),
    Scenario(
        "skirmish-3v5",
        "skirmish",
        "crossing",
        (learners(3), bots(5, driver=NOVICE)),
        max_steps=250,
        note="outnumbered: hold a passage",
    ),
    Scenario(
        "skirmish-10v10",
        "skirmish",
        "parade_ground",
        (learners(10), bots(10)),
        max_steps=250,
        note="a crowd: lanes of fire, and mates who stand in them",
    ),
    Scenario(
        "skirmish-9v11",
        "skirmish",
        "parade_ground",
        (learners(9), bots(11)),
        max_steps=250,
        note="a crowd, outnumbered",
    ),
    Scenario(
        "skirmish-20v20",
        "skirmish",
        "steppe",
        (learners(20), bots(20)),
        max_steps=350,
        note="a wide field: where to be, before how to aim",
    ),
    Scenario(
        "skirmish-5v6-maps",
        "skirmish",
        TRAIN_MAPS,
        (learners(5), bots(6)),
        max_steps=250,
        note="outnumbered on five maps, the training split: no field to learn by heart",
    ),
    Scenario(
        "skirmish-5v6-test",
        "skirmish",
        TEST_MAPS,
        (learners(5), bots(6)),
        max_steps=250,
        note="outnumbered on three other maps, the test split",
    ),
    Scenario(
        "skirmish-5v5-generated",
        "skirmish",
        GENERATED,
        (learners(5), bots(5)),
        max_steps=250,
        note="32 generated maps",
    ),
    Scenario(
        "skirmish-4v4-mixed",
        "skirmish",
        "orchard",
        (Team(MIXED), Team(MIXED, driver=REGULAR)),
        max_steps=250,
        note="a tank of each kind: who leads, who shoots",
    ),
    Scenario(
        "skirmish-3v6-swarm",
        "skirmish",
        "orchard",
        (learners(3, "armor"), bots(6, "basic", driver=EXPERT)),
        max_steps=250,
        random_rotation=True,
        note="three armoured tanks against six light ones: focus of fire",
    ),
    Scenario(
        "skirmish-3v3-blind",
        "skirmish",
        "hedges",
        (learners(3), bots(3)),
        line_of_sight=True,
        max_steps=250,
        note="walls cut the view: remember who went where",
    ),
    Scenario(
        "skirmish-3x3",
        "skirmish",
        "roundabout",
        (learners(3), learners(3), learners(3)),
        max_steps=300,
        note="three teams on three of four sides, free for all: whom to fight first",
    ),
    Scenario(
        "skirmish-4x2",
        "skirmish",
        "roundabout",
        (learners(2), bots(2), bots(2), bots(2)),
        max_steps=300,
        note="four teams, free for all; one learns",
    ),
]

_DEFEND = [
    Scenario(
        "defend-1",
        "defend",
        "brickworks",
        (learners(1, lives=3), wave_team(1, FIRST_WAVE)),
        max_steps=1500,
        sight=96,
        note="the classic game, one player: guard a base against twenty",
    ),
    Scenario(
        "defend-2",
        "defend",
        "riverside",
        (learners(2, lives=3), wave_team(2, FIRST_WAVE)),
        max_steps=1500,
        sight=96,
        note="the classic game, two players",
    ),
    Scenario(
        "defend-2-hard",
        "defend",
        ("brickworks", "riverside"),
        (learners(2, lives=3), wave_team(2, LATER_WAVE)),
        max_steps=1500,
        sight=96,
        stage=20,
        note="a late stage: all kinds of tanks, quick entries",
    ),
]

_SIEGE = [
    Scenario(
        "siege-3v3",
        "siege",
        ("citadel", "gatehouse"),
        (learners(3), bots(3, "basic", stance="patrol")),
        max_steps=250,
        random_rotation=True,
        note="guards on patrol: break in between their rounds",
    ),
    Scenario(
        "siege-5v5",
        "siege",
        "island_fort",
        (learners(5), bots(5, stance="hold")),
        max_steps=300,
        random_rotation=True,
        note="guards hold their posts: open the wall where they do not look",
    ),
    Scenario(
        "siege-5v8",
        "siege",
        ("island_fort", "gatehouse"),
        (learners(5), bots(8, "basic", driver=NOVICE)),
        max_steps=300,
        random_rotation=True,
        note="guards come out to meet you: win the field, then the fort",
    ),
    Scenario(
        "siege-race-2x2",
        "siege",
        "trident",
        (learners(2), learners(2), bots(3, "basic", driver=NOVICE)),
        max_steps=300,
        note="two learning teams, one enemy: who takes its base first",
    ),
]

_VERSUS = [
    Scenario(
        "versus-1v1",
        "versus",
        "strongholds",
        (learners(1), learners(1)),
        max_steps=450,
        note="self-play: one base each, attack or guard",
    ),
    Scenario(
        "versus-2v2",
        "versus",
        "strongholds",
        (learners(2), learners(2)),
        max_steps=450,
        note="self-play: who attacks, who guards",
    ),
    Scenario(
        "versus-5v5",
        "versus",
        "strongholds",
        (learners(5), learners(5)),
        max_steps=450,
        random_rotation=True,
        note="self-play: roles in a larger team",
    ),
    Scenario(
        "versus-5v5-power-ups",
        "versus",
        "strongholds",
        (learners(5, lives=3), learners(5, lives=3)),
        max_steps=900,
        power_up_period=480,
        random_rotation=True,
        note="three lives and power-ups",
    ),
    Scenario(
        "versus-3x3",
        "versus",
        "four_winds",
        (learners(3),) * 3,
        max_steps=450,
        note="three teams on three of four sides",
    ),
    Scenario("versus-4x2", "versus", "four_winds", (learners(2),) * 4, max_steps=450, note="four teams"),
]

_SCOUT = [
    Scenario(
        "scout-2v2",
        "scout",
        "watchtowers",
        (learners(2), bots(2, "basic", driver=EXPERT, stance="hold")),
        targets=1,
        sight=48,
        max_steps=120,
        random_rotation=True,
        note="one of four targets in short sight, two guards: divide the search",
    ),
    Scenario(
        "scout-3v4",
        "scout",
        "marsh",
        (learners(3), bots(4, "basic", driver=NOVICE, stance="hold")),
        targets=2,
        max_steps=240,
        random_rotation=True,
        note="two of five targets: search a wide field past guards",
    ),
    Scenario(
        "scout-3v4-patrol",
        "scout",
        "pinewood",
        (learners(3), bots(4, "basic", driver=NOVICE, stance="patrol")),
        targets=2,
        line_of_sight=True,
        max_steps=240,
        random_rotation=True,
        note="guards on patrol, walls cut the view",
    ),
]

_NEAR = Rewards(time=0.1, shaping=1.0)
"""For the ladder's first stages: getting nearer counts, and so does time."""

_LADDER = [
    Scenario(
        "ladder-1-reach",
        "scout",
        "watchtowers",
        (learners(1), Team(())),
        targets=1,
        full_observability=True,
        max_steps=100,
        rewards=_NEAR,
        note="reach a base",
    ),
    Scenario(
        "ladder-2-under-fire",
        "scout",
        "watchtowers",
        (learners(1), bots(2, "basic", driver=NOVICE, stance="patrol")),
        targets=1,
        full_observability=True,
        max_steps=100,
        rewards=_NEAR,
        note="reach it under fire",
    ),
    Scenario(
        "ladder-3-pair",
        "versus",
        "strongholds",
        (learners(2), bots(2, driver=NOVICE)),
        full_observability=True,
        max_steps=450,
        note="defend and attack in a pair",
    ),
    Scenario(
        "ladder-4-rivals",
        "siege",
        "trident",
        (learners(1), learners(1), bots(1, "basic", driver=NOVICE)),
        full_observability=True,
        max_steps=300,
        note="two compete for one base",
    ),
    Scenario(
        "ladder-5-teams",
        "versus",
        "strongholds",
        (learners(2), learners(2)),
        full_observability=True,
        max_steps=450,
        note="two teams of two",
    ),
    Scenario(
        "ladder-6-alliance",
        "siege",
        "trident",
        (learners(2), learners(2), bots(4)),
        full_observability=True,
        max_steps=300,
        note="rivals that need each other against a strong third",
    ),
    Scenario(
        "ladder-7-all",
        "versus",
        "four_winds",
        (learners(2),) * 4,
        full_observability=True,
        max_steps=450,
        note="four teams of two: alliances and rivalry at once",
    ),
]

_ALL = {s.name: s for s in (*_SKIRMISH, *_DEFEND, *_SIEGE, *_VERSUS, *_SCOUT, *_LADDER)}
_ALL.update({endgame.scenario.name: endgame.scenario for endgame in ENDGAMES})
_ALL = {name: one.changed(version=VERSION) for name, one in _ALL.items()}


STANDARD = (
    "siege-3v3",
    "scout-2v2",
    "skirmish-3v6-swarm",
    "scout-3v4",
    "siege-5v8",
    "versus-2v2",
    "skirmish-4v4-mixed",
    "skirmish-5v6",
    "skirmish-5v6-maps",
    "defend-1",
)
"""The benchmark set, over all modes: aim, cover, memory, coordination, generalisation (held out: skirmish-5v6-test)."""


def scenarios() -> list[str]:
    """The names of all scenarios."""
    return list(_ALL)


def scenario(name: str | Scenario) -> Scenario:
    """The scenario of that name; a Scenario is returned as it is. An unknown name raises ScenarioError."""
    if isinstance(name, Scenario):
        return name
    if not isinstance(name, str):
        raise ScenarioError(f"scenario={name!r}: expected a name or a Scenario")
    if name not in _ALL:
        raise unknown("scenario", name, _ALL)
    return _ALL[name]
