// The side panel's list of agents: team by team, what each one does, has and has done; in full for the followed one.

import { element, fixed, paintTeam, setText, symbol } from "./dom.js";
import { blit, lookOf, sprite } from "./picture.js";
import { actionAt, countUpTo, holdAt, playedStep, predictedAt, probsAt, rewardAt, tankAt, valueAt } from "./replay.js";
import { NUM_ACTIONS } from "./sections.js";

const MOVES = ["stay", "up", "right", "down", "left"];
const ARROWS = ["·", "↑", "→", "↓", "←"];

/** An action, 2 * move + fire, in words. */
export function actionName(action) {
  const move = MOVES[action >> 1];
  return action & 1 ? (action === 1 ? "fire" : `${move} + fire`) : move;
}

/** The list of a replay's agents in `root`. onFollow(name or null). */
export class AgentsPanel {
  constructor(root, sheet, onFollow) {
    this.root = root;
    this.sheet = sheet;
    this.onFollow = onFollow;
  }

  load(replay) {
    this.replay = replay;
    this.drawnStep = null;
    this.detail = new Detail(replay, () => this.onFollow(null));
    this.rows = [];
    const teams = [];
    for (let team = 1; team <= replay.teams; team++) teams.push(this.#team(team));
    this.root.replaceChildren(this.detail.root, ...teams);
  }

  /** Updates every row; bars only when another step is played. */
  show(frame, follow) {
    const step = playedStep(this.replay, frame);
    for (const row of this.rows) this.#showRow(row, frame, follow, step !== this.drawnStep);
    this.drawnStep = step;
    this.detail.show(frame, this.replay.tanks.findIndex((tank) => tank.name === follow));
  }

  #team(team) {
    const { replay } = this;
    const tanks = replay.tanks.filter((tank) => tank.team === team);
    const bases = replay.bases.some((base) => base.team === team);
    const standing = element("span.muted");
    const head = element("div.team-head", {}, element("i.swatch"), element("b", {}, `Team ${team}`), standing);
    const columns = element("div.agent-columns", { ariaHidden: "true" },
      ...["", "", "Now", "Hits", "Kills", "Reward"].map((label) => element("span", {}, label)));
    const section = element("section.team", {}, head, columns, ...tanks.map((tank) => this.#row(tank)));
    section.setAttribute("aria-label", `Team ${team}`);
    this.rows.push({ team, tanks, bases, standing });
    return paintTeam(section, this.sheet, team);
  }

  #row(tank) {
    const { replay } = this;
    const cell = (name) => element(`span.${name}`);
    const row = {
      tank,
      face: element("canvas.face.pixels", { width: 16, height: 16 }),
      name: element("span.agent-name", { title: tank.name }, tank.name),
      about: cell("about"), now: cell("now"), hits: cell("number"), kills: cell("number"), reward: cell("number"),
      bars: replay.probs && tank.agent !== null ? new Bars() : null,
    };
    row.button = element("button.agent", { title: `Follow ${tank.name}`, onclick: () => this.onFollow(tank.name) },
      row.face, element("span.who", {}, row.name, row.about), row.now, row.hits, row.kills, row.reward);
    if (row.bars) row.button.append(row.bars.root);
    this.rows.push(row);
    return row.button;
  }

  #showRow(row, frame, follow, newStep) {
    if (row.tanks) {
      this.#showTeam(row, frame);
      return;
    }
    const { replay } = this;
    const { i, agent, driver } = row.tank;
    const tank = tankAt(replay, frame, i);
    row.button.classList.toggle("gone", !tank.alive);
    row.button.setAttribute("aria-pressed", row.tank.name === follow);
    this.#showFace(row, tank);
    const action = actionAt(replay, frame, i);
    const idle = !tank.alive || action === null;
    setText(row.now, idle ? "" : ARROWS[action >> 1] + (action & 1 ? "✦" : ""));
    row.now.title = idle ? "" : actionName(action);
    setText(row.hits, `${countUpTo(replay.deeds.hit[i], frame)}`);
    setText(row.kills, `${countUpTo(replay.deeds.kill[i], frame)}`);
    setText(row.reward, fixed(rewardAt(replay, frame, i)));
    setText(row.about, aboutText(tank, driver, this.sheet.TYPES[tank.type], valueAt(replay, frame, agent)));
    if (row.bars && newStep) row.bars.show(tank.alive ? probsAt(replay, frame, agent) : null, action);
  }

  #showTeam({ team, tanks, bases, standing }, frame) {
    const { replay } = this;
    const alive = tanks.filter((tank) => tankAt(replay, frame, tank.i).alive).length;
    const left = replay.bases.filter((base, b) => base.team === team && replay.field[5 * frame + 4] >> b & 1).length;
    setText(standing, `${alive} of ${tanks.length} on the field${bases ? ` · ${left} base${left === 1 ? "" : "s"}` : ""}`);
  }

  #showFace(row, tank) {
    const key = `${tank.type} ${tank.level}`;
    if (row.look === key) return;
    row.look = key;
    drawFace(row.face, this.sheet, row.tank.team, tank);
  }
}

