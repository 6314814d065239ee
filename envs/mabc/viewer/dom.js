// Small helpers for elements. Text from files only ever goes through textContent.

export const byId = (id) => document.getElementById(id);

/** element("button.chip.on", {title, onclick, …}, "text" or children): an element. */
export function element(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A drawing of the page's <symbol>s. */
export function symbol(id, className = "icon") {
  const svg = svgElement("svg", { class: className, "aria-hidden": "true" });
  svg.append(svgElement("use", { href: `#${id}` }));
  return svg;
}

export function svgElement(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Sets a text if it differs, so that a frame in which nothing changed costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A number with a fixed number of decimals and a true minus sign; a dash where there is none. */
export function fixed(value, decimals = 2) {
  if (value === null || Number.isNaN(value)) return "–";
  return value.toFixed(decimals).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");
}

/** The colours of a team's palette as CSS: {dark, middle, light}. */
export function teamColours(sheet, team) {
  const css = (pixel) => `rgb(${pixel & 255} ${pixel >> 8 & 255} ${pixel >> 16 & 255})`;
  const [, dark, middle, light] = sheet.palettes[team];
  return { dark: css(dark), middle: css(middle), light: css(light) };
}

/** Gives an element a team's colours, as --team, --team-dark and --team-light. */
export function paintTeam(node, sheet, team) {
  const { dark, middle, light } = teamColours(sheet, team);
  node.style.setProperty("--team", middle);
  node.style.setProperty("--team-dark", dark);
  node.style.setProperty("--team-light", light);
  return node;
}

/** Runs something that a browser may forbid (storage in a sandbox, history in srcdoc); null where it does. */
export function allowed(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
