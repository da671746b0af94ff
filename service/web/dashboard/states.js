// What stands in a part of the page before its answer is there, where there is nothing, and where it failed.

import { Problem } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { keyForm } from "./key.js";

/** Grey bars in the place of what is being asked for. */
export function skeleton(kind = "lines") {
  const bars = { lines: 4, chart: 1, rows: 8, numbers: 5, title: 2 }[kind];
  return h(
    "div",
    { class: `skeleton skeleton-${kind}`, role: "status" },
    h("span", { class: "unseen" }, t("loading")),
    Array.from({ length: bars }, () => h("span", { class: "bone", "aria-hidden": "true" })),
  );
}

export function empty(title, detail, ...more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", {}, detail), more);
}

/** An error with a way on: a key where one is wanted, else to try again. */
export function failed(error, again, heading = "h2") {
  if (!(error instanceof Problem)) {
    console.error(error);
    return box(heading, t("failed_here"), t("failed_here_detail"), retry(again));
  }
  if (error.wantsKey) return keyForm(error, heading);
  const silent = error.status === 0;
  return box(
    heading,
    silent ? t("no_answer") : error.title,
    silent ? t("no_answer_detail") : error.detail,
    // What does not exist does not come by asking again.
    error.status === 404 || error.status === 422 ? null : retry(again),
  );
}

/** Why something was not done, with the way to do it all the same. */
export function refused(error, heading, label, anyway) {
  return box(heading, error.title, error.detail, h("button", { type: "button", class: "button", onclick: anyway }, label));
}

function box(heading, title, detail, action) {
  const words = h("div", {}, h(heading, { class: "problem-title" }, title), detail && h("p", {}, detail), action);
  return h("div", { class: "problem", role: "alert" }, icon("warn"), words);
}

const retry = (again) => h("button", { type: "button", class: "button", onclick: again }, t("retry"));

/** A sentence over the whole width: what is shown is old, and why. */
export function banner(title, detail) {
  return h("div", { class: "banner", role: "note" }, icon("clock"), h("p", {}, h("strong", {}, title), " ", detail));
}

/**
 * A part of the page that asks for its own answer, so that one that fails leaves the others alone.
 *
 * `load` asks, `show(body, answer)` fills the body, which is in the page by then.
 */
export function panel({ title, note = null, kind = "lines", wide = false, signal, load, show }) {
  const id = `part-${panel.next++}`;
  const body = h("div", { class: "panel-body" });
  const section = h(
    "section",
    { class: wide ? "panel wide" : "panel", "aria-labelledby": id },
    h("h2", { id }, title),
    note && h("p", { class: "note" }, note),
    body,
  );
  async function fill() {
    body.replaceChildren(skeleton(kind));
    try {
      const answer = await load();
      if (signal.aborted) return;
      body.replaceChildren();
      await show(body, answer);
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      body.replaceChildren(failed(error, fill, "h3"));
    }
  }
  fill();
  return section;
}
panel.next = 1;
