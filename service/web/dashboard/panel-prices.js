// The part of a symbol's view with its candles and forecasts.

import { drawPrices, positions } from "./chart-prices.js";
import { tableOf } from "./charts.js";
import { h } from "./dom.js";
import { day, percent, price, t } from "./i18n.js";
import { empty, panel } from "./states.js";

const RANGES = [["month_1", 22], ["month_3", 65], ["month_6", 130], ["year_1", 250]];
const ROWS = 30;

// What a person has set stays for the next symbol.
const kept = { length: null, past: true, band: true };

export function pricesPanel({ name, signal, forecast, diagnostics, prices }) {
  return panel({
    title: t("prices_title"),
    note: t("prices_note"),
    kind: "chart",
    wide: true,
    signal,
    load: async () => {
      const [bars, next, record] = await Promise.all([prices(), forecast().catch(() => null), diagnostics().catch(() => null)]);
      return { bars, next, record };
    },
    show: (body, { bars, next, record }) => {
      if (!bars.session.length) {
        body.append(empty(t("prices_none"), ""));
        return null;
      }
      const series = record?.series.session.length ? record.series : null;
      kept.length ??= window.innerWidth < 700 ? 22 : 65;
      let drawn = new AbortController();
      signal.addEventListener("abort", () => drawn.abort());
      const place = h("div", { class: "tall" });
      const readout = h("p", { class: "readout" });
      const again = () => {
        drawn.abort();
        drawn = new AbortController();
        const rows = positions(bars, series, next, kept.length);
        const label = spoken(name, rows, next);
        return drawPrices(place, readout, { symbol: name, rows, label, show: kept, signal: drawn.signal });
      };
      body.append(
        h("div", { class: "controls" }, ranges(again), series && shown(again)),
        readout,
        place,
        legend(next, record, series),
        table(positions(bars, series, next, ROWS)),
      );
      return again();
    },
  });
}

function ranges(again) {
  const options = RANGES.map(([words, length]) => {
    const input = h("input", {
      type: "radio", name: "range", value: length, checked: kept.length === length,
      onchange: () => {
        kept.length = length;
        again();
      },
    });
    return h("label", {}, input, h("span", {}, t(words)));
  });
  return h("fieldset", { class: "choices" }, h("legend", { class: "unseen" }, t("range")), h("div", {}, options));
}

function shown(again) {
  const box = (what, words) => {
    const input = h("input", {
      type: "checkbox", checked: kept[what],
      onchange: () => {
        kept[what] = input.checked;
        again();
      },
    });
    return h("label", { class: "tick" }, input, " ", t(words));
  };
  return h("fieldset", { class: "ticks" }, h("legend", { class: "unseen" }, t("show")), box("past", "show_past"), box("band", "show_band"));
}

function legend(next, record, series) {
  const entry = (mark, words) => h("li", {}, h("span", { class: `mark ${mark}`, "aria-hidden": "true" }), words);
  const level = record?.coverage.level ?? next?.forecast.interval.level ?? null;
  return h(
    "ul",
    { class: "legend" },
    entry("mark-up", t("legend_up")),
    entry("mark-down", t("legend_down")),
    series && entry("mark-past", t("legend_past")),
    series && level !== null && entry("mark-band", t("legend_band", { level: percent(level, 0) })),
    next && entry("mark-next", t("legend_next")),
    next && entry("mark-base", t("legend_base")),
  );
}

function spoken(symbol, rows, next) {
  const past = rows.filter((row) => !row.next);
  const facts = {
    symbol, first: day(past[0].session), last: day(past.at(-1).session), close: price(past.at(-1).close),
    forecast: price(next?.forecast.close ?? null), target: day(next?.target_session),
  };
  return t("prices_label", facts);
}

function table(rows) {
  const heads = [t("as_of"), t("open"), t("high"), t("low"), t("close_price"), t("past_forecast"), t("baseline")];
  const lines = rows.toReversed().map((row) =>
    row.next
      ? [day(row.session), "", "", "", "", price(row.next.close), price(row.next.base)]
      : [
          day(row.session), price(row.open), price(row.high), price(row.low), price(row.close),
          row.past ? price(row.past.forecast) : "", row.past && row.before !== null ? price(row.before) : "",
        ],
  );
  return tableOf(heads, lines, `${t("as_table")}: ${t("last_rows", { n: ROWS })}`);
}
