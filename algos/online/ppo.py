"""PPO for teams: independent (`ippo`) and with a centralised critic (`mappo`).

Proximal policy optimisation (Schulman et al. 2017, eq. 7), with what Yu et al. 2022 ("The surprising
effectiveness of PPO in cooperative multi-agent games") found to matter: parameters shared by all learning
agents, value normalisation, clipped Huber value loss, dead agents left out, few epochs over large
minibatches.

Legend of shapes: T time, B worlds, N agents, A actions, D features, S state, H hidden, L steps of a chunk, M
rows. A row is what one agent saw in one step (L = 1) or, with a GRU, in a chunk of L steps. Rows in which the
agent was dead throughout are never computed: that is most of this file's speed, next to large matrices and
few calls. (Where a team that shares its reward is wholly dead, one row stands in for it, in the critic alone.)
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from algos.common.config import BadInput
from algos.common.protocol import BatchedEnv, shares_reward
from algos.common.returns import gae, stand_ins, team_values
from algos.common.run import Run, device_rng, set_device_rng
from algos.common.value_norm import RunningNorm

PRESETS: dict[str, dict[str, Any]] = {
    "ippo": {},
    "mappo": {"centralised": True},
}
DATA = "none"
TOTAL_STEPS = 3_000_000  # environment steps of a run, unless total_steps= is given

# --- config ---


@dataclass
class Config:
    name: str = "ippo"
    centralised: bool = False  # critic sees the global state beside the agent's observation
    num_steps: int = 16  # steps per world between updates (T)
    update_epochs: int = 2  # passes over the rollout
    num_minibatches: int = 8  # gradient steps per pass
    lr: float = 2e-3  # Adam's step size at the start
    anneal_lr: bool = True  # step size falls linearly to 0
    gamma: float = 0.99  # discount per step
    gae_lambda: float = 0.95  # weight of longer returns in the advantage
    clip_coef: float = 0.2  # how far the policy's ratio may move
    ent_coef: float = 0.002  # weight of the entropy bonus
    vf_coef: float = 0.5  # weight of the value loss
    clip_vloss: bool = True  # clip the value's movement too, by clip_coef
    huber_delta: float = 10.0  # where the value loss turns linear; 0: plain squares
    max_grad_norm: float = 0.5  # gradient clipping, for actor and critic together
    target_kl: float = 0.0  # stop the passes above this divergence; 0: never
    norm_adv: bool = True  # advantages to mean 0, deviation 1
    norm_value: bool = True  # value targets to mean 0, deviation 1, by running statistics
    norm_obs: bool = True  # observations too, by running statistics
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
            _require(getattr(self, name) >= 1, f"algo.{name}={getattr(self, name)}: at least 1")
        for name in ("gamma", "gae_lambda"):
            _require(0 <= getattr(self, name) <= 1, f"algo.{name}={getattr(self, name)}: between 0 and 1")
        _require(self.lr > 0, f"algo.lr={self.lr}: above 0")
        _require(self.clip_coef > 0, f"algo.clip_coef={self.clip_coef}: above 0")
        _require(self.activation in ACTIVATIONS, f"algo.activation={self.activation}: one of {list(ACTIVATIONS)}")
        if self.recurrent:
            whole = self.num_steps % self.chunk_length == 0
            _require(
                whole,
                f"algo.num_steps={self.num_steps} is no multiple of algo.chunk_length={self.chunk_length}",
            )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise BadInput(message)


ACTIVATIONS = {"relu": partial(nn.ReLU, inplace=True), "tanh": nn.Tanh}

# --- networks ---


def linear(inputs: int, outputs: int, gain: float) -> nn.Linear:
    """A linear layer, orthogonal at the start."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


