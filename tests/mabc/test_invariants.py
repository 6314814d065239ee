"""What holds in every scenario, whatever the players do: Hypothesis draws scenarios, maps, drivers and actions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import mabc
from mabc import Scenario, Team, maps
from mabc.params import BASE, BOTS, BRICK, FOREST, HITS, ICE, KNOWLEDGE, NOBODY, STEEL, TYPES

WORLDS = 3
DRIVERS = ("learn", "learn", *BOTS)
EASY = settings(
    max_examples=60,
    derandomize=True,  # the same examples on every machine; explore with --hypothesis-seed and more of them
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
HAND_MADE = {  # small, crowded fields: most of what can go wrong needs tanks close together
    "skirmish": [
        "ABAB\n.#%.\n.~@.\nBABA",
        "AAA\n_#_\nBBB",
        "A.B.A\n_____\nB_@_A\n_____\nA.B.B",
    ],
    "versus": ["AE.FB\n.###.\nA.%.B\n.#_#.\nA...B", "A#E#A\n.###.\n_____\n.###.\nB#F#B"],
    "defend": ["B.B.B\n.#_#.\n..@..\n.###.\nA#E#A"],
    "siege": ["B#F#B\n.###.\n_%~%_\n.....\nA.A.A"],
    "scout": ["BF.FB\nB...B\n_#~#_\n.....\nA.A.A"],
}


@st.composite
def teams_of(draw, mode, sizes):
    """Teams of these sizes: any types, drivers, lives and levels; waves in `defend`."""
    teams = []
    for t, size in enumerate(sizes):
        tanks = tuple(draw(st.lists(st.sampled_from(TYPES), min_size=size, max_size=size)))
        if mode == "defend" and t == 1:
            wave = tuple(draw(st.lists(st.sampled_from(TYPES), min_size=3, max_size=8)))
            teams.append(Team(tanks, draw(st.sampled_from(DRIVERS[2:])), wave=wave))
            continue
        teams.append(
            Team(
                tanks,
                "learn" if t == 0 else draw(st.sampled_from(DRIVERS)),
                lives=draw(st.integers(1, 3)),
                level=draw(st.integers(0, 3)),
                stance=draw(st.sampled_from(("hunt", "hunt", "hold", "patrol"))),
                knowledge=draw(st.sampled_from(KNOWLEDGE)),
            )
        )
    return tuple(teams)


@st.composite
def scenarios(draw, frame_skip=1):
    """A scenario on a generated or a hand-made map."""
    mode = draw(st.sampled_from(("skirmish", "versus", "defend", "siege", "scout")))
    if draw(st.booleans()):
        text = draw(st.sampled_from(HAND_MADE[mode]))
        one = maps.parse(text)
        sizes = [draw(st.integers(1, min(3, len(found)))) for found in one.entries if found]
    else:
        count = draw(st.integers(2, 4)) if mode in ("skirmish", "versus") else 2
        sizes = [draw(st.integers(1, 3)) for _ in range(count)]
        side = draw(st.integers(7, 13))
        try:
            one = maps.generate(
                draw(st.integers(0, 10_000)),
                side,
                side,
                teams=count,
                entries=3,
                bases=mode == "versus",
                density=draw(st.sampled_from((0.1, 0.35, 0.7))),
                mode=mode,
            )
        except maps.MapError:
            assume(False)
    return Scenario(
        "drawn",
        mode,
        one.text,
        draw(teams_of(mode, sizes)),
        map_unit=one.unit,
        max_steps=draw(st.sampled_from((40, 400))),
        frame_skip=frame_skip,
        power_up_period=draw(st.sampled_from((0, 20))),
        carriers=(1, 2, 3),
        random_start=draw(st.booleans()),
        random_rotation=draw(st.booleans()),
        line_of_sight=draw(st.booleans()),
        full_observability=draw(st.booleans()),
        per_agent_reward=draw(st.booleans()),
    )


def footprint_is_free(world, tank) -> bool:
    """Whether no tile under a tank stops tanks."""
    width = int(world["width"])
    tiles = world["terrain"][: width * int(world["height"])].reshape(-1, width)
    x, y = int(tank["x"]), int(tank["y"])
    under = tiles[(y - 8) // 8 : (y + 7) // 8 + 1, (x - 8) // 8 : (x + 7) // 8 + 1]
    return bool(np.isin(under, (0, FOREST, ICE)).all())


def ring_tiles(world, bases) -> np.ndarray:
    """Which tiles a shovel may change: bool [tiles]."""
    width, height = int(world["width"]), int(world["height"])
    ring = np.zeros((height, width), bool)
    for base in world["bases"][:bases]:
        column, row = int(base["x"]) // 8, int(base["y"]) // 8
        ring[max(row - 2, 0) : row + 2, max(column - 2, 0) : column + 2] = True
    return ring.ravel()


def check_tanks(before, after, num_tanks):
    """Tanks stay in the field, off walls and off each other, and move by a pixel or a turn's snap."""
    tanks, old = after["tanks"][:num_tanks], before["tanks"][:num_tanks]
    on = np.flatnonzero(tanks["alive"])
    x, y = tanks["x"].astype(int), tanks["y"].astype(int)
    assert ((x[on] >= 8) & (y[on] >= 8)).all()
    assert ((x[on] <= 8 * after["width"] - 8) & (y[on] <= 8 * after["height"] - 8)).all()
    vertical = tanks["heading"][on] % 2 == 0
    assert (np.where(vertical, x[on], y[on]) % 8 == 0).all()
    for i in on:
        assert footprint_is_free(after, tanks[i]), f"tank {i} stands in a wall"
        for j in on[on > i]:
            assert max(abs(x[i] - x[j]), abs(y[i] - y[j])) >= 16, f"tanks {i} and {j} overlap"
        if old["alive"][i] and not tanks["entering"][i]:
            far = abs(x[i] - int(old["x"][i])) + abs(y[i] - int(old["y"][i]))
            turned = (int(tanks["heading"][i]) - int(old["heading"][i])) % 2 == 1
            assert far <= (8 if turned else 1), f"tank {i} jumped {far} px"