/** Draws a tank, pointing up, on a canvas of 16x16. */
export function drawFace(canvas, sheet, team, tank) {
  const image = new ImageData(16, 16);
  const out = { width: 16, height: 16, pixels: new Uint32Array(image.data.buffer) };
  blit(out, sprite(sheet, "tanks", lookOf(tank), 0, 0), sheet.palettes[team], 0, 0);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function aboutText(tank, driver, type, value) {
  const lives = tank.lives > 1 ? [`${tank.lives} lives`] : [];
  if (!tank.alive) return [tank.lives > 0 ? "waits to enter" : "destroyed", ...lives].join(" · ");
  const learner = ["learn", "policy"].includes(driver);
  const parts = [value !== null ? `value ${fixed(value)}` : learner ? type : `${driver} ${type}`, ...lives];
  if (tank.hits > 1) parts.push(`${tank.hits} hits left`);
  if (tank.stunned) parts.push("stunned");
  if (tank.shield) parts.push("shielded");
  return parts.join(" · ");
}

/** Action probabilities in small: a bar each, in pairs of hold and fire. */
class Bars {
  constructor() {
    this.bars = Array.from({ length: NUM_ACTIONS }, (_, a) => element(a & 1 ? "i.fire" : "i"));
    this.root = element("span.bars", {}, ...this.bars);
  }

  show(probs, action) {
    this.root.classList.toggle("none", !probs);
    this.bars.forEach((bar, a) => {
      const p = probs?.[a] ?? 0;
      bar.style.height = `${Math.round(100 * Math.min(Math.max(p, 0), 1))}%`;
      bar.classList.toggle("chosen", a === action);
    });
    this.root.title = probs ? probs.map((p, a) => `${actionName(a)} ${percent(p)}`).join(", ") : "";
  }
}

function percent(p) {
  return `${Math.round(100 * p)} %`;
}

/** All that is known of the followed tank. */
class Detail {
  constructor(replay, onLeave) {
    this.replay = replay;
    this.title = element("b");
    const leave = element("button.icon-button", { title: "Follow nobody (Esc)", onclick: onLeave }, symbol("i-close"));
    leave.setAttribute("aria-label", "Follow nobody");
    this.facts = element("dl.facts");
    this.table = element("div.probs");
    this.cells = MOVES.flatMap((move, m) => {
      const cells = [0, 1].map(() => ({ bar: element("i"), text: element("span") }));
      this.table.append(element("span.move", {}, `${ARROWS[m]} ${move}`),
        ...cells.map(({ bar, text }, fire) => element(fire ? "span.prob.fire" : "span.prob", {}, bar, text)));
      return cells;
    });
    this.table.prepend(element("span"), element("span.prob-head", {}, "hold"), element("span.prob-head", {}, "and fire"));
    this.root = element("section.detail", { hidden: true },
      element("div.detail-head", {}, this.title, leave), this.facts, this.table);
  }

  show(frame, i) {
    this.root.hidden = i < 0;
    if (i < 0) return;
    const { replay } = this;
    const { name, agent } = replay.tanks[i];
    const tank = tankAt(replay, frame, i);
    setText(this.title, name);
    const facts = this.#factsOf(frame, i, tank, agent);
    const key = JSON.stringify(facts);
    if (key !== this.key) {
      this.facts.replaceChildren(...facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
      this.key = key;
    }
    const probs = tank.alive ? probsAt(replay, frame, agent) : null;
    this.table.hidden = !probs;
    if (!probs) return;
    const action = actionAt(replay, frame, i);
    this.cells.forEach(({ bar, text }, a) => {
      bar.style.width = `${100 * Math.min(Math.max(probs[a] ?? 0, 0), 1)}%`;
      setText(text, percent(probs[a] ?? 0));
      text.parentNode.classList.toggle("chosen", a === action);
    });
  }

  #factsOf(frame, i, tank, agent) {
    const { replay } = this;
    const facts = [];
    const action = actionAt(replay, frame, i);
    const hold = holdAt(replay, frame, i);
    if (!tank.alive) facts.push(["State", tank.lives > 0 ? "waits to enter" : "destroyed"]);
    else if (action !== null) facts.push(["Action", actionName(action) + (hold ? `, ${hold} frames` : "")]);
    else facts.push(["Driver", replay.tanks[i].driver]);
    facts.push(["Lives", `${tank.lives}`]);
    const value = valueAt(replay, frame, agent);
    if (value !== null) facts.push(["Value", fixed(value)]);
    const reward = rewardAt(replay, frame, i);
    if (reward !== null) facts.push(["Reward", fixed(reward)]);
    const error = beliefError(replay, frame, i, agent);
    if (error !== null) facts.push(["Belief off by", `${fixed(error, 0)} px`]);
    return facts;
  }
}

/** The mean distance between where an agent believes the other tanks to be and where they are; null without a belief. */
function beliefError(replay, frame, i, agent) {
  const beliefs = predictedAt(replay, frame, agent);
  if (!beliefs) return null;
  const distances = beliefs.map((belief, j) => {
    const { x, y, alive } = tankAt(replay, frame, j);
    return belief && alive && j !== i ? Math.hypot(belief.x - x, belief.y - y) : null;
  }).filter((distance) => distance !== null);
  return distances.length ? distances.reduce((sum, d) => sum + d, 0) / distances.length : null;
}
