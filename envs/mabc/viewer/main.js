// Ties the parts together: what is open, what is followed, which commands there are.

import { ReplayError } from "./decode.js";
import { allowed, byId, element, setText } from "./dom.js";
import { EventsPanel, eventTable, showAbout } from "./events.js";
import { acceptDrops, chooseFile, download, embeddedFiles, plainName } from "./files.js";
import { Gallery } from "./gallery.js";
import { listenToKeys, listKeys } from "./keys.js";
import { copyText, linkTo, readLink, writeLink } from "./link.js";
import { AgentsPanel, drawFace } from "./panel.js";
import { readSheet } from "./picture.js";
import { frameBeside, JUMP, placeOf, Player, SPEEDS } from "./player.js";
import { Plots } from "./plots.js";
import { readReplay, stepAt } from "./replay.js";
import { outcomeText, Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

const MAX_FILE = 256 << 20; // bytes
const TELLING = ["kill", "base", "pick_up", "win"]; // events that [ and ] stop at
const CAPTION_HEIGHT = 44; // px below each of two fields
const GAP = 16; // px between them
const PLOT_HEIGHT = { least: 26, narrow: 52, most: 110 }; // px

const sheet = readSheet(JSON.parse(byId("sheet").textContent));
const state = {
  replays: [], // one, or two side by side
  active: 0, // the one that the panel tells of
  follow: null, // a tank's name
  options: { fog: true, beliefs: true, effects: true },
  galleryFile: null, // what was opened from the gallery
};
let stages = [];
let gallery = null;

const player = new Player(show);
const timeline = new Timeline(byId("track"), sheet, (frame) => player.seek(frame, { goOn: player.playing }));
const plots = new Plots(sheet);
const agents = new AgentsPanel(byId("agents"), sheet, (name) => follow(name === state.follow ? null : name));
const events = new EventsPanel(byId("events"), sheet, (frame) => player.seek(frameBeside(player.lead, active(), frame)));

// -- showing --------------------------------------------------------------------------------------

function active() {
  return state.replays[state.active];
}

/** Brings the whole page to the player's frame. */
function show() {
  if (!player.lead) return;
  const { frame, lead, step } = player;
  const view = { follow: state.follow, options: state.options, alone: state.replays.length === 1 };
  for (const stage of stages) stage.show(frameBeside(stage.replay, lead, frame), view);
  timeline.show(frame);
  plots.show(frame);
  const own = frameBeside(active(), lead, frame);
  agents.show(own, state.follow);
  events.show(own);
  setText(byId("step"), `${step}`);
  setText(byId("steps"), `/ ${lead.T}`);
  setText(byId("time"), `${(frame / 60).toFixed(1)} s`);
  setText(byId("fps"), player.playing && player.fps ? `${player.fps} fps` : "");
  showButtons();
  if (!player.playing) writeLinkSoon();
}

let linkTimer = 0;

/** Browsers refuse an address that changes with every frame of a drag. */
function writeLinkSoon() {
  clearTimeout(linkTimer);
  linkTimer = setTimeout(() => { if (player.lead && !player.playing) writeLink(currentLink()); }, 150);
}

function showButtons() {
  const play = byId("play");
  const label = player.playing ? "Pause" : "Play";
  if (play.getAttribute("aria-label") !== label) {
    play.setAttribute("aria-label", label);
    play.title = `${label} (Space)`;
    play.firstElementChild.firstElementChild.setAttribute("href", player.playing ? "#i-pause" : "#i-play");
  }
  byId("speed").value = `${player.speed}`;
  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.setAttribute("aria-pressed", state.options[button.dataset.toggle]);
  }
}

