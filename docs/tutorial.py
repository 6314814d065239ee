"""An algorithm of one's own on `mabc.make_batch`, in one file: advantage actor-critic for a team of tanks."""

import sys

import torch
from torch import nn

import mabc

T, B, GAMMA, LAMBDA = 16, 128, 0.99, 0.95  # steps per update, worlds


def train(updates: int = 300, seed: int = 0) -> list[float]:
    """Learn `skirmish-3v3` against the scripted opponents; returns the share of games won per ten updates."""
    torch.manual_seed(seed)
    env = mabc.make_batch("skirmish-3v3", num_envs=B, seed=seed)
    N, A, D = env.num_agents, env.num_actions, env.obs_shape[0]
    actor = nn.Sequential(nn.Linear(D, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, A))
    critic = nn.Sequential(nn.Linear(D, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
    optimiser = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=2e-3)

    def policy(obs, mask):  # one network for all agents; from [..., D] and [..., A] to a distribution
        logits = actor(obs).masked_fill(~mask, -1e8)
        return torch.distributions.Categorical(logits=logits, validate_args=False)

    # one rollout, time first, allocated once
    obs, mask = torch.zeros(T + 1, B, N, D), torch.zeros(T + 1, B, N, A, dtype=torch.bool)
    action = torch.zeros(T, B, N, dtype=torch.int64)
    alive = torch.zeros(T + 1, B, N, dtype=torch.bool)
    reward, end = torch.zeros(T, B, N), torch.zeros(T, B, 1)
    first, info = env.reset(seed=seed)
    obs[T], mask[T], alive[T] = map(torch.from_numpy, (first, env.action_mask(), info["alive"]))
    won, played, history = 0, 0, []
    for update in range(1, updates + 1):
        obs[0], mask[0], alive[0] = obs[T], mask[T], alive[T]
        for t in range(T):
            with torch.no_grad():
                action[t] = policy(obs[t], mask[t]).sample()
            seen, gain, terminated, truncated, info = env.step(action[t].numpy())
            # the arrays are the environment's own and are overwritten by its next call: copy what is kept
            obs[t + 1], mask[t + 1] = torch.from_numpy(seen), torch.from_numpy(env.action_mask())
            alive[t + 1], reward[t] = torch.from_numpy(info["alive"]), torch.from_numpy(gain)
            ended = terminated | truncated  # the world has begun a new episode already
            end[t] = torch.from_numpy(ended)[:, None]
            won, played = won + info["success"][ended, 0].sum(), played + ended.sum()

        # advantages, from the back (generalised advantage estimation)
        value = critic(obs)[..., 0]
        advantage, later = torch.zeros(T, B, N), torch.zeros(B, N)
        for t in reversed(range(T)):
            delta = reward[t] + GAMMA * (1 - end[t]) * value[t + 1].detach() - value[t].detach()
            advantage[t] = later = delta + GAMMA * LAMBDA * (1 - end[t]) * later

        # one gradient step on what living agents did
        living = alive[:T]
        now = policy(obs[:T][living], mask[:T][living])
        gain = advantage[living]
        target = gain + value[:T][living].detach()
        loss = -(now.log_prob(action[living]) * (gain - gain.mean()) / (gain.std() + 1e-8)).mean()
        loss = loss + (value[:T][living] - target).square().mean() - 0.01 * now.entropy().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], 0.5)
        optimiser.step()
        if update % 10 == 0:
            history.append(float(won) / max(int(played), 1))
            print(f"{update * T * B:>9,} steps  {history[-1]:.2f} of {int(played)} episodes won")
            won, played = 0, 0
    env.close()
    return history


if __name__ == "__main__":
    train(updates=int(sys.argv[1]) if len(sys.argv) > 1 else 300)
