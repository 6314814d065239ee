// The clock: which frame is shown, and at what speed the next ones follow. Knows nothing of drawing.

import { stepAt } from "./replay.js";

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
export const JUMP = 10; // steps
const FPS = 60; // frames of the game a second
const LONGEST_PAUSE = 0.25; // seconds: a page that was hidden goes on where it was

/** Plays the replays of `lead`, the longest; calls show() after every change of frame, speed or state. */
export class Player {
  constructor(show) {
    this.show = show;
    this.lead = null;
    this.position = 0; // frames, with a fraction
    this.speed = 1;
    this.playing = false;
    this.shown = []; // when the last frames were shown, ms
    this.before = null;
  }

  get frame() {
    return Math.floor(this.position);
  }

  get step() {
    return this.lead ? stepAt(this.lead, this.frame) : 0;
  }

  /** Frames shown in the last second, while playing. */
  get fps() {
    const { shown } = this;
    const seconds = (shown[shown.length - 1] - shown[0]) / 1000;
    return shown.length > 1 ? Math.round((shown.length - 1) / seconds) : 0;
  }

  load(lead) {
    this.lead = lead;
    this.position = Math.min(this.position, lead.F);
  }

  /** Goes to a frame, pausing unless told to go on. */
  seek(frame, { goOn = false } = {}) {
    this.position = Math.min(Math.max(Math.round(frame), 0), this.lead.F);
    if (!goOn) this.playing = false;
    this.show();
  }

  /** Goes on or back by whole steps; from within a step, one back is its start. */
  move(steps) {
    const { lead, step, frame } = this;
    const within = frame > lead.stepFrame[step];
    const target = step + steps + (steps < 0 && within ? 1 : 0);
    this.seek(lead.stepFrame[Math.min(Math.max(target, 0), lead.T)]);
  }

  setSpeed(speed) {
    this.speed = speed;
    this.show();
  }

  /** The next faster (by > 0) or slower speed. */
  changeSpeed(by) {
    const k = SPEEDS.indexOf(this.speed) + by;
    this.setSpeed(SPEEDS[Math.min(Math.max(k, 0), SPEEDS.length - 1)]);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  pause() {
    this.playing = false;
    this.show();
  }

  /** Plays, from the start if it stands at the end. */
  play() {
    if (this.position >= this.lead.F) this.position = 0;
    this.playing = true;
    this.before = null;
    this.shown = [];
    this.show();
    requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    if (!this.playing) return;
    if (this.before !== null) this.#advance(evened((now - this.before) / 1000));
    this.before = now;
    this.shown.push(now);
    while (this.shown[0] < now - 1000) this.shown.shift();
    this.show();
    requestAnimationFrame((later) => this.#tick(later));
  }

  #advance(seconds) {
    this.position = Math.min(this.position + seconds * FPS * this.speed, this.lead.F);
    if (this.position >= this.lead.F) this.playing = false;
  }
}

/** A display of 60 Hz reports times that waver; taken as they are, a frame would now and then be shown twice. */
function evened(seconds) {
  const frame = 1 / FPS;
  return Math.abs(seconds - frame) < 0.2 * frame ? frame : Math.min(seconds, LONGEST_PAUSE);
}

/** The frame of a replay beside the lead: the same step, and as far into it. */
export function frameBeside(replay, lead, frame) {
  if (replay === lead) return frame;
  const step = stepAt(lead, frame);
  if (step >= replay.T) return replay.F;
  return Math.min(replay.stepFrame[step] + frame - lead.stepFrame[step], replay.stepFrame[step + 1]);
}

/** Where a frame of a replay lies on the lead's timeline, 0 to 1. */
export function placeOf(replay, lead, frame) {
  return lead.F ? frameBeside(lead, replay, frame) / lead.F : 0;
}
