// Draws a frame into pixels, in the order of Python's render/draw.py and with its sprites: the same picture, pixel
// for pixel. Only `effects` (puffs and flashes) and the dimming round a followed tank's window are the viewer's own.

import { sightOf, tankAt, terrainAt } from "./replay.js";

const TILE_PX = 8;
const FOREST_CODE = 18;
const STEEL_CODE = 16;
const BRICK_CODE = 15;
const PLAYER_TYPE = 4;
const UNSEEN_TILE = -2;
const EFFECT_FRAMES = { fire: 5, spent: 11 };
const [WHITE, YELLOW, PALE, GREY, DARK] = [0xffffffff, 0xff4de1ff, 0xffe4f4ff, 0xffa4acb4, 0xff6c7278];

/** The sheet from the page: {palettes: [p][colour] → pixel, name: {shape, data}, …, and the numbers that go with them}. */
export function readSheet(json) {
  const sheet = { ...json.numbers };
  for (const [name, { shape, data }] of Object.entries(json.sprites)) {
    sheet[name] = { shape, data: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) };
  }
  const { shape, data } = sheet.palettes;
  sheet.palettes = Array.from({ length: shape[0] }, (_, p) => Uint32Array.from({ length: shape[1] }, (__, colour) => {
    const k = 3 * (p * shape[1] + colour);
    return 0xff000000 | data[k + 2] << 16 | data[k + 1] << 8 | data[k];
  }));
  return sheet;
}

/** The colour numbers of one sprite: sprite(sheet, "tanks", look, phase, heading). */
export function sprite(sheet, name, ...index) {
  const { shape, data } = sheet[name];
  const [height, width] = shape.slice(-2);
  let at = 0;
  index.forEach((k, axis) => { at = at * shape[axis] + k; });
  return { width, height, data: data.subarray(at * width * height, (at + 1) * width * height) };
}

/** Paints a sprite with its corner at (left, top) of `out` {width, height, pixels}; cut at the edges. */
export function blit(out, { width, height, data }, palette, left, top) {
  const x0 = Math.max(0, -left);
  const x1 = Math.min(width, out.width - left);
  const y1 = Math.min(height, out.height - top);
  for (let y = Math.max(0, -top); y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const colour = data[y * width + x];
      if (colour !== 0) out.pixels[(top + y) * out.width + left + x] = palette[colour];
    }
  }
}

function centred(out, image, palette, x, y) {
  blit(out, image, palette, x - (image.width >> 1), y - (image.height >> 1));
}

/**
 * Draws a frame of a replay into out.pixels (one number a pixel, [height * 8, width * 8]).
 * options: follow (a tank's number; -1 draws everything), effects.
 */
export function drawPicture(out, replay, frame, sheet, options) {
  const sight = sightOf(replay, frame, options.follow);
  const scene = { out, replay, frame, sheet, sight, codes: terrainAt(replay, frame) };
  out.pixels.fill(sheet.palettes[0][sheet.GROUND]);
  drawTerrain(scene, false);
  drawBases(scene);
  drawThings(scene);
  drawTerrain(scene, true);
  drawOnTop(scene);
  if (options.effects) drawEffects(scene);
  if (sight && !sight.everything) dim(scene);
}

function drawTerrain({ out, replay, frame, sheet, sight, codes }, forest) {
  const phase = (frame >> 5) & 1;
  const palette = sheet.palettes[0];
  for (let row = 0, k = 0; row < replay.height; row++) {
    for (let column = 0; column < replay.width; column++, k++) {
      if (forest && codes[k] !== FOREST_CODE) continue;
      const code = sight && !sight.tile(column, row) ? UNSEEN_TILE : codes[k];
      if (code === 0 || (code === FOREST_CODE) !== forest) continue;
      const [left, top] = [column * TILE_PX, row * TILE_PX];
      if (code === UNSEEN_TILE) blit(out, sprite(sheet, "outside", 1), palette, left, top);
      else if (code <= BRICK_CODE) blit(out, sprite(sheet, "bricks", code), palette, left, top);
      else if (code - STEEL_CODE < sheet.ground.shape[0]) {
        blit(out, sprite(sheet, "ground", code - STEEL_CODE, phase), palette, left, top);
      }
    }
  }
}

function drawBases({ out, replay, frame, sheet, sight }) {
  const standing = replay.field[5 * frame + 4];
  replay.bases.forEach((base, b) => {
    if (sight && !sight.base(b)) return;
    centred(out, sprite(sheet, "bases", standing >> b & 1), sheet.palettes[base.team], base.x, base.y);
  });
}

