"""OTTO: offline trajectories, extended by world models (arXiv 2404.10393, versions of 2024 and of KDD 2025).

World Transformers learn how the recorded world goes on, generate trajectories from recorded states with perturbed
actions, a World Evaluator rates and corrects them, and an offline algorithm learns from both. The method's numbers and
exact rules could not be read: what stands here follows the abstracts of the two versions, the rest is our choice.

    python -m algos.train algo=otto env=gym env.id=Hopper-v5 data=hopper-medium algo.base=iql
    python -m algos.train algo=otto env=mabc data=medium algo.base=iql algo.horizon=20

Shapes: M trajectories, H steps, C rows of context, N agents, D features, k action dimensions, A actions. A team is one
agent to its world model: observations, masks of legal actions and who lives, of all agents, side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from algos.common import checkpoint
from algos.common import config as cfg
from algos.common.errors import BadInput, require
from algos.common.protocol import BatchedEnv
from algos.common.run import Run
from algos.data.dataset import Dataset, join
from algos.offline import bc, loop
from algos.offline.codec import Codec
from algos.offline.minibatches import Batch, Minibatches, Scaling, Transitions
from algos.offline.policy import Policy
from algos.offline.world_model import train_world
from world_models.episodes import Episodes, ahead, context
from world_models.evaluator import WorldEvaluator
from world_models.rollout import CORRECTIONS, Generated, data_bounds, generate

PRESETS: dict[str, dict[str, Any]] = {"otto": {}}
DATA = "required"
TOTAL_STEPS = 30_000  # gradient steps of the base, unless total_steps= is given: a report within twenty minutes
STARTS = ("uniform", "top", "softmax")
ACTIONS = ("logged", "steered", "policy")
BASES = ("bc", "td3_bc", "rebrac", "iql", "cql")
SHARD = 2_000  # trajectories generated together
LEAST_SKILL = 0.01  # of world models that are learned from
TRIES = 500  # shards at most: where nearly all is cut off, there is less than num_generated

# --- config ---


@dataclass
class Config:
    name: str = "otto"
    base: str = "td3_bc"  # the offline algorithm that learns from recorded and generated trajectories
    kwargs: dict[str, Any] = field(default_factory=dict)  # its settings, e.g. algo.kwargs.alpha=1
    model: str = "transformer"  # transformer | mlp
    ensemble_size: int = 5  # world models
    model_steps: int = 1_500  # gradient steps of the world models
    starts: str = "top"  # where generated trajectories start: uniform | top | softmax (by the episode's return)
    actions: str = "steered"  # what is done in them: logged | steered | policy, see `act_of`; and noise on it
    noise: float = 0.1  # deviation of the noise, of actions in -1..1; discrete: share of random actions
    noise_clip: float = 0.3  # and its bound
    horizon: int = 10  # steps of a generated trajectory, the last of which is only looked at (0: as long as recorded)
    num_generated: int = 100_000  # generated transitions, after corrections and before `keep_fraction`
    keep_fraction: float = 1.0  # of the generated trajectories, those of the greatest mean reward
    correction: str = "penalise"  # what the evaluator does to uncertain steps: none | penalise | cut | drop
    quantile: float = 0.99  # of the uncertainty on held-out real steps: what is above is uncertain to cut and drop
    penalty_coef: float = 1.0  # penalty coefficient λ of the uncertainty, for correction=penalise
    real_ratio: float = 0.7  # recorded share of a minibatch, at least: see `real_ratio_of`; 1: the base alone
    world_models: str = ""  # a run folder whose world models are used again; empty: they are trained

    def __post_init__(self) -> None:
        if self.base not in BASES:
            raise cfg.unknown("algo.base", self.base, BASES)
        for name, values in (("model", ("transformer", "mlp")), ("starts", STARTS), ("actions", ACTIONS),
                             ("correction", CORRECTIONS)):  # fmt: skip
            value = getattr(self, name)
            require(value in values, f"algo.{name}={value}: one of {', '.join(values)}")
        for name in ("ensemble_size", "model_steps", "num_generated"):
            require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        for name in ("keep_fraction", "quantile"):
            require(0 < getattr(self, name) <= 1, f"algo.{name}={getattr(self, name)}: above 0, at most 1")
        require(0 <= self.real_ratio <= 1, f"algo.real_ratio={self.real_ratio}: between 0 and 1")
        for name in ("noise", "noise_clip", "penalty_coef"):
            require(getattr(self, name) >= 0, f"algo.{name}={getattr(self, name)}: at least 0")
        require(self.horizon == 0 or self.horizon > 1, f"algo.horizon={self.horizon}: 0, or at least 2")
        if self.ensemble_size < 2 and self.correction != "none":
            raise BadInput(
                f"algo.ensemble_size={self.ensemble_size}: one member never disagrees; use 2, or correction=none"
            )
        self.base_config()

    def base_config(self) -> Any:
        """The base algorithm's own Config; BadInput names a setting that it does not have."""
        from omegaconf import OmegaConf

        keys = [key.name for key in cfg.algo_keys(self.base)]
        node = OmegaConf.structured(cfg.load_module(cfg.presets()[self.base]).Config)
        for key, value in self.kwargs.items():
            if key not in keys:
                raise cfg.unknown(f"setting of algo.base={self.base}", key, keys)
            cfg.check_value(node, key, value)
        return OmegaConf.to_object(node)


