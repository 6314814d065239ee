"""Files in and out: drop, open, beside, links, exports; the gallery and the notebook; a phone."""

import base64
import csv
import io
import json
import struct
from functools import partial
from pathlib import Path

import numpy as np

import mabc
from mabc.viewer import gallery, notebook, page

OLD = Path(__file__).parents[2] / "data" / "battle.mabc"  # its tanks are called team1_0, team2_0

dumps = partial(json.dumps, separators=(",", ":"))

DROP = """async ([files, beside]) => {
    const transfer = new DataTransfer();
    for (const [name, text] of files) {
        transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
    }
    const fire = (type, target) => target.dispatchEvent(
        new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    fire("dragenter", document.body);
    const offered = [...document.querySelectorAll("#drop div")].filter((half) => half.offsetWidth > 0);
    const half = document.querySelector(`[data-drop="${beside ? "beside" : "open"}"]`);
    fire("dragover", half);
    fire("drop", half);
    return offered.length;
}"""


def drop(view, *paths, beside=False):
    """Drop files on the page; how many places were offered."""
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    return view.js(DROP, [files, beside])


def shown(view):
    return view.js("viewer.state.replays.map((replay) => replay.name)")


def wait_for(view, *names):
    view.until(f"JSON.stringify(viewer.state.replays.map((replay) => replay.name)) === '{dumps(names)}'")


def test_an_empty_page_takes_a_file(watch, episodes):
    view = watch().open(page([]))
    assert view.page.is_visible("#empty")
    assert drop(view, episodes["tiny"]) == 1
    wait_for(view, "tiny.mabc")
    assert not view.page.is_visible("#empty")
    assert view.text("#title") == "duel"


def test_drop_in_place_and_beside(watch, episodes):
    view = watch().files(episodes["tiny"])
    assert drop(view, episodes["skirmish"]) == 2
    wait_for(view, "skirmish.mabc")
    drop(view, episodes["tiny"], beside=True)
    wait_for(view, "skirmish.mabc", "tiny.mabc")
    assert view.page.locator(".field").count() == 2
    view.page.locator('[title="Close this replay"]').first.click()
    assert shown(view) == ["tiny.mabc"]


def test_the_open_buttons(watch, episodes):
    view = watch().files(episodes["tiny"])
    with view.page.expect_file_chooser() as chooser:
        view.page.click("#open")
    chooser.value.set_files(episodes["skirmish"])
    wait_for(view, "skirmish.mabc")
    with view.page.expect_file_chooser() as chooser:
        view.page.click("#beside")
    assert not chooser.value.is_multiple()
    chooser.value.set_files(episodes["defend"])
    wait_for(view, "skirmish.mabc", "defend.mabc")
    choosers = []
    view.page.on("filechooser", lambda chooser: choosers.append(chooser))
    for _ in range(20):  # the browser opens no dialogue while it still closes one
        view.press("o")
        view.page.wait_for_timeout(300)
        if choosers:
            break
    choosers[-1].set_files([episodes["tiny"], episodes["scout"]])
    wait_for(view, "tiny.mabc", "scout.mabc")


def test_two_replays_go_in_step(watch, episodes, replays):
    view = watch(viewport={"width": 1400, "height": 800}).files(episodes["skirmish"], episodes["defend"])
    view.do("effects")
    short, far = replays["skirmish"], replays["defend"]
    assert view.text("#steps") == f"/ {far.num_steps}"
    for step in (0, 5, short.num_steps, short.num_steps + 20):
        view.js(f"viewer.player.seek({far.step_frame[step]})")
        for stage, replay in enumerate((short, far)):
            at = int(replay.step_frame[min(step, replay.num_steps)])
            assert np.array_equal(view.drawn(stage), replay.picture(at)), f"step {step}, stage {stage}"
    assert view.page.locator(".lane").count() == 2
    assert view.page.locator(".curve.dashed").count() > 0
    view.page.click("#switch button >> nth=1")
    assert "armor" in view.text("#agents") or "basic" in view.text("#agents")
    view.js("viewer.follow('blue_0')")
    assert view.page.locator(".stage .chip:visible").count() == 2, "followed in both"


def test_links(watch, episodes, replays):
    context = {"permissions": ["clipboard-read", "clipboard-write"]}
    view = watch(**context).files(episodes["skirmish"])
    view.press("2", "ArrowRight", "ArrowRight", "ArrowRight")
    view.until("location.hash === '#step=3&follow=blue_1'")
    view.do("link")
    view.page.wait_for_selector(".toast.on")
    assert view.text(".toast") == "Link copied"
    link = view.js("navigator.clipboard.readText()")
    assert link.endswith("page.html#step=3&follow=blue_1")
    view.page.goto("about:blank")
    view.page.goto(link)
    view.until("Boolean(window.viewer) && viewer.firstFrame !== null")
    assert view.js("[viewer.step, viewer.state.follow]") == [3, "blue_1"]
    view.press(".")
    at = int(replays["skirmish"].step_frame[3]) + 1
    view.until(f"location.hash === '#step=3&frame={at}&follow=blue_1'")
    view.js("location.hash = '#step=9'")
    view.until("viewer.step === 9")


def test_names_and_links_of_older_files(watch):
    view = watch().files(OLD, hash="#step=3&follow=team1_1")
    assert view.js("[viewer.step, viewer.state.follow]") == [3, "team1_1"]
    assert "team1_1" in view.text(".detail")
    assert "team2_0" in view.text("#agents")


