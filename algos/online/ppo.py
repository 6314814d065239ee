"""PPO for teams: independent (`ippo`) and with a centralised critic (`mappo`).

Proximal policy optimisation (Schulman et al. 2017, eq. 7), with what Yu et al. 2022 ("The surprising
effectiveness of PPO in cooperative multi-agent games") found to matter: parameters shared by all learning
agents, value normalisation, clipped Huber value loss, dead agents left out, few epochs over large
minibatches.

Legend of shapes: T time, B worlds, N agents, A actions, H hidden, L steps of a chunk, M rows. A row is what one agent
saw in one step (L = 1) or, with a GRU, in a chunk of L steps. Rows in which the agent was dead throughout are never
computed: that is most of this file's speed, next to large matrices and few calls. (Where a team that shares its reward
is wholly dead, one row represents it, in the critic alone.)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from algos.backbones.encoders import ACTIVATIONS, ENCODERS
from algos.common import optim
from algos.common.config import unknown
from algos.common.errors import require
from algos.common.protocol import BatchedEnv, shares_reward
from algos.common.returns import gae, team_values
from algos.common.value_norm import RunningNorm
from algos.common.views import Views
from algos.online import agent as agents
from algos.online.agent import Agent, Policy, spec_of
from algos.online.rollout import Batch, EpisodeStats, Rollout, minibatch, rows_of

if TYPE_CHECKING:
    from algos.common.run import Run

PRESETS: dict[str, dict[str, Any]] = {
    "ippo": {},
    "mappo": {"centralised": True},
}
DATA = "none"
TOTAL_STEPS = 3_000_000  # environment steps of a run, unless total_steps= is given
POLICY_STATE = ("spec", "weights", "value_norm")
"""What `load_policy` reads of a checkpoint's state: all that a team which is only played needs."""

# --- config ---


@dataclass
class Config:
    name: str = "ippo"
    centralised: bool = False  # critic sees the global state beside the agent's observation
    num_steps: int = 16  # steps per world between updates (T)
    update_epochs: int = 2  # epochs over the rollout
    num_minibatches: int = 8  # gradient steps per epoch
    lr: float = 2e-3  # learning rate of Adam at the start
    anneal_lr: bool = True  # learning rate falls linearly to 0
    gamma: float = 0.99  # discount per step
    gae_lambda: float = 0.95  # λ of generalised advantage estimation
    clip_coef: float = 0.2  # how far the policy's ratio may move
    ent_coef: float = 0.002  # weight of the entropy bonus
    vf_coef: float = 0.5  # weight of the value loss
    clip_vloss: bool = True  # clip the value's movement too, by clip_coef
    huber_delta: float = 10.0  # where the value loss turns linear; 0: mean squared error
    max_grad_norm: float = 0.5  # gradient clipping, for actor and critic together
    target_kl: float = 0.0  # stop the epochs early when the approximate KL divergence exceeds this; 0: never
    norm_adv: bool = True  # normalise advantages: zero mean, unit deviation
    norm_value: bool = True  # normalise value targets, by running statistics
    norm_obs: bool = True  # normalise the vector of observations, by running statistics
    encoder: str = "mlp"  # mlp | cnn | entities: what env.obs is read by, see algos/backbones/encoders.py
    hidden_size: int = 128  # width of layers (H)
    num_layers: int = 2  # hidden layers of actor and critic
    activation: str = "relu"  # relu | tanh
    agent_id: bool = False  # tell the networks which agent they are
    recurrent: bool = False  # a GRU after the hidden layers
    chunk_length: int = 8  # steps that gradients go back through a GRU (L)
    checkpoint_every: int = 20  # updates between checkpoints
    threads: int = 1  # of torch; more pays for wide networks on an idle machine only

    def __post_init__(self) -> None:
        for name in ("num_steps", "update_epochs", "num_minibatches", "hidden_size", "chunk_length", "threads",
                     "checkpoint_every"):  # fmt: skip
            require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        for name in ("gamma", "gae_lambda"):
            require(0 <= getattr(self, name) <= 1, f"algo.{name}={getattr(self, name)}: between 0 and 1")
        require(self.lr > 0, f"algo.lr={self.lr}: above 0")
        require(self.clip_coef > 0, f"algo.clip_coef={self.clip_coef}: above 0")
        require(self.activation in ACTIVATIONS, f"algo.activation={self.activation}: one of {list(ACTIVATIONS)}")
        if self.encoder not in ENCODERS:
            raise unknown("algo.encoder", self.encoder, ENCODERS)
        if self.recurrent:
            whole = self.num_steps % self.chunk_length == 0
            require(
                whole,
                f"algo.num_steps={self.num_steps} is no multiple of algo.chunk_length={self.chunk_length}",
            )


