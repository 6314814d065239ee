"""The `entities` kind: columns, what is masked, and the way from the observation's slots to the state's."""

import gymnasium
import numpy as np
import pytest

import mabc
from mabc import Team
from mabc.observe.entities import FEATURES, STATE_FEATURES, TERRAIN_ROWS, flatten, ids
from mabc.params import SHOVEL_FRAMES, STAR, STUN_FRAMES

BASES = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
TEAMS = ("player player", "basic armor")


@pytest.fixture(scope="module")
def game(play):
    """Two against two in sight of each other, a base each; every test sets its own stage."""
    return play(BASES, TEAMS, "versus", power_up_period=30_000, max_steps=100)


@pytest.fixture(autouse=True)
def stage(game):
    game.env.reset(seed=0)
    for i, (x, y) in enumerate([(104, 104), (88, 104), (136, 88), (8, 8)]):
        game.put(i, x, y, "right")


def seen(game, kind, agent, slot):
    """One row by column name, and whether it is there."""
    rows, mask = game.env.observe("entities")[kind]
    return dict(zip(FEATURES[kind], rows[0, agent, slot].tolist(), strict=True)), bool(mask[0, agent, slot])


def nothing(game, kind, agent, slot):
    row, there = seen(game, kind, agent, slot)
    return not there and not any(row.values())


def test_columns_and_shapes(game):
    for found, names, lead in (
        (game.env.observe("entities"), FEATURES, (1, 4)),
        (game.env.state("entities"), STATE_FEATURES, (1,)),
    ):
        count = {"tanks": 4, "bullets": 8, "bases": 2, "power_ups": 1, "terrain": TERRAIN_ROWS}
        assert found.keys() == names.keys()
        for kind, (rows, mask) in found.items():
            assert rows.shape == (*lead, count[kind], len(names[kind]))
            assert rows.dtype == np.float32
            assert mask.shape == (*lead, count[kind])
            assert mask.dtype == bool
            assert len(set(names[kind])) == len(names[kind])


def test_self(game):
    game.put(0, 104, 152, "down", level=2, lives=3, shield=64, stun=89, carrier=0)
    row, there = seen(game, "tanks", 0, 0)
    assert there
    wanted = {"dx": 0, "dy": 0, "x": 0, "y": 152 / 104 - 1, "self": 1, "down": 1, "player": 1, "level": 2 / 3}
    wanted |= {"hits": 0.25, "lives": 0.75, "shield": 0.1, "stun": 89 / STUN_FRAMES, "bullets_free": 1}
    wanted |= {"speed": 0.75, "bullet_speed": 1, "time_left": 1}
    assert row == pytest.approx({name: wanted.get(name, 0) for name in row})


def test_ally_then_enemies_by_id(game):
    ally, there = seen(game, "tanks", 0, 1)
    assert there
    assert ally["ally"] == 1
    assert ally["dx"] == -16 / 64
    enemy, there = seen(game, "tanks", 0, 2)
    assert there
    assert enemy["enemy"] == 1
    assert enemy["basic"] == 1
    assert (enemy["dx"], enemy["dy"]) == (0.5, -0.25)
    assert (enemy["x"], enemy["y"]) == pytest.approx((136 / 104 - 1, 88 / 104 - 1))
    assert nothing(game, "tanks", 0, 3), "96 px away"


@pytest.mark.parametrize(("x", "there"), [(168, True), (169, False), (40, True), (39, False)])
def test_sight_is_a_window(game, x, there):
    game.put(2, x, 40)
    assert seen(game, "tanks", 0, 2)[1] == there
    assert nothing(game, "tanks", 0, 2) != there


@pytest.mark.parametrize(("x", "there"), [(128, True), (129, False)])
def test_forest_hides_enemies_that_are_not_near(game, x, there):
    game.put(2, x, 104, in_forest=1)
    assert seen(game, "tanks", 0, 2)[1] == there
    assert seen(game, "tanks", 2, 0)[1], "it looks out"
    game.put(1, 40, 104, in_forest=1)
    assert seen(game, "tanks", 0, 1)[1], "an ally is seen in forest"


@pytest.mark.parametrize("line_of_sight", [False, True])
def test_line_of_sight(play, line_of_sight):
    game = play(BASES, TEAMS, "versus", line_of_sight=line_of_sight)
    game.put(0, 104, 104)
    game.put(2, 152, 104)
    game.shoot(2, 140, 104, "left")
    assert seen(game, "tanks", 0, 2)[1]
    assert seen(game, "bullets", 0, 4)[1]
    game.paint("#\n#", 15, 12)
    assert nothing(game, "tanks", 0, 2) == line_of_sight
    assert nothing(game, "bullets", 0, 4) == line_of_sight


