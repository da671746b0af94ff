// Starts the page and shows the view that the address names: #/, #/symbol/AAPL, #/models, #/jobs.

import { forget } from "./api.js";
import { h } from "./dom.js";
import { footer, header } from "./header.js";
import { t } from "./i18n.js";
import { keyChanged } from "./key.js";
import { apply, changed } from "./preferences.js";
import { empty } from "./states.js";
import { jobs } from "./view-jobs.js";
import { list } from "./view-list.js";
import { models } from "./view-models.js";
import { symbol } from "./view-symbol.js";

const main = document.getElementById("main");
const LONG_MS = 5 * 60 * 1000;
let running = new AbortController();

function route() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (parts[0] === "") return { section: "symbols", title: t("symbols"), view: list };
  if (parts[0] === "symbol" && parts[1]) {
    return { section: "symbols", title: parts[1], view: (...to) => symbol(parts[1], ...to) };
  }
  if (parts[0] === "models") return { section: "models", title: t("models"), view: models };
  if (parts[0] === "jobs") return { section: "jobs", title: t("jobs"), view: jobs };
  return {
    section: null,
    title: t("not_found"),
    view: (to) => to.replaceChildren(h("h1", {}, t("not_found")), empty("", h("a", { href: "#/" }, t("all_symbols")))),
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show() {
  running.abort();
  running = new AbortController();
  const { section, title, view } = route();
  document.title = `${title} · ${t("brand")}`;
  main.setAttribute("aria-busy", "false");
  view(main, running.signal);
  header(document.getElementById("top"), section);
  footer(document.getElementById("foot"));
  document.getElementById("skip").textContent = t("skip");
}

/** As `show`, for what changes all words or colours: the focus stays where it was. */
function again() {
  const held = document.activeElement?.id;
  const top = window.scrollY;
  show();
  if (held && !document.querySelector("dialog")) document.getElementById(held)?.focus();
  window.scrollTo(0, top);
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  main.focus();
});

window.addEventListener("hashchange", () => {
  show();
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("search").focus();
  }
});
changed.addEventListener("change", again);
keyChanged.addEventListener("change", again);

// A page that was looked away from for long shows what has come meanwhile.
let shownAt = Date.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) shownAt = Date.now();
  else if (Date.now() - shownAt > LONG_MS && !main.contains(document.activeElement)) {
    forget();
    again();
  }
});

apply();
show();
