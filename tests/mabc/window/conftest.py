"""Windows that nobody sees: SDL's dummy driver, and events that tests post themselves."""

import sys

import pytest

import mabc

try:
    import pygame
except ImportError:  # pip install "mabc[render]"
    collect_ignore = ["test_keys.py", "test_play.py", "test_watch.py"]


@pytest.fixture(autouse=True)
def hidden(monkeypatch, tmp_path):
    """No real screen, and screenshots go where they do no harm."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)
    yield
    if "pygame" in sys.modules:
        pygame.quit()


@pytest.fixture
def post():
    """`post("w", "SPACE")` presses keys; `post("w", up=True)` lets them go; other events by name."""

    def send(*names, up=False, mod=0):
        for name in names:
            kind = pygame.KEYUP if up else pygame.KEYDOWN
            key = getattr(pygame, f"K_{name}")
            pygame.event.post(pygame.event.Event(kind, key=key, mod=mod, unicode=""))

    return send


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """The path of a short replay."""
    path = tmp_path_factory.mktemp("replay") / "game.mabc"
    env = mabc.make_batch("skirmish-3v3", record=path)
    env.reset(seed=3)
    for _ in range(60):
        _, _, terminated, truncated, _ = env.step(env.bot_actions("tactical"))
        if terminated[0] or truncated[0]:
            break
    env.close()
    return path
