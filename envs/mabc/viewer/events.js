// What happened, as a list to click on and as a table to save; and what is known of the file.

import { element, paintTeam, symbol } from "./dom.js";
import { stepOfFrame, told } from "./replay.js";

const LISTED = ["kill", "hit", "stun", "pick_up", "power_up", "base", "enter", "win"];
const SYMBOLS = ["kill", "base", "pick_up", "win", "hit"];
const MOST_LISTED = 800;

/** The list of events in `root`. onSeek(frame of this replay). */
export class EventsPanel {
  constructor(root, sheet, onSeek) {
    this.root = root;
    this.sheet = sheet;
    this.onSeek = onSeek;
  }

  load(replay) {
    this.listed = replay.events.filter((event) => LISTED.includes(event.kind)).slice(0, MOST_LISTED);
    this.current = null;
    this.items = this.listed.map((event) => this.#item(replay, event));
    const none = element("p.muted.none", {}, "Nothing happened.");
    this.root.replaceChildren(...(this.items.length ? this.items : [none]));
  }

  /** Marks the last event that has happened at a frame. */
  show(frame) {
    let last = -1;
    while (last + 1 < this.listed.length && this.listed[last + 1].frame <= frame) last++;
    if (last === this.current) return;
    this.items[this.current]?.classList.remove("last");
    this.items[last]?.classList.add("last");
    this.current = last;
    if (!this.root.hidden && last >= 0) this.items[last].scrollIntoView({ block: "nearest" });
  }

  #item(replay, event) {
    const kind = SYMBOLS.includes(event.kind) ? symbol(`m-${event.kind}`, `mark-${event.kind} key`) : element("i.dot");
    const team = event.kind === "win" ? event.x : event.by >= 0 ? replay.tanks[event.by].team : 0;
    const item = element("button.event", { onclick: () => this.onSeek(event.frame) },
      element("span.number.muted", {}, `${stepOfFrame(replay, event.frame)}`), kind, element("span", {}, told(replay, event)));
    return team >= 1 && team <= 4 ? paintTeam(item, this.sheet, team) : item;
  }
}

/** All events as CSV, one line each. */
export function eventTable(replay) {
  const name = (i) => (i < 0 ? "" : replay.tanks[i].name);
  const rows = replay.events.map((event) => [
    event.frame, stepOfFrame(replay, event.frame), event.kind, name(event.tank), name(event.by), event.x, event.y,
  ]);
  return [["frame", "step", "kind", "tank", "by", "x", "y"], ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

/** A cell; text that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value) {
  if (typeof value === "number") return `${value}`;
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Facts of the file, into `root`. */
export function showAbout(root, replay) {
  const { header, scenario } = replay;
  const extras = ["value", "probs", "predicted"].filter((extra) => replay[extra]);
  const facts = {
    File: replay.name,
    Scenario: `${scenario.name}${scenario.note ? ` – ${scenario.note}` : ""}`,
    Mode: scenario.mode,
    Field: `${replay.width} × ${replay.height} tiles`,
    Length: `${replay.T} steps, ${replay.F} frames (${(replay.F / 60).toFixed(1)} s)`,
    Ended: replay.outcome === null ? "cut short" : header.truncated ? "time ran out" : "decided",
    Sight: scenario.full_observability ? "everything" : `${scenario.sight} px${scenario.line_of_sight ? ", cut by walls" : ""}`,
    Seed: header.seed,
    Episode: header.episode,
    "Recorded by": `mabc ${header.mabc}, rules version ${header.rules_version}`,
    "Per step": extras.length ? extras.join(", ") : "actions and rewards",
  };
  root.replaceChildren(element("dl.facts.long", {}, ...Object.entries(facts).map(([term, text]) =>
    element("div", {}, element("dt", {}, term), element("dd", {}, `${text ?? "–"}`)))));
}
