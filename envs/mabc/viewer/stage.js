// One replay on the page: its field on a canvas, crisp at whole multiples of its pixels, with the marks that are
// drawn over it (who is followed, where that agent believes the others to be), and a line of text below it.

import { element, setText, symbol, teamColours } from "./dom.js";
import { drawPicture } from "./picture.js";
import { agentsOf, predictedAt, sightOf, stepAt, tankAt, TILE } from "./replay.js";

const REACH = 11; // px round a tank's centre in which a click means it
const USES_ENOUGH = 0.7; // of the room, for a whole multiple to do

/** One stage. handlers: follow(name or null), close(). */
export class Stage {
  constructor(replay, sheet, handlers) {
    this.replay = replay;
    this.sheet = sheet;
    this.handlers = handlers;
    this.hovered = -1;
    const [width, height] = [replay.width * TILE, replay.height * TILE];
    this.small = new OffscreenCanvas(width, height);
    this.image = new ImageData(width, height);
    this.out = { width, height, pixels: new Uint32Array(this.image.data.buffer) };
    this.canvas = element("canvas.field", { width, height, tabIndex: -1 });
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `The field of ${replay.title}`);
    this.badge = element("div.badge", { hidden: true });
    this.name = element("span.stage-name", {}, replay.name);
    this.following = element("button.chip.on", { hidden: true, title: "Leave (Esc)", onclick: () => handlers.follow(null) });
    this.closeButton = element("button.icon-button", { hidden: true, title: "Close this replay", onclick: handlers.close },
      symbol("i-close"));
    this.closeButton.setAttribute("aria-label", "Close this replay");
    this.caption = element("div.caption", {}, this.name, this.following, this.closeButton);
    this.frame = element("div.frame", {}, this.canvas, this.badge);
    this.element = element("figure.stage", {}, this.frame, this.caption);
    this.canvas.addEventListener("click", (event) => this.#clicked(event));
    this.canvas.addEventListener("pointermove", (event) => this.#moved(event));
    this.canvas.addEventListener("pointerleave", () => { this.hovered = -1; handlers.redraw(); });
  }

  /** Takes the most room it can with crisp pixels; room in CSS px. */
  fit(roomWidth, roomHeight) {
    const { width, height } = this.out;
    const ratio = window.devicePixelRatio || 1;
    const room = Math.max(Math.min(roomWidth / width, roomHeight / height), 0.25); // CSS px for a pixel of the field
    let scale = Math.max(1, Math.floor(room * ratio + 1e-6));
    let shown = scale / ratio;
    if (shown > room || shown < USES_ENOUGH * room) { // a wide field in a small window: smoothly smaller, or larger
      scale = Math.ceil(room * ratio);
      shown = room;
    }
    this.scale = scale;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    this.canvas.style.width = `${width * shown}px`;
    this.canvas.style.height = `${height * shown}px`;
    this.element.style.setProperty("--field-width", `${width * shown}px`);
  }

  /** Draws a frame. view: {follow: a tank's name or null, options: {fog, beliefs, effects}, alone: no other stage}. */
  show(frame, view) {
    const { replay } = this;
    this.at = frame;
    this.followed = view.follow === null ? -1 : replay.tanks.findIndex((tank) => tank.name === view.follow);
    const follow = view.options.fog ? this.followed : -1;
    drawPicture(this.out, replay, frame, this.sheet, { follow, effects: view.options.effects });
    this.small.getContext("2d").putImageData(this.image, 0, 0);
    const context = this.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
    this.sight = sightOf(replay, frame, follow);
    this.#drawMarks(context, view);
    this.#caption(view);
  }

  #drawMarks(context, { options }) {
    const { replay, scale, sight } = this;
    context.save();
    context.scale(scale, scale);
    if (sight && !sight.everything && sight.reach) this.#drawWindow(context, sight);
    if (this.followed >= 0) {
      const agent = replay.tanks[this.followed].agent;
      const beliefs = options.beliefs ? predictedAt(replay, this.at, agent) : null;
      if (beliefs) this.#drawBeliefs(context, beliefs);
      this.#drawCorners(context, tankAt(replay, this.at, this.followed));
    }
    if (this.hovered >= 0 && this.#shows(this.hovered)) this.#drawName(context, this.hovered);
    context.restore();
  }

  #shows(i) {
    return tankAt(this.replay, this.at, i).alive && (!this.sight || this.sight.tank(i));
  }

