"""A player of gymnasium-robotics' PointMaze: shortest ways through the maze's cells, and a spring to the next of them.

Our own recipe in the spirit of D4RL's maze2d (Fu et al. 2020, section 5): a planner's waypoints and a PD controller.
There, goals are drawn at random while it runs; here, episodes end at the goal, and the recorded player is careless:
it makes detours, is pushed about, and sometimes waits elsewhere until the time is up.

Shapes: B worlds, F free cells.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

SPRING, DAMPING = 10.0, 1.0  # of the controller, as D4RL's
PUSH, KEPT = 0.6, 0.9  # noise: size, and how much of it stays for the next step
DETOURS, LOST = 0.6, 0.2  # shares of episodes that first go elsewhere, and that stay there
NEAR = 0.3  # of a cell: a detour's end counts as reached

GOAL, PLACE, SPEED = slice(2, 4), slice(4, 6), slice(6, 8)
"""Columns of the flattened observation: achieved_goal, desired_goal, observation (place and speed)."""


class Controller:
    """Plays B worlds of one maze. way: "careless" makes data, "expert" goes straight to the goal."""

    def __init__(self, way: str, maze: Any, num_worlds: int):
        self.way = way
        grid = np.array([[cell != 1 for cell in row] for row in maze.maze_map])
        self.cells = np.argwhere(grid)  # [F, 2]
        self.centres = np.array([maze.cell_rowcol_to_xy(cell) for cell in self.cells])  # [F, 2], x and y
        self.size = float(maze.maze_size_scaling)
        self.next_cell = next_cells(self.cells)
        self.detour = np.full(num_worlds, -1)  # cell to see first; -1: none
        self.lost = np.zeros(num_worlds, bool)
        self.push = np.zeros((num_worlds, 2))

    def __call__(self, obs: np.ndarray, random: np.random.Generator, fresh: np.ndarray) -> np.ndarray:
        """Actions float64 [B, 2] for flattened observations [B, 8]; fresh bool [B]: an episode begins."""
        place, goal = obs[:, PLACE], obs[:, GOAL]
        if self.way == "careless":
            self._choose(random, fresh, place, goal)
        seeks = self.detour >= 0
        target = np.where(seeks[:, None], self.centres[self.detour], goal)
        here, there = self._cell(place), self._cell(target)
        waypoint = np.where((here == there)[:, None], target, self.centres[self.next_cell[here, there]])
        action = SPRING * (waypoint - place) - DAMPING * obs[:, SPEED]
        if self.way == "careless":
            self.push = KEPT * self.push + PUSH * np.sqrt(1 - KEPT**2) * random.standard_normal(self.push.shape)
            action = np.clip(action, -1, 1) + self.push
        return action

    def _choose(self, random: np.random.Generator, fresh: np.ndarray, place: np.ndarray, goal: np.ndarray) -> None:
        """What each world's player is up to: drawn as an episode begins, and forgotten where a detour ended."""
        B, F = len(place), len(self.cells)
        cells, chances = random.integers(F - 1, size=B), random.random((B, 2))
        cells += cells >= self._cell(goal)  # any cell but the goal's
        self.push[fresh] = 0
        self.lost = np.where(fresh, chances[:, 0] < LOST, self.lost)
        seeks = self.lost | (chances[:, 1] < DETOURS)
        distance = np.linalg.norm(self.centres[self.detour] - place, axis=1)
        arrived = ~self.lost & (distance < NEAR * self.size)
        self.detour = np.where(fresh, np.where(seeks, cells, -1), np.where(arrived, -1, self.detour))

    def _cell(self, place: np.ndarray) -> np.ndarray:
        """The nearest free cell of each place [B, 2]: int [B]."""
        return ((place[:, None] - self.centres) ** 2).sum(-1).argmin(1)


def next_cells(cells: np.ndarray) -> np.ndarray:
    """The next cell of a shortest way from each cell to each other, int [F, F], by breadth-first search.

    cells: row and column of each free one, int [F, 2]; those that share a side are neighbours.
    """
    number = {tuple(cell): i for i, cell in enumerate(cells.tolist())}
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    near = [[number[i + di, j + dj] for di, dj in steps if (i + di, j + dj) in number] for i, j in number]
    table = np.tile(np.arange(len(cells))[:, None], len(cells))
    for goal in range(len(cells)):
        found, queue = {goal}, deque([goal])
        while queue:
            cell = queue.popleft()
            for other in near[cell]:
                if other not in found:
                    found.add(other)
                    table[other, goal] = cell
                    queue.append(other)
    return table
