// A replay as the viewer uses it: the checked content of a file, and questions about a frame of it.
// Shapes: T steps, F frames, M tanks, N agents, B bases, A actions.

import { decodeFile, demand, half, isWhole } from "./decode.js";
import { KINDS, NUM_ACTIONS, NUM_POWER_UPS, SECTIONS } from "./sections.js";

export const TILE = 8; // px
const MAX_TILES = 52; // tiles
const MAX_TANKS = 40;
const MAX_TEAMS = 4;
const MAX_BASES = 8;
const MAX_STEPS = 1_000_000;
const MAX_FRAME_SKIP = 64;
const MAX_TEXT = 40; // characters of a version or a seed
const MAX_PER_FRAME = 64; // events or changes, on average
const MAX_LISTED = 2_000_000; // events or changes
const EXTRAS = Object.keys(SECTIONS).filter((name) => name.startsWith("extra.")).map((name) => name.slice(6));
const UNUSED = ["hash"];

/** Reads a file; throws a ReplayError that says what is wrong. */
export async function readReplay(bytes, name) {
  const wanted = (section) => !UNUSED.includes(section)
    && (!section.startsWith("extra.") || EXTRAS.includes(section.slice(6)));
  const { header, sections } = await decodeFile(bytes, wanted);
  const size = checkHeader(header);
  checkSections(sections, size);
  return assembled(header, sections, size, name);
}

/** What a card says of a replay: no section is needed. Checked as readReplay does. */
export function summary(header) {
  const { T, tanks } = checkHeader(header);
  const { outcome } = header;
  const over = outcome === null ? "cut short" : outcome === 0 ? "draw" : `team ${outcome} won`;
  return { scenario: header.scenario.name, steps: T, outcome: over, winner: outcome, tanks };
}

// -- checks ---------------------------------------------------------------------------------------

function checkHeader(header) {
  const { scenario, width, height, num_steps: T, num_frames: F, agents, tanks, bases, outcome } = header;
  const whole = (name, value, low, high) => demand(isWhole(value, low, high), `The header's ${name} is not valid.`);
  demand(scenario && typeof scenario === "object", "The header names no scenario.");
  demand(typeof scenario.name === "string", "The scenario has no name.");
  whole("scenario.sight", scenario.sight, 0, 1 << 15);
  whole("scenario.max_steps", scenario.max_steps, 0, MAX_STEPS);
  whole("scenario.frame_skip", scenario.frame_skip, 1, MAX_FRAME_SKIP);
  whole("width", width, 2, MAX_TILES);
  whole("height", height, 2, MAX_TILES);
  whole("num_steps", T, 0, scenario.max_steps);
  whole("num_frames", F, 0, T * scenario.frame_skip);
  whole("rules_version", header.rules_version, 0, 2 ** 31);
  for (const name of ["mabc", "seed", "index", "episode"]) {
    demand(typeof header[name] === "string" && header[name].length <= MAX_TEXT, `The header's ${name} is not valid.`);
  }
  if (outcome !== null) whole("outcome", outcome, 0, MAX_TEAMS);
  for (const [name, list, limit] of [["agents", agents, MAX_TANKS], ["tanks", tanks, MAX_TANKS], ["bases", bases, MAX_BASES]]) {
    demand(Array.isArray(list) && list.length <= limit, `The header's ${name} are not valid.`);
  }
  demand(agents.every((agent) => typeof agent === "string"), "The header's agents are not valid.");
  demand(tanks.length > 0, "The header's tanks are not valid: there is none.");
  const N = agents.length;
  for (const tank of tanks) {
    demand(tank && typeof tank.name === "string" && typeof tank.driver === "string", "The header's tanks are not valid.");
    whole("tank's team", tank.team, 1, MAX_TEAMS);
    if (tank.agent !== null) whole("tank's agent", tank.agent, 0, N - 1);
  }
  for (const base of bases) {
    demand(base && typeof base === "object", "The header's bases are not valid.");
    whole("base's team", base.team, 1, MAX_TEAMS);
    whole("base's x", base.x, TILE, TILE * (width - 1));
    whole("base's y", base.y, TILE, TILE * (height - 1));
  }
  const columns = tanks.filter(({ driver }) => driver === "learn" || driver === "policy").length; // of actions
  demand(N <= columns, "The header's agents are not valid: more than tanks that they could drive.");
  return { T, F, N, M: tanks.length, B: bases.length, columns, width, height, tanks };
}

