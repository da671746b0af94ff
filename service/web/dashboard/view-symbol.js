// One symbol: the verdict before the number, then what stands behind both.

import { get, part, symbols } from "./api.js";
import { h } from "./dom.js";
import { day, percent, price, t, weekday } from "./i18n.js";
import { coveragePanel } from "./panel-coverage.js";
import { errorsPanel } from "./panel-errors.js";
import { gatesPanel } from "./panel-gates.js";
import { lagPanel } from "./panel-lag.js";
import { livePanel } from "./panel-live.js";
import { pricesPanel } from "./panel-prices.js";
import { banner, failed, skeleton } from "./states.js";
import { badge, sentences, staleReason } from "./verdicts.js";

export function symbol(name, main, signal) {
  const of = (resource, query = "") => {
    let asked = null;
    // Several parts need the same answer; one that failed is asked for again.
    return () => (asked ??= get(`v1/${resource}/${part(name)}${query}`, signal).catch((error) => {
      asked = null;
      throw error;
    }));
  };
  const forecast = of("forecasts");
  const diagnostics = of("diagnostics");
  const top = h("div", { class: "lead" }, h("h1", {}, name), skeleton("title"), skeleton("numbers"));
  const rest = h("div", { class: "panels" }, h("div", { class: "panel wide" }, skeleton("chart")));
  main.replaceChildren(top, rest);

  let filled = false;
  async function fill() {
    try {
      const [answer, listed] = await Promise.all([forecast(), symbols().catch(() => null)]);
      if (signal.aborted) return;
      const entry = listed?.symbols.find((one) => one.symbol === name);
      top.replaceChildren(...head(answer, entry));
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      top.replaceChildren(h("h1", {}, name), failed(error, fill));
      // Without a key, or without the symbol, there is nothing else to show either.
      if (error.wantsKey || error.status === 404 || error.status === 422) {
        rest.replaceChildren(error.wantsKey ? "" : h("a", { href: "#/" }, t("all_symbols")));
        return;
      }
    }
    if (!filled) {
      filled = true;
      const given = { name, signal, forecast, diagnostics };
      rest.replaceChildren(
        pricesPanel({ ...given, prices: of("prices", "?sessions=250") }),
        lagPanel(given),
        errorsPanel(given),
        coveragePanel(given),
        gatesPanel({ ...given, gates: of("gates") }),
        livePanel(given),
      );
    }
  }
  fill();
}

function head(answer, entry) {
  const [first, further] = sentences(answer.verdict);
  return [
    h(
      "div",
      { class: "title-row" },
      h("h1", {}, answer.symbol),
      entry?.exchange && h("span", { class: "quiet" }, entry.exchange),
      h("span", { class: "quiet" }, t("session_line", { as_of: weekday(answer.as_of), target: weekday(answer.target_session) })),
      h("span", { class: "quiet" }, t("model_line", { name: answer.model.name, version: answer.model.version })),
    ),
    answer.stale ? banner(`${t("stale_title")}${t("colon")}`, staleReason(answer.stale_reason)) : null,
    h(
      "div",
      { class: "verdict" },
      h("p", { class: "badges" }, answer.verdict.codes.map(badge)),
      h("p", { class: "verdict-head" }, first),
      further && h("p", { class: "verdict-rest" }, further),
    ),
    numbers(answer),
  ].filter(Boolean);
}

function numbers({ as_of, target_session, last_close, forecast, baseline }) {
  const { lower, upper, level } = forecast.interval;
  const short = { month: "short", day: "numeric" };
  return h(
    "dl",
    { class: "numbers" },
    number(t("last_close"), price(last_close), t("of_day", { date: day(as_of, short) })),
    number(
      t("forecast_for"),
      price(forecast.close),
      `${percent(forecast.change, 2, { sign: true })} ${t("for_day", { date: day(target_session, short) })}`,
      "main",
    ),
    number(
      t("interval", { level: percent(level, 0) }),
      `${price(lower)} – ${price(upper)}`,
      t("interval_width", { width: percent((upper - lower) / last_close) }),
    ),
    number(t("probability_up"), percent(forecast.probability_up), t("probability_note", { close: price(last_close) })),
    number(t("baseline"), price(baseline.close), t("baseline_note")),
  );
}

function number(name, value, note, kind = null) {
  return h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "note" }, note));
}