# --- strategies: from where, what is done ---


def choose_starts(config: Config, data: Dataset, count: int, random: np.random.Generator) -> np.ndarray:
    """Recorded steps, int [count], from which trajectories are generated.

    uniform: any; top: those of the best quarter of the episodes by return; softmax: an episode is the likelier the
    greater its return (one deviation of the returns weighs as a factor e), then any of its steps.
    """
    if config.starts == "uniform":
        return random.integers(data.num_steps, size=count)
    returns = data.returns
    if config.starts == "top":
        best = np.argsort(-returns, kind="stable")[: max(1, len(returns) // 4)]
        weight = np.zeros(len(returns))
        weight[best] = data.lengths[best]
    else:
        weight = np.exp((returns - returns.max()) / max(returns.std(), 1e-8)) * data.lengths
    episode = random.choice(len(returns), size=count, p=weight / weight.sum())
    return data.starts[episode] + (random.random(count) * data.lengths[episode]).astype(np.int64)


def perturb(config: Config, actions: np.ndarray, legal: np.ndarray | None, random: np.random.Generator) -> np.ndarray:
    """Actions [M, k] in -1..1 with clipped Gaussian noise; one-hot ones are exchanged now and then, and where illegal.

    legal: bool [M, N, A] for one-hot actions, from which the others are drawn; None: actions are continuous.
    """
    if legal is None:
        noise = random.standard_normal(actions.shape, np.float32) * config.noise
        return np.clip(actions + np.clip(noise, -config.noise_clip, config.noise_clip), -1, 1)
    chosen = actions.reshape(legal.shape).argmax(-1)
    other = np.where(legal, random.random(legal.shape), -1).argmax(-1)
    allowed = np.take_along_axis(legal, chosen[..., None], -1)[..., 0]
    exchanged = (random.random(chosen.shape) < config.noise) | ~allowed
    return np.eye(legal.shape[-1], dtype=np.float32)[np.where(exchanged, other, chosen)].reshape(actions.shape)


def clone(data: Dataset, env: BatchedEnv, seed: int, steps: int = 5_000) -> Policy:
    """A behaviour-cloned policy of the recorded episodes, for the actions that need one."""
    torch.manual_seed(seed)
    config = bc.Config(lr=1e-3, hidden_size=128)
    scaling = Scaling.of(data, env)
    learner = bc.Learner(config, loop.sizes_of(data, env), steps)
    minibatches = Minibatches([Transitions(data, scaling)], 1, config.batch_size, seed)
    for _ in range(steps):
        learner.update(minibatches.sample())
    return Policy(learner.actor, scaling, 1)


# --- generation ---


def generate_dataset(
    config: Config, data: Dataset, episodes: Episodes, model: Any, evaluator: WorldEvaluator, env: BatchedEnv, seed: int
) -> Dataset:
    """Generated trajectories as a dataset; the same seed gives the same."""
    random = np.random.default_rng([seed, 77])
    codec = Codec.of(data, env)
    horizon = config.horizon or int(data.lengths.max())
    policy = clone(data, env, seed) if config.actions != "logged" else None
    parts, made, tried, count = [], 0, 0, min(SHARD, max(1, config.num_generated // horizon))
    for _ in range(TRIES):
        steps, tried = choose_starts(config, data, count, random), tried + count
        found = generate_shard(config, episodes, model, evaluator, steps, horizon, codec, policy, random)
        made += int(found.lengths.sum())
        keep_best(config, found)
        if found.lengths.any():
            parts.append(codec.dataset(found))
            print(f"generated {made:>9,} / {config.num_generated:,} transitions", flush=True)
        if made >= config.num_generated:
            break
        each = max(made / tried, 1.0)  # steps that a trajectory has come to so far
        count = min(SHARD, max(1, int((config.num_generated - made) / each)))
    require(bool(parts), "the evaluator trusts none of the generated trajectories: raise algo.quantile")
    joined = join(parts)
    settings = {key: value for key, value in asdict(config).items() if key not in ("base", "kwargs", "world_models")}
    told = {"by": "otto", "from": data.info.get("name"), "digest": data.digest, "seed": seed}
    told |= {"skill": evaluator.skill, **settings}
    joined.info = {"name": f"otto's from {data.info.get('name')}", "env": data.info.get("env", {}), "made": told}
    joined.info |= {"steps": joined.num_steps, "references": data.info.get("references")}
    return joined


def generate_shard(
    config: Config, episodes: Episodes, model: Any, evaluator: WorldEvaluator, steps: np.ndarray, horizon: int,
    codec: Codec, policy: Policy | None, random: np.random.Generator,
) -> Generated:  # fmt: skip
    """Trajectories from some recorded steps on, int [M]; replayed ones end where the recorded ones do."""
    before = context(episodes, steps, model.context)
    recorded, logged, left = ahead(episodes, steps, horizon)
    bounds = data_bounds(model.scale)
    return generate(
        model, evaluator, *before, act_of(config, codec, recorded, logged, policy, random), horizon, config.correction,
        config.penalty_coef, bounds, None if config.actions == "policy" else left, lambda: random.random(len(steps)),
    )  # fmt: skip


def act_of(
    config: Config, codec: Codec, recorded: np.ndarray, logged: np.ndarray, policy: Policy | None,
    random: np.random.Generator,
) -> Callable[[int, torch.Tensor], np.ndarray]:  # fmt: skip
    """What is done in generated trajectories: `generate`'s act. recorded [M, H + 1, D] and logged [M, H, k] are real.

    logged: the recorded actions, whatever has become of the state. policy: those of a clone of the data's policy.
    steered: the recorded ones and what the clone would do otherwise here than in the recorded state, so that a
    trajectory that noise has pushed aside is brought back as its player would have, and its actions fit its states. Of
    discrete actions, the clone's where it would do something else, and the recorded ones elsewhere.
    """

    def act(t: int, obs: torch.Tensor) -> np.ndarray:
        seen = obs.cpu().numpy()
        actions = logged[:, t]
        if policy is not None:
            here = cloned(policy, seen, codec)
            actions = here if config.actions == "policy" else steered(policy, actions, here, recorded[:, t])
        return perturb(config, actions, codec.legal(seen), random)

    def steered(policy: Policy, actions: np.ndarray, here: np.ndarray, states: np.ndarray) -> np.ndarray:
        there = cloned(policy, states, codec)
        if not codec.data.num_actions:
            return actions + here - there
        shape = len(actions), codec.data.num_agents, codec.data.num_actions
        same = (here == there).reshape(shape).all(-1, keepdims=True)
        return np.where(same, actions.reshape(shape), here.reshape(shape)).reshape(actions.shape)

    return act


def cloned(policy: Policy, states: np.ndarray, codec: Codec) -> np.ndarray:
    """What the cloned policy does in states [M, D'], as a world model reads it: float32 [M, k]."""
    legal = codec.legal(states)
    if legal is None:
        x = policy.scaling.obs(torch.as_tensor(states))[None]
        return policy.actor.greedy(x)[0].numpy()
    actions, _ = policy(codec.team(states).obs, legal)
    return np.eye(codec.data.num_actions, dtype=np.float32)[actions].reshape(len(states), -1)


def keep_best(config: Config, found: Generated) -> None:
    """Set the length of all but `keep_fraction` of the trajectories to 0: those of the greatest mean reward stay."""
    if config.keep_fraction >= 1:
        return
    inside = np.arange(found.rewards.shape[1]) < found.lengths[:, None]
    mean = (found.rewards * inside).sum(1) / np.maximum(found.lengths, 1)
    mean[found.lengths == 0] = -np.inf
    worst = np.argsort(-mean, kind="stable")[max(1, int(config.keep_fraction * (found.lengths > 0).sum())) :]
    found.lengths[worst] = 0


# --- mixing ---


class Mixture:
    """Minibatches of which a share is generated, on average over them; the recorded team-steps come first."""

    def __init__(self, real: Minibatches, generated: Minibatches, share: float):
        self.real, self.generated, self.share = real, generated, share
        self.owed = 0.0  # generated team-steps, fractions of one from minibatch to minibatch

    def sample(self) -> Batch:
        self.owed += self.share * self.real.size
        count = int(self.owed)
        self.owed -= count
        counts = (self.real, self.real.size - count), (self.generated, count)
        parts = [source.sample(size) for source, size in counts if size]
        return {key: torch.cat([part[key] for part in parts], 1) for key in parts[0]}

    def state(self) -> Any:
        return {"real": self.real.state(), "generated": self.generated.state(), "owed": self.owed}

    def load_state(self, state: Any) -> None:
        self.real.load_state(state["real"])
        self.generated.load_state(state["generated"])
        self.owed = state["owed"]


def real_ratio_of(config: Config, generated: list[Dataset]) -> float:
    """Recorded share of a minibatch: the generated one is `real_ratio`'s times the world models' explained variance.

    A world that they cannot predict leaves the base nearly alone. Their skill is the evaluator's, on held-out steps;
    without corrections it is not asked. What is below a hundredth is taken for none: so much comes by chance.
    """
    if config.correction == "none" or not generated:
        return config.real_ratio
    skill = float(np.mean([made.info["made"]["skill"] for made in generated]))
    return 1 - (1 - config.real_ratio) * skill * (skill >= LEAST_SKILL)


def mixture_of(
    data: Dataset, generated: list[Dataset], real_ratio: float, config: Any, seed: int, device: str
) -> Callable[[Scaling, loop.Learner], loop.Source]:
    """What `loop.fit` takes as its source of minibatches; generated holds a dataset for each of the base's seeds.

    A generated trajectory's last step is not learned from unless it ends the task: see `minibatches.Transitions`. That
    leaves out the step that ended a recorded trajectory, too, where its replay by chance does not end.
    """

    def make(scaling: Scaling, learner: loop.Learner) -> loop.Source:
        next_actions = learner.next_actions
        source = partial(Minibatches, seeds=config.seeds, batch_size=config.batch_size, next_actions=next_actions)
        real = source([Transitions(data, scaling, device)], seed=seed)
        if not generated:
            return real
        made = [Transitions(dataset, scaling, device, cut_offs=False) for dataset in generated]
        require(
            all(len(rows.steps) for rows in made),
            "no generated trajectory goes on for two steps: raise algo.quantile or choose another algo.correction",
        )
        return Mixture(real, source(made, seed=seed + 1_000_003), 1 - real_ratio)

    return make


# --- loop ---


def train(config: Config, env: BatchedEnv, run: Run) -> Policy:
    """Train world models, generate, and train the base for run.total_steps gradient steps on both."""
    base_config = config.base_config()
    torch.set_num_threads(base_config.threads)
    data = loop.load_run_data(run)
    base = cfg.load_module(cfg.presets()[config.base])
    base.make_learner(base_config, loop.sizes_of(data, env), 1)  # refuses what it cannot learn, before hours of work
    generated = []
    if config.real_ratio < 1:
        generated = [generated_data(config, data, env, run, number) for number in range(base_config.seeds)]
    real_ratio = real_ratio_of(config, generated)
    source_of = mixture_of(data, generated, real_ratio, base_config, run.seed, run.config["device"])
    return loop.fit(base.make_learner, base_config, env, run, data, source_of)


def generated_data(config: Config, data: Dataset, env: BatchedEnv, run: Run, number: int) -> Dataset:
    """Generated dataset `number` of a run: from its file in the run folder, else made and put there, with a plot."""
    from algos.data import store
    from algos.offline.plots import plot_generated

    path = run.folder / f"generated-s{number}{checkpoint.SUFFIX}"
    if path.is_file():
        made = store.load(path)
        if made.info.get("made", {}).get("digest") != data.digest:
            raise BadInput(f"{path} was generated from other data than data={run.config['data']} is now: delete it")
        return made
    episodes = Codec.of(data, env).episodes()
    seed = 1_000 * run.seed + number  # seeds of other runs are others
    model, evaluator = train_world(config, data, episodes, run, number, seed, config.quantile)
    made = generate_dataset(config, data, episodes, model, evaluator, env, seed)
    store.save(path, made)
    plot_generated(run.folder / f"generated-s{number}.png", data, made)
    print(compared(data, made), flush=True)
    return made


def compared(data: Dataset, made: Dataset) -> str:
    """Generated trajectories beside the recorded ones, and how well their world is known."""
    rewards, ends, skill = made.rewards.mean(), 100 * made.terminals.mean(), made.info["made"]["skill"]
    return (
        f"generated {made.num_episodes:,} trajectories, {made.num_steps:,} steps, {made.lengths.mean():.1f} each\n"
        f"  mean reward {rewards:.3f} (recorded {data.rewards.mean():.3f}), "
        f"ends in {ends:.2f}% of the steps (recorded {100 * data.terminals.mean():.2f}%)\n"
        f"  explained variance of the world models on held-out steps: {skill:.3f} (changes or rewards, the lesser)"
    )


def load_policy(config: dict[str, Any], state: dict[str, Any], device: str = "cpu", greedy: bool = True) -> Policy:
    """The base's policy from the `algo` part of a run's configuration and the state in its checkpoint."""
    settings = Config(base=config["base"], kwargs=config["kwargs"]).base_config()
    return cfg.load_module(cfg.presets()[config["base"]]).load_policy(asdict(settings), state, device, greedy)