class Net(nn.Module):
    """MLP, then perhaps a GRU, then a linear head."""

    def __init__(self, inputs: int, outputs: int, config: Config, gain: float):
        super().__init__()
        self.hidden_size, self.recurrent = config.hidden_size, config.recurrent
        layers: list[nn.Module] = []
        for i in range(config.num_layers):
            layers.append(linear(config.hidden_size if i else inputs, config.hidden_size, math.sqrt(2)))
            layers.append(ACTIVATIONS[config.activation]())
        self.body = nn.Sequential(*layers)
        width = config.hidden_size if config.num_layers else inputs
        self.gru = nn.GRUCell(width, config.hidden_size) if config.recurrent else None
        self.head = linear(config.hidden_size if config.recurrent else width, outputs, gain)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs [L, M, O] and the last hidden state [M, H] from x [L, M, D].

        hidden [M, H] before the first step and first bool [L, M] (an episode begins) matter to a GRU only.
        """
        features = self.body(x)
        if self.gru is None:
            return self.head(features), hidden
        keep = (~first).to(x.dtype)[..., None]
        outputs = []
        for step in range(len(x)):
            hidden = self.gru(features[step], hidden * keep[step])
            outputs.append(hidden)
        return self.head(torch.stack(outputs)), hidden


class Agent(nn.Module):
    """Actor and critic, shared by all learning agents; `sizes` is what they know of the environment."""

    def __init__(self, sizes: dict[str, int], config: Config):
        super().__init__()
        self.sizes, self.config = sizes, config
        inputs = sizes["obs"] + (sizes["agents"] if config.agent_id else 0)
        self.actor = Net(inputs, sizes["actions"] or sizes["action_dims"], config, 0.01)
        self.critic = Net(inputs + (sizes["state"] if config.centralised else 0), 1, config, 1.0)
        self.log_std = nn.Parameter(torch.zeros(sizes["action_dims"]))  # continuous actions only
        self.register_buffer("obs_mean", torch.zeros(sizes["obs"]))
        self.register_buffer("obs_std", torch.ones(sizes["obs"]))

    def inputs(self, obs: torch.Tensor) -> torch.Tensor:
        """Actor's inputs from observations [..., N, D]: normalised and numbered as configured.

        N may be less than in training, where a policy plays the first seats only.
        """
        if self.config.norm_obs:
            obs = ((obs - self.obs_mean) / self.obs_std).clamp(-10, 10)
        if self.config.agent_id:
            number = torch.eye(self.sizes["agents"], device=obs.device)[: obs.shape[-2]]
            obs = torch.cat([obs, number.expand(*obs.shape[:-1], -1)], -1)
        return obs


def sizes_of(env: BatchedEnv) -> dict[str, int]:
    """What the networks' shapes depend on."""
    continuous = env.num_actions == 0
    return {
        "obs": int(np.prod(env.obs_shape)),
        "state": int(np.prod(env.state_shape)),
        "agents": env.num_agents,
        "actions": env.num_actions,
        "action_dims": int(np.prod(env.action_space.shape)) if continuous else 0,
    }


def to_rows(x: np.ndarray, leading: int, device: str | torch.device = "cpu") -> torch.Tensor:
    """Observations [B, N, ...] (leading = 2) or states [B, ...] (1) as float32 rows; bytes are scaled to 0..1."""
    rows = torch.as_tensor(x, device=device).reshape(*x.shape[:leading], -1)
    return rows.float() / 255 if rows.dtype == torch.uint8 else rows.float()


