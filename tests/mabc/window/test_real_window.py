"""One real window under a virtual screen: keys pressed as a person presses them, and how soon tanks obey."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

PLAY = """
import json, sys, time
import pygame
from mabc.window.game import Game
from mabc.window.play import Play, rehearse
from mabc.window.shell import Window

class Noted(Play):
    keys = ()
    def handle(self, event):
        if event.type == pygame.KEYDOWN:
            self.keys = (*self.keys, pygame.key.name(event.key))
        super().handle(event)

rehearse(Game("skirmish-3v3", seed=0))
game = Game("skirmish-3v3", seed=0)
play = Noted(Window("test", (208, 208), scale=2), game)
told = []
decide = game.drivers[0].decide
game.drivers[0].decide = lambda: (told.append(int(game.world["frame"])), decide())[1]
play.turn()
print("ready", pygame.display.get_driver(), flush=True)
rows, clock, until = [], pygame.time.Clock(), time.monotonic() + 30
while len(rows) < 90 and time.monotonic() < until and play.running:
    play.keys, played = (), play.screen == "play"
    play.turn()
    tank = game.tank(0)
    if play.screen == "play":
        row = [int(game.world["frame"]), play.keys, *(int(tank[name]) for name in ("heading", "x", "y"))]
        rows.append([*row, int(game.world["bullets"][0]["speed"])])
    clock.tick(60)
pygame.image.save(play.window.surface, sys.argv[1])
print(json.dumps({"rows": rows, "decided": told, "running": play.running}), flush=True)
"""


@pytest.fixture
def screen():
    """The DISPLAY of a virtual screen."""
    missing = [name for name in ("Xvfb", "xdotool") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"a real window needs {' and '.join(missing)}: apt install xvfb xdotool")
    ours, theirs = os.pipe()
    words = ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    server = subprocess.Popen(words, pass_fds=[theirs], stderr=subprocess.DEVNULL)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        number = answer.readline().strip()
    try:
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def press_keys(game, env):
    """Left, then down and fire, as a person's hands do it; what the game printed at its end."""
    assert game.stdout.readline().split() == ["ready", "x11"]

    def press(*words):
        subprocess.run(["xdotool", *words], env=env, check=True)
        time.sleep(0.1)

    press("mousemove", "200", "200")  # without a window manager the keyboard is where the mouse is
    press("keydown", "a")
    press("keydown", "s", "keydown", "space")
    press("keyup", "s", "keyup", "a", "keyup", "space")
    return game.communicate(timeout=60)[0]


def test_keys_move_the_tank_within_a_frame_while_mates_decide_every_eight(screen, tmp_path):
    pytest.importorskip("pygame")
    env = {**os.environ, "DISPLAY": screen, "SDL_VIDEODRIVER": "x11", "PYTHONPATH": f"{ROOT / 'envs'}:{ROOT}"}
    env["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    picture = tmp_path / "play.png"
    game = subprocess.Popen([sys.executable, "-c", PLAY, picture], env=env, stdout=subprocess.PIPE, text=True)
    try:
        answer = press_keys(game, env)
    finally:
        game.kill()
    told = json.loads(answer)
    rows = {key: (row, k) for k, row in enumerate(told["rows"]) for key in row[1]}
    assert set(rows) == {"a", "s", "space"}
    assert rows["a"][0][2] == 3  # it faces left in the very frame of the key
    (_, _, heading, x, y, _), k = rows["s"]
    assert heading == 2
    assert told["rows"][k + 2][4] > y  # and drives: three px in four frames, so at least one in two
    assert rows["space"][0][5] > 0  # the bullet is in the air
    assert told["decided"] == list(range(0, told["rows"][-1][0], 8))
    assert picture.stat().st_size > 5000
