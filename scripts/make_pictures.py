"""Make the pictures of README.md and docs/: a GIF and a gallery page of trained teams, scenarios, the viewer.

    python scripts/make_pictures.py            everything; the viewer's pictures need chromium and playwright

The episodes are those in docs/replays/, which `python scripts/make_zoo.py --replays` records.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bench_common import ROOT

import mabc
from mabc.export import export_gif, export_html
from mabc.render import draw_world
from mabc.render.png import write_png
from mabc.viewer import gallery

IMAGES, REPLAYS = ROOT / "docs" / "images", ROOT / "docs" / "replays"
SCENARIOS = {"versus-5v5-power-ups": 90, "defend-2": 110, "siege-5v8": 24, "scout-3v4": 22, "versus-4x2": 30}
"""Scenarios to show, and after how many steps of `tactical`."""

VIEWER = {  # name: (replay, link, width, height, colours); {tanks[2]}: the third tank's name in that replay
    "viewer-light": ("versus-2v2", "#step=30", 1440, 990, "light"),
    "viewer-dark": ("defend-2", "#step=120", 1440, 990, "dark"),
    "viewer-fog": ("skirmish-5v5", "#step=20&follow={tanks[2]}", 1440, 990, "dark"),
    "viewer-phone": ("skirmish-5v5", "#step=14", 390, 844, "light"),
}
"""Screenshots of the page."""


def show_scenarios() -> None:
    """One picture a scenario."""
    for name, steps in SCENARIOS.items():
        env = mabc.make_batch(name, 1)
        env.reset(seed=0)
        for _ in range(steps):
            env.step(env.bot_actions("tactical"))
        write_png(IMAGES / f"{name}.png", draw_world(env, 0, scale=2))


def show_viewer(folder: Path) -> None:
    """The viewer's pages as a browser shows them."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (replay, link, width, height, colours) in VIEWER.items():
            path = folder / f"{replay}.html"
            shown = mabc.load_replay(REPLAYS / f"{replay}.mabc")
            export_html(shown, path, f"{replay}.mabc")
            link = link.format(tanks=[tank["name"] for tank in shown.tanks])
            take(browser, path.as_uri() + link, IMAGES / f"{name}.png", width, height, colours)
        take(browser, (REPLAYS / "index.html").as_uri(), IMAGES / "gallery.png", 920, 560, "light")
        browser.close()


def take(browser, address: str, path: Path, width: int, height: int, colours: str) -> None:
    """One screenshot."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=colours)
    page.goto(address)
    page.wait_for_timeout(1200)
    page.screenshot(path=path)
    page.close()


def main() -> int:
    """Make them all."""
    IMAGES.mkdir(exist_ok=True)
    export_gif(mabc.load_replay(REPLAYS / "skirmish-5v5.mabc"), IMAGES / "trained.gif", fps=20, progress=True)
    (REPLAYS / "index.html").write_text(gallery(REPLAYS), encoding="utf-8")
    show_scenarios()
    with tempfile.TemporaryDirectory() as folder:
        show_viewer(Path(folder))
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
