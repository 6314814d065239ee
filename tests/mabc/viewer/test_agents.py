"""Following a tank, the panel's numbers, and the beliefs of the followed agent."""

import re

import numpy as np
import pytest


def followed(view):
    return view.js("viewer.state.follow")


def number(text):
    return float(text.replace("−", "-"))


def rows(view):
    """The panel's rows: name → its text and cells."""
    return {
        name: {"text": about, "hits": int(hits), "kills": int(kills), "reward": reward}
        for name, about, hits, kills, reward in view.js("""[...document.querySelectorAll(".agent")].map((row) =>
            [row.querySelector(".agent-name").textContent, row.querySelector(".about").textContent,
             ...[...row.querySelectorAll(".number")].map((cell) => cell.textContent)])""")
    }


def test_a_click_on_a_tank_follows_it_and_another_leaves(long, replays):
    x, y = (int(replays["long"].world(0)["tanks"][2][axis]) for axis in "xy")
    long.click_field(x, y)
    assert followed(long) == "blue_2"
    assert "blue_2" in long.text(".detail")
    assert long.page.get_attribute(".agent >> nth=2", "aria-pressed") == "true"
    long.click_field(x, y)
    assert followed(long) is None
    assert not long.page.is_visible(".detail")


def test_ways_to_follow_and_to_leave(long):
    long.press("2")
    assert followed(long) == "blue_1"
    long.press("n")
    assert followed(long) == "blue_2"
    long.press("Shift+N")
    assert followed(long) == "blue_1"
    long.press("Escape")
    assert followed(long) is None
    long.page.click(".agent >> nth=7")
    assert followed(long) == "orange_2"
    long.page.click(".detail-head button")
    assert followed(long) is None
    long.press("3", "3")
    assert followed(long) is None


def test_following_hides_what_is_not_seen(long, replays):
    replay = replays["long"]
    everything = long.drawn()
    long.press("1")
    assert np.array_equal(long.drawn(), replay.picture(0, agent="blue_0"))
    assert not np.array_equal(long.drawn(), everything)
    long.press("f")
    assert np.array_equal(long.drawn(), everything), "without fog the field is whole"
    long.do("fog")
    x, y = (int(replay.world(0)["tanks"][9][axis]) for axis in "xy")
    assert not replay.seen(0, 0)["tanks"][0, 9]
    long.click_field(x, y)
    assert followed(long) == "blue_0", "a tank that is not seen is not there to click on"


def test_a_dead_tank_sees_nothing(long, replays):
    dead = next(event for event in replays["long"].events if event.kind == "kill")
    name = replays["long"].tanks[dead.tank]["name"]
    long.js(f"viewer.follow('{name}')")
    long.seek(dead.frame + 60)
    assert "destroyed" in long.text(".detail")
    assert long.drawn().max() <= 85, "all is dark"


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_numbers_of_the_panel(long, replays, share):
    replay = replays["long"]
    t = int(share * replay.num_steps)
    frame = int(replay.step_frame[t])
    long.seek(frame)
    shown = rows(long)
    reward = replay.reward[:t].astype(float).sum(axis=0)
    played = min(t, replay.num_steps - 1)
    world = replay.world(frame)
    for i, tank in enumerate(replay.tanks):
        row = shown[tank["name"]]
        foes = [j for j, other in enumerate(replay.tanks) if other["team"] != tank["team"]]
        for kind in ("hit", "kill"):
            did = [e for e in replay.events if e.kind == kind and e.by == i and e.tank in foes and e.frame <= frame]
            assert row[f"{kind}s"] == len(did)
        assert number(row["reward"]) == pytest.approx(reward[tank["agent"]], abs=0.006)
        if world["tanks"][i]["alive"]:
            value = number(re.search(r"value ([−\d.]+)", row["text"]).group(1))
            assert value == pytest.approx(float(replay.extras["value"][played, tank["agent"]]), abs=0.006)
        else:
            assert "destroyed" in row["text"]