def masked_log_probs(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Log-probabilities [..., A] with illegal actions (mask False) at about minus infinity, but finite."""
    return torch.log_softmax(logits.masked_fill(~mask, -1e8), -1)


def sample(agent: Agent, out: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Actions and their log-probabilities [M] from the actor's outputs [M, A] and masks [M, A].

    Discrete ones by the Gumbel trick in its exponential form: argmax of p / e with e ~ Exp(1).
    """
    if agent.sizes["action_dims"]:
        action = out + agent.log_std.exp() * torch.randn_like(out)
        return action, evaluate_actions(agent, out, mask, action)[0]
    log_probs = masked_log_probs(out, mask)
    noise = torch.empty_like(log_probs).exponential_().clamp_min_(1e-30).log_()  # at least -70
    action = (log_probs - noise).argmax(-1)
    return action, log_probs.gather(-1, action[..., None])[..., 0]


def evaluate_actions(
    agent: Agent, out: torch.Tensor, mask: torch.Tensor, action: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability and entropy [...] of actions under the actor's outputs [..., A]."""
    if agent.sizes["action_dims"]:
        normal = torch.distributions.Normal(out, agent.log_std.exp().expand_as(out), validate_args=False)
        return normal.log_prob(action).sum(-1), normal.entropy().sum(-1)
    log_probs = masked_log_probs(out, mask)
    entropy = -(log_probs.exp() * log_probs).sum(-1)
    return log_probs.gather(-1, action[..., None])[..., 0], entropy


class Policy:
    """A trained actor as a plain function of arrays; MABC takes it as an opponent as it is.

    policy(obs [B, N, ...], mask [B, N, A], memory) -> (actions [B, N], memory). `memory` is None at first;
    afterwards an array [B, N, H] whose rows the caller sets to zero where a new episode begins, or None
    without a GRU.
    """

    def __init__(self, agent: Agent, greedy: bool = True, value_norm: RunningNorm | None = None):
        self.agent, self.greedy, self.value_norm = agent, greedy, value_norm or RunningNorm()

    @torch.inference_mode()
    def __call__(self, obs: np.ndarray, mask: np.ndarray, memory: np.ndarray | None = None):
        B, N = obs.shape[:2]
        out, memory = self._run(self.agent.actor, self.agent.inputs(self._rows(obs)), memory)
        legal = torch.as_tensor(mask, device=out.device).reshape(B * N, -1)
        action = self._choose(out, legal).cpu().numpy().reshape(B, N, *([] if mask.shape[-1] else [-1]))
        return action, memory

    @torch.inference_mode()
    def explain(
        self,
        obs: np.ndarray,
        mask: np.ndarray,
        memory: np.ndarray | None,
        states: np.ndarray,
        critic_memory: np.ndarray | None = None,
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """What led to the actions of a step: {"value": float32 [B, N], "probs": float32 [B, N, A]}.

        Called before the policy, with the same arguments and the states [B, ...] of that step. value: the
        discounted reward that the critic expects; probs: the policy's, before it is made greedy (left out where
        actions are continuous). The second result is to be passed on as `critic_memory`, which is as `memory`.
        """
        x = self._rows(obs)
        states = to_rows(states, 1, x.device)
        value, critic_memory = self._run(self.agent.critic, critic_inputs(self.agent, x, states), critic_memory)
        found = {"value": self.value_norm.denormalise(value.view(obs.shape[:2]).cpu().numpy())}
        if not self.agent.sizes["action_dims"]:
            out, _ = self._run(self.agent.actor, self.agent.inputs(x), memory)
            legal = torch.as_tensor(mask, device=out.device).view(out.shape)
            found["probs"] = masked_log_probs(out, legal).exp().view(mask.shape).cpu().numpy()
        return found, critic_memory

    def _rows(self, obs: np.ndarray) -> torch.Tensor:
        return to_rows(obs, 2, self.agent.log_std.device)

    def _run(self, net: Net, x: torch.Tensor, memory: np.ndarray | None) -> tuple[torch.Tensor, np.ndarray | None]:
        """Outputs [B * N, O] of a network for inputs [B, N, D], and its memory afterwards."""
        B, N = x.shape[:2]
        hidden = torch.zeros(B * N, net.hidden_size, device=x.device)
        if memory is not None:
            hidden = torch.as_tensor(memory, device=x.device).view(B * N, -1)
        first = torch.zeros(1, B * N, dtype=torch.bool, device=x.device)
        out, hidden = net(x.view(1, B * N, -1), hidden, first)
        return out[0], hidden.view(B, N, -1).cpu().numpy() if net.recurrent else None

    def _choose(self, out: torch.Tensor, legal: torch.Tensor) -> torch.Tensor:
        if not self.greedy:
            return sample(self.agent, out, legal)[0]
        return out if self.agent.sizes["action_dims"] else masked_log_probs(out, legal).argmax(-1)


def load_policy(config: dict[str, Any], state: dict[str, Any], device: str = "cpu", greedy: bool = True) -> Policy:
    """Policy from the `algo` part of a run's configuration and the state in its checkpoint."""
    agent = Agent(state["sizes"], Config(**config))
    agent.load_state_dict({name: torch.as_tensor(value) for name, value in state["weights"].items()})
    value_norm = RunningNorm()
    value_norm.load_state_dict(state["value_norm"])
    return Policy(agent.to(device).eval(), greedy, value_norm)


POLICY_STATE = ("sizes", "weights", "value_norm")
"""What `load_policy` reads of a checkpoint's state: all that a team which is only played needs."""


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

    weight: 1 for the living and for the stand-ins of dead teams, 0 elsewhere; None: all count.
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


# --- rollout ---


class Storage:
    """One rollout, time-major, allocated once. Row T of what is seen is row 0 of the next rollout."""

    def __init__(self, env: BatchedEnv, config: Config, sizes: dict[str, int], device: str):
        T, B, N, A = config.num_steps, env.num_envs, env.num_agents, env.num_actions

        def new(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self.obs = new(T + 1, B, N, sizes["obs"])
        self.states = new(T + 1, B, sizes["state"] if config.centralised else 0)
        self.masks = new(T, B, N, A, dtype=torch.bool)
        self.alive = np.ones((T + 1, B, N), bool)
        self.valued = self.alive  # rows of the critic: the living and the stand-ins of dead teams
        self.first = np.ones((T + 1, B), bool)  # an episode begins
        dims = sizes["action_dims"]
        self.actions = new(T, B, N, dims) if dims else new(T, B, N, dtype=torch.int64)
        self.log_probs = new(T, B, N)
        self.rewards = np.zeros((T, B, N), np.float32)
        self.terminated = np.zeros((T, B), bool)
        self.truncated = np.zeros((T, B), bool)
        chunks = T // config.chunk_length if config.recurrent else 1
        self.actor_hidden = new(chunks, B * N, config.hidden_size if config.recurrent else 1)
        self.critic_hidden = torch.zeros_like(self.actor_hidden)
        # last observations and states of truncated episodes, of a step t each: rows (t, worlds, obs, states)
        self.cut: list[tuple[int, np.ndarray, torch.Tensor, torch.Tensor]] = []


class Episodes:
    """What the episodes that ended since the last report were like."""

    def __init__(self) -> None:
        self.count, self.sums = 0, {"return": 0.0, "length": 0.0, "win_rate": 0.0, "draw_rate": 0.0}

    def add(self, done: np.ndarray, info: dict[str, np.ndarray]) -> None:
        ended = np.flatnonzero(done)
        if len(ended):
            self.count += len(ended)
            self.sums["return"] += float(info["episode_return"][ended].mean(-1, dtype=np.float64).sum())
            self.sums["length"] += float(info["episode_length"][ended].sum())
            self.sums["win_rate"] += float(info["success"][ended].mean(-1, dtype=np.float64).sum())
            self.sums["draw_rate"] += float((info["outcome"][ended] == 0).sum())

    def report(self, env: BatchedEnv) -> dict[str, float | None]:
        """Means, then start anew; None where no episode ended.

        Win rates where something can be won and one team learns. With several the policy plays itself, and one
        team's win is another's defeat: draw rates are all that there is to tell.
        """
        sums = self.sums.items()
        means = {f"episode/{key}": total / self.count if self.count else None for key, total in sums}
        outcomes, rivals = env.metadata.get("outcomes", True), len(np.unique(env.agent_teams)) > 1
        if rivals or not outcomes:
            means.pop("episode/win_rate")
        if not rivals or not outcomes:
            means.pop("episode/draw_rate")
        means["episode/count"] = self.count
        self.__init__()  # type: ignore[misc]
        return means


def begin_step(storage: Storage, t: int, env: BatchedEnv, config: Config, obs: np.ndarray, alive: np.ndarray) -> None:
    """Copy what is seen before step t out of the environment's buffers."""
    storage.obs[t].copy_(to_rows(obs, 2, storage.obs.device))
    storage.alive[t] = alive
    if config.centralised:
        storage.states[t].copy_(to_rows(env.state(), 1, storage.obs.device))


@torch.inference_mode()
def rollout(env: BatchedEnv, agent: Agent, config: Config, storage: Storage, hidden: torch.Tensor, episodes: Episodes):
    """T steps in every world, from the storage's last row on; returns the actor's hidden state [B*N, H]."""
    B, N = env.num_envs, env.num_agents
    storage.cut.clear()
    for x in (storage.obs, storage.states, storage.alive, storage.first):
        x[0] = x[-1]
    device = storage.obs.device
    for t in range(config.num_steps):
        if config.recurrent and t % config.chunk_length == 0:
            storage.actor_hidden[t // config.chunk_length] = hidden
        storage.masks[t].copy_(torch.from_numpy(env.action_mask()))
        x = agent.inputs(storage.obs[t]).view(1, B * N, -1)
        first = torch.from_numpy(storage.first[t]).to(device).repeat_interleave(N)[None]
        out, hidden = agent.actor(x, hidden, first)
        action, log_prob = sample(agent, out[0], storage.masks[t].view(B * N, -1))
        storage.actions[t].copy_(action.view(storage.actions[t].shape))
        storage.log_probs[t].copy_(log_prob.view(B, N))
        obs, reward, terminated, truncated, info = env.step(storage.actions[t].cpu().numpy())
        storage.rewards[t], storage.terminated[t], storage.truncated[t] = reward, terminated, truncated
        done = terminated | truncated
        storage.first[t + 1] = done
        cut = truncated & ~terminated  # both at once: the last step before the limit also ended the task
        if cut.any():
            keep_cut(storage, t, np.flatnonzero(cut), info)
        begin_step(storage, t + 1, env, config, obs, info["alive"])
        episodes.add(done, info)
    shared = shares_reward(env)
    storage.valued = storage.alive | stand_ins(storage.alive, env.agent_teams) if shared else storage.alive
    return hidden


def keep_cut(storage: Storage, t: int, worlds: np.ndarray, info: dict[str, np.ndarray]) -> None:
    """Set the last observations and states of truncated episodes aside: their values continue the return."""
    device = storage.obs.device
    last_states = to_rows(info["final_state"][worlds], 1, device)[:, : storage.states.shape[-1]]
    storage.cut.append((t, worlds, to_rows(info["final_obs"][worlds], 2, device), last_states))


# --- values and advantages ---


def critic_inputs(agent: Agent, obs: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Critic's inputs [..., N, D'] from observations [..., N, D] and states [..., S] (S = 0: none)."""
    x = agent.inputs(obs)
    if not agent.config.centralised:
        return x
    return torch.cat([x, states[..., None, :].expand(*x.shape[:-1], -1)], -1)


@torch.inference_mode()
def compute_values(agent: Agent, storage: Storage, hidden: torch.Tensor) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """Critic's values [T+1, B, N], those of truncated ends [T, B, N] (0 elsewhere), and its hidden state.

    With a GRU step by step, noting the hidden state at the start of every chunk.
    """
    if agent.config.recurrent:
        return _values_recurrent(agent, storage, hidden)
    T1, B, N = storage.obs.shape[:3]
    final = np.zeros((T1 - 1, B, N), np.float32)
    flat = torch.zeros(T1 * B * N, device=storage.obs.device)
    rows = torch.from_numpy(np.flatnonzero(storage.valued)).to(flat.device)
    x = critic_rows(agent, storage, rows)
    for part in range(0, len(rows), 8192):  # pieces that stay in the processor's cache
        flat[rows[part : part + 8192]] = agent.critic(x[None, part : part + 8192], hidden, None)[0][0, :, 0]
    for t, worlds, obs, states in storage.cut:
        final[t, worlds] = agent.critic(critic_inputs(agent, obs, states), hidden, None)[0][..., 0].cpu().numpy()
    return flat.view(T1, B, N).cpu().numpy(), final, hidden


def critic_rows(agent: Agent, storage: Storage, rows: torch.Tensor) -> torch.Tensor:
    """Critic's inputs [M, D'] of some rows (t, b, n), numbered in that order."""
    N = storage.obs.shape[2]
    x = actor_rows(agent, storage, rows)
    if not agent.config.centralised:
        return x
    return torch.cat([x, storage.states.view(-1, storage.states.shape[-1])[rows // N]], -1)


def actor_rows(agent: Agent, storage: Storage, rows: torch.Tensor) -> torch.Tensor:
    """Actor's inputs [M, D'] of some rows (t, b, n), numbered in that order."""
    if not agent.config.agent_id:
        return agent.inputs(storage.obs.view(-1, storage.obs.shape[-1])[rows])
    x = agent.inputs(storage.obs)
    return x.view(-1, x.shape[-1])[rows]


def _values_recurrent(agent: Agent, storage: Storage, hidden: torch.Tensor):
    T1, B, N = storage.obs.shape[:3]
    values, final = np.zeros((T1, B, N), np.float32), np.zeros((T1 - 1, B, N), np.float32)
    first = torch.from_numpy(storage.first).to(hidden.device).repeat_interleave(N, 1)
    cut = {t: rest for t, *rest in storage.cut}
    for t in range(T1):
        if t < T1 - 1 and t % agent.config.chunk_length == 0:
            storage.critic_hidden[t // agent.config.chunk_length] = hidden
        x = critic_inputs(agent, storage.obs[t], storage.states[t]).view(1, B * N, -1)
        out, after = agent.critic(x, hidden, first[t : t + 1])
        values[t] = out.view(B, N).cpu().numpy()
        if t < T1 - 1:
            hidden = after
        if t in cut:
            worlds, obs, states = cut[t]
            x = critic_inputs(agent, obs, states).view(1, len(worlds) * N, -1)
            memory = hidden.view(B, N, -1)[torch.from_numpy(worlds)].reshape(len(worlds) * N, -1)
            goes_on = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
            final[t, worlds] = agent.critic(x, memory, goes_on)[0].view(len(worlds), N).cpu().numpy()
    return values, final, hidden


def advantages_and_returns(storage: Storage, values: np.ndarray, final: np.ndarray, env: BatchedEnv, config: Config):
    """GAE over the rollout [T, B, N]. Dead agents: see `team_values` and, for rewards of one's own, `gae`.

    At a truncated end an agent counts as living if it was before the last step: info["alive"] is the next
    episode's already.
    """
    ended = storage.terminated, storage.truncated
    if shares_reward(env):
        values = team_values(values, storage.valued, env.agent_teams)
        final = team_values(final, storage.valued[:-1], env.agent_teams)
        return gae(storage.rewards, values, *ended, final, config.gamma, config.gae_lambda)
    return gae(storage.rewards, values, *ended, final, config.gamma, config.gae_lambda, storage.alive)


# --- update ---


def learning_rows(storage: Storage, agent: Agent, values: np.ndarray, advantages: np.ndarray, returns: np.ndarray):
    """The rollout as rows of living agents and of stand-ins: dict of arrays [L, M, …] (hidden states [M, H])."""
    config = agent.config
    T, B, N = storage.rewards.shape
    L = config.chunk_length if config.recurrent else 1
    alive, valued = storage.alive[:-1], storage.valued[:-1]
    chunk, seat = np.nonzero(valued.reshape(T // L, L, B * N).any(1))
    numbers = torch.from_numpy((chunk * L * B * N + seat)[None]) + torch.arange(L)[:, None] * B * N  # [L, M]
    rows = numbers.reshape(-1).to(storage.obs.device)

    def pick(x: np.ndarray | torch.Tensor) -> torch.Tensor:
        x = torch.as_tensor(x, device=rows.device)
        return x.reshape(T * B * N, *x.shape[3:])[rows].view(L, len(chunk), *x.shape[3:])

    batch = {
        "x": actor_rows(agent, storage, rows).view(L, len(chunk), -1),
        "masks": pick(storage.masks),
        "actions": pick(storage.actions),
        "log_probs": pick(storage.log_probs),
        "values": pick(values[:-1]),
        "advantages": pick(advantages),
        "returns": pick(returns),
    }
    if config.centralised:
        batch["critic_x"] = critic_rows(agent, storage, rows).view(L, len(chunk), -1)
    if config.recurrent or (valued & ~alive).any():
        batch["weight"], batch["value_weight"] = pick(alive).to(torch.float32), pick(valued).to(torch.float32)
    if config.recurrent:
        batch["first"] = pick(np.broadcast_to(storage.first[:-1, :, None], (T, B, N)).copy())
        at = torch.from_numpy(chunk).to(rows.device), torch.from_numpy(seat).to(rows.device)
        batch["actor_hidden"], batch["critic_hidden"] = storage.actor_hidden[at], storage.critic_hidden[at]
    return batch


def actor_gradients(agent: Agent, mb: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Gradients of the policy's loss in a minibatch of rows (see `learning_rows`); returns metrics."""
    out, _ = agent.actor(mb["x"], mb.get("actor_hidden"), mb.get("first"))
    log_prob, entropy = evaluate_actions(agent, out, mb["masks"], mb["actions"])
    loss, metrics = policy_loss(log_prob, entropy, mb["log_probs"], mb["advantages"], mb.get("weight"), agent.config)
    loss.backward()
    return metrics


def critic_gradients(agent: Agent, mb: dict[str, torch.Tensor]) -> torch.Tensor:
    """Gradients of the value's loss in a minibatch of rows; returns the loss."""
    value, _ = agent.critic(mb.get("critic_x", mb["x"]), mb.get("critic_hidden"), mb.get("first"))
    loss = value_loss(value[..., 0], mb["values"], mb["returns"], mb.get("value_weight"), agent.config)
    (agent.config.vf_coef * loss).backward()
    return loss.detach()


def update(agent: Agent, optimiser: torch.optim.Optimizer, batch: dict[str, torch.Tensor]) -> dict[str, float]:
    """Passes of minibatches over the rows of a rollout; metrics are means over minibatches ({}: no rows).

    Actor and critic have no layer in common, so a second thread computes the critic's gradients meanwhile.
    """
    config, rows = agent.config, batch["x"].shape[1]
    if rows == 0:
        return {}
    parameters = list(agent.parameters())
    sums: dict[str, torch.Tensor] = {}
    count = 0
    with ThreadPoolExecutor(max_workers=1) as second:
        for _ in range(config.update_epochs):
            order = torch.randperm(rows).to(batch["x"].device)
            for part in order.chunk(config.num_minibatches):
                mb = {k: v.index_select(0 if k.endswith("hidden") else 1, part) for k, v in batch.items()}
                optimiser.zero_grad()
                critic = second.submit(critic_gradients, agent, mb)
                metrics = actor_gradients(agent, mb) | {"loss/value": critic.result()}
                metrics["loss/grad_norm"] = nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
                optimiser.step()
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
        self.agent = Agent(sizes_of(env), config).to(self.device)
        self.optimiser = torch.optim.Adam(self.agent.parameters(), lr=config.lr, eps=1e-5, fused=True)
        self.value_norm, self.obs_norm = RunningNorm(), RunningNorm((self.agent.sizes["obs"],), decay=0)
        self.storage = Storage(env, config, self.agent.sizes, self.device)
        width = config.hidden_size if config.recurrent else 1
        rows = env.num_envs * env.num_agents
        self.actor_hidden = torch.zeros(rows, width, device=self.device)
        self.critic_hidden = torch.zeros(rows, width, device=self.device)
        self.episodes, self.step, self.updates = Episodes(), 0, 0
        obs, info = env.reset(seed=run.seed)
        begin_step(self.storage, -1, env, config, obs, info["alive"])
        if run.state:
            self.load_state(run.state)

    def state(self) -> dict[str, Any]:
        """All that decides how training goes on, as a checkpoint's tree."""
        storage = self.storage
        return {
            "sizes": self.agent.sizes,
            "weights": dict(self.agent.state_dict()),
            "optimiser": {str(i): dict(slot) for i, slot in self.optimiser.state_dict()["state"].items()},
            "value_norm": self.value_norm.state_dict(),
            "obs_norm": self.obs_norm.state_dict(),
            "rng": torch.get_rng_state(),
            "device_rng": device_rng(self.device),
            "env": self.env.snapshot(),
            "seen": {
                "obs": storage.obs[-1],
                "states": storage.states[-1],
                "alive": storage.alive[-1],
                "first": storage.first[-1],
            },
            "hidden": {"actor": self.actor_hidden, "critic": self.critic_hidden},
            "episodes": {"count": self.episodes.count, "sums": self.episodes.sums},
            "step": self.step,
            "updates": self.updates,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`. An environment that cannot be restored starts new episodes."""
        self.agent.load_state_dict({name: torch.as_tensor(value) for name, value in state["weights"].items()})
        slots = {int(i): {k: torch.as_tensor(v) for k, v in slot.items()} for i, slot in state["optimiser"].items()}
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        self.value_norm.load_state_dict(state["value_norm"])
        self.obs_norm.load_state_dict(state["obs_norm"])
        self.step, self.updates = state["step"], state["updates"]
        self.episodes.count = state["episodes"]["count"]
        self.episodes.sums.update(state["episodes"]["sums"])
        if self.env.metadata.get("snapshot", True):
            self.env.restore(state["env"])
            for name, value in state["seen"].items():
                row = getattr(self.storage, name)[-1]
                row[...] = torch.as_tensor(value) if isinstance(row, torch.Tensor) else value
            self.actor_hidden = torch.as_tensor(state["hidden"]["actor"]).to(self.device)
            self.critic_hidden = torch.as_tensor(state["hidden"]["critic"]).to(self.device)
        else:
            print("this environment cannot be restored: the resumed run starts new episodes (not bit-exact)")
        torch.set_rng_state(torch.as_tensor(state["rng"]))
        set_device_rng(self.device, state.get("device_rng"))

    def iterate(self) -> dict[str, float | None]:
        """One rollout and update; returns metrics."""
        config, agent, storage = self.config, self.agent, self.storage
        fraction = max(1 - self.step / self.run.total_steps, 0.0) if config.anneal_lr else 1.0
        for group in self.optimiser.param_groups:
            group["lr"] = config.lr * fraction
        self.actor_hidden = rollout(self.env, agent, config, storage, self.actor_hidden, self.episodes)
        values, final, self.critic_hidden = compute_values(agent, storage, self.critic_hidden)
        norm = self.value_norm  # (0, 1) until it is updated
        real = norm.denormalise(values), norm.denormalise(final)
        advantages, returns = advantages_and_returns(storage, *real, self.env, config)
        living = storage.alive[:-1]
        if config.norm_value:
            norm.update(returns[storage.valued[:-1]])
            returns = norm.normalise(returns)
        if config.norm_adv and living.any():
            chosen = advantages[living]
            advantages = (advantages - chosen.mean()) / (chosen.std() + np.float32(1e-8))
        metrics = update(agent, self.optimiser, learning_rows(storage, agent, values, advantages, returns))
        if config.norm_obs:
            self.obs_norm.update(storage.obs[:-1].cpu().numpy()[living])
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