/** Gives every field as much room as there is; on a wide page the plots take what is left of the height. */
function fit() {
  if (!stages.length) return;
  const room = byId("stages");
  const track = byId("track");
  const wide = matchMedia("(min-width: 861px)").matches;
  const across = wide || matchMedia("(orientation: landscape)").matches ? stages.length : 1;
  const width = (room.clientWidth - GAP * (across - 1)) / across;
  track.style.setProperty("--plot-height", `${wide ? PLOT_HEIGHT.least : PLOT_HEIGHT.narrow}px`);
  const caption = stages.length > 1 ? CAPTION_HEIGHT : 0;
  const height = wide ? room.clientHeight - caption : Math.max(innerHeight * 0.8, 240);
  for (const stage of stages) stage.fit(width, height);
  if (wide) {
    const left = room.clientHeight - caption - Math.max(...stages.map((stage) => stage.canvas.offsetHeight));
    track.style.setProperty("--plot-height", `${Math.min(PLOT_HEIGHT.least + Math.max(left, 0) / 2, PLOT_HEIGHT.most)}px`);
  }
  show();
}

function follow(name) {
  state.follow = name;
  show();
}

/** Follows the tank at a place in the active replay's list. */
function followNumber(k) {
  const tank = active().tanks[k];
  if (tank) follow(tank.name === state.follow ? null : tank.name);
}

function followBy(step) {
  const { tanks } = active();
  const now = tanks.findIndex((tank) => tank.name === state.follow);
  const k = now < 0 && step < 0 ? tanks.length - 1 : (now + step + tanks.length) % tanks.length;
  if (tanks.length) follow(tanks[k].name);
}

// -- opening --------------------------------------------------------------------------------------

/** Opens files, {name, bytes()}: the first in place of all that is open, or beside it. */
async function open(files, beside = false) {
  complain(null);
  const read = [];
  for (const file of files.slice(0, 2)) {
    try {
      read.push(await readReplay(await file.bytes(), file.name));
    } catch (error) {
      if (!(error instanceof ReplayError)) console.error(error);
      complain(`${file.name}: ${error.message}`);
    }
  }
  if (read.length) load(beside && state.replays.length ? [state.replays[0], ...read].slice(0, 2) : read);
  else if (!state.replays.length) showPart(gallery ? "gallery" : "empty");
}

/** Files of the browser's as open() takes them. */
function fromBrowser(list) {
  const tooLarge = list.find((file) => file.size > MAX_FILE);
  if (tooLarge) {
    complain(`${tooLarge.name}: larger than ${MAX_FILE >> 20} MiB, which no replay is.`);
    return [];
  }
  return list.map((file) => ({ name: file.name, bytes: async () => new Uint8Array(await file.arrayBuffer()) }));
}

async function openFromBrowser(list, beside) {
  const files = fromBrowser(list);
  if (!files.length) return;
  if (!beside) state.galleryFile = null;
  await open(files, beside);
}

function load(replays) {
  const lead = replays.reduce((longest, replay) => (replay.T > longest.T ? replay : longest));
  state.replays = replays;
  state.active = Math.min(state.active, replays.length - 1);
  if (!replays.some((replay) => replay.tanks.some((tank) => tank.name === state.follow))) state.follow = null;
  player.playing = false;
  player.load(lead);
  stages = replays.map((replay, k) => new Stage(replay, sheet, {
    follow: (name) => { state.active = k; showPanel(); follow(name); },
    close: () => load(state.replays.filter((_, other) => other !== k)),
    redraw: show,
  }));
  showPart("viewer");
  byId("stages").replaceChildren(...stages.map((stage) => stage.element));
  byId("stages").classList.toggle("two", replays.length > 1);
  timeline.load(replays, lead);
  plots.load(timeline, replays, lead);
  plots.show(player.frame); // with its numbers it has its height, from which fit() reckons
  byId("beside").hidden = false;
  document.querySelector('[data-toggle="beliefs"]').hidden = !replays.some((replay) => replay.predicted);
  showTitle();
  showPanel();
  fit();
}

function showTitle() {
  setText(byId("title"), state.replays.map((replay) => replay.title).join("  ·  "));
  setText(byId("subtitle"), state.replays.map((replay) =>
    `${outcomeText(replay)} · ${replay.T} steps · ${replay.name}`).join("   |   "));
}

/** Fills the panel with the active replay. */
function showPanel() {
  agents.load(active());
  events.load(active());
  showAbout(byId("about"), active());
  const choice = byId("switch");
  choice.hidden = state.replays.length < 2;
  choice.replaceChildren(...state.replays.map((replay, k) => {
    const button = element("button", { title: replay.name, onclick: () => { state.active = k; showPanel(); show(); } }, replay.name);
    button.setAttribute("aria-pressed", k === state.active);
    return button;
  }));
}

