// The keyboard: one table, from which the help is made too.

import { byId, element } from "./dom.js";

/** [keys as KeyboardEvent.key, how they are shown, what they do in words, name of the command]. */
const KEYS = [
  [[" ", "k"], "Space", "play, pause", "play"],
  [["ArrowLeft"], "←", "one step back", "back"],
  [["ArrowRight"], "→", "one step on", "forth"],
  [["Shift+ArrowLeft"], "Shift ←", "ten steps back", "jump-back"],
  [["Shift+ArrowRight"], "Shift →", "ten steps on", "jump-forth"],
  [[","], ",", "one frame back", "frame-back"],
  [["."], ".", "one frame on", "frame-forth"],
  [["["], "[", "to the event before", "event-back"],
  [["]"], "]", "to the next event", "event-forth"],
  [["Home"], "Home", "to the start", "start"],
  [["End"], "End", "to the end", "end"],
  [["+", "="], "+", "faster", "faster"],
  [["-", "_"], "−", "slower", "slower"],
  [["1", "2", "3", "4", "5", "6", "7", "8", "9"], "1 … 9", "follow a tank, or leave it", "follow"],
  [["n"], "N", "follow the next tank", "follow-next"],
  [["N", "Shift+n"], "Shift N", "follow the one before", "follow-before"],
  [["Escape"], "Esc", "follow nobody", "unfollow"],
  [["f"], "F", "fog: only what it sees", "fog"],
  [["b"], "B", "beliefs of the followed agent", "beliefs"],
  [["e"], "E", "flashes and puffs", "effects"],
  [["l"], "L", "copy a link to this step", "link"],
  [["p"], "P", "save the frame as PNG", "png"],
  [["c"], "C", "save the events as CSV", "csv"],
  [["o"], "O", "open a file", "open"],
  [["t"], "T", "light or dark", "theme"],
  [["?"], "?", "this list", "help"],
];

/** Calls commands[name](key) for every key of the table. */
export function listenToKeys(commands) {
  const table = new Map(KEYS.flatMap(([keys, , , name]) => keys.map((key) => [key, name])));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const target = event.target;
    if (target.matches?.("input, textarea")) return;
    // A control that has the focus keeps Space, and a list its arrows; a click leaves no focus behind.
    if (target.matches?.("select") && /^(Arrow|Home|End|.$)/.test(event.key)) return;
    if (event.key === " " && target.matches?.("button")) return;
    if (event.key.startsWith("Arrow") && target.matches?.('[role="tab"]')) return;
    const shifted = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
    const name = table.get(shifted) ?? table.get(event.key.length === 1 && !event.shiftKey ? event.key.toLowerCase() : shifted);
    if (!name || !commands[name]) return;
    event.preventDefault();
    commands[name](event.key);
  });
}

/** Fills the help. */
export function listKeys() {
  byId("keys").replaceChildren(...KEYS.map(([, shown, words]) =>
    element("div", {}, element("dt", {}, element("kbd", {}, shown)), element("dd", {}, words))));
}
