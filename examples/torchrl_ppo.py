"""TorchRL: PPO with shared parameters and masked actions on the native batched environment."""

import argparse

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.collectors import Collector
from torchrl.modules import MLP, MaskedCategorical, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss, ValueEstimators

from mabc.interop.torchrl import TankEnv

OBS, MASK, ACTION = ("agents", "observation"), ("agents", "action_mask"), ("agents", "action")
FLAGS = ("done", "terminated")


def make_actor(env: TankEnv, hidden: int) -> ProbabilisticActor:
    """One network for all tanks: observation -> logits of the legal actions."""
    net = MLP(env.batch.obs_shape[0], env.batch.num_actions, num_cells=[hidden, hidden], activation_class=nn.Tanh)
    logits = TensorDictModule(net, in_keys=[OBS], out_keys=[("agents", "logits")])
    return ProbabilisticActor(
        logits,
        in_keys={"logits": ("agents", "logits"), "mask": MASK},
        out_keys=[ACTION],
        spec=env.full_action_spec,
        distribution_class=MaskedCategorical,
        return_log_prob=True,
        log_prob_key=("agents", "log_prob"),
    )


def make_loss(actor: ProbabilisticActor, env: TankEnv, hidden: int) -> ClipPPOLoss:
    """Clipped PPO; the critic reads what the actor reads."""
    net = MLP(env.batch.obs_shape[0], 1, num_cells=[hidden, hidden], activation_class=nn.Tanh)
    critic = TensorDictModule(net, in_keys=[OBS], out_keys=[("agents", "value")])
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.01)
    loss.set_keys(
        action=ACTION,
        sample_log_prob=("agents", "log_prob"),
        value=("agents", "value"),
        reward=("agents", "reward"),
        done=("agents", "done"),
        terminated=("agents", "terminated"),
    )
    loss.make_value_estimator(ValueEstimators.GAE, gamma=0.99, lmbda=0.95)
    return loss


def per_agent(data: TensorDict) -> TensorDict:
    """Give every agent its world's flags, [B, T, N, 1], as the loss wants them."""
    reward = data["next", "agents", "reward"]
    for name in FLAGS:
        data["next", "agents", name] = data["next", name].unsqueeze(-1).expand(reward.shape)
    return data


def main(scenario: str, steps: int, num_envs: int, hidden: int = 64) -> None:
    """Train for about `steps` environment steps."""
    torch.manual_seed(0)
    env = TankEnv(scenario, num_envs=num_envs)
    actor = make_actor(env, hidden)
    loss = make_loss(actor, env, hidden)
    optimiser = torch.optim.Adam(loss.parameters(), 1e-3)
    frames = num_envs * 64
    collector = Collector(
        env,
        actor,
        frames_per_batch=frames,
        total_frames=max(frames, steps // frames * frames),
        auto_register_policy_transforms=False,
    )
    for number, batch in enumerate(collector):
        data = per_agent(batch)
        with torch.no_grad():
            critics = {"params": loss.critic_network_params, "target_params": loss.target_critic_network_params}
            loss.value_estimator(data, **critics)
        advantage = data["advantage"]
        data["advantage"] = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        flat = data.reshape(-1)
        for _ in range(4):
            for part in torch.randperm(len(flat)).chunk(4):
                losses = loss(flat[part])
                optimiser.zero_grad()
                sum(losses[key] for key in ("loss_objective", "loss_critic", "loss_entropy")).backward()
                nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimiser.step()
        ended = int(data["next", "done"].sum())
        won = int(data["next", "agents", "success"][..., 0, 0].sum())
        print(f"batch {number}: {ended} episodes, {won} won, loss {losses['loss_objective'].item():.4f}")
    collector.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps over all worlds")
    parser.add_argument("--num-envs", type=int, default=32)
    options = parser.parse_args()
    main(options.scenario, options.steps, options.num_envs)
