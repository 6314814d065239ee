"""What `render_mode` asks for: pictures, text or a window."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..scenarios import unknown
from .batched import BatchedEnv

RENDER_MODES = ["human", "rgb_array", "ansi"]


class Screen:
    """Shows world i of a batch. `fps` is how many steps a second a window shows."""

    def __init__(self, env: BatchedEnv, mode: str | None, fps: float, scale: int = 3) -> None:
        if mode is not None and mode not in RENDER_MODES:
            raise unknown("render_mode", mode, RENDER_MODES)
        self.env, self.mode, self.fps, self.scale = env, mode, fps, scale
        self._window: Any = None
        self._clock: Any = None

    def render(self, i: int = 0) -> np.ndarray | str | None:
        """rgb_array: uint8 [H, W, 3]; ansi: a string; human: draws and returns None, as without a mode."""
        if self.mode is None:
            return None
        from ..render import ansi, draw_world

        if self.mode == "ansi":
            return ansi(self.env, i)
        if self.mode == "rgb_array":
            return draw_world(self.env, i, scale=1)
        self._show(draw_world(self.env, i, scale=self.scale))
        return None

    def _show(self, frame: np.ndarray) -> None:
        """Draw a frame in the window and wait until its time is over."""
        try:
            import pygame
        except ImportError as error:
            raise ImportError('render_mode="human" needs pygame: pip install "mabc[render]"') from error
        if self._window is None:
            pygame.display.init()
            pygame.display.set_caption(f"mabc {self.env.scenario.name}")
            self._window = pygame.display.set_mode((frame.shape[1], frame.shape[0]))
            self._clock = pygame.time.Clock()
        pygame.event.pump()
        self._window.blit(pygame.surfarray.make_surface(frame.swapaxes(0, 1)), (0, 0))
        pygame.display.flip()
        self._clock.tick(self.fps)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            import pygame

            pygame.display.quit()
            self._window = self._clock = None
