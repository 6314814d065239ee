// Two plots under the timeline, on its scale: the reward and the hits of each team so far.

import { element, fixed, paintTeam, setText, svgElement } from "./dom.js";
import { frameBeside, placeOf } from "./player.js";
import { agentsOf, countUpTo, stepAt } from "./replay.js";

/** The plots of some replays, side by side in one drawing each: the second one's lines are dashed. */
export class Plots {
  constructor(sheet) {
    this.sheet = sheet;
  }

  /** Appends the plots to the timeline's area. */
  load({ area }, replays, lead) {
    this.replays = replays;
    this.lead = lead;
    this.values = []; // {node, replay, curve, decimals}
    area.append(
      this.#plot("Reward", 2, (replay, team) => rewardCurve(replay, team)),
      this.#plot("Hits", 0, (replay, team) => hitCurve(replay, team)),
    );
  }

  /** The values at a frame of the lead. */
  show(frame) {
    for (const { node, replay, curve, decimals } of this.values) {
      setText(node, fixed(valueAtFrame(curve, frameBeside(replay, this.lead, frame)), decimals));
    }
  }

  #plot(title, decimals, curveOf) {
    const curves = this.replays.flatMap((replay, k) => Array.from({ length: replay.teams }, (_, t) => t + 1)
      .map((team) => ({ replay, team, dashed: k > 0, curve: curveOf(replay, team) }))
      .filter(({ curve }) => curve !== null));
    const all = curves.flatMap(({ curve }) => [curve.low, curve.high]);
    const [low, high] = niceRange(Math.min(0, ...all), Math.max(0, ...all), decimals);
    const svg = svgElement("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", class: "curves", "aria-hidden": "true" });
    const height = (value) => (1 - (value - low) / (high - low)).toFixed(4);
    if (low < 0) svg.append(svgElement("path", { d: `M0 ${height(0)}H1`, class: "zero" }));
    for (const { replay, team, dashed, curve } of curves) {
      const path = svgElement("path", { d: stairs(replay, this.lead, curve, height), class: dashed ? "curve dashed" : "curve" });
      svg.append(paintTeam(path, this.sheet, team));
    }
    const head = element("div.plot-head", {}, element("b", {}, title));
    for (const { replay, team, dashed, curve } of curves) {
      const node = element("span.reading");
      head.append(paintTeam(element("span.value", { title: `Team ${team}, ${replay.name}` },
        element(dashed ? "i.swatch.dashed" : "i.swatch"), node), this.sheet, team));
      this.values.push({ node, replay, curve, decimals });
    }
    const top = element("span.tick.top", {}, fixed(high, decimals && high % 1 ? 1 : 0));
    const bottom = element("span.tick.bottom", {}, fixed(low, decimals && low % 1 ? 1 : 0));
    return element("div.plot", {}, head, element("div.plot-body", {}, svg, top, bottom));
  }
}

/** A curve as {frames, values, low, high}: the value from each frame on, until the next one. */
function asCurve(frames, values) {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { frames, values, low, high };
}

/** The reward of a team so far: the mean over its agents, who share it unless the scenario says otherwise. */
function rewardCurve(replay, team) {
  const agents = agentsOf(replay, team);
  if (!agents.length) return null;
  const values = Array.from({ length: replay.T + 1 }, (_, t) =>
    agents.reduce((sum, n) => sum + replay.rewards[t * replay.N + n], 0) / agents.length);
  return asCurve(replay.stepFrame, values);
}

function hitCurve(replay, team) {
  const frames = replay.tanks.filter((tank) => tank.team === team).flatMap((tank) => replay.deeds.hit[tank.i]);
  frames.sort((a, b) => a - b);
  return asCurve([0, ...frames], [0, ...frames.map((_, k) => k + 1)]);
}

function valueAtFrame({ frames, values }, frame) {
  return values[countUpTo(frames, frame) - 1];
}

/** The path of a curve; points at which nothing changes are left out. */
function stairs(replay, lead, { frames, values }, height) {
  const parts = [`M0 ${height(values[0])}`];
  for (let k = 1; k < values.length; k++) {
    if (values[k] !== values[k - 1]) parts.push(`H${placeOf(replay, lead, frames[k]).toFixed(5)}V${height(values[k])}`);
  }
  parts.push(`H${placeOf(replay, lead, replay.F).toFixed(5)}`);
  return parts.join("");
}

/** A range that holds the values, with round ends. */
function niceRange(low, high, decimals) {
  const least = decimals ? 0.5 : 1;
  const size = Math.max(high - low, least);
  const unit = Math.max(10 ** Math.floor(Math.log10(size)) / 2, least);
  return [Math.floor(low / unit) * unit, Math.max(Math.ceil(high / unit) * unit, unit)];
}
