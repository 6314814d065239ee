"""PettingZoo's parallel interface: its own tests, the end of an episode, deaths, masks, bad input."""

import cloudpickle
import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

import mabc
from mabc.api.manual import ManualBatch

SCENARIO = "skirmish-3v3"
OPTIONS = [{}, {"mask": "obs"}, {"dead": "leave"}, {"mask": "obs", "dead": "leave"}]
ids = [" ".join(option.values()) or "default" for option in OPTIONS]


def play(env, steps=2000, seed=0, choose=None):
    """Random legal actions until the episode ends: everything that step() returned."""
    rng = np.random.default_rng(seed)
    obs, infos = env.reset(seed=seed)
    told = []
    while env.agents and len(told) < steps:
        masks = {agent: infos[agent]["action_mask"] for agent in env.agents}
        actions = {agent: int(rng.choice(np.flatnonzero(mask))) for agent, mask in masks.items()}
        told.append(env.step(choose(env) if choose else actions))
        infos = told[-1][4]
    return told


@pytest.mark.parametrize("options", OPTIONS, ids=ids)
def test_pettingzoo(options):
    parallel_api_test(mabc.parallel_env(SCENARIO, **options), num_cycles=300)
    parallel_seed_test(lambda: mabc.parallel_env(SCENARIO, **options), num_cycles=100)


@pytest.mark.parametrize("scenario", ["duel", "solo", "skirmish-5v6", "versus-5v5"])
def test_pettingzoo_on_other_scenarios(scenario):
    parallel_api_test(mabc.parallel_env(scenario), num_cycles=100)


def test_names_spaces_and_metadata():
    env = mabc.parallel_env(SCENARIO, frame_skip=4)
    assert env.possible_agents == env.batch.agent_ids == ["blue_0", "blue_1", "blue_2"]
    assert env.metadata["name"].startswith("mabc_v")
    assert env.metadata["is_parallelizable"]
    assert env.metadata["render_fps"] == 15
    first, second = env.possible_agents[:2]
    assert env.action_space(first) is env.action_space(first)
    assert env.action_space(first) is not env.action_space(second), "each agent's space is seeded on its own"
    env.reset(seed=0)
    assert env.state_space.contains(env.state())


def test_spaces_as_dictionaries():
    """Where EPyMARL's wrapper looks for them."""
    env = mabc.parallel_env(SCENARIO, mask="obs")
    assert list(env.action_spaces) == list(env.observation_spaces) == env.possible_agents
    for agent in env.possible_agents:
        assert env.action_spaces[agent] is env.action_space(agent)
        assert env.observation_spaces[agent] is env.observation_space(agent)


def test_np_random():
    """A generator for wrappers (SuperSuit's frame_skip): of the seed that reset() has, or the constructor."""
    env = mabc.parallel_env(SCENARIO, seed=3)
    first = env.np_random.integers(2**62)
    env.reset(seed=3)
    assert env.np_random.integers(2**62) == first
    second = env.np_random.integers(2**62)
    assert second != first
    env.reset(seed=3)
    assert env.np_random.integers(2**62, size=2).tolist() == [first, second]
    env.reset(seed=4)
    assert env.np_random.integers(2**62) != first
    env.reset()
    assert env.np_random.integers(2**62) != first, "an episode without a seed goes on"
    env.reset(seed=-1)  # any whole number is a seed
    drawn = [mabc.parallel_env(SCENARIO).np_random.integers(2**62) for _ in range(2)]
    assert drawn[0] != drawn[1], "without a seed it is drawn"
    assert mabc.env(SCENARIO, seed=3).unwrapped.np_random.integers(2**62) == first


def test_np_random_is_not_the_games():
    """Wrappers that draw from it do not change what happens."""
    one, two = mabc.parallel_env("duel", opponents={2: "random"}), mabc.parallel_env("duel", opponents={2: "random"})
    for env in (one, two):
        env.reset(seed=0)
    two.np_random.random(100)
    for _ in range(20):
        one.step({"blue_0": 0})
        two.step({"blue_0": 0})
    assert one.batch.world(0) == two.batch.world(0)


def test_pettingzoos_registry():
    pettingzoo = pytest.importorskip("pettingzoo", minversion="1.27", reason="PettingZoo has a registry since 1.27")
    env = pettingzoo.make("parallel", "mabc/Tanks-v1", scenario="duel", max_cycles=7)
    assert env.possible_agents == ["blue_0", "orange_0"]
    assert len(play(env)) == 7
    assert pettingzoo.make("aec", "mabc/Tanks-v1").possible_agents == ["blue_0", "blue_1", "blue_2"]
    with pytest.raises(Exception, match="v1"):
        pettingzoo.make("parallel", "mabc/Tanks-v0")


def test_an_older_pettingzoo_has_no_registry(monkeypatch):
    import pettingzoo

    from mabc.api import parallel

    monkeypatch.delattr(pettingzoo, "register", raising=False)
    parallel.register()


