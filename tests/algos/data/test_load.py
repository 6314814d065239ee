"""`data=`: every kind of source, and datasets that do not fit the environment."""

from types import SimpleNamespace

import numpy as np
import pytest

from algos.common.errors import BadInput
from algos.data import minari_files, store
from algos.data.dataset import Dataset, DatasetError
from algos.data.load import _check_widths, load_data
from algos.data.recipes import battles, catalogue

CAR = {"name": "gym", "id": "MountainCarContinuous-v0", "num_envs": 2, "kwargs": {}}
DUO = {"name": "mabc", "scenario": "skirmish-2v2", "num_envs": 2, "obs": "vector", "state": "vector"}


@pytest.fixture
def car(tmp_path):
    """Ten steps that fit MountainCarContinuous-v0, in a file of our store."""
    random = np.random.default_rng(0)
    dataset = Dataset(
        obs=random.standard_normal((11, 2)).astype(np.float32),
        actions=random.uniform(-1, 1, (10, 1)).astype(np.float32),
        rewards=np.ones(10, np.float32),
        terminals=np.zeros(10, bool),
        starts=np.array([0, 10]),
        info={"name": "car", "env": {"name": "gym", "id": "MountainCarContinuous-v0", "kwargs": {}}},
    )
    return store.save(tmp_path / "car.safetensors", dataset), dataset


def test_a_file_of_our_store(car, same):
    path, dataset = car
    same(load_data(str(path), CAR), dataset)


def test_a_dataset_of_minari(car, same):
    pytest.importorskip("h5py")
    minari_files.write(car[1], "somebody/car-v3")
    same(load_data("minari:somebody/car-v3", CAR), car[1])
    with pytest.raises(DatasetError, match="minari download mujoco/none-v0"):
        load_data("minari:mujoco/none-v0", CAR)


def test_a_file_of_d4rl_takes_the_environments_time_limit(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "car.hdf5", "w") as file:
        file["observations"], file["actions"] = np.zeros((1500, 2)), np.zeros((1500, 1))
        file["rewards"], file["terminals"] = np.zeros(1500), np.zeros(1500, bool)
    assert load_data(str(tmp_path / "car.hdf5"), CAR).lengths.tolist() == [998, 500]  # 999 is the limit


def test_the_scenarios_own_datasets_are_made_on_the_spot(same, monkeypatch):
    monkeypatch.setattr(battles, "STEPS", 60)
    monkeypatch.setattr(battles, "REFERENCE_WORLDS", 4)
    monkeypatch.setattr(battles, "REFERENCE_ROUNDS", 1)
    told = []
    made = load_data("random", DUO, told.append)
    assert told[0] == "making skirmish-2v2-random: 60 steps"
    told.clear()
    same(load_data("skirmish-2v2-random", DUO, told.append), made)
    assert not told


def test_a_folder_of_replays(tmp_path):
    import mabc

    env = mabc.make_batch("skirmish-2v2", num_envs=1, record=tmp_path / "games")
    env.reset(seed=0)
    for _ in range(5):
        env.step(env.bot_actions("tactical"))
    env.close()
    assert load_data(str(tmp_path / "games"), DUO).num_steps == 5


@pytest.mark.parametrize(
    ("what", "env", "text"),
    [
        ("hoper-medium", CAR, "Did you mean 'hopper-medium'"),
        ("exprt", DUO, "Did you mean 'expert'"),
        ("skirmish-2v2-mxed", DUO, "Did you mean 'skirmish-2v2-mixed'"),
    ],
)
def test_unknown_names(what, env, text):
    with pytest.raises(BadInput, match=text):
        load_data(what, env)


