"""Pages that show replays in a browser: one file each, which opens from disk, offline, and asks nobody for anything.

`page` embeds one replay, or two side by side; `gallery` a folder of them; `notebook` wraps a page for Jupyter. The
page is `page.html` with `style.css` and the modules beside it, bundled into one script. Its sprites are those of
`render.sprites`. docs/viewer.md describes it from the side of those who watch.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from pathlib import Path
from string import Template

__all__ = ["gallery", "notebook", "page"]

_SOURCES = Path(__file__).parent
_IMPORT = re.compile(r'^import [^;]*? from "\./([\w-]+\.js)";\n', re.MULTILINE)


def page(files: list[tuple[str, bytes]], title: str | None = None) -> str:
    """One page with up to two replays, (name, bytes of the .mabc file) each; without any, one to drop a file on.

    title: of the browser's tab; the first file's name by default. Files are not looked at: a broken one is embedded
    as well, and the page says what is wrong with it. ValueError for more than two.
    """
    if len(files) > 2:
        raise ValueError(f"{len(files)} files: a page shows one replay, or two side by side; see gallery() for more")
    return _html(files, title or (files[0][0] if files else "mabc replay viewer"), "viewer")


def gallery(folder: Path) -> str:
    """One page with a card for every .mabc file in a folder and below it; a click on one plays it."""
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*.mabc") if path.is_file())
    files = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths]
    return _html(files, f"{folder.resolve().name} – mabc replays", "gallery")


def notebook(data: bytes, name: str, height: int = 720) -> str:
    """An iframe with the page of one replay, for a notebook's cell; height in px."""
    content = html.escape(page([(name, data)]), quote=True)
    label = html.escape(f"mabc replay {name}", quote=True)
    return (
        f'<iframe srcdoc="{content}" title="{label}" sandbox="allow-scripts allow-downloads allow-modals" '
        f'allow="clipboard-write; fullscreen" style="width: 100%; height: {int(height)}px; border: 0"></iframe>'
    )


def _html(files: list[tuple[str, bytes]], title: str, start: str) -> str:
    """The template filled in. `start`: what the page opens with, "viewer" or "gallery"."""
    style, script = (_SOURCES / "style.css").read_text("utf-8"), _bundle()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return Template((_SOURCES / "page.html").read_text("utf-8")).substitute(
        policy=policy,
        title=html.escape(title),
        start=start,
        style=style,
        script=script,
        sheet=_sheet(),
        files="\n".join(_embedded(name, data) for name, data in files),
    )


def _embedded(name: str, data: bytes) -> str:
    """A file as a data block, which a browser does not run."""
    content = base64.b64encode(data).decode()
    return f'<script type="application/octet-stream" data-name="{html.escape(name, quote=True)}">{content}</script>'


def _digest(text: str) -> str:
    """The source expression by which a content security policy lets this very text through."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _sheet() -> str:
    """Sprites, palettes and the numbers that drawing needs, as JSON."""
    from ..params import EXPLOSION_FRAMES, HITS, POWER_UPS, TYPES
    from ..render.sprites import FLASH, GROUND, PIP, SHEET

    sprites = {
        name: {"shape": array.shape, "data": base64.b64encode(array.tobytes()).decode()}
        for name, array in SHEET._asdict().items()
    }
    numbers = {
        "GROUND": GROUND,
        "PIP": PIP,
        "FLASH": FLASH,
        "EXPLOSION_FRAMES": EXPLOSION_FRAMES,
        "HITS": HITS.tolist(),
        "TYPES": TYPES,
        "POWER_UPS": POWER_UPS,
    }
    return json.dumps({"sprites": sprites, "numbers": numbers})


@cache
def _bundle(entry: str = "main.js") -> str:
    """All modules as one script: each after those that it imports, without `import … from` and `export`.

    The modules share one scope then, so their top-level names differ; a test holds this.
    """
    parts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in parts:
            source = (_SOURCES / name).read_text("utf-8")
            for imported in _IMPORT.findall(source):
                add(imported)
            body = re.sub(r"^export ", "", _IMPORT.sub("", source), flags=re.MULTILINE)
            parts[name] = f"// {name}\n{body.strip()}\n"

    add(entry)
    return "\n".join(parts.values())