def test_links_to_what_is_not_there(watch, episodes, replays):
    view = watch().files(episodes["tiny"], hash="#step=99999&follow=%3Cb%3E&frame=x")
    assert view.js("[viewer.step, viewer.state.follow]") == [replays["tiny"].num_steps, None]


def saved(view, name):
    with view.page.expect_download() as download:
        view.do(name)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_save_the_frame(watch, episodes):
    view = watch().files(episodes["skirmish"])
    view.press("ArrowRight", "ArrowRight")
    name, data = saved(view, "png")
    assert name == "skirmish-step2.png"
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == view.canvas().shape[1::-1]


def test_save_the_events(watch, episodes, replays):
    name, data = saved(watch().files(episodes["skirmish"]), "csv")
    assert name == "skirmish-events.csv"
    table = list(csv.DictReader(io.StringIO(data.decode())))
    replay = replays["skirmish"]

    def who(i):
        return replay.tanks[i]["name"] if i >= 0 else ""

    assert [tuple(row.values()) for row in table] == [
        (str(e.frame), str(e.step), e.kind, who(e.tank), who(e.by), str(e.x), str(e.y)) for e in replay.events
    ]


def test_what_an_action_was_held_for_is_shown(watch, tmp_path):
    env = mabc.make_batch("duel", num_envs=1, record=tmp_path / "held.mabc")
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.zeros((1, env.num_agents), int), hold=np.full((1, env.num_agents), 5))
    env.close()
    view = watch().files(tmp_path / "held.mabc")
    view.press("1")
    assert "stay, 5 frames" in view.text(".detail")


def test_gallery(watch, episodes, tmp_path):
    folder = tmp_path / "shelf"
    (folder / "deep").mkdir(parents=True)
    for name, place in [("skirmish", "a.mabc"), ("defend", "deep/b.mabc")]:
        (folder / place).write_bytes(episodes[name].read_bytes())
    (folder / "z <b>broken.mabc").write_bytes(b"\x89MABC\x1a\r\n" + bytes(40))
    view = watch().open(gallery(folder))
    cards = view.page.locator(".card")
    view.until("document.querySelectorAll('.card-facts:not(:empty)').length === 3")
    first, second, third = cards.all_inner_texts()
    assert "skirmish-3v3" in first
    assert "blue_0" in first
    assert "91 steps" in first
    assert "cut short" in second
    assert "format version 0" in third
    assert "z <b>broken.mabc" in third
    assert view.page.locator(".card b b").count() == 0
    view.until("Boolean(viewer.cards[0].replay)")
    thumbnail = view.pixels("viewer.cards[0].image")
    assert len(np.unique(thumbnail.reshape(-1, 3), axis=0)) > 8, "a picture from the trace"
    view.page.fill(".search", "defend")
    assert cards.count() == 1
    view.page.fill(".search", "")
    view.page.select_option(".gallery-head select", "Longest")
    assert "defend-2" in cards.first.inner_text()
    cards.nth(1).click()
    wait_for(view, "a.mabc")
    view.press("ArrowRight")
    view.until("location.hash === '#replay=a.mabc&step=1'")
    view.page.click("#to-gallery")
    assert view.page.is_visible(".cards")
    assert not view.page.is_visible("#viewer")
    view.open(gallery(folder), hash="#replay=deep%2Fb.mabc&step=7")
    wait_for(view, "deep/b.mabc")
    assert view.js("viewer.step") == 7


def test_an_empty_gallery(watch, tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    view = watch().open(gallery(folder))
    assert "No replays" in view.text("#gallery")


def test_notebook(watch, episodes):
    watched = watch()
    cell = notebook(episodes["skirmish"].read_bytes(), "skirmish.mabc")
    watched.page.goto(watched.write(f"<!doctype html><title>notebook</title><p>before</p>{cell}<p>after</p>"))
    inside = watched.page.frames[1]
    watched.until("Boolean(window.viewer) && viewer.firstFrame !== null", inside)
    assert inside.inner_text("#title") == "skirmish-3v3"
    inside.click("#play")
    watched.until("viewer.frame > 3", inside)


def test_phone(watch, episodes):
    phone = {"viewport": {"width": 375, "height": 812}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
    view = watch(**phone).files(episodes["long"])
    view.page.tap("#play")
    view.until("viewer.frame > 3")
    view.page.tap("#play")
    view.page.tap(".agent >> nth=1")
    assert view.js("viewer.state.follow") == "blue_1"
    for tab in ("tab-events", "tab-about", "tab-agents"):
        view.page.tap(f"#{tab}")
        assert view.js("document.documentElement.scrollWidth <= innerWidth"), f"no sideways scrolling in {tab}"
    small = view.js("""[...document.querySelectorAll("button, select, [role=slider]")].filter((one) => {
        const { width, height } = one.getBoundingClientRect();
        return width > 0 && (height < 40 || width < 40);
    }).map((one) => one.outerHTML.slice(0, 80))""")
    assert small == []


def test_two_on_a_phone_stand_one_above_the_other(watch, episodes):
    view = watch(viewport={"width": 375, "height": 812}).files(episodes["skirmish"], episodes["tiny"])
    upper, lower = (field.bounding_box() for field in view.page.locator(".field").all())
    assert upper["y"] + upper["height"] < lower["y"]
    assert view.js("document.documentElement.scrollWidth <= innerWidth")