function showPart(name) {
  for (const part of ["viewer", "gallery", "empty"]) byId(part).hidden = part !== name;
  document.body.dataset.part = name;
  byId("to-gallery").hidden = !gallery || name === "gallery";
}

function showGallery() {
  player.playing = false;
  state.replays = [];
  state.galleryFile = null;
  stages = [];
  player.lead = null;
  setText(byId("title"), document.title);
  setText(byId("subtitle"), "");
  setText(byId("fps"), "");
  byId("beside").hidden = true;
  complain(null);
  showPart("gallery");
  writeLink("");
}

/** Shows what is wrong, until the next file is opened; null: nothing is. */
function complain(text) {
  byId("message").hidden = text === null;
  setText(byId("message-text"), text ?? "");
}

let toastTimer = 0;

function toast(text) {
  setText(byId("toast"), text);
  byId("toast").classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => byId("toast").classList.remove("on"), 1800);
}

// -- links and exports ----------------------------------------------------------------------------

function currentLink() {
  const { lead, frame, step } = player;
  const within = frame === lead.stepFrame[step] ? null : frame;
  return linkTo({ step, frame: within, follow: state.follow, replay: state.galleryFile?.name ?? null });
}

/** Goes where the address says, as far as that exists. */
async function obeyLink() {
  const link = readLink();
  const wanted = gallery && link.replay !== null ? gallery.cards.find((card) => card.file.name === link.replay) : null;
  if (wanted && state.galleryFile !== wanted.file) await openFromGallery(wanted.file, true);
  const { lead } = player;
  if (!lead) return;
  if (link.follow !== null && lead.tanks.some((tank) => tank.name === link.follow)) state.follow = link.follow;
  if (link.frame !== null) player.seek(link.frame);
  else if (link.step !== null) player.seek(lead.stepFrame[Math.min(link.step, lead.T)]);
  else show();
}

async function copyLink() {
  writeLink(currentLink());
  const address = location.href.split("#")[0] + currentLink();
  toast(await copyText(address) ? "Link copied" : currentLink());
}

/** The canvases as they are, side by side, as a PNG. */
function savePng() {
  const canvases = stages.map((stage) => stage.canvas);
  const height = Math.max(...canvases.map((canvas) => canvas.height));
  const whole = element("canvas", { width: canvases.reduce((sum, canvas) => sum + canvas.width, 0), height });
  let left = 0;
  for (const canvas of canvases) {
    whole.getContext("2d").drawImage(canvas, left, 0);
    left += canvas.width;
  }
  whole.toBlob((blob) => download(blob, `${plainName(active().name)}-step${stepAt(player.lead, player.frame)}.png`));
}

function saveCsv() {
  download(new Blob([eventTable(active())], { type: "text/csv" }), `${plainName(active().name)}-events.csv`);
}

// -- commands -------------------------------------------------------------------------------------

function toNextEvent(direction) {
  const { frame, lead } = player;
  const frames = state.replays.flatMap((replay) => replay.events.filter((event) => TELLING.includes(event.kind))
    .map((event) => Math.round(placeOf(replay, lead, event.frame) * lead.F)));
  const next = direction > 0
    ? Math.min(...frames.filter((at) => at > frame))
    : Math.max(...frames.filter((at) => at < frame));
  if (Number.isFinite(next)) player.seek(next);
}

function toggleOption(name) {
  state.options[name] = !state.options[name];
  show();
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  allowed(() => localStorage.setItem("mabc-theme", root.dataset.theme));
}

function showHelp() {
  byId("help").showModal();
}

