// A link to a step: #step=123&follow=blue_0, and `frame` where it lies within a step, `replay` in a gallery.

import { allowed } from "./dom.js";

/** What the address asks for: {step, frame, follow, replay}, each null where it says nothing. */
export function readLink(hash = location.hash) {
  const given = new URLSearchParams(hash.slice(1));
  const number = (key) => {
    const value = Number.parseInt(given.get(key), 10);
    return Number.isInteger(value) && value >= 0 ? value : null;
  };
  return { step: number("step"), frame: number("frame"), follow: given.get("follow"), replay: given.get("replay") };
}

/** The part of the address after #, from the same. */
export function linkTo({ step, frame = null, follow = null, replay = null }) {
  const parts = new URLSearchParams();
  if (replay !== null) parts.set("replay", replay);
  parts.set("step", step);
  if (frame !== null) parts.set("frame", frame);
  if (follow !== null) parts.set("follow", follow);
  return `#${parts}`;
}

/** Puts it into the address bar without a new entry in the history. */
export function writeLink(hash) {
  if (location.hash !== hash) allowed(() => history.replaceState(history.state, "", hash || location.pathname));
}

/** Copies a text; whether it could. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    const done = allowed(() => document.execCommand("copy"));
    field.remove();
    return Boolean(done);
  }
}