def test_paths_that_lead_nowhere(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04N.")
    with pytest.raises(DatasetError, match="can be read"):
        load_data(str(tmp_path / "a.pkl"), CAR)
    with pytest.raises(DatasetError, match="is not there"):
        load_data(str(tmp_path / "b" / "c"), CAR)
    with pytest.raises(DatasetError, match="is not there"):
        load_data(str(tmp_path / "c.hdf5"), CAR)


def changed(car, **changes):
    """The file of `car` with other arrays or info."""
    path, dataset = car
    for name, value in changes.items():
        setattr(dataset, name, value)
    store.save(path, dataset)
    return str(path)


def test_other_widths_and_kinds_name_both(car):
    free = {"name": "car"}
    wide = changed(car, obs=np.zeros((11, 3), np.float32), info=free)
    with pytest.raises(DatasetError, match=r"observations of shape \(3,\), the environment \(2,\)"):
        load_data(wide, CAR)
    two = changed(car, obs=np.zeros((11, 2), np.float32), actions=np.zeros((10, 2), np.float32))
    with pytest.raises(DatasetError, match="action dimensions: 2, the environment 1"):
        load_data(two, CAR)
    discrete = changed(car, actions=np.zeros(10, np.int64), num_actions=3)
    with pytest.raises(DatasetError, match="discrete actions: 3, the environment 0"):
        load_data(discrete, CAR)
    with pytest.raises(DatasetError, match="observations of shape"):
        load_data(discrete, DUO)


def test_teams_with_continuous_actions_are_refused():
    """No algorithm learns from them: the dead would count, and next actions have another shape."""
    world = SimpleNamespace(obs_shape=(2,), num_agents=3, num_actions=0, action_space=SimpleNamespace(shape=(1,)))
    zeros = np.zeros((2, 3, 2), np.float32), np.zeros((1, 3, 1), np.float32), np.zeros(1, np.float32)
    dataset = Dataset(*zeros, np.ones(1, bool), np.array([0, 1])).check()
    with pytest.raises(DatasetError, match="a team of 3 with continuous actions"):
        _check_widths(dataset, world, "spread", "somewhere")


def test_another_environment_is_named(car):
    path = str(car[0])
    with pytest.raises(DatasetError, match="recorded on MountainCarContinuous-v0, the environment is Pendulum-v1"):
        load_data(path, {**CAR, "id": "Pendulum-v1"})
    with pytest.raises(DatasetError, match="with env=gym, the environment is env=mabc"):
        load_data(path, DUO)
    env = {"name": "gym", "id": "MountainCarContinuous-v0", "kwargs": {"goal_velocity": 0.01}}
    with pytest.raises(DatasetError, match=r"set env.kwargs.goal_velocity=0.01"):
        load_data(changed(car, info={"name": "car", "env": env}), CAR)


def test_actions_beyond_the_bounds(car):
    a_hair = np.full((10, 1), 1.0005, np.float32)
    assert load_data(changed(car, actions=a_hair), CAR).actions.max() == 1
    with pytest.raises(DatasetError, match=r"'actions' reach from 2 to 2, the environment takes -1 to 1"):
        load_data(changed(car, actions=np.full((10, 1), 2, np.float32)), CAR)


def test_nothing_is_made_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(catalogue, "find", None)
    with pytest.raises(DatasetError, match="hopper-medium was recorded on Hopper-v5, the environment is Walker2d-v5"):
        load_data("hopper-medium", {**CAR, "id": "Walker2d-v5"})
    with pytest.raises(DatasetError, match="with env=gym, the environment is env=mabc"):
        load_data("hopper-medium", DUO)
    with pytest.raises(DatasetError, match="with env=mabc, the environment is env=gym"):
        load_data("skirmish-2v2-random", CAR)


def battle(**changes):
    act, _ = battles.player("skirmish-2v2", "random", 0)
    dataset = battles.collect("skirmish-2v2", act, 0, worlds=1, rounds=1)
    env = {"name": "mabc", "scenario": "skirmish-2v2", "rules": "1 (scenario 1)"}
    dataset.info = {"name": "skirmish-2v2-random", "env": {**env, **changes}}
    return dataset


def test_other_rules_and_other_teams(tmp_path):
    import mabc
    from algos.common.protocol import rules_version

    now = rules_version(mabc.make_batch("skirmish-2v2"))
    path = str(store.save(tmp_path / "a.safetensors", battle(rules=now)))
    assert load_data(path, DUO).num_agents == 2
    with pytest.raises(DatasetError, match=r"skirmish-2v2 entities: use env\.obs=vector"):
        load_data(path, {**DUO, "obs": "entities"})
    with pytest.raises(DatasetError, match="recorded in skirmish-2v2, the environment is skirmish-3v3"):
        load_data(path, {**DUO, "scenario": "skirmish-3v3"})
    unnamed = str(store.save(tmp_path / "c.safetensors", battle(scenario=None)))
    with pytest.raises(DatasetError, match=r"observations of shape \(79,\), the environment \(107,\)"):
        load_data(unnamed, {**DUO, "scenario": "skirmish-3v3"})
    with pytest.raises(DatasetError, match="it has observations of shape"):
        load_data(path, {**DUO, "obs": "planes"})
    old = str(store.save(tmp_path / "b.safetensors", battle(rules="0 (scenario 1)")))
    with pytest.raises(DatasetError, match=r"under rules version 0 \(scenario 1\), the environment has"):
        load_data(old, DUO)


def test_changed_settings_are_told(tmp_path):
    """They are allowed: to judge a policy in another world than it learned in is a question one may ask."""
    told = []
    path = str(store.save(tmp_path / "a.safetensors", battle(rules=None)))
    load_data(path, {**DUO, "opponent": "tactical", "sight": None, "gamma": 0.9, "max_steps": 50}, told.append)
    assert told == [
        "note: skirmish-2v2-random was recorded without env.opponent=tactical, env.gamma=0.9, env.max_steps=50 of the "
        "environment"
    ]


def test_a_maze_names_the_setting_that_makes_it_fit():
    pytest.importorskip("gymnasium_robotics")
    pytest.importorskip("h5py")
    env = {"name": "gym", "id": "PointMaze_UMaze-v3", "num_envs": 1, "kwargs": {}}
    plan = catalogue.plan_of("pointmaze-umaze", 20)
    dataset = catalogue.record(plan.parts, 0, 1, lambda _: None)
    dataset.info = {"name": "pointmaze-umaze", "env": plan.env}
    minari_files.write(dataset, minari_files.minari_id("pointmaze-umaze"))
    with pytest.raises(DatasetError, match=r"set env.kwargs.continuing_task=false"):
        load_data("pointmaze-umaze", env)
    told = []
    kwargs = {"continuing_task": False, "reset_target": True}
    assert load_data("pointmaze-umaze", {**env, "kwargs": kwargs}, told.append).num_steps == 20
    assert told == ["note: pointmaze-umaze was recorded without env.kwargs.reset_target=True of the environment"]
