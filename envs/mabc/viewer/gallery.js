// The gallery: a card for every replay in the page, drawn from its trace; broken files say what is wrong.

import { decodeHeader } from "./decode.js";
import { element, paintTeam, setText } from "./dom.js";
import { drawPicture } from "./picture.js";
import { readReplay, summary } from "./replay.js";

const THUMBNAIL_AT = 0.4; // of the episode
const PREVIEW_FRAMES = 6; // of the game for one of the preview

/** Cards for `files` in `root`. onOpen(file). */
export class Gallery {
  constructor(root, sheet, files, onOpen) {
    this.sheet = sheet;
    this.onOpen = onOpen;
    this.grid = element("div.cards");
    this.count = element("span.muted");
    this.search = element("input.search", { type: "search", placeholder: "Filter by name, scenario or agent", oninput: () => this.#filter() });
    this.search.setAttribute("aria-label", "Filter");
    this.order = element("select", { onchange: () => this.#filter(), title: "Order" },
      ...["Name", "Scenario", "Outcome", "Shortest", "Longest"].map((label) => element("option", {}, label)));
    this.order.setAttribute("aria-label", "Order");
    root.replaceChildren(element("div.gallery-head", {}, this.search, this.order, this.count), this.grid);
    this.cards = files.map((file) => this.#card(file));
    this.watch = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) this.#draw(target);
    }, { rootMargin: "200px" });
    Promise.all(this.cards.map((card) => this.#describe(card))).then(() => this.#filter());
  }

  #card(file) {
    const card = {
      file,
      canvas: element("canvas.pixels", { width: 208, height: 208 }),
      title: element("b"), name: element("span.muted.file-name", {}, file.name),
      facts: element("span.card-facts"), teams: element("span.card-teams"), text: file.name.toLowerCase(),
      scenario: "", outcome: "", steps: -1,
    };
    card.picture = element("span.thumb", {}, card.canvas);
    card.root = element("button.card", { onclick: () => this.onOpen(file) },
      card.picture, element("span.card-text", {}, card.title, card.facts, card.teams, card.name));
    card.root.card = card;
    card.root.addEventListener("pointerenter", () => this.#preview(card));
    card.root.addEventListener("pointerleave", () => { card.previewing = false; });
    return card;
  }

  /** Fills in what the header says; a broken file's card says why and cannot be opened. */
  async #describe(card) {
    try {
      const { header } = await decodeHeader(card.file.bytes());
      const { scenario, steps, outcome, winner, tanks } = summary(header);
      Object.assign(card, { scenario, outcome, steps });
      setText(card.title, scenario);
      card.facts.append(paintWinner(element("span.outcome", {}, outcome), this.sheet, winner), ` ${steps} steps`);
      for (let team = 1; team <= 4; team++) {
        const names = tanks.filter((tank) => tank.team === team).map((tank) => tank.name);
        if (names.length) {
          card.teams.append(paintTeam(element("span", { title: names.join(", ") }, element("i.swatch"), shortened(names)), this.sheet, team));
        }
      }
      card.text += ` ${scenario} ${outcome} ${tanks.map((tank) => tank.name).join(" ")}`.toLowerCase();
    } catch (error) {
      this.#broken(card, error);
    }
  }

  #broken(card, error) {
    card.root.disabled = true;
    card.root.classList.add("broken");
    setText(card.title, "Cannot be read");
    card.facts.replaceChildren(error.message);
    card.teams.replaceChildren();
    card.canvas.hidden = true;
    card.outcome = "~broken";
  }

  async #draw(node) {
    this.watch.unobserve(node);
    const { card } = node;
    try {
      card.replay = await readReplay(card.file.bytes(), card.file.name);
      const { width, height, F } = card.replay;
      Object.assign(card.canvas, { width: 8 * width, height: 8 * height });
      card.image = new ImageData(8 * width, 8 * height);
      this.#frame(card, Math.floor(THUMBNAIL_AT * F));
    } catch (error) {
      this.#broken(card, error);
    }
  }

  #frame(card, frame) {
    const { width, height } = card.image;
    const out = { width, height, pixels: new Uint32Array(card.image.data.buffer) };
    drawPicture(out, card.replay, frame, this.sheet, { follow: -1, effects: false });
    card.canvas.getContext("2d").putImageData(card.image, 0, 0);
  }

  /** Plays in the card while the pointer is on it. */
  #preview(card) {
    if (!card.replay || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    card.previewing = true;
    const { F } = card.replay;
    let frame = Math.floor(THUMBNAIL_AT * F);
    const next = () => {
      frame = card.previewing ? (frame + PREVIEW_FRAMES) % (F + 1) : Math.floor(THUMBNAIL_AT * F);
      this.#frame(card, frame);
      if (card.previewing) requestAnimationFrame(next);
    };
    next();
  }

  #filter() {
    const wanted = this.search.value.trim().toLowerCase();
    const shown = this.cards.filter((card) => card.text.includes(wanted));
    const by = {
      Name: (a, b) => a.file.name.localeCompare(b.file.name),
      Scenario: (a, b) => a.scenario.localeCompare(b.scenario),
      Outcome: (a, b) => a.outcome.localeCompare(b.outcome),
      Shortest: (a, b) => a.steps - b.steps,
      Longest: (a, b) => b.steps - a.steps,
    };
    shown.sort(by[this.order.value]);
    setText(this.count, `${shown.length} replay${shown.length === 1 ? "" : "s"}`);
    const none = this.cards.length ? "No replay fits." : "No replays here: the folder holds no .mabc file.";
    this.grid.replaceChildren(...(shown.length ? shown.map((card) => card.root) : [element("p.muted", {}, none)]));
    for (const card of shown) if (!card.replay && !card.root.disabled) this.watch.observe(card.root);
  }
}

function paintWinner(node, sheet, winner) {
  return winner ? paintTeam(node, sheet, winner) : node;
}

function shortened(names) {
  const text = names.slice(0, 2).join(", ");
  return names.length > 2 ? `${text} +${names.length - 2}` : text;
}
