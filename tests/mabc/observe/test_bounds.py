"""Every number of `vector` and `entities` lies in the space that is declared, [-1, 1], in every scenario."""

import numpy as np
import pytest

import mabc


def arrays(given):
    """The float arrays of an observation or state of any kind."""
    return [rows for rows, _ in given.values()] if isinstance(given, dict) else [given]


@pytest.mark.parametrize("kind", ["vector", "entities"])
def test_numbers_lie_within_one(kind):
    for name in mabc.scenarios():
        env = mabc.make_batch(name, num_envs=4, obs=kind, state=kind, seed=2)
        rng = np.random.default_rng(2)
        obs, info = env.reset(seed=2)
        for _ in range(40):
            obs, _, _, _, info = env.step(rng.integers(0, 10, (4, env.num_agents)))
            for part in (obs, env.state(), info["final_obs"], info["final_state"]):
                for array in arrays(part):
                    assert np.abs(array).max(initial=0.0) <= 1.0, name


@pytest.mark.parametrize("changes", [{}, {"sight": 49}, {"full_observability": True}])
def test_numbers_lie_within_one_wherever_a_tank_stands(play, changes):
    """Everybody anywhere, with everything that a record can hold."""
    field = "\n".join(["B.B...F...B.B", *["............."] * 11, "A.A...E...A.A"])
    game = play(field, ("player player", "basic armor"), "versus", worlds=200, power_up_period=9, **changes)
    worlds, rng = game.env.worlds, np.random.default_rng(0)
    tanks, bullets = worlds["tanks"][:, :4], worlds["bullets"][:, :8]
    for name, low, high in (("x", 8, 200), ("y", 8, 200), ("heading", 0, 3), ("level", 0, 3), ("hits", 1, 4)):
        tanks[name] = rng.integers(low, high, tanks.shape, endpoint=True)
    for name, high in (("shield", 640), ("stun", 267), ("entering", 28), ("lives", 99)):
        tanks[name] = rng.choice((0, high), tanks.shape)
    for name, low, high in (("x", 0, 208), ("y", 0, 208), ("heading", 0, 3)):
        bullets[name] = rng.integers(low, high, bullets.shape, endpoint=True)
    bullets["speed"] = rng.choice((0, 2, 4), bullets.shape)
    worlds["flying"] = (bullets["speed"] > 0).sum(1)
    worlds["frozen"], worlds["shovel"] = 640, 1280
    worlds["power_up"], worlds["power_up_x"] = rng.integers(0, 6, 200), rng.integers(8, 200, 200)
    worlds["terrain"][:, : 26 * 26] = rng.integers(0, 20, (200, 26 * 26))
    for kind in ("vector", "entities"):
        for given in (game.env.observe(kind), game.env.state(kind)):
            for array in arrays(given):
                assert 0.9 < np.abs(array).max() <= 1.0