def test_probabilities_and_the_action(long, replays):
    replay = replays["long"]
    long.press("1")
    long.seek(int(replay.step_frame[7]))
    shown = [int(text.split()[0]) for text in long.page.locator(".prob").all_inner_texts()]
    assert np.abs(np.array(shown) - 100 * replay.extras["probs"][7, 0]).max() < 0.6
    action = int(replay.actions[7, 0])
    chosen = long.js("[...document.querySelectorAll('.prob')].findIndex((one) => one.classList.contains('chosen'))")
    assert chosen == action
    move, fire = ("stay", "up", "right", "down", "left")[action >> 1], action & 1
    words = ("fire" if action == 1 else f"{move} + fire") if fire else move
    assert words in long.text(".detail")
    bars = long.page.eval_on_selector_all(
        ".agent:nth-of-type(1) .bars i", "all => all.map((b) => parseFloat(b.style.height))"
    )
    assert np.abs(np.array(bars[:10]) - 100 * replay.extras["probs"][7, 0]).max() < 0.6


def test_values_of_the_plots(long, replays):
    replay = replays["long"]
    long.do("end")
    shown = [
        [number(text) for text in head.locator(".value").all_inner_texts()]
        for head in long.page.locator(".plot-head").all()
    ]
    teams = np.array([tank["team"] for tank in replay.tanks])
    reward = replay.reward.astype(float).sum(axis=0)
    assert shown[0] == pytest.approx([reward[teams == t].mean() for t in (1, 2)], abs=0.006)
    hits = [e for e in replay.events if e.kind == "hit" and e.by >= 0 and teams[e.by] != teams[e.tank]]
    assert shown[1] == [sum(teams[e.by] == t for e in hits) for t in (1, 2)]


def test_without_extras_nothing_of_them_is_shown(watch, episodes):
    view = watch().files(episodes["defend"])
    view.press("1")
    assert not view.page.is_visible('[data-toggle="beliefs"]')
    assert not view.page.is_visible(".probs")
    assert view.page.locator(".bars").count() == 0
    assert "value" not in view.text("#agents").lower()


def test_beliefs(long):
    long.press("1")
    assert "Belief off by" in long.text(".detail")
    with_beliefs = long.canvas()
    long.do("beliefs")
    without = long.canvas()
    assert not np.array_equal(with_beliefs, without)
    long.press("b")
    assert np.array_equal(long.canvas(), with_beliefs)
    long.press("Escape")
    nobody = long.canvas()
    long.press("b")
    assert np.array_equal(long.canvas(), nobody), "whose beliefs? nobody is followed"


def test_hovering_names_a_tank(long, replays):
    plain = long.canvas()
    box, tank = long.page.locator(".field").bounding_box(), replays["long"].world(0)["tanks"][0]
    scale = box["width"] / 208
    long.page.mouse.move(box["x"] + tank["x"] * scale, box["y"] + tank["y"] * scale)
    assert not np.array_equal(long.canvas(), plain)
    long.page.mouse.move(5, 5)
    assert np.array_equal(long.canvas(), plain)


def test_events_and_facts(watch, episodes, replays):
    view, replay = watch().files(episodes["skirmish"]), replays["skirmish"]
    view.page.get_by_role("tab", name="Events").click()
    kill = next(event for event in replay.events if event.kind == "kill")
    view.page.click(".event:has-text('destroys') >> nth=0")
    assert view.js("viewer.frame") == kill.frame
    assert "last" in view.page.locator(".event:has-text('destroys')").first.get_attribute("class")
    view.press("ArrowRight")
    assert view.page.get_attribute("#tab-events", "aria-selected") == "true", "arrows step; the tab has no focus"
    view.page.focus("#tab-events")
    view.press("ArrowRight")
    about = view.text("#about")
    assert replay.header["seed"] in about
    assert "skirmish-3v3" in about
    assert f"rules version {replay.rules_version}" in about