  #line(context) {
    return Math.max(1, Math.round(this.scale / 2)) / this.scale;
  }

  #drawWindow(context, { x, y, reach }) {
    context.lineWidth = this.#line(context);
    context.strokeStyle = "rgb(255 255 255 / 45%)";
    context.strokeRect(x - reach, y - reach, 2 * reach, 2 * reach);
  }

  /** Four corners round the followed tank. */
  #drawCorners(context, { x, y, alive }) {
    if (!alive) return;
    const [far, near] = [11, 6.5];
    context.lineWidth = 2 * this.#line(context);
    context.strokeStyle = "#fff";
    context.beginPath();
    for (const sx of [-1, 1]) {
      for (const sy of [-1, 1]) {
        context.moveTo(x + sx * far, y + sy * near);
        context.lineTo(x + sx * far, y + sy * far);
        context.lineTo(x + sx * near, y + sy * far);
      }
    }
    context.stroke();
  }

  /** Where the followed agent believes the others to be: dashed outlines, with a thread to the truth where it is drawn. */
  #drawBeliefs(context, beliefs) {
    const line = this.#line(context);
    beliefs.forEach((belief, j) => {
      if (!belief || j === this.followed) return;
      const colour = teamColours(this.sheet, this.replay.tanks[j].team).middle;
      const { x, y } = belief;
      if (this.#shows(j)) {
        const truth = tankAt(this.replay, this.at, j);
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.setLineDash([]);
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(truth.x, truth.y);
        context.stroke();
      }
      for (const [width, style, dash] of [[4 * line, "rgb(0 0 0 / 55%)", []], [2 * line, colour, [3, 2]]]) {
        context.lineWidth = width;
        context.strokeStyle = style;
        context.setLineDash(dash);
        context.beginPath();
        context.roundRect(x - 7, y - 7, 14, 14, 3);
        context.stroke();
      }
    });
    context.setLineDash([]);
  }

  #drawName(context, i) {
    const { scale, out, replay } = this;
    const { x, y } = tankAt(replay, this.at, i);
    const size = Math.max(12 * (window.devicePixelRatio || 1), 3.5 * scale) / scale;
    context.font = `600 ${size}px system-ui, sans-serif`;
    const text = replay.tanks[i].name.slice(0, 40);
    const width = context.measureText(text).width + size;
    const left = Math.min(Math.max(x - width / 2, 1), Math.max(1, out.width - width - 1));
    const top = y > 14 + 1.6 * size ? y - 11 - 1.5 * size : y + 11;
    context.fillStyle = "rgb(10 12 16 / 85%)";
    context.beginPath();
    context.roundRect(left, top, width, 1.5 * size, 0.3 * size);
    context.fill();
    context.fillStyle = teamColours(this.sheet, replay.tanks[i].team).light;
    context.textBaseline = "middle";
    context.fillText(text, left + size / 2, top + 0.78 * size);
  }

  /** The line below the field, and the result on it once the episode is over. */
  #caption({ options, alone }) {
    const { replay } = this;
    const over = this.at >= replay.F && replay.outcome !== null && replay.F > 0;
    this.badge.hidden = !over;
    if (over) setText(this.badge, outcomeText(replay));
    this.following.hidden = this.followed < 0;
    if (this.followed >= 0) {
      const { name } = replay.tanks[this.followed];
      const alive = tankAt(replay, this.at, this.followed).alive;
      const what = !alive ? "is destroyed" : options.fog ? "and what it sees" : "is followed";
      setText(this.following, `${name} ${what}  ✕`);
    }
    setText(this.name, alone ? replay.name : `${replay.name} · step ${stepAt(replay, this.at)} / ${replay.T}`);
    this.closeButton.hidden = alone;
  }

  /** The tank under a pointer, -1 if there is none. */
  #pick(event) {
    const box = this.canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * this.out.width;
    const y = (event.clientY - box.top) / box.height * this.out.height;
    let [best, nearest] = [-1, REACH];
    for (let i = 0; i < this.replay.M; i++) {
      const tank = tankAt(this.replay, this.at, i);
      const distance = Math.max(Math.abs(tank.x - x), Math.abs(tank.y - y));
      if (this.#shows(i) && distance <= nearest) [best, nearest] = [i, distance];
    }
    return best;
  }

  #clicked(event) {
    const i = this.#pick(event);
    if (i >= 0) this.handlers.follow(i === this.followed ? null : this.replay.tanks[i].name);
  }

  #moved(event) {
    if (event.pointerType === "touch") return;
    const i = this.#pick(event);
    this.canvas.classList.toggle("over-tank", i >= 0);
    if (i !== this.hovered) {
      this.hovered = i;
      this.handlers.redraw();
    }
  }
}

/** How an episode ended, in words. */
export function outcomeText(replay) {
  const { outcome } = replay;
  if (outcome === null) return "cut short";
  if (outcome === 0) return "A draw";
  const learns = agentsOf(replay, outcome).length > 0;
  return `Team ${outcome} wins${learns ? "" : " (bots)"}`;
}
