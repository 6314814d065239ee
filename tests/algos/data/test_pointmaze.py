"""The maze's player: shortest ways, and data that leave something to learn."""

import numpy as np
import pytest

from algos.data.recipes import catalogue, rollouts
from algos.data.recipes.pointmaze import next_cells
from algos.data.recipes.rollouts import Part

pytest.importorskip("gymnasium_robotics")


def test_the_next_cell_is_on_a_shortest_way():
    maze = ["....", ".##.", "...."]
    cells = np.array([(i, j) for i, row in enumerate(maze) for j, mark in enumerate(row) if mark == "."])
    table = next_cells(cells)
    number = {tuple(cell): k for k, cell in enumerate(cells.tolist())}
    assert table[number[0, 0], number[0, 3]] == number[0, 1]
    assert table[number[1, 0], number[1, 3]] in (number[0, 0], number[2, 0])
    assert (np.diag(table) == np.arange(len(cells))).all()
    for start in range(len(cells)):
        for goal in range(len(cells)):
            here, steps = start, 0
            while here != goal:
                assert np.abs(cells[here] - cells[table[here, goal]]).sum() == 1
                here, steps = table[here, goal], steps + 1
            assert steps <= 5  # the ring is ten cells long


def test_the_expert_finds_every_goal_and_the_careless_miss_some():
    env = catalogue.env_of("pointmaze-umaze")
    expert = rollouts.episode_returns(env, "expert", 5, 0, 1)
    assert expert.tolist() == [1] * 5
    dataset = rollouts.record([Part(env, "careless", 2_000)], 0, 1, lambda _: None).check()
    assert 0.5 < dataset.returns.mean() < 0.95
    np.testing.assert_array_equal(dataset.terminals, dataset.rewards == 1)  # an episode ends at the goal
    np.testing.assert_array_equal(dataset.obs[:, :2], dataset.obs[:, 4:6])  # achieved goal and place are one


def test_rows_are_what_a_policy_sees_through_env_gym():
    from algos.adapters import make_env

    config = {**catalogue.env_of("pointmaze-umaze"), "num_envs": 1}
    world = rollouts.make_world(config)  # registers it
    row = rollouts.flat(world.observation_space)(world.reset(seed=4)[0])
    seen, _ = make_env(config).reset(seed=4)
    np.testing.assert_array_equal(row.astype(np.float32), seen[0, 0])