/** That every section which is needed is there, in its shape, and that no number leads out of a table. */
function checkSections(sections, { T, F, N, M, B, columns, width, height }) {
  const tiles = width * height;
  const has = (name) => Object.hasOwn(sections, name);
  /** How many changes or events there are: a number of frames can have only so many. */
  const listed = (group) => {
    const name = `${group}.frame`;
    const length = has(name) ? sections[name].data.length : 0;
    const most = Math.min(MAX_PER_FRAME * (F + 1), MAX_LISTED);
    demand(length <= most, `Section ${name} lists ${length}: expected at most ${most}.`);
    return length;
  };
  const sides = {
    T, "T+1": T + 1, F, "F+1": F + 1, M, "M-1": M - 1, "2M": 2 * M, N, C: columns, A: NUM_ACTIONS,
    tiles, "tiles-1": tiles - 1, seen_bytes: Math.ceil((3 * M + B + 1) / 8), tile_bytes: Math.ceil(tiles / 8),
    changes: listed("change"), events: listed("event"),
  };
  const number = (word) => sides[word] ?? Number(word);
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (UNUSED.includes(name) || (section.optional && !has(name))) continue;
    demand(has(name), `Section ${name} is missing.`);
    const { dtype, shape, data } = sections[name];
    const fits = shape.length === section.shape.length && section.shape.every((word, axis) => number(word) === shape[axis]);
    demand(fits && dtype === section.dtype, `Section ${name} has the wrong shape or type: ${dtype} [${shape.join(", ")}].`);
    if (section.high === undefined) continue;
    const [low, high, shift] = [section.low ?? 0, number(section.high), section.shift ?? 0];
    for (const value of data) {
      demand(value >> shift >= low && value >> shift <= high, `Section ${name} holds ${value >> shift}: expected ${low} to ${high}.`);
    }
    for (let i = 1; section.ascending && i < data.length; i++) {
      demand(data[i] >= data[i - 1], `Section ${name} is not in order.`);
    }
  }
  const stepFrame = sections.step_frame.data;
  demand(stepFrame[0] === 0 && stepFrame[T] === F, "Section step_frame does not span the frames.");
  for (const value of sections.reward.data) demand(Number.isFinite(value), `Section reward holds ${value}: expected a finite number.`);
  const field = sections.field.data;
  for (let i = 0; i < field.length; i += 5) {
    demand(field[i] <= NUM_POWER_UPS, "Section field names an unknown power-up.");
    demand(field[i] === 0 || (field[i + 1] < TILE * width && field[i + 2] < TILE * height),
      `Section field places a power-up at ${field[i + 1]}, ${field[i + 2]}: outside of the field.`);
  }
}

// -- the replay -----------------------------------------------------------------------------------

function assembled(header, sections, size, name) {
  const { T, F, N, M, B, columns, tanks } = size;
  const data = (section) => sections[section].data;
  const replay = {
    name, header, scenario: header.scenario, outcome: header.outcome,
    width: header.width, height: header.height, T, F, N, M, B,
    tanks: named(tanks),
    bases: header.bases,
    teams: Math.max(1, ...tanks.map((tank) => tank.team), ...header.bases.map((base) => base.team)),
    stepFrame: data("step_frame"),
    tank: Object.fromEntries(["x", "y", "look", "state", "clock", "lives"].map((key) => [key, data(`tank.${key}`)])),
    bullet: Object.fromEntries(["x", "y", "look"].map((key) => [key, data(`bullet.${key}`)])),
    field: data("field"),
    change: { frame: data("change.frame"), tile: data("change.tile"), code: data("change.code") },
    start: data("terrain"),
    seen: data("seen"), seenRow: sections.seen.shape[2],
    seenTiles: sections.seen_tiles?.data, seenTilesRow: sections.seen_tiles?.shape[2],
    actions: data("actions"), columns,
    hold: sections.hold?.data,
    events: listedEvents(sections),
    ...Object.fromEntries(EXTRAS.map((extra) => [extra, sections[`extra.${extra}`]?.data ?? null])),
  };
  replay.terrain = { frame: 0, next: 0, codes: replay.start.slice() };
  replay.column = actionColumns(replay);
  replay.rewards = running(data("reward"), T, N);
  replay.deeds = { hit: countedBy(replay, "hit"), kill: countedBy(replay, "kill") };
  replay.title = replay.scenario.name;
  return replay;
}