function drawThings(scene) {
  const { out, replay, frame, sheet, sight } = scene;
  for (let i = 0; i < replay.M; i++) {
    if (sight && !sight.tank(i)) continue;
    const tank = tankAt(replay, frame, i);
    if (tank.alive) {
      drawTank(scene, tank, replay.tanks[i].team);
    } else if (tank.clock > 0) {
      const last = sheet.explosions.shape[0] - 1;
      const k = last - Math.floor(tank.clock * (last + 1) / (sheet.EXPLOSION_FRAMES + 1));
      centred(out, sprite(sheet, "explosions", Math.min(Math.max(k, 0), last)), sheet.palettes[0], tank.x, tank.y);
    }
  }
  for (let k = 0; k < 2 * replay.M; k++) {
    const at = frame * 2 * replay.M + k;
    const look = replay.bullet.look[at];
    if (look === 0 || (sight && !sight.bullet(k))) continue;
    const palette = sheet.palettes[replay.tanks[k >> 1].team];
    centred(out, sprite(sheet, "bullets", look - 1), palette, replay.bullet.x[at], replay.bullet.y[at]);
  }
}

/** The row of sheet.tanks for a type and level. */
export function lookOf({ type, level }) {
  return type === PLAYER_TYPE ? PLAYER_TYPE + level : type;
}

function drawTank({ out, frame, sheet }, tank, team) {
  const { x, y } = tank;
  let palette = sheet.palettes[team];
  if (tank.clock > 0) {
    centred(out, sprite(sheet, "stars", (tank.clock >> 2) & 3), palette, x, y);
    return;
  }
  if (tank.carrier && (frame >> 3) & 1) palette = sheet.palettes[sheet.FLASH];
  centred(out, sprite(sheet, "tanks", lookOf(tank), ((x + y) >> 1) & 1, tank.heading), palette, x, y);
  if (sheet.HITS[tank.type] > 1) {
    for (let k = 0; k < tank.hits; k++) square(out, x - 7 + 4 * k, y + 6, 2, sheet.palettes[0][sheet.PIP]);
  }
}

function square(out, left, top, size, pixel) {
  for (let y = Math.max(0, top); y < Math.min(out.height, top + size); y++) {
    for (let x = Math.max(0, left); x < Math.min(out.width, left + size); x++) out.pixels[y * out.width + x] = pixel;
  }
}

function drawOnTop({ out, replay, frame, sheet, sight }) {
  const palette = sheet.palettes[0];
  const frozen = replay.field[5 * frame + 3];
  for (let i = 0; i < replay.M; i++) {
    const tank = tankAt(replay, frame, i);
    if (!tank.alive || (sight && !sight.tank(i))) continue;
    if (tank.shield) centred(out, sprite(sheet, "shields", (frame >> 2) & 1), palette, tank.x, tank.y);
    if (tank.stunned) centred(out, sprite(sheet, "marks", 0), palette, tank.x, tank.y - ((frame >> 3) & 1));
    if (frozen >> (replay.tanks[i].team - 1) & 1) centred(out, sprite(sheet, "marks", 1), palette, tank.x, tank.y);
  }
  const kind = replay.field[5 * frame];
  if (kind > 0 && (!sight || sight.powerUp())) {
    const [x, y] = replay.field.subarray(5 * frame + 1, 5 * frame + 3);
    centred(out, sprite(sheet, "power_ups", kind - 1), palette, x, y);
  }
}

// -- what is the viewer's own ---------------------------------------------------------------------

/**
 * A flash where a bullet leaves the gun and a puff where it ends: fleeting, and functions of the frame alone.
 * Python's render/effects.py draws the same ones.
 */
function drawEffects(scene) {
  const { out } = scene;
  for (const [x, y, age] of recent(scene, "fire")) ring(out, x, y, 0, 3.4 - 0.6 * age, age < 2 ? WHITE : YELLOW);
  for (const [x, y, age] of recent(scene, "spent")) {
    ring(out, x, y, 0.55 * age - 1.5, 2 + 0.45 * age, age < 4 ? PALE : age < 8 ? GREY : DARK);
  }
}

/** Where events of a kind happened lately, as far as they are seen: [x, y, frames since]. */
function recent({ replay, frame, sight }, kind) {
  const { events } = replay;
  const found = [];
  for (let i = firstEventAfter(events, frame - EFFECT_FRAMES[kind]); i < events.length && events[i].frame <= frame; i++) {
    const { x, y } = events[i];
    if (events[i].kind === kind && (!sight || sight.point(x, y))) found.push([x, y, frame - events[i].frame]);
  }
  return found;
}

/** The index of the first event later than a frame. */
export function firstEventAfter(events, frame) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].frame > frame) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The pixels whose distance from (x, y) is from `inner` to `outer`, every other one where it thins out. */
function ring(out, x, y, inner, outer, pixel) {
  const reach = Math.ceil(outer);
  for (let dy = -reach; dy < reach; dy++) {
    for (let dx = -reach; dx < reach; dx++) {
      const distance = Math.hypot(dx + 0.5, dy + 0.5);
      const thinned = inner > 0 && ((dx + dy) & 1) !== 0;
      if (distance <= outer && distance >= inner && !thinned) square(out, x + dx, y + dy, 1, pixel);
    }
  }
}

/** Darkens what lies outside the followed tank's window, to a third. */
function dim({ out, sight }) {
  for (let y = 0, k = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++, k++) {
      if (sight.inside(x, y)) continue;
      const pixel = out.pixels[k];
      const [red, green, blue] = [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
      out.pixels[k] = 0xff000000 | (blue / 3) << 16 | (green / 3) << 8 | (red / 3);
    }
  }
}