def check_terrain(before, after, bases, entered):
    """Bricks only vanish, the shovel and entries apart; steel only under level 3; the rest stays."""
    size = int(after["width"]) * int(after["height"])
    old, new = before["terrain"][:size].astype(int), after["terrain"][:size].astype(int)
    changed = old != new
    if not changed.any():
        return
    ring = ring_tiles(after, bases)
    vanished = (old <= BRICK) & ((new & ~old) == 0) & (new <= BRICK)
    blasted = (old == STEEL) & (new == 0)
    built = ring & ((new == STEEL) | (new == BRICK)) & (old != BASE)
    erased = (new == 0) & entered
    assert (vanished | blasted | built | erased)[changed].all()
    if (old == BASE).any():
        assert (new[old == BASE] == BASE).all()


def check_bullets(after, num_tanks):
    """The count of bullets is right; they are in the field and fly along the lines of tiles."""
    bullets = after["bullets"][: 2 * num_tanks]
    flying = bullets[bullets["speed"] != 0]
    assert len(flying) == after["flying"]
    assert ((flying["x"] >= 0) & (flying["x"] <= 8 * after["width"])).all()
    assert ((flying["y"] >= 0) & (flying["y"] <= 8 * after["height"])).all()
    vertical = flying["heading"] % 2 == 0
    assert (np.where(vertical, flying["x"], flying["y"]) % 8 == 0).all()
    kinds, levels = after["tanks"]["type"][:num_tanks], after["tanks"]["level"][:num_tanks]
    assert (bullets["speed"][1::2][kinds != TYPES.index("player")] == 0).all()
    assert (levels <= 3).all()


