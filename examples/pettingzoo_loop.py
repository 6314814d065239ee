"""PettingZoo: a loop over the parallel environment with random legal actions, and the same in turns (AEC)."""

import argparse

import mabc


def parallel(scenario: str, steps: int) -> int:
    """Play `steps` steps; the number of episodes that ended."""
    env = mabc.parallel_env(scenario)
    observations, infos = env.reset(seed=0)
    episodes = 0
    for _ in range(steps):
        if not env.agents:  # everybody is done: the episode is over
            observations, infos = env.reset()
        actions = {agent: env.action_space(agent).sample(infos[agent]["action_mask"]) for agent in env.agents}
        observations, rewards, terminations, truncations, infos = env.step(actions)
        if not env.agents:
            episodes += 1
            outcome = infos[env.possible_agents[0]]["outcome"]
            print(f"episode {episodes}: {f'team {outcome} won' if outcome else 'a draw'}; state {env.state().shape}")
    env.close()
    print(f"{steps} steps, {episodes} episodes")
    return episodes


def in_turns(scenario: str) -> None:
    """One episode in which agents act one after another; the world moves when the last one has chosen."""
    env = mabc.env(scenario, dead="leave")  # a tank without lives leaves `agents`
    env.reset(seed=0)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, info = env.last()
        over = terminated or truncated
        env.step(None if over else env.action_space(agent).sample(info["action_mask"]))
    env.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="skirmish-3v3")
    parser.add_argument("--steps", type=int, default=2000)
    options = parser.parse_args()
    parallel(options.scenario, options.steps)
    in_turns(options.scenario)
