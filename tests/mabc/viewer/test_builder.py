"""The page as text: complete in itself, its script the only one that may run, names escaped."""

import base64
import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from mabc import viewer

FOLDER = Path(viewer.__file__).parent
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>.mabc"


def policy_of(html: str) -> str:
    return re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1)


def test_it_names_no_place_to_load_from():
    html = viewer.page([])
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", html.partition('<script type="module">')[0])
    assert set(re.findall(r"https?://[^\s\"'`]+", html)) == {"http://www.w3.org/2000/svg"}, "a namespace, never fetched"
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|eval|Function)\(", html)
    assert "innerHTML" not in html
    assert "insertAdjacentHTML" not in html


def test_the_policy_lets_only_this_script_and_style_through():
    html = viewer.page([("a.mabc", b"abc")])
    policy = policy_of(html)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ('<script type="module">', "<style>"):
        body = html.partition(tag)[2].partition(tag[0] + "/" + tag[1:].partition(" ")[0].rstrip(">") + ">")[0]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_modules_share_a_scope_in_peace():
    names = Counter()
    for path in FOLDER.glob("*.js"):
        source = path.read_text("utf-8")
        names.update(re.findall(r"^(?:export )?(?:async )?(?:const|let|class|function\*?) (\w+)", source, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []
    html = viewer.page([])
    assert not re.search(r"^(?:import|export) ", html, re.MULTILINE), "nothing of the module syntax is left"
    for path in FOLDER.glob("*.js"):
        assert f"\n// {path.name}\n" in html or f">// {path.name}\n" in html, f"{path.name} is not part of the page"


def test_the_gallery_of_the_docs_is_what_the_builder_makes_now():
    folder = Path(__file__).parents[3] / "docs" / "replays"
    made = (folder / "index.html").read_text("utf-8")
    assert made == viewer.gallery(folder), "an old page: run `mabc gallery docs/replays`"


def test_names_are_escaped():
    html = viewer.page([(HOSTILE, b"x")], title="<b>&\"'")
    assert HOSTILE not in html
    assert html.count("<script") == html.count("</script>") == 3, "the sheet, one file, the program"
    assert "<title>&lt;b&gt;&amp;&quot;&#x27;</title>" in html


def test_dollars_in_names_and_files_stay_what_they_are():
    assert "<title>$style ${files}</title>" in viewer.page([], title="$style ${files}")


def test_a_page_holds_two_at_most():
    with pytest.raises(ValueError, match="3 files"):
        viewer.page([("a", b"")] * 3)


def test_gallery_looks_below_the_folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.mabc").write_bytes(b"1")
    (tmp_path / "a.mabc").write_bytes(b"2")
    (tmp_path / "notes.txt").write_bytes(b"3")
    html = viewer.gallery(tmp_path)
    assert re.findall(r'data-name="([^"]*)"', html) == ["a.mabc", "deep/b.mabc"]


def test_notebook_is_one_frame():
    html = viewer.notebook(b"abc", 'a"><script>alert(1)</script>.mabc')
    assert html.startswith("<iframe srcdoc=")
    assert html.count("<") == 2, "everything else is escaped"
    assert "allow-same-origin" not in html


def test_the_empty_page_is_light():
    assert len(viewer.page([]).encode()) < 250_000
