// All symbols: each with its forecast and what such forecasts are worth. A page's forecasts are asked for together.

import { get, part, post, symbols } from "./api.js";
import { h } from "./dom.js";
import { count, day, percent, price, t } from "./i18n.js";
import { banner, empty, failed, skeleton } from "./states.js";
import { badge, staleMark } from "./verdicts.js";

const ROWS = 20;
let page = 0;

export function list(main, signal) {
  const body = h("div", {}, skeleton("rows"));
  main.replaceChildren(h("h1", {}, t("list_title")), h("p", { class: "lede" }, t("list_lead")), body);
  async function fill() {
    body.replaceChildren(skeleton("rows"));
    try {
      const [answer, ready] = await Promise.all([symbols(), get("health/ready", signal).catch(() => null)]);
      if (signal.aborted) return;
      if (!answer.symbols.length) {
        body.replaceChildren(empty(t("list_empty"), t("list_empty_detail")));
        return;
      }
      body.replaceChildren(...status(ready), table(answer.symbols, signal));
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      const none = error.title === "No prices yet";
      body.replaceChildren(none ? empty(t("list_empty"), t("list_empty_detail")) : failed(error, fill));
    }
  }
  fill();
}

function status(ready) {
  if (!ready) return [];
  const { model } = ready;
  const facts = { symbols: count(ready.symbols), name: model.name, version: model.version, date: day(model.trained_through) };
  return [
    ready.last_error && banner(t("refresh_failed"), ready.last_error),
    h("p", { class: "note" }, t("list_serving", facts), ready.stale > 0 && t("list_stale", { n: count(ready.stale) })),
  ].filter(Boolean);
}

const COLUMNS = [
  ["symbol", null], ["verdict", null], ["last_close", "number"], ["forecast", "number"], ["change", "number"],
  ["probability_up", "number wide-only"], ["as_of", null],
];

function table(entries, signal) {
  const rows = h("tbody", {});
  const pages = Math.ceil(entries.length / ROWS);
  const where = h("span", { class: "note", role: "status" });
  const step = (by, words) => h("button", {
    type: "button", class: "button",
    onclick: () => {
      page += by;
      fill();
    },
  }, t(words));
  const [before, after] = [step(-1, "previous"), step(1, "next")];
  function fill() {
    page = Math.min(Math.max(page, 0), pages - 1);
    const shown = entries.slice(page * ROWS, (page + 1) * ROWS);
    before.disabled = page === 0;
    after.disabled = page === pages - 1;
    const facts = { from: count(page * ROWS + 1), to: count(page * ROWS + shown.length), all: count(entries.length) };
    where.textContent = t("page_of", facts);
    const made = new Map(shown.map((entry) => [entry.symbol, line(entry)]));
    rows.replaceChildren(...made.values());
    complete(shown.filter((one) => one.forecast).map((one) => one.symbol), made, signal);
  }
  fill();
  return h(
    "div",
    { class: "panel wide flush" },
    h(
      "table",
      { class: "list symbols stacked" },
      h("thead", {}, h("tr", {}, COLUMNS.map(([name, kind]) => h("th", { scope: "col", class: kind }, t(name))))),
      rows,
    ),
    pages > 1 && h("div", { class: "pages" }, before, where, after),
  );
}

function line(entry) {
  const link = h("a", { href: `#/symbol/${part(entry.symbol)}` }, entry.symbol);
  const wait = () => h("span", { class: "bone", "aria-hidden": "true" });
  const cells = COLUMNS.slice(1).map(([name, kind]) =>
    h("td", { class: kind, "data-name": kind ? t(name) : null }, entry.forecast ? wait() : "–"),
  );
  if (!entry.forecast) {
    cells[0].replaceChildren(h("span", { class: "badge plain" }, t("no_forecast")), " ", h("span", { class: "note" }, entry.reason));
  }
  cells.at(-1).replaceChildren(h("span", { class: "dated" }, day(entry.as_of ?? entry.last), entry.stale && staleMark()));
  return h("tr", {}, h("th", { scope: "row" }, link), cells);
}

async function complete(names, made, signal) {
  if (!names.length) return;
  let found;
  try {
    found = await post("v1/forecasts", { symbols: names });
  } catch (error) {
    if (signal.aborted) return;
    for (const name of names) told(made.get(name), [error.title ?? t("no_answer"), "–", "–", "–", "–"]);
    return;
  }
  // A symbol may have lost its forecast since the list was made.
  for (const [name, problem] of Object.entries(found.refused)) told(made.get(name), [problem.title, "–", "–", "–", "–"]);
  for (const one of found.forecasts) {
    const { forecast } = one;
    told(made.get(one.symbol), [
      h("span", { class: "badges" }, one.verdict.codes.map(badge)), price(one.last_close), price(forecast.close), percent(forecast.change, 2, { sign: true }),
      percent(forecast.probability_up),
    ]);
  }
}

function told(row, values) {
  values.forEach((value, at) => row.cells[at + 1].replaceChildren(value));
}