def test_the_same_episodes_as_a_batch_of_one():
    """Episode after episode, and what an automatic reset puts into info is what the last step returns here."""
    env, batch = mabc.parallel_env(SCENARIO, max_steps=12), mabc.make_batch(SCENARIO, 1, seed=3, max_steps=12)
    rng = np.random.default_rng(0)
    obs, _ = env.reset(seed=3)
    rows, _ = batch.reset(seed=3)
    for _ in range(40):
        np.testing.assert_array_equal(np.stack(list(obs.values())), rows[0])
        actions = rng.integers(0, 10, 3)
        obs, rewards, terminated, truncated, _ = env.step(dict(zip(env.agents, actions, strict=True)))
        rows, reward, over, cut, info = batch.step(actions[None])
        assert list(rewards.values()) == reward[0].tolist()
        assert set(terminated.values()) == {bool(over[0])}
        assert set(truncated.values()) == {bool(cut[0])}
        if over[0] or cut[0]:
            np.testing.assert_array_equal(np.stack(list(obs.values())), info["final_obs"][0])
            np.testing.assert_array_equal(env.state(), info["final_state"][0])
            assert env.agents == []
            obs, _ = env.reset()


def test_the_end_of_an_episode():
    env = mabc.parallel_env("defend-2", max_steps=5)
    told = play(env)
    assert len(told) == 5
    _, _, terminated, truncated, infos = told[-1]
    assert not any(terminated.values())
    assert all(truncated.values())
    assert all(info["outcome"] == 0 and not info["success"] for info in infos.values())
    assert env.batch.world(0)["outcome"] == 0, "the world can still be looked at"
    assert all(type(flag) is bool for part in told[-1][2:4] for flag in part.values())


def test_max_cycles_is_another_name_for_max_steps():
    assert len(play(mabc.parallel_env(SCENARIO, max_cycles=7))) == 7


def test_the_dead_stay_and_may_only_stay():
    deaths = 0
    for seed in range(6):
        for _, rewards, _, _, infos in play(mabc.parallel_env(SCENARIO), seed=seed):
            assert list(rewards) == list(infos) == ["blue_0", "blue_1", "blue_2"]
            for info in infos.values():
                if not info["alive"] and info["outcome"] == -1:
                    deaths += 1
                    assert info["action_mask"].tolist() == [1] + [0] * 9
    assert deaths


def test_the_dead_leave_where_asked_to():
    left = 0
    for seed in range(6):
        env = mabc.parallel_env(SCENARIO, dead="leave")
        present = set(env.possible_agents)
        for told in play(env, seed=seed):
            assert all(set(part) == present for part in told)
            _, _, terminated, truncated, infos = told
            running = infos[next(iter(infos))]["outcome"] == -1
            gone = {agent for agent in present if terminated[agent] or truncated[agent]}
            if running:
                assert gone == {agent for agent in present if not infos[agent]["alive"]}
                left += len(gone)
            present -= gone
        assert not env.agents
    assert left


def test_a_tank_with_lives_left_does_not_leave():
    import dataclasses

    scenario = mabc.scenario(SCENARIO)
    teams = tuple(dataclasses.replace(team, lives=3) for team in scenario.teams)
    env = mabc.parallel_env(scenario, dead="leave", teams=teams, max_steps=400)
    for _, _, terminated, _, infos in play(env, seed=1):
        for agent, info in infos.items():
            slot = env.possible_agents.index(agent)
            lives = env.batch.world(0)["tanks"][slot]["lives"]
            if info["outcome"] == -1 and terminated[agent]:
                assert not info["alive"]
                assert lives == 0


@pytest.mark.parametrize("mask", ["info", "obs"])
def test_masks(mask):
    env = mabc.parallel_env(SCENARIO, mask=mask)
    obs, infos = env.reset(seed=0)
    for agent in env.agents:
        found = infos[agent]["action_mask"]
        assert found.dtype == np.int8
        assert found.shape == (10,)
        assert env.observation_space(agent).contains(obs[agent])
        if mask == "obs":
            np.testing.assert_array_equal(obs[agent]["action_mask"], found)
        assert found[env.action_space(agent).sample(found)]


def test_what_was_returned_stays():
    env = mabc.parallel_env(SCENARIO)
    obs, infos = env.reset(seed=0)
    kept = {agent: row.copy() for agent, row in obs.items()}, env.state(), env.state().copy()
    env.step(dict.fromkeys(env.agents, 3))
    for agent, row in obs.items():
        np.testing.assert_array_equal(row, kept[0][agent])
    np.testing.assert_array_equal(kept[1], kept[2])


def test_seeds():
    def first_steps(env, **reset):
        obs = [env.reset(**reset)[0]]
        obs += [env.step(dict.fromkeys(env.agents, action))[0] for action in (3, 5, 7, 9, 2) * 8 if env.agents]
        return np.stack([row["blue_0"] for row in obs])

    options = {"opponents": {2: "random"}, "full_observability": True}  # the bot in sight shows what is drawn
    one = mabc.parallel_env("duel", **options)
    same = first_steps(one, seed=5)
    np.testing.assert_array_equal(same, first_steps(one, seed=5))
    np.testing.assert_array_equal(same, first_steps(mabc.parallel_env("duel", **options, seed=5)))
    unseeded = [first_steps(mabc.parallel_env("duel", **options)) for _ in range(3)]
    assert any(not np.array_equal(unseeded[0], other) for other in unseeded[1:]), "copies without a seed differ"
    for seed in (-1, 2**63, 2**70):
        first_steps(one, seed=seed)