/** Commands that need a replay, by the names that buttons (data-do) and keys use. */
const playing = {
  play: () => player.toggle(),
  back: () => player.move(-1),
  forth: () => player.move(1),
  "jump-back": () => player.move(-JUMP),
  "jump-forth": () => player.move(JUMP),
  "frame-back": () => player.seek(player.frame - 1),
  "frame-forth": () => player.seek(player.frame + 1),
  "event-back": () => toNextEvent(-1),
  "event-forth": () => toNextEvent(1),
  start: () => player.seek(0),
  end: () => player.seek(player.lead.F),
  faster: () => player.changeSpeed(1),
  slower: () => player.changeSpeed(-1),
  follow: (key) => followNumber(Number(key) - 1),
  "follow-next": () => followBy(1),
  "follow-before": () => followBy(-1),
  unfollow: () => follow(null),
  fog: () => toggleOption("fog"),
  beliefs: () => toggleOption("beliefs"),
  effects: () => toggleOption("effects"),
  link: copyLink,
  png: savePng,
  csv: saveCsv,
};
const commands = {
  ...Object.fromEntries(Object.entries(playing).map(([name, command]) => [name, (key) => player.lead && command(key)])),
  open: () => chooseFile(false, openFromBrowser),
  theme: toggleTheme,
  help: showHelp,
};

function connect() {
  for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => commands[button.dataset.do]();
  for (const button of document.querySelectorAll("[data-toggle]")) button.onclick = () => commands[button.dataset.toggle]();
  byId("speed").append(...SPEEDS.map((speed) => element("option", { value: `${speed}` }, `${speed}×`)));
  byId("speed").onchange = (event) => player.setSpeed(Number(event.target.value));
  releaseAfterPointer();
  byId("open").onclick = byId("empty-open").onclick = commands.open;
  byId("beside").onclick = () => chooseFile(true, openFromBrowser);
  byId("theme").onclick = toggleTheme;
  byId("show-help").onclick = showHelp;
  byId("help-close").onclick = () => byId("help").close();
  byId("help").onclick = (event) => { if (event.target === byId("help")) byId("help").close(); };
  byId("message-close").onclick = () => complain(null);
  byId("to-gallery").onclick = showGallery;
  connectTabs();
  listKeys();
  listenToKeys(commands);
  acceptDrops(() => state.replays.length > 0, openFromBrowser);
  addEventListener("hashchange", obeyLink);
  addEventListener("resize", fit);
}

/** What was clicked gives the focus back, so that Space and the arrows stay with the player; by keyboard it keeps it. */
function releaseAfterPointer() {
  addEventListener("click", (event) => { if (event.detail > 0) event.target.closest?.("button")?.blur(); });
  const speed = byId("speed");
  let pointed = false;
  speed.onpointerdown = () => { pointed = true; };
  speed.onkeydown = () => { pointed = false; };
  speed.addEventListener("change", () => { if (pointed) speed.blur(); });
}

function connectTabs() {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const select = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", tab === chosen);
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    show();
  };
  tabs.forEach((tab, k) => {
    tab.onclick = () => select(tab);
    tab.onkeydown = ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!by) return;
      const next = tabs[(k + by + tabs.length) % tabs.length];
      next.focus();
      select(next);
    };
  });
}

async function openFromGallery(file, linked = false) {
  state.galleryFile = file;
  if (!linked) player.position = 0;
  await open([file]);
}

async function start() {
  const theme = allowed(() => localStorage.getItem("mabc-theme"));
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  for (const id of ["logo", "empty-art"]) drawFace(byId(id), sheet, id === "logo" ? 1 : 2, { type: sheet.TYPES.indexOf("player"), level: 3 });
  connect();
  const files = embeddedFiles();
  if (document.body.dataset.start === "gallery") {
    gallery = new Gallery(byId("gallery"), sheet, files, openFromGallery);
    showGalleryUnlessLinked();
  } else if (files.length) {
    await open(files);
  } else {
    showPart("empty");
  }
  await obeyLink();
  window.viewer.firstFrame = performance.now();
}

function showGalleryUnlessLinked() {
  setText(byId("title"), document.title);
  if (readLink().replay === null) showPart("gallery");
}

/** For scripts and tests: window.viewer. open(bytes, name, beside) opens a file's bytes. */
window.viewer = {
  player, state, follow,
  open: (bytes, name, beside = false) => open([{ name, bytes: () => bytes }], beside),
  get fps() { return player.fps; },
  get step() { return player.step; },
  get frame() { return player.frame; },
  get stages() { return stages; },
  get cards() { return gallery?.cards ?? []; },
  firstFrame: null, // ms after the page was opened
};
start();
