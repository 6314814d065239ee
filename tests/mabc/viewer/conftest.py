"""One browser for all tests, recorded episodes, and pages that are watched: no error, no request, no dialogue."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mabc
from mabc.viewer import page as build_page

SHOWN = "Boolean(window.viewer) && viewer.firstFrame !== null"
PATIENCE = 15  # seconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("MABC_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
NO_PLAYWRIGHT = "browser tests skipped: no playwright; pip install playwright"
NO_CHROMIUM = "browser tests skipped: no chromium found; apt install chromium"


def record(path: Path, scenario: Any, first_world: int = 0, extras: bool = False, steps: int = 10_000) -> Path:
    """Play an episode of tactical bots into a file; extras: made-up values, probabilities and beliefs."""
    env = mabc.make_batch(scenario, num_envs=1, seed=1, first_world=first_world, record=path)
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    tanks = env.view.num_tanks
    for _ in range(steps):
        actions = env.bot_actions("tactical")
        if extras:
            probs = rng.random((env.num_agents, 10))
            probs /= probs.sum(axis=1, keepdims=True)
            true = np.stack([env.worlds["tanks"][axis][0, :tanks] for axis in "xy"], axis=-1)
            guess = true + rng.normal(0, 12, (env.num_agents, tanks, 2))
            guess[:, -1] = np.nan
            env.recorder.note(value=rng.normal(size=env.num_agents), probs=probs, predicted=guess)
        _, _, terminated, truncated, _ = env.step(actions)
        if terminated[0] or truncated[0]:
            break
    env.close()
    return path


@pytest.fixture(scope="session")
def episodes(tmp_path_factory) -> dict[str, Path]:
    """Recorded episodes by name."""
    folder = tmp_path_factory.mktemp("episodes")
    tiny = mabc.scenario("duel").changed(max_steps=12)
    long = mabc.scenario("versus-5v5").changed(random_rotation=False)
    wanted: dict[str, dict[str, Any]] = {
        "long": {"scenario": long, "first_world": 181, "extras": True},  # goes to its limit of 450 steps
        "skirmish": {"scenario": "skirmish-3v3", "extras": True},
        "defend": {"scenario": "defend-2", "steps": 260},
        "blind": {"scenario": "skirmish-3v3-blind"},
        "scout": {"scenario": "scout-3v4"},
        "wide": {"scenario": "skirmish-20v20", "steps": 40},
        "tiny": {"scenario": tiny},
    }
    return {name: record(folder / f"{name}.mabc", **how) for name, how in wanted.items()}


@pytest.fixture(scope="session")
def replays(episodes) -> dict[str, Any]:
    """The same, read by Python."""
    return {name: mabc.load_replay(path) for name, path in episodes.items()}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason=NO_PLAYWRIGHT)
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Watched:
    """A page in a window of its own, with what must not happen on it."""

    def __init__(self, browser: Any, folder: Path, **window: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **window})
        self.page = self.context.new_page()
        self.folder = folder
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self._told(message.type, message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialogue: {dialog.message}"))
        self.page.on("request", lambda request: self._requested(request.url))

    def _told(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.wrong.append(f"{kind}: {text}")

    def _requested(self, url: str) -> None:
        if not url.startswith((f"file://{self.folder}", "blob:", "data:")):
            self.wrong.append(f"request: {url}")

    def write(self, html: str) -> str:
        """Keep a page on the disk; returns its address."""
        path = self.folder / "page.html"
        path.write_text(html, "utf-8")
        return path.as_uri()

    def open(self, html: str, hash: str = "") -> Watched:
        """Open a page from disk and wait for its first picture."""
        self.page.goto("about:blank")  # from one address to itself with another hash is no new page
        self.page.goto(self.write(html) + hash)
        return self.until(SHOWN)

    def files(self, *paths: Path, hash: str = "") -> Watched:
        """Open the page of some replays."""
        return self.open(build_page([(path.name, path.read_bytes()) for path in paths]), hash)

    def js(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression, or of a function of the argument."""
        return self.page.evaluate(expression, argument)

    def until(self, expression: str, frame: Any = None) -> Watched:
        """Wait until a JavaScript expression holds. Not wait_for_function: it needs eval, which the page forbids."""
        deadline = time.monotonic() + PATIENCE
        while not (frame or self.page).evaluate(expression):
            assert time.monotonic() < deadline, f"it did not come to be: {expression}"
            self.page.wait_for_timeout(20)
        return self

    def seek(self, frame: int) -> None:
        """Go to a frame."""
        self.js(f"viewer.player.seek({frame})")

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def do(self, name: str) -> None:
        """Click the control that does something."""
        self.page.click(f'[data-do="{name}"], [data-toggle="{name}"]')

    def text(self, selector: str) -> str:
        """What can be read in an element."""
        return self.page.inner_text(selector)

    def click_field(self, x: int, y: int, stage: int = 0) -> None:
        """Click on a place of a field, px of the game."""
        field = self.page.locator(".field").nth(stage)
        box, size = field.bounding_box(), self.js(f"viewer.stages[{stage}].out.width")
        field.click(position={"x": x * box["width"] / size, "y": y * box["width"] / size})

    def pixels(self, source: str) -> np.ndarray:
        """uint8 [H, W, 3] of an ImageData that a JavaScript expression yields."""
        script = f"""() => {{
            const image = {source};
            let text = "";
            for (let i = 0; i < image.data.length; i += 32768) {{
                text += String.fromCharCode(...image.data.subarray(i, i + 32768));
            }}
            return [image.height, image.width, btoa(text)];
        }}"""
        height, width, data = self.js(script)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[..., :3]

    def canvas(self, stage: int = 0) -> np.ndarray:
        """What stands on a stage's canvas."""
        return self.pixels(f"""(() => {{
            const field = viewer.stages[{stage}].canvas;
            const copy = new OffscreenCanvas(field.width, field.height);
            const context = copy.getContext("2d", {{ willReadFrequently: true }});
            context.drawImage(field, 0, 0);
            return context.getImageData(0, 0, field.width, field.height);
        }})()""")

    def drawn(self, stage: int = 0) -> np.ndarray:
        """What was drawn for it, before marks were put over it: a pixel for each of the game's."""
        return self.pixels(f"viewer.stages[{stage}].image")


@pytest.fixture
def watch(browser, tmp_path) -> Iterator[Any]:
    """`watch(**window)` makes a Watched; at the end nothing wrong may have happened."""
    made: list[Watched] = []

    def make(**window: Any) -> Watched:
        made.append(Watched(browser, tmp_path, **window))
        return made[-1]

    yield make
    for watched in made:
        watched.context.close()
    assert [wrong for watched in made for wrong in watched.wrong] == []


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory, episodes) -> Iterator[Any]:
    """One page with the long episode, for all tests of a file that leave it open."""
    watched = Watched(browser, tmp_path_factory.mktemp("opened"))
    yield watched.files(episodes["long"])
    watched.context.close()
    assert watched.wrong == []


@pytest.fixture
def long(opened) -> Any:
    """The same at its start, nobody followed, all options as at first."""
    opened.js("""() => {
        Object.assign(viewer.state.options, { fog: true, beliefs: true, effects: true });
        viewer.player.setSpeed(1);
        viewer.follow(null);
        viewer.player.seek(0);
        document.activeElement.blur();
    }""")
    return opened