/** The tanks, each with its number and a name of its own: a link names whom to follow. */
function named(tanks) {
  const taken = new Set();
  return tanks.map(({ name, team, driver, agent }, i) => {
    const unique = taken.has(name) ? `${name} (${i + 1})` : name;
    taken.add(unique);
    return { name: unique, team, driver, agent, i };
  });
}

function listedEvents(sections) {
  const [frame, kind, tank, by, x, y] = ["frame", "kind", "tank", "by", "x", "y"].map((key) => sections[`event.${key}`].data);
  return Array.from(frame, (at, i) => ({ frame: at, kind: KINDS[kind[i]], tank: tank[i], by: by[i], x: x[i], y: y[i] }));
}

/** The column of actions of each tank, -1 for a bot of the kernel: agents first, then tanks driven by callables. */
function actionColumns({ tanks, N, columns }) {
  let next = N;
  return tanks.map((tank) => {
    if (tank.agent !== null) return tank.agent;
    return tank.driver === "policy" && next < columns ? next++ : -1;
  });
}

/** Sums along the steps: [T + 1, N], the first row zero. */
function running(values, T, N) {
  const sums = new Float64Array((T + 1) * N);
  for (let i = 0; i < T * N; i++) sums[N + i] = sums[i] + values[i];
  return sums;
}

/** For each tank the frames at which it did something to a tank of another team. */
function countedBy({ events, tanks }, kind) {
  const frames = tanks.map(() => []);
  for (const event of events) {
    const foe = event.tank < 0 || event.by < 0 || tanks[event.tank].team !== tanks[event.by].team;
    if (event.kind === kind && event.by >= 0 && foe) frames[event.by].push(event.frame);
  }
  return frames;
}

// -- questions ------------------------------------------------------------------------------------

/** How many numbers of an ascending list are at most `limit`. */
export function countUpTo(list, limit) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last step that has ended at a frame; 0 before the first one has. */
export function stepAt(replay, frame) {
  return countUpTo(replay.stepFrame, frame) - 1;
}

/** The step whose actions are being played at a frame: the last one at the end; -1 if there is none. */
export function playedStep(replay, frame) {
  return Math.min(stepAt(replay, frame), replay.T - 1);
}

/** Tile codes at a frame. Remembers where it was, so that playing forward only applies what is new. */
export function terrainAt(replay, frame) {
  const { terrain, change } = replay;
  if (frame < terrain.frame) {
    terrain.codes.set(replay.start);
    terrain.next = 0;
  }
  while (terrain.next < change.frame.length && change.frame[terrain.next] <= frame) {
    terrain.codes[change.tile[terrain.next]] = change.code[terrain.next];
    terrain.next++;
  }
  terrain.frame = frame;
  return terrain.codes;
}

/** What is known of a tank at a frame, unpacked. */
export function tankAt(replay, frame, i) {
  const k = frame * replay.M + i;
  const { x, y, look, state, clock, lives } = replay.tank;
  return {
    x: x[k], y: y[k], heading: look[k] & 3, level: (look[k] >> 2) & 3, type: look[k] >> 4,
    alive: (state[k] & 1) !== 0, shield: (state[k] & 2) !== 0, stunned: (state[k] & 4) !== 0,
    carrier: (state[k] & 8) !== 0, hits: state[k] >> 4 & 7, clock: clock[k], lives: lives[k],
  };
}

/** The action that a tank plays at a frame, 0 to 9, or null where a bot of the kernel drives it or nothing is played. */
export function actionAt(replay, frame, i) {
  const step = playedStep(replay, frame);
  const column = replay.column[i];
  return step < 0 || column < 0 ? null : replay.actions[step * replay.columns + column];
}

/** For how many frames that action holds, or null where the caller gave none (0 in the file). */
export function holdAt(replay, frame, i) {
  const step = playedStep(replay, frame);
  const column = replay.column[i];
  return !replay.hold || step < 0 || column < 0 ? null : replay.hold[step * replay.columns + column] || null;
}