# --- loss ---


def policy_loss(
    log_prob: torch.Tensor,
    entropy: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantage: torch.Tensor,
    weight: torch.Tensor | None,
    config: Config,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Clipped surrogate and entropy bonus from arrays of one shape: the loss, and metrics (scalars without gradient).

    weight: 1 where the agent was alive, 0 elsewhere; None: all alive. Means are over the living.
    """
    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - config.clip_coef, 1 + config.clip_coef)
    surrogate = -_mean(torch.minimum(ratio * advantage, clipped * advantage), weight)
    entropy_mean = _mean(entropy, weight)
    with torch.no_grad():
        metrics = {
            "loss/policy": surrogate.detach(),
            "loss/entropy": entropy_mean.detach(),
            "loss/approx_kl": _mean(ratio - 1 - log_ratio, weight),  # the k3 estimator (Schulman 2020)
            "loss/clip_fraction": _mean(((ratio - 1).abs() > config.clip_coef).to(ratio.dtype), weight),
        }
    return surrogate - config.ent_coef * entropy_mean, metrics


def value_loss(
    value: torch.Tensor, old_value: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None, config: Config
) -> torch.Tensor:
    """Clipped value loss from arrays of normalised values, all of one shape.

    weight: 1 for the living and for the representatives of dead teams, 0 elsewhere; None: all count.
    """
    error = _value_error(value - target, config.huber_delta)
    if config.clip_vloss:
        near = old_value + (value - old_value).clamp(-config.clip_coef, config.clip_coef)
        error = torch.maximum(error, _value_error(near - target, config.huber_delta))
    return _mean(error, weight)


def _mean(x: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    return x.mean() if weight is None else (x * weight).sum() / weight.sum().clamp_min(1)


def _value_error(difference: torch.Tensor, delta: float) -> torch.Tensor:
    """Half the square, linear beyond delta (0: never)."""
    if delta == 0:
        return 0.5 * difference.square()
    size = difference.abs()
    inner = size.clamp(max=delta)
    return inner * (size - 0.5 * inner)


# --- values and advantages ---


@torch.inference_mode()
def compute_values(agent: Agent, rollout: Rollout, hidden: torch.Tensor) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """Critic's values [T+1, B, N], those of truncated ends [T, B, N] (0 elsewhere), and its hidden state.

    With a GRU step by step, noting the hidden state at the start of every chunk.
    """
    if agent.config.recurrent:
        return _values_recurrent(agent, rollout, hidden)
    T, B, N = rollout.shape
    final = np.zeros((T, B, N), np.float32)
    flat = torch.zeros((T + 1) * B * N, device=hidden.device)
    rows = torch.from_numpy(np.flatnonzero(rollout.valued)).to(hidden.device)
    no_first = torch.zeros(0, dtype=torch.bool, device=hidden.device)
    for part in rows.split(8192):  # pieces that stay in the processor's cache
        views = {name: view[None] for name, view in rollout.gather(part).items()}
        flat[part] = agent.critic(views, hidden, no_first)[0][0, :, 0]
    for t, worlds, views in rollout.cuts:
        value, _ = agent.critic(rows_of(views, N, rollout.reads), hidden, no_first)
        final[t, worlds] = value.view(len(worlds), N).cpu().numpy()
    return flat.view(T + 1, B, N).cpu().numpy(), final, hidden


def _values_recurrent(
    agent: Agent, rollout: Rollout, hidden: torch.Tensor
) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    T, B, N = rollout.shape
    values, final = np.zeros((T + 1, B, N), np.float32), np.zeros((T, B, N), np.float32)
    first = torch.from_numpy(rollout.first).to(hidden.device).repeat_interleave(N, 1)
    cuts = {cut.step: cut for cut in rollout.cuts}
    for t in range(T + 1):
        if t < T and t % agent.config.chunk_length == 0:
            rollout.critic_hidden[t // agent.config.chunk_length] = hidden
        out, after = agent.critic(rollout.at(t), hidden, first[t : t + 1])
        values[t] = out.view(B, N).cpu().numpy()
        if t < T:
            hidden = after
        if t in cuts:
            _, worlds, views = cuts[t]
            memory = hidden.view(B, N, -1)[torch.from_numpy(worlds)].flatten(0, 1)
            goes_on = torch.zeros(1, len(memory), dtype=torch.bool, device=hidden.device)
            value, _ = agent.critic(rows_of(views, N, rollout.reads), memory, goes_on)
            final[t, worlds] = value.view(len(worlds), N).cpu().numpy()
    return values, final, hidden


def advantages_and_returns(
    rollout: Rollout, values: np.ndarray, final: np.ndarray, config: Config
) -> tuple[np.ndarray, np.ndarray]:
    """GAE over the rollout [T, B, N]. Dead agents: see `team_values` and, for rewards of one's own, `gae`.

    At a truncated end an agent counts as living if it was before the last step: info["alive"] is the next
    episode's already.
    """
    ended, env = (rollout.terminated, rollout.truncated), rollout.env
    if shares_reward(env):
        values = team_values(values, rollout.valued, env.agent_teams)
        final = team_values(final, rollout.valued[:-1], env.agent_teams)
        return gae(rollout.rewards, values, *ended, final, config.gamma, config.gae_lambda)
    return gae(rollout.rewards, values, *ended, final, config.gamma, config.gae_lambda, rollout.alive)


# --- update ---


def actor_gradients(agent: Agent, mb: Batch) -> dict[str, torch.Tensor]:
    """Gradients of the policy's loss in a minibatch of rows (see `Rollout.batch`); returns metrics."""
    out, _ = agent.actor(mb["views"], mb.get("actor_hidden"), mb.get("first"))
    log_prob, entropy = agent.head.log_prob_entropy(out, mb["masks"], mb["actions"])
    loss, metrics = policy_loss(log_prob, entropy, mb["log_probs"], mb["advantages"], mb.get("weight"), agent.config)
    loss.backward()
    return metrics


def critic_gradients(agent: Agent, mb: Batch) -> torch.Tensor:
    """Gradients of the value's loss in a minibatch of rows; returns the loss."""
    value, _ = agent.critic(mb["views"], mb.get("critic_hidden"), mb.get("first"))
    loss = value_loss(value[..., 0], mb["values"], mb["returns"], mb.get("value_weight"), agent.config)
    (agent.config.vf_coef * loss).backward()
    return loss.detach()


def update(agent: Agent, optimiser: torch.optim.Optimizer, batch: Batch) -> dict[str, float]:
    """Epochs of minibatches over the rows of a rollout; metrics are means over minibatches ({}: no rows).

    Actor and critic have no layer in common, so a second thread computes the critic's gradients meanwhile.
    """
    config, rows = agent.config, batch["log_probs"].shape[1]
    if rows == 0:
        return {}
    sums: dict[str, torch.Tensor] = {}
    count = 0
    with ThreadPoolExecutor(max_workers=1) as second:
        for _ in range(config.update_epochs):
            order = torch.randperm(rows).to(batch["log_probs"].device)
            for part in order.chunk(config.num_minibatches):
                mb = minibatch(batch, part)
                metrics: dict[str, torch.Tensor] = {}

                def backward(mb: Batch = mb, metrics: dict[str, torch.Tensor] = metrics) -> None:
                    critic = second.submit(critic_gradients, agent, mb)
                    metrics |= actor_gradients(agent, mb) | {"loss/value": critic.result()}

                metrics["loss/grad_norm"] = optim.step(optimiser, backward, config.max_grad_norm)
                count += 1
                for name, value in metrics.items():
                    sums[name] = sums.get(name, 0) + value
            if config.target_kl and metrics["loss/approx_kl"].item() > config.target_kl:
                break
    return {name: float(total) / count for name, total in sums.items()}


# --- loop ---


class Learner:
    """Everything that a checkpoint holds; `train` is the loop over it."""

    def __init__(self, config: Config, env: BatchedEnv, run: Run):
        torch.manual_seed(run.seed)
        self.config, self.env, self.run = config, env, run
        self.device = run.config["device"]
        self.agent = Agent(spec_of(env), config).to(self.device)
        self.optimiser = optim.adam(self.agent.parameters(), config.lr, eps=1e-5)
        self.value_norm, self.obs_norm = RunningNorm(), RunningNorm(tuple(self.agent.obs_mean.shape), decay=0)
        chunk, width = (config.chunk_length, config.hidden_size) if config.recurrent else (0, 1)
        self.rollout = Rollout(
            env, config.num_steps, self.agent.critic.reads, self.agent.prepare, chunk, width, self.device
        )
        rows = env.num_envs * env.num_agents
        self.actor_hidden = torch.zeros(rows, width, device=self.device)
        self.critic_hidden = torch.zeros(rows, width, device=self.device)
        self.episodes, self.step, self.updates = EpisodeStats(), 0, 0
        obs, info = env.reset(seed=run.seed)
        self.rollout.see(-1, obs, info["alive"])
        if run.state:
            self.load_state(run.state)

    def state(self) -> dict[str, Any]:
        """All that decides how training goes on, as a checkpoint's tree."""
        rollout = self.rollout
        seen = {name: view[-1] for name, view in rollout.seen.items()}
        return {
            "spec": self.agent.spec,
            "weights": dict(self.agent.state_dict()),
            "optimiser": optim.slots(self.optimiser),
            "value_norm": self.value_norm.state_dict(),
            "obs_norm": self.obs_norm.state_dict(),
            "rng": torch.get_rng_state(),
            "device_rng": optim.device_rng(self.device),
            "env": self.env.snapshot(),
            "seen": {"views": seen, "alive": rollout.alive[-1], "first": rollout.first[-1]},
            "hidden": {"actor": self.actor_hidden, "critic": self.critic_hidden},
            "episodes": self.episodes.state(),
            "step": self.step,
            "updates": self.updates,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`. An environment that cannot be restored starts new episodes."""
        self.agent.load_state_dict({name: torch.as_tensor(value) for name, value in state["weights"].items()})
        optim.load_slots(self.optimiser, state["optimiser"])
        self.value_norm.load_state_dict(state["value_norm"])
        self.obs_norm.load_state_dict(state["obs_norm"])
        self.step, self.updates = state["step"], state["updates"]
        self.episodes.load_state(state["episodes"])
        if self.env.metadata.get("snapshot", True):
            self.env.restore(state["env"])
            seen, rollout = state["seen"], self.rollout
            for name, view in seen["views"].items():
                rollout.seen[name][-1] = torch.as_tensor(view)
            rollout.alive[-1], rollout.first[-1] = seen["alive"], seen["first"]
            self.actor_hidden = torch.as_tensor(state["hidden"]["actor"]).to(self.device)
            self.critic_hidden = torch.as_tensor(state["hidden"]["critic"]).to(self.device)
        else:
            print("this environment cannot be restored: the resumed run starts new episodes (not bit-exact)")
        torch.set_rng_state(torch.as_tensor(state["rng"]))
        optim.set_device_rng(self.device, state.get("device_rng"))

    def act(
        self, views: Views, mask: torch.Tensor, hidden: torch.Tensor, first: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Actions of a rollout's step, see `rollout.Act`."""
        out, hidden = self.agent.actor(views, hidden, first)
        return *self.agent.head.sample(out[0], mask), hidden

    def iterate(self) -> dict[str, float | None]:
        """One rollout and update; returns metrics."""
        config, agent, rollout = self.config, self.agent, self.rollout
        fraction = max(1 - self.step / self.run.total_steps, 0.0) if config.anneal_lr else 1.0
        for group in self.optimiser.param_groups:
            group["lr"] = config.lr * fraction
        self.actor_hidden = rollout.collect(self.act, self.actor_hidden, self.episodes)
        values, final, self.critic_hidden = compute_values(agent, rollout, self.critic_hidden)
        norm = self.value_norm  # (0, 1) until it is updated
        real = norm.denormalise(values), norm.denormalise(final)
        advantages, returns = advantages_and_returns(rollout, *real, config)
        living = rollout.alive[:-1]
        if config.norm_value:
            norm.update(returns[rollout.valued[:-1]])
            returns = norm.normalise(returns)
        if config.norm_adv and living.any():
            chosen = advantages[living]
            advantages = (advantages - chosen.mean()) / (chosen.std() + np.float32(1e-8))
        metrics = update(agent, self.optimiser, rollout.batch(values[:-1], advantages, returns))
        if config.norm_obs and "vector" in rollout.seen:
            self.obs_norm.update(rollout.seen["vector"][:-1].cpu().numpy()[living])
            agent.obs_mean.copy_(torch.from_numpy(self.obs_norm.mean))
            agent.obs_std.copy_(torch.from_numpy(self.obs_norm.std))
        self.updates += 1
        self.step += config.num_steps * self.env.num_envs
        report = self.episodes.report(self.env)
        return {**report, **metrics, "lr": config.lr * fraction, "living": float(living.mean())}

    def policy(self) -> Policy:
        """The greedy policy as it is now; it shares the networks."""
        return Policy(self.agent, value_norm=self.value_norm)


def train(config: Config, env: BatchedEnv, run: Run) -> Policy:
    """Learn for run.total_steps environment steps (summed over worlds); returns the greedy policy."""
    torch.set_num_threads(config.threads)
    learner = Learner(config, env, run)
    if not run.state:
        run.save(0, learner.state())  # whatever happens, there is something to resume from
        run.show(0, learner.policy())
    while learner.step < run.total_steps:
        metrics = learner.iterate()
        run.log.write(learner.step, metrics)
        run.show(learner.step, learner.policy())
        if learner.updates % config.checkpoint_every == 0 or learner.step >= run.total_steps:
            run.save(learner.step, learner.state())
    return learner.policy()


def load_policy(config: dict[str, Any], state: dict[str, Any], device: str = "cpu", greedy: bool = True) -> Policy:
    """Policy from the `algo` part of a run's configuration and the state in its checkpoint."""
    return agents.load_policy(Config(**config), state, device, greedy)