def test_full_observability(play):
    game = play(BASES, TEAMS, "versus", full_observability=True)
    game.put(0, 8, 200)
    game.put(2, 200, 8, in_forest=1)
    row, there = seen(game, "tanks", 0, 2)
    assert there
    assert row["dx"] == pytest.approx(192 / 208)
    assert row["dy"] == pytest.approx(-192 / 208)


def test_the_dead_see_nothing_and_are_not_seen(game):
    game.tank(0)["alive"] = 0
    game.shoot(0, 104, 90, "up")
    for kind, (_, mask) in game.env.observe("entities").items():
        assert not mask[0, 0].any(), kind
        assert all(nothing(game, kind, 0, slot) for slot in range(mask.shape[2]))
    assert nothing(game, "tanks", 1, 1)
    assert seen(game, "bullets", 1, 2)[1], "its bullet flies on"
    rows, mask = game.env.state("entities")["tanks"]
    assert mask[0].tolist() == [False, True, True, True]
    assert not rows[0, 0].any()


def test_bullets_lie_in_their_tanks_slots(game):
    game.shoot(0, 104, 72, "up", speed=4)
    game.shoot(2, 120, 88, "left")
    game.shoot(3, 8, 20, "down")
    own, there = seen(game, "bullets", 0, 0)
    assert there
    assert own["self"] == own["up"] == own["speed"] == 1
    assert own["dy"] == -0.5
    enemy, there = seen(game, "bullets", 0, 4)
    assert there
    assert enemy["enemy"] == enemy["left"] == 1
    assert enemy["speed"] == 0.5
    assert enemy["dx"] == 0.25
    assert nothing(game, "bullets", 0, 6), "out of sight"
    assert seen(game, "tanks", 0, 0)[0]["bullets_free"] == 0


def test_bases_are_known_from_afar(game):
    own, there = seen(game, "bases", 0, 0)
    assert there
    assert (own["own"], own["enemy"], own["alive"]) == (1, 0, 1)
    assert own["dy"] == pytest.approx((200 - 104) / 208)
    assert own["dx"] == 0
    game.world["bases"][1]["alive"] = 0
    enemy, there = seen(game, "bases", 0, 1)
    assert there
    assert (enemy["own"], enemy["enemy"], enemy["alive"]) == (0, 1, 0)
    assert seen(game, "bases", 2, 1)[0]["own"] == 1


def test_targets_of_scout_must_be_seen(play):
    game = play(BASES, ("player", Team(("basic",), "classic")), "scout")
    game.put(0, 104, 104)
    assert nothing(game, "bases", 0, 0)
    game.put(0, 104, 72)
    assert seen(game, "bases", 0, 0)[1]
    assert game.env.state("entities")["bases"][1].all()


def test_power_up(game):
    assert nothing(game, "power_ups", 0, 0)
    game.world["power_up"], game.world["power_up_x"], game.world["power_up_y"] = STAR, 128, 80
    row, there = seen(game, "power_ups", 0, 0)
    assert there
    assert row["star"] == 1
    assert (row["dx"], row["dy"]) == (24 / 64, -24 / 64)
    assert nothing(game, "power_ups", 3, 0)


def test_state(game):
    game.world["shovel"][1] = SHOVEL_FRAMES // 2
    game.put(3, 8, 8, "left", lives=-5)
    rows, mask = game.env.state("entities")["tanks"]
    row = dict(zip(STATE_FEATURES["tanks"], rows[0, 3].tolist(), strict=True))
    assert mask.all()
    assert row["team2"] == row["armor"] == row["hits"] == row["left"] == 1
    assert row["lives"] == 0, "never below 0"
    rows, mask = game.env.state("entities")["bases"]
    assert mask.all()
    assert rows[0, :, STATE_FEATURES["bases"].index("shovel")].tolist() == [0, 0.5]


def test_ids_lead_from_observation_to_state(game):
    found = ids(game.env.view)
    assert found["tanks"].tolist() == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 0, 1]]
    assert found["bullets"][2].tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert found.keys() == STATE_FEATURES.keys(), "the state leaves terrain out"
    for step in range(60):
        game.env.step(game.env.bot_actions("random" if step % 3 else "classic"))
        obs, state = game.env.observe("entities"), game.env.state("entities")
        for kind in STATE_FEATURES:
            names, (rows, mask) = FEATURES[kind], obs[kind]
            state_rows, state_mask = state[kind]
            common = [name for name in names if name in STATE_FEATURES[kind]]
            here = [names.index(name) for name in common]
            there = [STATE_FEATURES[kind].index(name) for name in common]
            for n, e in np.argwhere(mask[0]):
                slot = found[kind][n, e]
                assert state_mask[0, slot]
                assert rows[0, n, e, here].tolist() == state_rows[0, slot, there].tolist()