/** Action probabilities of an agent at a frame, or null. */
export function probsAt(replay, frame, agent) {
  const step = playedStep(replay, frame);
  if (!replay.probs || agent === null || step < 0) return null;
  const probs = Array.from({ length: NUM_ACTIONS }, (_, a) => half(replay.probs[(step * replay.N + agent) * NUM_ACTIONS + a]));
  return probs.some(Number.isNaN) ? null : probs; // a step of which nothing was noted
}

/** The value that an agent expects at a frame, or null. */
export function valueAt(replay, frame, agent) {
  const step = playedStep(replay, frame);
  if (!replay.value || agent === null || step < 0) return null;
  const value = half(replay.value[step * replay.N + agent]);
  return Number.isNaN(value) ? null : value;
}

/** Where an agent believes every tank to be: [M] of {x, y} or null where it has no belief; null without the extra. */
export function predictedAt(replay, frame, agent) {
  const step = playedStep(replay, frame);
  if (!replay.predicted || agent === null || step < 0) return null;
  const start = (step * replay.N + agent) * replay.M * 2;
  return replay.tanks.map((_, j) => {
    const x = half(replay.predicted[start + 2 * j]);
    const y = half(replay.predicted[start + 2 * j + 1]);
    return Number.isFinite(x) && Number.isFinite(y) ? { x, y } : null;
  });
}

/** A tank's reward so far at a frame, or null if it is no agent's. */
export function rewardAt(replay, frame, i) {
  const { agent } = replay.tanks[i];
  return agent === null ? null : replay.rewards[stepAt(replay, frame) * replay.N + agent];
}

/** The agents of a team, as indices into rewards. */
export function agentsOf(replay, team) {
  return replay.tanks.filter((tank) => tank.team === team && tank.agent !== null).map((tank) => tank.agent);
}

/** What tank i sees at a frame, as functions; null for a spectator (-1). It knows what it saw at its last step. */
export function sightOf(replay, frame, i) {
  if (i < 0) return null;
  const step = stepAt(replay, frame);
  const { x, y, alive } = tankAt(replay, frame, i);
  const { M, B, width, height, scenario } = replay;
  const everything = Boolean(scenario.full_observability);
  const reach = alive ? scenario.sight : 0;
  const bits = (step * M + i) * replay.seenRow;
  const tileBits = (step * M + i) * replay.seenTilesRow;
  const bit = (array, start, k) => (array[start + (k >> 3)] >> (k & 7) & 1) !== 0;
  const inside = (px, py) => everything || (px >= x - reach && px < x + reach && py >= y - reach && py < y + reach);
  const tile = (column, row) => !replay.seenTiles || column < 0 || row < 0 || column >= width || row >= height
    || bit(replay.seenTiles, tileBits, row * width + column);
  return {
    x, y, reach, everything, inside, tile,
    tank: (j) => bit(replay.seen, bits, j),
    bullet: (k) => bit(replay.seen, bits, M + k),
    base: (b) => bit(replay.seen, bits, 3 * M + b),
    powerUp: () => bit(replay.seen, bits, 3 * M + B),
    point: (px, py) => inside(px, py) && tile(px >> 3, py >> 3),
  };
}

/** The step, from 1, in which a frame lies; 0 for frame 0. */
export function stepOfFrame(replay, frame) {
  return countUpTo(replay.stepFrame, frame - 1);
}

/** An event in words. */
export function told(replay, event) {
  const name = (i) => (i < 0 ? null : replay.tanks[i].name);
  const [tank, by] = [name(event.tank), name(event.by)];
  switch (event.kind) {
    case "fire": return `${tank} fires`;
    case "spent": return `a bullet of ${tank} is spent`;
    case "hit": return by ? `${by} hits ${tank}` : `${tank} is hit`;
    case "kill": return by ? `${by} destroys ${tank}` : `${tank} is destroyed`;
    case "stun": return by ? `${by} stuns ${tank}` : `${tank} is stunned`;
    case "brick": return by ? `${by} clears brick` : "brick is cleared";
    case "pick_up": return `${tank} picks up a power-up`;
    case "power_up": return "a power-up appears";
    case "base": return by ? `${by} takes a base` : "a base falls";
    case "enter": return `${tank} enters`;
    default: return event.x > 0 ? `team ${event.x} wins` : "a draw";
  }
}
