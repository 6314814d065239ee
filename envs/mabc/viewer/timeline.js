// The timeline: a bar that is dragged, marks for what happened, and one cursor for it and the plots below it.

import { element, paintTeam, setText, svgElement, symbol } from "./dom.js";
import { placeOf } from "./player.js";
import { stepAt, told } from "./replay.js";

const MARKED = ["kill", "base", "pick_up", "win"];
const LABELS = { kill: "Kill", base: "Base", pick_up: "Pick-up", win: "End", hit: "Hit" };
const MOST_MARKS = 1500; // elements; more than that is a blur anyway

/** The timeline of the replays in `root`; plots.js appends its plots to `area`. onSeek(frame of the lead). */
export class Timeline {
  constructor(root, sheet, onSeek) {
    this.root = root;
    this.sheet = sheet;
    this.onSeek = onSeek;
    this.cursor = element("div.cursor");
    this.tip = element("div.tip", { hidden: true });
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", () => { this.dragging = false; });
    root.addEventListener("pointercancel", () => { this.dragging = false; });
    root.addEventListener("pointerleave", () => { this.tip.hidden = true; });
  }

  load(replays, lead) {
    this.replays = replays;
    this.lead = lead;
    this.slider = element("div.lanes", { tabIndex: 0 });
    const aria = { role: "slider", "aria-label": "Timeline", "aria-valuemin": 0, "aria-valuemax": lead.T };
    for (const [name, value] of Object.entries(aria)) this.slider.setAttribute(name, value);
    this.progress = element("div.progress");
    const lanes = replays.map((replay) => this.#lane(replay));
    this.slider.append(...lanes, element("div.rail", {}, this.progress));
    this.area = element("div.area", {}, this.slider, this.cursor, this.tip);
    this.root.replaceChildren(this.area, this.#legend());
  }

  show(frame) {
    const { lead } = this;
    const place = lead.F ? frame / lead.F : 0;
    this.cursor.style.left = `${100 * place}%`;
    this.progress.style.transform = `scaleX(${place})`;
    const step = stepAt(lead, frame);
    if (step === this.step) return;
    this.step = step;
    this.slider.setAttribute("aria-valuenow", step);
    this.slider.setAttribute("aria-valuetext", `step ${step} of ${lead.T}`);
  }

  #lane(replay) {
    const lane = element("div.lane");
    lane.append(this.#hits(replay));
    const marked = replay.events.filter((event) => MARKED.includes(event.kind)).slice(-MOST_MARKS);
    for (const event of marked) lane.append(this.#mark(replay, event));
    return lane;
  }

  #mark(replay, event) {
    const mark = symbol(`m-${event.kind}`, `mark mark-${event.kind}`);
    mark.style.left = `${100 * placeOf(replay, this.lead, event.frame)}%`;
    const team = event.kind === "win" ? event.x : event.by >= 0 ? replay.tanks[event.by].team : 0;
    if (team >= 1 && team <= 4) paintTeam(mark, this.sheet, team);
    return mark;
  }

  /** All hits as one drawing: thin lines of one height. */
  #hits(replay) {
    const places = replay.events.filter((event) => event.kind === "hit")
      .map((event) => placeOf(replay, this.lead, event.frame).toFixed(5));
    const svg = svgElement("svg", { class: "hits", viewBox: "0 0 1 1", preserveAspectRatio: "none" });
    svg.append(svgElement("path", { d: places.map((x) => `M${x} 0V1`).join("") }));
    return svg;
  }

  /** In a row of its own below the area, where the cursor does not cross it. */
  #legend() {
    const teams = Math.max(...this.replays.map((replay) => replay.teams));
    const kinds = [...MARKED, "hit"].map((kind) =>
      element("span", {}, symbol(`m-${kind}`, `mark-${kind} key`), LABELS[kind]));
    const sides = Array.from({ length: teams }, (_, t) =>
      paintTeam(element("span", {}, element("i.swatch"), `Team ${t + 1}`), this.sheet, t + 1));
    return element("div.legend", {}, element("div", {}, ...kinds), element("div", {}, ...sides));
  }

  // -- pointer ------------------------------------------------------------------------------------

  #frameAt(event) {
    const box = this.area.getBoundingClientRect();
    const place = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return Math.round(place * this.lead.F);
  }

  #down(event) {
    if (!this.area.contains(event.target) || event.button > 0) return;
    this.dragging = true;
    this.root.setPointerCapture(event.pointerId);
    this.onSeek(this.#frameAt(event));
  }

  #move(event) {
    const inside = this.dragging || this.area.contains(event.target);
    if (inside) this.#showTip(event);
    else this.tip.hidden = true;
    if (this.dragging) this.onSeek(this.#frameAt(event));
  }

  /** What happened near the pointer, or the step it points at. */
  #showTip(event) {
    const frame = this.#frameAt(event);
    const reach = Math.max(2, this.lead.F * 6 / this.area.clientWidth);
    let nearest = null;
    for (const replay of this.replays) {
      for (const found of replay.events) {
        const distance = Math.abs(placeOf(replay, this.lead, found.frame) * this.lead.F - frame);
        if (!MARKED.includes(found.kind) || distance > reach) continue;
        if (!nearest || distance < nearest.distance) nearest = { distance, text: told(replay, found) };
      }
    }
    setText(this.tip, `Step ${stepAt(this.lead, frame)}${nearest ? ` · ${nearest.text}` : ""}`);
    this.tip.hidden = false;
    const room = this.area.clientWidth - this.tip.offsetWidth;
    const place = this.lead.F ? frame / this.lead.F : 0;
    this.tip.style.left = `${Math.min(Math.max(place * this.area.clientWidth - this.tip.offsetWidth / 2, 0), room)}px`;
  }
}
