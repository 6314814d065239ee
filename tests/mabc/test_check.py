"""mabc.check passes what is right and names the fault of what was broken on purpose."""

import gymnasium
import numpy as np
import pytest
from pettingzoo.utils import parallel_to_aec
from pettingzoo.utils.wrappers import BaseParallelWrapper

import mabc
from mabc.api.gym import SoloEnv
from mabc.api.manual import ManualBatch

SCENARIO = "skirmish-3v3"
OPTIONS = {"max_steps": 15}


def batch():
    return mabc.make_batch(SCENARIO, num_envs=3, **OPTIONS)


GOOD = {
    "batched": batch,
    "batched copy": lambda: mabc.make_batch(SCENARIO, num_envs=2, copy=True, **OPTIONS),
    "PettingZoo parallel": lambda: mabc.parallel_env(SCENARIO, **OPTIONS),
    "PettingZoo parallel leave": lambda: mabc.parallel_env(SCENARIO, dead="leave", mask="obs", **OPTIONS),
    "PettingZoo AEC": lambda: mabc.env(SCENARIO, **OPTIONS),
    "Gymnasium": lambda: gymnasium.make("mabc/Solo-v1", **OPTIONS),
    "Gymnasium vector": lambda: gymnasium.make_vec("mabc/Solo-v1", num_envs=3, **OPTIONS),
    "batched entities": lambda: mabc.make_batch(SCENARIO, num_envs=2, obs="entities", state="entities", **OPTIONS),
    "PettingZoo parallel entities": lambda: mabc.parallel_env(SCENARIO, obs="entities", state="entities", **OPTIONS),
    "Gymnasium entities": lambda: gymnasium.make("mabc/Solo-v1", obs="entities", **OPTIONS),
    "Gymnasium vector entities": lambda: gymnasium.make_vec("mabc/Solo-v1", num_envs=3, obs="entities", **OPTIONS),
}


@pytest.mark.parametrize("name", GOOD)
def test_ours_pass(name):
    report = mabc.check(GOOD[name], steps=40)
    assert name.startswith(report.kind)
    assert report.passed
    assert not report.skipped
    assert report.passed[0] in str(report)


def test_an_environment_in_place_of_a_factory():
    assert len(mabc.check(batch(), steps=20).passed) == 10
    assert mabc.check(mabc.env(SCENARIO, **OPTIONS), steps=20).skipped == {"aec_seeding": "needs a factory"}


def test_foreign_environments():
    assert mabc.check(lambda: gymnasium.make("CartPole-v1"), steps=30).skipped == {"gym_masks": "there are no masks"}
    mode = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
    vector = gymnasium.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync", vector_kwargs=mode)
    assert len(mabc.check(vector, steps=30).passed) == 3
    spread = pytest.importorskip("mpe2.simple_spread_v3", reason="mpe2 is the foreign environment (extra `interop`)")
    assert "parallel_masks" in mabc.check(spread.parallel_env, steps=30).skipped


def test_what_cannot_be_checked():
    with pytest.raises(TypeError, match="none of the kinds"):
        mabc.check(lambda: object())


class Broken:
    """A batch with one fault."""

    def __init__(self):
        self.env = batch()

    def __getattr__(self, name):
        return getattr(self.env, name)

    def step(self, actions):
        return self.change(*self.env.step(actions))

    def change(self, *told):
        return told


class TwoAgentsOfOneName(Broken):
    fault = "attributes"
    agent_ids = ("a", "b", "b")


class NoTeams(Broken):
    fault = "attributes"

    def __getattr__(self, name):
        if name == "agent_teams":
            raise AttributeError(name)
        return super().__getattr__(name)


class ResetWithoutInfo(Broken):
    fault = "reset"

    def reset(self, seed=None):
        return self.env.reset(seed=seed)[0]


class ObservesNan(Broken):
    fault = "reset"

    def reset(self, seed=None):
        obs, info = self.env.reset(seed=seed)
        return np.full_like(obs, np.nan), info


class ObservesDoubles(Broken):
    fault = "step"

    def change(self, obs, *rest):
        return obs.astype(np.float64), *rest


class InfoLacksSuccess(Broken):
    fault = "reset"

    def reset(self, seed=None):
        obs, info = self.env.reset(seed=seed)
        return obs, {key: value for key, value in info.items() if key != "success"}


class StateOfAnotherShape(Broken):
    fault = "state"

    def state(self):
        return self.env.state()[:, :-1]


class NothingIsLegal(Broken):
    fault = "masks"

    def action_mask(self):
        return np.zeros_like(self.env.action_mask())


class IntegerMask(Broken):
    fault = "masks"

    def action_mask(self):
        return self.env.action_mask().astype(np.int8)


class RewardOfTeams(Broken):
    fault = "step"

    def change(self, obs, reward, *rest):
        return obs, reward[:, 0], *rest


