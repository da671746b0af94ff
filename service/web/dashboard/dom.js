// Elements without markup in strings: what comes from the server is text, never HTML.

/** An element. `on…` are listeners, `class` and `data-…` attributes; children are elements or text, null is left out. */
export function h(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value") made.value = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

const SHAPES = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.5 16.5 21 21",
  settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M15 5v4M9 10v4M15 15v4",
  good: "M4 12.5 9.5 18 20 6.5",
  bad: "M6 6l12 12M18 6 6 18",
  plain: "M5 9h14M5 15h14",
  warn: "M12 3.5 22 20.5H2zM12 10v4.5M12 17.4v.3",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5.5l3.5 2",
  run: "M12 3a9 9 0 1 1-9 9",
  key: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8M11 12 20 3M16 7l3 3",
  unknown: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.4v.3",
};

/** A small drawing that says nothing by itself: words stand beside it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Tells a screen reader what has changed on the page. */
export function say(text) {
  document.getElementById("spoken").textContent = text;
}
