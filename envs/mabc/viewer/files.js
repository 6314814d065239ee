// Where replays come from: embedded in the page, chosen, or dropped on it. And where files go: downloads.

import { byId, element } from "./dom.js";

/** The files embedded in the page: [{name, bytes()}]; unpacked when asked for. */
export function embeddedFiles() {
  return Array.from(document.querySelectorAll('script[type="application/octet-stream"]'), (node) => ({
    name: node.dataset.name,
    bytes: () => Uint8Array.from(atob(node.textContent.trim()), (c) => c.charCodeAt(0)),
  }));
}

/** Lets files be dropped anywhere. canBeside(): whether two places are offered. onFiles(files, beside). */
export function acceptDrops(canBeside, onFiles) {
  const zone = byId("drop");
  let depth = 0; // dragenter and dragleave come for every element on the way
  const hide = () => { depth = 0; zone.hidden = true; };
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth++;
    zone.hidden = false;
    zone.classList.toggle("one", !canBeside());
  });
  addEventListener("dragleave", () => { if (--depth <= 0) hide(); });
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    for (const half of zone.children) half.classList.toggle("over", half.contains(event.target));
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const beside = canBeside() && Boolean(event.target.closest?.('[data-drop="beside"]'));
    hide();
    onFiles([...event.dataTransfer.files], beside);
  });
}

/** Opens the file dialogue; onFiles(files, beside) once some are chosen. */
export function chooseFile(beside, onFiles) {
  const input = byId("file");
  input.value = "";
  input.multiple = !beside;
  input.onchange = () => { if (input.files.length) onFiles([...input.files], beside); };
  input.click();
}

/** Hands a Blob to the browser as a download. */
export function download(blob, name) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A name without folders, ending and what file systems dislike. */
export function plainName(name) {
  return name.split(/[\\/]/).pop().replace(/\.mabc$/, "").replace(/[^\w.-]+/g, "_").slice(0, 80) || "replay";
}