class WritesIntoActions(Broken):
    fault = "step"

    def step(self, actions):
        told = self.env.step(actions)
        actions[:] = 0
        return told


class EndsTwice(Broken):
    fault = "step"

    def __init__(self):
        self.env = mabc.make_batch("defend-2", num_envs=3, **OPTIONS)  # whose games time cuts off

    def change(self, obs, reward, terminated, truncated, info):
        return obs, reward, terminated | truncated, truncated, info


class FinalObsIsObs(Broken):
    fault = "buffers"

    def change(self, obs, reward, terminated, truncated, info):
        return obs, reward, terminated, truncated, info | {"final_obs": obs}


class NeverResets(Broken):
    """All worlds stay as they ended."""

    fault = "autoreset"

    def __init__(self):
        self.env = ManualBatch(SCENARIO, num_envs=3, **OPTIONS)

    def change(self, obs, reward, terminated, truncated, info):
        return obs, reward, terminated, truncated, info | {"final_obs": obs.copy()}


class NeverEnds(Broken):
    fault = "autoreset"

    def change(self, obs, reward, terminated, truncated, info):
        never = np.zeros_like(terminated)
        return obs, reward, never, never, info | {"outcome": np.full(3, -1)}


class OutcomeWhileItRuns(Broken):
    fault = "autoreset"

    def change(self, *told):
        return *told[:-1], told[-1] | {"outcome": np.ones(3, np.int8)}


class RewardsByChance(Broken):
    fault = "seeding"

    def change(self, obs, reward, *rest):
        return obs, reward + np.random.random(reward.shape).astype(np.float32), *rest  # noqa: NPY002


class ResetForgetsTheSeed(Broken):
    fault = "seeding"

    def __init__(self):
        self.env = mabc.make_batch("duel", num_envs=3, opponents={2: "random"}, **OPTIONS)

    def reset(self, seed=None):
        return self.env.reset()


class SnapshotIsAView(Broken):
    fault = "snapshot"

    def snapshot(self):
        return self.env.snapshot() | {"worlds": self.env.worlds.view(np.uint8).reshape(3, -1)}


class SnapshotOfObjects(Broken):
    fault = "snapshot"

    def snapshot(self):
        return self.env.snapshot() | {"random": np.random.default_rng(0)}


class RestoresNothing(Broken):
    fault = "snapshot"

    def restore(self, snapshot):
        pass


class ClipsActions(Broken):
    fault = "wrong_actions"

    def step(self, actions):
        actions = np.asarray(actions)
        return self.env.step(
            np.clip(actions, 0, 9) if actions.shape == (3, 3) and actions.dtype.kind == "i" else actions
        )


class MovesBeforeItRefuses(Broken):
    fault = "wrong_actions"

    def step(self, actions):
        try:
            return self.env.step(actions)
        except ValueError:
            self.env.step(np.full((3, 3), 3))
            raise


class RefusesWithAnAssertion(Broken):
    fault = "wrong_actions"

    def step(self, actions):
        assert np.shape(actions) == (3, 3), "shape"
        return self.env.step(actions)


@pytest.mark.parametrize("broken", Broken.__subclasses__(), ids=lambda broken: broken.__name__)
def test_a_broken_batch_is_found(broken):
    with pytest.raises(mabc.CheckError) as error:
        mabc.check(broken, steps=40)
    assert error.value.name == broken.fault
    assert len(str(error.value)) > len(error.value.name) + 20, "says what was seen, and what would do"


class BrokenParallel(BaseParallelWrapper):
    """A parallel environment with one fault."""

    def __init__(self):
        super().__init__(mabc.parallel_env(SCENARIO, **OPTIONS))

    @property
    def unwrapped(self):
        """Itself: PettingZoo's test refuses wrappers."""
        return self.env


class OneBuffer(BrokenParallel):
    fault = "parallel_copies"

    def step(self, actions):
        obs, *rest = super().step(actions)
        return dict(zip(obs, self.env.batch._obs[0], strict=False)), *rest


class OutsideOfItsSpace(BrokenParallel):
    fault = "parallel_spaces"

    def step(self, actions):
        obs, *rest = super().step(actions)
        return {agent: row[:-1] for agent, row in obs.items()}, *rest


class StateOutsideOfItsSpace(BrokenParallel):
    fault = "parallel_state"

    def state(self):
        return super().state().astype(np.float64)


class MaskForbidsAll(BrokenParallel):
    fault = "parallel_masks"

    def step(self, actions):
        *rest, infos = super().step(actions)
        return *rest, {agent: info | {"action_mask": np.zeros(10, np.int8)} for agent, info in infos.items()}


class RewardByChance(BrokenParallel):
    fault = "parallel_seeding"

    def step(self, actions):
        obs, rewards, *rest = super().step(actions)
        return obs, dict.fromkeys(rewards, np.random.random()), *rest  # noqa: NPY002


