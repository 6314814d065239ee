"""Who drives which tank, and when: people every frame, the others every eight."""

import numpy as np
import pytest

import mabc
from mabc.scenarios import ScenarioError
from mabc.window.game import BotDriver, Game, Trained, seats_of

UP_FIRE, RIGHT, LEFT = 3, 4, 8


class Scripted:
    """A trained team that notes what it is shown and does the same each time."""

    def __init__(self, action=UP_FIRE):
        self.action, self.seen = action, []

    def __call__(self, obs, mask, memory):
        self.seen.append(obs.copy())
        return np.full(mask.shape[:2], self.action), (memory or 0) + 1


def test_a_person_acts_in_the_next_frame_whenever_the_key_comes():
    for frames in range(12):
        game = Game("skirmish-3v3")
        for _ in range(frames):
            game.step([0])
        before = int(game.tank(0)["x"])
        game.step([LEFT])
        assert game.tank(0)["heading"] == 3
        game.step([LEFT])  # a player drives three px in four frames, so within two at least one
        assert game.tank(0)["x"] < before


def test_mates_and_opponents_decide_every_eight_frames_and_fire_once_in_that_time():
    mates, others = Scripted(), Scripted()
    game = Game("skirmish-3v3", mates=Trained("mates", mates), against=Trained("others", others))
    shots = []
    for frame in range(33):
        assert len(mates.seen) == len(others.seen) == -(-frame // 8)
        game.env.worlds["bullets"]["speed"] = 0  # a bullet is free again at once: one more press would show
        game.env.worlds["flying"] = 0
        game.step([0])
        shots.append((game.world["bullets"]["speed"][2:12] != 0).sum())
    assert [frame for frame, count in enumerate(shots) if count] == [0, 8, 16, 24, 32]


def test_a_trained_team_sees_what_it_saw_in_training():
    ours = Scripted()
    game = Game("skirmish-3v3", mates=Trained("mates", ours), against="tactical", seed=5)
    env = mabc.make_batch("skirmish-3v3", opponents="tactical")
    obs, _ = env.reset(seed=5)
    for _ in range(4):
        for _ in range(8):
            game.step([UP_FIRE])
        assert np.array_equal(ours.seen[-1][0], obs[0])  # time left, rays, others: all of it
        obs = env.step(np.full((1, 3), UP_FIRE))[0]


def test_a_trained_team_that_reads_entities_plays():
    ours = Scripted()
    game = Game("skirmish-3v3", mates=Trained("mates", ours, "entities"), seed=5)
    env = mabc.make_batch("skirmish-3v3", obs="entities")
    obs, _ = env.reset(seed=5)
    game.step([UP_FIRE])
    for kind, (rows, mask) in ours.seen[-1].items():
        assert np.array_equal(rows, obs[kind][0])
        assert np.array_equal(mask, obs[kind][1])


def test_the_episode_lasts_as_long_as_in_training():
    game = Game("skirmish-3v3")
    assert game.scenario.max_steps == 8 * 200
    assert game.seconds_left == pytest.approx(8 * 200 / 60)


@pytest.mark.parametrize("bot", ["classic", "tactical"])
def test_a_bot_in_a_seat_is_asked_as_env_bot_actions_asks_it(bot):
    game = Game("skirmish-3v3", mates=bot, seed=2)
    env = mabc.make_batch("skirmish-3v3")
    env.reset(seed=2)
    driver = game.drivers[0]
    assert isinstance(driver, BotDriver)
    for frame in range(0, 800, 8):  # classic fires rarely: many frames, so that some ask for a shot
        game.env.worlds["frame"] = env.worlds["frame"] = frame
        assert np.array_equal(driver.decide(), env.bot_actions(bot)[0])


def test_people_may_sit_anywhere():
    game = Game("skirmish-3v3", people=["orange_1"], mates="classic")
    assert (game.teams, game.slots) == ([2], [4])
    game.step([RIGHT])
    assert game.tank(0)["heading"] == 1
    assert Game("duel", people=2).names == ["blue_0", "orange_0"]
    assert Game("defend-2", people=2).drivers == []


def test_the_end_shows_the_world_that_ended():
    game = Game("skirmish-3v3", seed=1)
    for _ in range(game.scenario.max_steps):
        game.step([0])
        if game.ended:
            break
    assert game.outcome >= 0
    assert game.world["outcome"] == game.outcome
    assert game.world["frame"] > 100 > game.env.worlds[0]["frame"]
    frame = int(game.world["frame"])
    game.step([0])
    assert game.world["frame"] == frame + 1  # explosions run out
    game.reset(7)
    assert not game.ended
    assert game.world["frame"] == 0


def test_fog_hides_what_my_tank_does_not_see_and_lifts_when_it_is_lost():
    game = Game("skirmish-3v3")
    game.step([0])
    clear, fog = game.picture(), game.picture(fog=True)
    assert fog.shape == clear.shape
    x, y = int(game.tank(0)["x"]), int(game.tank(0)["y"])
    assert np.array_equal(fog[y - 4 : y + 4, x - 4 : x + 4], clear[y - 4 : y + 4, x - 4 : x + 4])
    assert fog.sum() < 0.7 * clear.sum()
    game.tank(0)["alive"] = game.tank(0)["lives"] = 0
    assert np.array_equal(game.picture(fog=True), game.picture())


def test_two_people_see_together():
    game = Game("defend-2", people=2)
    for _ in range(40):
        game.step([0, 0])
    fog, clear = game.picture(fog=True), game.picture()
    for person in range(2):
        x, y = int(game.tank(person)["x"]), int(game.tank(person)["y"])
        assert np.array_equal(fog[y - 4 : y + 4, x - 4 : x + 4], clear[y - 4 : y + 4, x - 4 : x + 4])


def test_a_game_is_recorded(tmp_path):
    game = Game("solo", record=str(tmp_path / "mine.mabc"))
    for _ in range(20):
        game.step([LEFT])
    game.close()
    replay = mabc.load_replay(tmp_path / "mine.mabc")
    assert replay.num_frames == 20
    assert replay.verify() > 0


def test_errors_name_what_would_do():
    assert seats_of(mabc.scenario("defend-1")) == ["blue_0"]
    with pytest.raises(ScenarioError, match="did you mean 'blue_0'"):
        Game("solo", people=["blue_00"])
    with pytest.raises(ScenarioError, match="named twice"):
        Game("duel", people=["blue_0", "blue_0"])
    with pytest.raises(ScenarioError, match="no place for 4 people"):
        Game("duel", people=4)
    with pytest.raises(ScenarioError, match="did you mean 'classic'"):
        Game("solo", against="clasic")
    with pytest.raises(ScenarioError, match="wave"):
        Game("defend-1", against=Trained("a", Scripted()))