def check_counts(before, after, num_tanks):
    """Every death is a kill and costs a life; hits dealt are hits lost."""
    tanks, old = after["tanks"][:num_tanks], before["tanks"][:num_tanks]
    left = after["out"] != before["out"]  # a team that left the game takes its tanks along
    stays = ~left[tanks["team"] - 1]
    assert tanks["kills"].sum() == tanks["deaths"].sum()
    died = (old["alive"] == 1) & (tanks["alive"] == 0) & stays
    assert (tanks["deaths"][stays] == died[stays]).all()
    enters = (old["alive"] == 0) & (tanks["alive"] == 1)
    assert (tanks["hits"][tanks["alive"] == 0] == 0).all()
    assert (tanks["hits"][tanks["alive"] == 1] >= 1).all()
    assert (tanks["hits"] <= np.asarray(HITS)[tanks["type"]]).all()
    pick_ups = tanks["pick_ups"].sum()
    lost = old["hits"].astype(int) - tanks["hits"]
    assert (lost[stays & ~enters] >= 0).all()
    if not pick_ups and not left.any():  # a grenade takes hits that nobody dealt
        assert tanks["damage"].sum() == lost[~enters].sum()
    gained = tanks["lives"].astype(int) - old["lives"] + tanks["deaths"]
    assert (gained[stays & ~enters] >= 0).all()
    assert gained[stays & ~enters].sum() <= pick_ups
    assert (tanks["lives"] >= 0).all()
    assert pick_ups <= 1


def check_masks(env, info):
    """There is always a legal action, and for the dead only one."""
    mask = env.action_mask()
    assert mask[..., 0].all()
    assert (mask.sum(-1)[~info["alive"]] == 1).all()
    assert set(np.unique(mask.sum(-1)).tolist()) <= {1, 2, 10}


def play_and_check(scenario, seed, steps):
    env = mabc.make_batch(scenario, num_envs=WORLDS)
    obs, info = env.reset(seed=seed)
    assert np.isfinite(obs).all()
    rng = np.random.default_rng(seed)
    tanks, bases = env.view.num_tanks, env.view.num_bases
    actions = np.zeros((WORLDS, env.num_agents), np.int64)
    for _ in range(steps):
        new = rng.random(actions.shape) < 0.15
        actions[new] = rng.integers(0, 10, new.sum())
        before = env.worlds.copy()
        obs, reward, terminated, truncated, info = env.step(actions)
        assert np.isfinite(obs).all()
        assert np.isfinite(reward).all()
        assert not (terminated & truncated).any()
        assert ((info["outcome"] >= 0) == (terminated | truncated)).all()
        assert (info["outcome"] <= len(scenario.teams)).all()
        check_masks(env, info)
        for b in np.flatnonzero(~(terminated | truncated)):
            old, now = before[b], env.worlds[b]
            entering = now["tanks"]["entering"][:tanks] == 28
            check_tanks(old, now, tanks)
            check_terrain(old, now, bases, entering.any())
            check_bullets(now, tanks)
            check_counts(old, now, tanks)
            if now["power_up"] != NOBODY:
                assert 0 <= now["power_up"] < 6
                assert 16 <= now["power_up_x"] <= 8 * now["width"] - 16


@EASY
@given(scenario=scenarios(), seed=st.integers(0, 1000))
def test_every_frame(scenario, seed):
    play_and_check(scenario, seed, 150)


@EASY
@given(
    scenario=st.sampled_from((2, 5, 8, 64)).flatmap(lambda skip: scenarios(frame_skip=skip)),
    seed=st.integers(0, 1000),
)
def test_no_crash_at_any_frame_skip(scenario, seed):
    env = mabc.make_batch(scenario, num_envs=WORLDS, seed=seed)
    env.reset()
    rng = np.random.default_rng(seed)
    for _ in range(60):
        obs, reward, _, _, info = env.step(rng.integers(0, 10, (WORLDS, env.num_agents)))
        assert np.isfinite(obs).all()
        assert np.isfinite(reward).all()
        check_masks(env, info)
    for b in range(WORLDS):
        check_bullets(env.worlds[b], env.view.num_tanks)


@pytest.mark.parametrize("name", sorted(maps.PURPOSES))
def test_maps_that_ship(name):
    mode, sizes = maps.PURPOSES[name]
    teams = [Team(("player", "armor", "fast", "power")[: min(n, 4)], "tactical", lives=2) for n in sizes]
    if mode == "defend":
        teams[1] = Team(("basic",) * 4, "classic", wave=("fast", "armor", "power", "basic"))
    teams[0] = Team(("player",) * min(sizes[0], 4), lives=2)
    play_and_check(Scenario("shipped", mode, name, tuple(teams), frame_skip=1, power_up_period=30), 1, 80)