def terrain(game, agent=0):
    """(dx, dy, kind -> share) of every block that an agent is told of, in order; dx, dy in px."""
    rows, mask = (part[0, agent] for part in game.env.observe("entities")["terrain"])
    assert (np.diff(mask.astype(int)) <= 0).all(), "rows come first, then nothing"
    assert not rows[~mask].any()
    named = [dict(zip(FEATURES["terrain"], row.tolist(), strict=True)) for row in rows[mask]]
    return [(64 * row["dx"], 64 * row["dy"], {k: v for k, v in list(row.items())[4:] if v}) for row in named]


def test_terrain_is_told_by_the_block(game):
    """The agent stands at (104, 104), a corner of four blocks. Nearest first, then in order of reading."""
    game.paint("@@\n@@", 14, 12)
    game.paint("#.\n.#", 10, 14)
    game.paint("~%\n_.", 12, 8)
    game.world["terrain"][14 * 26 + 10] = 7
    assert terrain(game) == [
        (16, 0, {"steel": 1.0}),
        (-16, 16, {"brick": 7 / 16}),
        (0, -32, {"water": 0.25, "forest": 0.25, "ice": 0.25}),
    ]
    rows, _ = game.env.observe("entities")["terrain"]
    assert rows[0, 0, 0, 2:4] == pytest.approx((120 / 104 - 1, 104 / 104 - 1))


def test_terrain_has_its_rows_for_the_nearest(game):
    game.world["terrain"][: 26 * 26] = 15
    told = terrain(game)
    away = [dx * dx + dy * dy for dx, dy, _ in told]
    assert len(told) == TERRAIN_ROWS
    assert away == sorted(away)
    every = sorted((x - 104) ** 2 + (y - 104) ** 2 for x in range(8, 208, 16) for y in range(8, 208, 16))
    assert away == every[:TERRAIN_ROWS]
    assert told == sorted(told, key=lambda row: (row[0] ** 2 + row[1] ** 2, row[1], row[0]))


@pytest.mark.parametrize(("x", "there"), [(40, True), (39, False), (168, False)])
def test_terrain_out_of_sight_is_not_told(game, x, there):
    """A tile belongs to a block whose middle is in sight, and is seen itself."""
    game.paint("@", x // 8, 12)
    assert bool(terrain(game)) == there


def test_bases_are_no_terrain(game):
    game.put(0, 104, 168)
    assert terrain(game) == []


def test_terrain_behind_a_wall_is_not_told(play):
    game = play(BASES, TEAMS, "versus", line_of_sight=True)
    game.put(0, 104, 104)
    game.paint("@\n@\n@\n@\n@\n@", 15, 10)
    game.paint("##\n##", 18, 12)
    assert {(dx, tuple(kinds)) for dx, _, kinds in terrain(game)} == {(16, ("steel",))}


def test_what_has_no_rows_is_absent():
    env = mabc.make_batch("skirmish-3v3", obs="entities", state="entities")
    obs, _ = env.reset(seed=0)
    assert list(obs) == ["tanks", "bullets", "terrain"]
    assert list(env.state()) == list(env.entity_ids) == ["tanks", "bullets"]
    assert set(env.obs_space) == {"tanks", "tanks_mask", "bullets", "bullets_mask", "terrain", "terrain_mask"}
    assert set(env.state_space) == {"tanks", "tanks_mask", "bullets", "bullets_mask"}


def test_flat():
    pair = (np.zeros((2, 3)), np.zeros(2, bool))
    assert flatten({"tanks": pair, "vector": pair[0]}) == {"tanks": pair[0], "tanks_mask": pair[1], "vector": pair[0]}


def test_environments_of_one_world_are_flat():
    solo, pair = gymnasium.make("mabc/Solo-v1", obs="entities"), mabc.parallel_env("duel", obs="entities")
    many = gymnasium.make_vec("mabc/Solo-v1", num_envs=3, obs="entities")
    seen = [(solo.observation_space, solo.reset(seed=0)[0]), (many.observation_space, many.reset(seed=0)[0])]
    seen += [(pair.observation_space(agent), obs) for agent, obs in pair.reset(seed=0)[0].items()]
    for space, obs in seen:
        assert space.contains(obs)
        assert list(obs) == ["tanks", "tanks_mask", "bullets", "bullets_mask", "terrain", "terrain_mask"]
    assert seen[1][1]["tanks"].shape == (3, 2, 29)