def test_copies_made_by_pickling_play_on_alike():
    """SuperSuit copies environments so."""
    env = mabc.parallel_env(SCENARIO)
    env.reset(seed=0)
    other = cloudpickle.loads(cloudpickle.dumps(env))
    one, two = env.step(dict.fromkeys(env.agents, 3)), other.step(dict.fromkeys(other.agents, 3))
    np.testing.assert_array_equal(one[0]["blue_0"], two[0]["blue_0"])


def test_worlds_of_a_manual_batch_wait_for_their_reset():
    batch = ManualBatch("defend-2", num_envs=3, max_steps=4)
    batch.reset(seed=0)
    for _ in range(4):
        obs, _, _, truncated, _ = batch.step(np.full((3, 2), 3))
    assert truncated.all()
    kept = obs.copy()
    obs, info = batch.reset_where(np.array([True, False, True]))
    np.testing.assert_array_equal(obs[1], kept[1])
    assert (obs[[0, 2]] != kept[[0, 2]]).any()
    assert info["episode_length"].tolist() == [0, 4, 0]
    assert info["outcome"].tolist() == [-1, 0, -1]
    fresh = mabc.make_batch("defend-2", num_envs=3, max_steps=4)
    fresh.reset(seed=0)
    for _ in range(4):
        rows, *_ = fresh.step(np.full((3, 2), 3))
    np.testing.assert_array_equal(obs[[0, 2]], rows[[0, 2]])


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"blue_0": 0, "blue_1": 0}, "no action for 'blue_2'"),
        ({"blue_0": 0, "blue_1": 0, "blue_2": 10}, "the action of 'blue_2' is 10; expected an integer from 0 to 9"),
        ({"blue_0": 0, "blue_1": 0, "blue_2": -1}, "the action of 'blue_2' is -1"),
        ({"blue_0": 0, "blue_1": 0.5, "blue_2": 0}, "the action of 'blue_1' is 0.5"),
        ({"blue_0": 0, "blue_1": None, "blue_2": 0}, "the action of 'blue_1' is None"),
        ({"blue_0": [1, 2], "blue_1": 0, "blue_2": 0}, "the action of 'blue_0' is"),
        ({"blue_0": 0, "blue_1": 0, "blue_2": 0, "blue_3": 0}, "unknown agent 'blue_3'; did you mean"),
        ({"blu_0": 0, "blue_1": 0, "blue_2": 0}, "unknown agent 'blu_0'; did you mean 'blue_0'"),
        ([0, 0, 0], "expected a dictionary"),
        ([0, 0, 0, 0], "expected a dictionary"),
    ],
)
def test_wrong_actions_are_refused_and_nothing_moves(actions, message):
    env = mabc.parallel_env(SCENARIO)
    env.reset(seed=0)
    before = env.batch.world(0)
    with pytest.raises(ValueError, match=r"agent|action") as error:
        env.step(actions)
    assert message in str(error.value)
    assert env.batch.world(0) == before


def test_step_at_the_wrong_time():
    env = mabc.parallel_env(SCENARIO, max_steps=1)
    with pytest.raises(RuntimeError, match=r"step\(\) before reset\(\): call reset\(\) first"):
        env.step({})
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    with pytest.raises(RuntimeError, match=r"an episode that is over: call reset\(\) first"):
        env.step({"blue_0": 0})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask": "information"}, "unknown mask 'information'; did you mean 'info'"),
        ({"dead": "leaves"}, "unknown dead 'leaves'; did you mean 'leave'"),
        ({"render_mode": "rgb"}, "unknown render_mode 'rgb'; did you mean 'rgb_array'"),
        ({"frameskip": 4}, "unknown option 'frameskip'; did you mean 'frame_skip'"),
        ({"opponents": {1: "classic"}}, "bots drive all teams"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(mabc.ScenarioError) as error:
        mabc.parallel_env(SCENARIO, **options)
    assert message in str(error.value)


@pytest.mark.parametrize("mode", ["rgb_array", "ansi", "human", None])
@pytest.mark.filterwarnings("ignore:.*render.. without a render_mode")
def test_render(mode, monkeypatch):
    if mode == "human":
        pytest.importorskip("pygame", reason="the window is drawn by pygame (extra `render`)")
        monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = mabc.parallel_env(SCENARIO, render_mode=mode)
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 3))
    shown = env.render()
    if mode == "rgb_array":
        assert shown.dtype == np.uint8
        assert shown.shape == (208, 208, 3)
    else:
        assert isinstance(shown, str) if mode == "ansi" else shown is None
    env.close()
