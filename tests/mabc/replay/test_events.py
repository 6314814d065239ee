"""Events of small games whose every frame is known."""

import mabc
from mabc import Scenario, Team

UP, RIGHT, DOWN, LEFT = 2, 4, 6, 8
FIRE = 1


ONE_EACH = (Team(), Team())


def events(tmp_path, map, orders, teams=ONE_EACH, mode="skirmish", **changes):
    """Play orders, a list of steps with an action a tank, on a small map: what happens."""
    changes = {"frame_skip": 8, "swap_sides": False, "max_steps": 500, **changes}
    env = mabc.make_batch(Scenario("small", mode, map, teams, **changes), 1, record=tmp_path / "small.mabc")
    env.reset(seed=0)
    for order in orders:
        env.step([list(order)])
    env.close()
    return mabc.load_replay(tmp_path / "small.mabc").events


def test_a_duel(tmp_path):
    """Two tanks 64 px apart in a row; the left one turns and fires: 8 px to the muzzle, 2 px a frame, a hit at 10."""
    found = events(tmp_path, ".....\nA...B\n.....", [(RIGHT | FIRE, 0)] + [(0, 0)] * 4)
    assert [(e.kind, e.tank, e.by) for e in found] == [
        ("fire", 0, 0),
        ("spent", 0, 0),
        ("hit", 1, 0),
        ("kill", 1, 0),
        ("win", -1, -1),
    ]
    assert found[0].frame == 1
    assert (found[0].step, found[0].y) == (1, 24)
    gap = 72 - found[0].x  # from the muzzle to the other tank's centre, px
    flight = next(k for k in range(100) if gap - 2 * k < 10)
    assert found[1].frame == found[2].frame == found[3].frame == 1 + flight
    assert (found[3].x, found[3].y) == (72, 24)
    assert found[-1].x == 1  # team 1 won


def test_a_bullet_that_ends_in_the_frame_in_which_it_is_fired(tmp_path):
    """A tank with its nose at steel: the bullet begins where it ends, and never stands in a frame."""
    found = events(tmp_path, "A@..B\n.....\n.....", [(RIGHT | FIRE, 0), (0, 0)])
    assert [(e.kind, e.tank) for e in found] == [("fire", 0), ("spent", 0)]
    assert found[0].frame == found[1].frame
    replay = mabc.load_replay(tmp_path / "small.mabc")
    assert not any(replay.world(frame)["bullets"] for frame in range(replay.num_frames + 1))


def test_brick(tmp_path):
    found = events(tmp_path, "A#..B\n.....\n.....", [(RIGHT | FIRE, 0), (0, 0)])
    assert [(e.kind, e.tank, e.by) for e in found] == [("fire", 0, 0), ("spent", 0, 0), ("brick", -1, 0)]
    assert 16 <= found[2].x < 24  # the first column of the block


def test_a_friend_is_stunned(tmp_path):
    teams = (Team(("player", "player")), Team())
    found = events(tmp_path, "A.A..\n.....\n....B", [(RIGHT | FIRE, 0, 0)] + [(0, 0, 0)] * 3, teams)
    assert [(e.kind, e.tank, e.by) for e in found] == [("fire", 0, 0), ("spent", 0, 0), ("stun", 1, 0)]


def test_two_bullets_meet(tmp_path):
    found = events(tmp_path, ".....\nA...B\n.....", [(RIGHT | FIRE, LEFT | FIRE)] + [(0, 0)] * 3)
    assert [(e.kind, e.tank) for e in found] == [("fire", 0), ("fire", 1), ("spent", 0), ("spent", 1)]
    assert found[2].frame == found[3].frame


def test_a_base(tmp_path):
    found = events(tmp_path, "A.F.B\n.....\n..E..", [(RIGHT | FIRE, 0)] + [(0, 0)] * 4, mode="versus")
    assert [(e.kind, e.by) for e in found if e.kind == "base"] == [("base", 0)]
    assert found[-1].kind == "win"


def test_a_base_shot_by_its_own_team(tmp_path):
    found = events(tmp_path, "..F..\n....B\nA.E..", [(RIGHT | FIRE, 0)] + [(0, 0)] * 4, mode="versus")
    assert [(e.kind, e.by) for e in found if e.kind == "base"] == [("base", 0)]
    assert found[-1].x == 2


def test_a_long_game_has_everything(tmp_path):
    """Power-ups, entries and pick-ups; counts agree with the environment's own."""
    env = mabc.make_batch("versus-5v5-power-ups", 1, record=tmp_path / "long.mabc")
    env.reset(seed=0)
    kills = 0
    while True:
        before = env.worlds[0]["tanks"]["lives"][:10].copy()
        _, _, terminated, truncated, _ = env.step(env.bot_actions("tactical"))
        if terminated[0] or truncated[0]:
            break
        kills += int((before - env.worlds[0]["tanks"]["lives"][:10]).clip(0).sum())
    replay = mabc.load_replay(tmp_path / "long.mabc")
    count = {
        kind: sum(e.kind == kind for e in replay.events) for kind in ("kill", "power_up", "pick_up", "enter", "fire")
    }
    last = replay.step_frame[-2]
    assert sum(e.kind == "kill" and e.frame <= last for e in replay.events) == kills
    assert min(count.values()) > 0
    assert [e.frame for e in replay.events] == sorted(e.frame for e in replay.events)
