// The search: a combobox with a list of matching symbols, by mouse, by touch and by keyboard alone.

import { symbols } from "./api.js";
import { h, icon, say } from "./dom.js";
import { t } from "./i18n.js";

const MOST = 12;

/** The symbols that begin with the text, then those that hold it. */
export function matching(entries, text) {
  const wanted = text.trim().toUpperCase();
  const begins = entries.filter((one) => one.symbol.toUpperCase().startsWith(wanted));
  const holds = entries.filter((one) => one.symbol.toUpperCase().includes(wanted) && !begins.includes(one));
  return [...begins, ...holds].slice(0, MOST);
}

export function search(open) {
  let found = [];
  let at = -1;

  const list = h("ul", { role: "listbox", id: "search-list", "aria-label": t("results"), hidden: true });
  const input = h("input", {
    id: "search", type: "text", role: "combobox", autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
    placeholder: t("search"), "aria-label": t("search"), "aria-expanded": "false", "aria-controls": "search-list",
    "aria-autocomplete": "list", enterkeyhint: "go",
  });

  function shut() {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    at = index;
    [...list.querySelectorAll("[role=option]")].forEach((option, position) => {
      option.setAttribute("aria-selected", String(position === at));
      if (position === at) option.scrollIntoView({ block: "nearest" });
    });
    if (at >= 0) input.setAttribute("aria-activedescendant", `search-${at}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function take(entry) {
    shut();
    input.value = "";
    open(entry);
  }

  async function show() {
    const text = input.value;
    let entries;
    try {
      entries = (await symbols()).symbols;
    } catch {
      return; // the view says what is wrong
    }
    if (text !== input.value || document.activeElement !== input) return;
    found = matching(entries, text);
    at = -1;
    list.replaceChildren(
      ...(found.length ? found.map(option) : [h("li", { class: "none", role: "presentation" }, t("search_none", { text: text.slice(0, 20) }))]),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
    say(t("search_found", { n: found.length }));
  }

  function option(entry, position) {
    const state = entry.forecast ? (entry.stale ? t("stale") : "") : t("no_forecast");
    const row = h(
      "li",
      { role: "option", id: `search-${position}`, "aria-selected": "false" },
      h("span", {}, entry.symbol),
      h("span", { class: "quiet" }, state),
    );
    // Before the field loses its focus, which would take the list away.
    row.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      take(entry.symbol);
    });
    return row;
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("blur", shut);
  input.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in moves && found.length) {
      event.preventDefault();
      if (list.hidden) show();
      else mark((at + moves[event.key] + found.length + (at < 0 && moves[event.key] < 0 ? 1 : 0)) % found.length);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const typed = input.value.trim().toUpperCase();
      const chosen = found[at] ?? found.find((one) => one.symbol === typed) ?? (list.hidden ? null : found[0]);
      if (chosen) take(chosen.symbol);
      else if (typed) take(typed);
    } else if (event.key === "Escape") {
      if (list.hidden) input.value = "";
      shut();
    }
  });
  return h("div", { class: "search", role: "search" }, icon("search"), input, list);
}