class KeepsTheDead(BrokenParallel):
    """Agents that ended are still in `agents`."""

    fault = "parallel_api"

    def step(self, actions):
        told = super().step(actions)
        self.agents = list(self.possible_agents)
        return told


class OddNames(BrokenParallel):
    """Agents that are called otherwise than PettingZoo asks."""

    fault = "parallel_names"

    def __init__(self):
        super().__init__()
        names, env = ["team1_0", "team1_1", "team1_2"], self.env
        env.possible_agents = names
        env.observation_spaces = dict(zip(names, env.observation_spaces.values(), strict=True))
        env.action_spaces = dict(zip(names, env.action_spaces.values(), strict=True))


class SpacesOfNobody(BrokenParallel):
    fault = "parallel_space_dicts"
    action_spaces = {}


class SpacesOfOthers(BrokenParallel):
    fault = "parallel_space_dicts"

    @property
    def observation_spaces(self):
        return dict.fromkeys(self.possible_agents, gymnasium.spaces.Discrete(2))


class RandomNumbersOfTheOldKind(BrokenParallel):
    fault = "parallel_np_random"

    def reset(self, seed=None, options=None):
        told = super().reset(seed, options)
        self.env.np_random = np.random.RandomState(seed)
        return told


class RandomNumbersGoOn(BrokenParallel):
    fault = "parallel_np_random"

    def reset(self, seed=None, options=None):
        kept = self.env.np_random
        told = super().reset(seed, options)
        self.env.np_random = kept
        return told


def test_what_a_parallel_environment_may_lack():
    env = mabc.parallel_env(SCENARIO, **OPTIONS)
    bare = BaseParallelWrapper(env)
    bare.action_spaces = None
    env.reset(seed=0)
    assert "there is no action_spaces" in mabc.check(bare, steps=5).skipped.values()


def test_odd_names_in_turns():
    with pytest.raises(mabc.CheckError, match=r"aec_names: agents are called \['team1_0'") as error:
        mabc.check(parallel_to_aec(OddNames()), steps=20)
    assert "blue_0" in error.value.remedy


@pytest.mark.parametrize("broken", BrokenParallel.__subclasses__(), ids=lambda broken: broken.__name__)
def test_a_broken_parallel_environment_is_found(broken):
    with pytest.raises(mabc.CheckError) as error:
        mabc.check(broken, steps=40)
    assert error.value.name == broken.fault


class BrokenGym(SoloEnv):
    """A Gymnasium environment with one fault."""

    def __init__(self):
        super().__init__(opponents="random", max_steps=5)


class ReturnsFour(BrokenGym):
    fault = "gym_api"

    def step(self, action):
        return super().step(action)[:4]


class RewardByChanceAlone(BrokenGym):
    fault = "gym_api"

    def step(self, action):
        obs, _, *rest = super().step(action)
        return obs, np.random.random(), *rest  # noqa: NPY002


class SeedWorksOnce(BrokenGym):
    """Episodes after the first one are drawn anew each time: Gymnasium's own check looks at the first one only."""

    fault = "gym_seeding"

    def reset(self, *, seed=None, options=None):
        obs, info = super().reset(seed=seed)
        return obs if seed is not None else obs * np.float32(np.random.random()), info  # noqa: NPY002


class MaskForbidsEverything(BrokenGym):
    fault = "gym_masks"

    def reset(self, *, seed=None, options=None):
        obs, info = super().reset(seed=seed)
        return obs, info | {"action_mask": np.zeros(10, np.int8)}


@pytest.mark.parametrize("broken", BrokenGym.__subclasses__(), ids=lambda broken: broken.__name__)
def test_a_broken_gym_environment_is_found(broken):
    with pytest.raises(mabc.CheckError) as error:
        mabc.check(broken, steps=60)
    assert error.value.name == broken.fault


class BrokenVector(gymnasium.vector.VectorWrapper):
    def __init__(self):
        super().__init__(gymnasium.make_vec("mabc/Solo-v1", num_envs=3, **OPTIONS))


class VectorWithoutFinalObs(BrokenVector):
    fault = "vector_autoreset"

    def step(self, actions):
        *rest, info = super().step(actions)
        return *rest, {key: value for key, value in info.items() if key != "final_obs"}


class VectorOfAnotherShape(BrokenVector):
    fault = "vector_spaces"

    def reset(self, **options):
        obs, info = super().reset(**options)
        return obs[:, None], info


@pytest.mark.parametrize("broken", BrokenVector.__subclasses__(), ids=lambda broken: broken.__name__)
def test_a_broken_vector_environment_is_found(broken):
    with pytest.raises(mabc.CheckError) as error:
        mabc.check(broken, steps=40)
    assert error.value.name == broken.fault
