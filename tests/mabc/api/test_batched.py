"""make_batch: what holds beyond what mabc.check asks of every environment."""

import multiprocessing
import sys

import numpy as np
import pytest

import mabc
from mabc import ScenarioError
from mabc.params import BOTS

UP, RIGHT = 2, 4  # actions


def place(env) -> list[tuple[int, int]]:
    """Where the first agent of every world is, px."""
    tanks = env.worlds["tanks"][:, 0]
    return list(zip(tanks["x"].tolist(), tanks["y"].tolist(), strict=True))


def test_an_action_is_not_read_while_an_earlier_one_holds():
    """hold=16 with steps of 8 frames: the action of the second step is not read, that of the third is."""
    env = mabc.make_batch("solo", num_envs=1)
    headings = []
    env.reset(seed=0)
    env.worlds["tanks"]["type"][:] = 4
    for action, frames in ((UP, 16), (RIGHT, 8), (RIGHT, 8)):
        env.step([[action]], hold=[[frames]])
        headings.append(int(env.worlds["tanks"]["move"][0, 0]) - 1)
    assert headings == [0, 0, 1]


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        ([[8]], r"hold has shape \(1, 1\) and dtype int64; expected integers of shape \(2, 3\): frames"),
        ([[8.0] * 3] * 2, "dtype float64; expected integers"),
        ([[8, 8, 0]] * 2, r"hold\[0, 2\] is 0; expected 1 to 30,000 frames"),
        ([[40_000] * 3] * 2, r"hold\[0, 0\] is 40000"),
    ],
)
def test_a_wrong_hold_is_refused_before_anything_moves(hold, words):
    env = mabc.make_batch("skirmish-3v3", num_envs=2)
    env.reset(seed=0)
    before, orders = env.worlds.tobytes(), env._orders.copy()
    with pytest.raises(ValueError, match=words):
        env.step(np.full((2, 3), UP), hold=hold)
    assert env.worlds.tobytes() == before
    np.testing.assert_array_equal(env._orders, orders)


@pytest.mark.parametrize(
    "other",
    [
        {"scenario": "skirmish-2v2"},
        {"scenario": "skirmish-3v3", "sight": 96},
        {"scenario": "skirmish-3v3", "map": "crossing"},
        {"scenario": "skirmish-3v3", "opponents": {2: "random"}},
        {"scenario": "skirmish-3v3", "num_envs": 3},
    ],
)
def test_a_snapshot_of_something_else_is_refused_and_changes_nothing(other):
    env = mabc.make_batch("skirmish-3v3", num_envs=2)
    env.reset(seed=0)
    before = env.worlds.tobytes()
    foreign = mabc.make_batch(**{"num_envs": 2, **other})
    foreign.reset(seed=1)
    with pytest.raises(ValueError, match=r"restore it (into an environment made as|with the same num_envs)"):
        env.restore(foreign.snapshot())
    assert env.worlds.tobytes() == before


def test_one_opponent_for_all_teams_needs_a_team_that_does_not_learn():
    with pytest.raises(ScenarioError, match=r"all 2 teams learn; say which one it drives: opponents=\{2: 'tactical'\}"):
        mabc.make_batch("versus-5v5", opponents="tactical")
    with pytest.raises(ScenarioError, match="did you mean 'tactical'"):
        mabc.make_batch("versus-5v5", opponents="tactcal")
    assert mabc.make_batch("versus-5v5", opponents={2: "tactical"}).num_agents == 5


@pytest.mark.parametrize("bot", BOTS)
def test_bots_suggest_only_what_the_masks_allow(bot):
    """In a crowd of team mates that shoot each other, so that many are stunned."""
    env = mabc.make_batch("versus-5v5", num_envs=32)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    stunned = 0
    for _ in range(60):
        legal = np.take_along_axis(env.action_mask(), env.bot_actions(bot)[..., None], -1)
        assert legal.all()
        stunned += int((env.worlds["tanks"]["stun"][:, :10] > 0).sum())
        env.step(rng.integers(0, 10, (32, 10)))
    assert stunned > 100


def _step_in_child(env, answer) -> None:
    env.step(np.zeros((env.num_envs, env.num_agents), np.int64))
    answer.send(env.worlds.tobytes())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_copy_steps_with_threads_of_its_own():
    env = mabc.make_batch("solo", num_envs=256, threads=2)
    env.reset(seed=0)
    nothing = np.zeros((256, 1), np.int64)
    env.step(nothing)
    context = multiprocessing.get_context("fork")
    answer, childs_end = context.Pipe(duplex=False)
    child = context.Process(target=_step_in_child, args=(env, childs_end), daemon=True)
    child.start()
    answered = answer.poll(60)
    env.step(nothing)
    same = answered and answer.recv() == env.worlds.tobytes()
    child.kill()
    assert answered, "the forked copy hangs"
    assert same


def test_threads_are_counted_from_one():
    for threads in (0, -1, "2"):
        with pytest.raises(ScenarioError, match=f"threads={threads!r}: expected a whole number of at least 1"):
            mabc.make_batch("solo", threads=threads)
