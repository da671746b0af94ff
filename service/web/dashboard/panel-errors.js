// The part with the errors beside those of repeating yesterday's close.

import { h } from "./dom.js";
import { chance, day, error, percent, plain, t } from "./i18n.js";
import { naiveErrors, pinball } from "./figures.js";
import { empty, panel } from "./states.js";

// The customary error rate, as in the verdict.
const ALPHA = 0.05;

export function errorsPanel({ signal, diagnostics }) {
  return panel({
    title: t("errors_title"),
    signal,
    load: diagnostics,
    show: (body, answer) => {
      const { errors, sample, series, significance } = answer;
      if (errors.mae === undefined) {
        body.append(empty(t("insufficient_data"), t("too_few", errors)));
        return;
      }
      const facts = { sessions: sample.sessions, first: day(sample.first), last: day(sample.last) };
      body.append(
        h("p", { class: "note" }, t("errors_note", facts)),
        h(
          "div",
          { class: "scroll", tabindex: "0", role: "region", "aria-label": t("errors_title") },
          h(
            "table",
            { class: "compared stacked" },
            h("thead", {}, h("tr", {}, heads())),
            h("tbody", {}, rows(errors, naiveErrors(series), pinball(series.actual, series.naive_quantiles), significance)),
          ),
        ),
        h("p", { class: "note" }, t("errors_reading")),
      );
    },
  });
}

function heads() {
  const names = [["measure", null], ["this_model", "number"], ["yesterday", "number"], ["difference", null], ["p_value", "number"]];
  return names.map(([name, kind]) => h("th", { scope: "col", class: kind }, t(name)));
}

function rows(errors, naive, naivePinball, tests) {
  // What is better is positive: errors are better when smaller, a direction when it is right more often.
  const less = (own, other) => (own === null || !other ? null : 1 - own / other);
  const half = errors.directional_accuracy - 0.5;
  return [
    row("mae", error(errors.mae), error(naive.mae), less(errors.mae, naive.mae), tests.dm_p_value),
    row("rmse", error(errors.rmse), error(naive.rmse), less(errors.rmse, naive.rmse), tests.dm_squared_p_value),
    row("pinball", error(errors.pinball), error(naivePinball), less(errors.pinball, naivePinball), tests.dm_pinball_p_value),
    row("direction", percent(errors.directional_accuracy), percent(0.5, 0), half, tests.pt_p_value, points),
  ];
}

const share = (better) => percent(better, better < 0.01 ? 2 : 1);
const points = (better) => t("points_n", { n: plain(better * 100, 1) });

function row(name, own, other, better, p, amount = share) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, t(name), h("span", { class: "note" }, t(`${name}_note`))),
    h("td", { class: "number", "data-name": t("this_model") }, own),
    h("td", { class: "number", "data-name": t("yesterday") }, other),
    h("td", {}, difference(better, amount)),
    h("td", { class: "number", "data-name": t("p_value") }, chance(p), h("span", { class: "note" }, words(p))),
  );
}

const words = (p) => (p === null || p === undefined ? "" : t(p < ALPHA ? "hardly_chance" : "could_be_chance"));

/** A bar to the right for better and to the left for worse, full at a tenth, with the amount in words. */
function difference(better, amount) {
  if (better === null) return "–";
  const side = better < 0 ? "worse" : "better";
  const bar = h("span", { class: `bar ${side}` });
  bar.style.inlineSize = `${Math.min(Math.abs(better) / 0.1, 1) * 50}%`;
  const small = Math.abs(better) < 0.00005;
  return h(
    "span",
    { class: "difference" },
    h("span", { class: "track", "aria-hidden": "true" }, bar),
    h("span", {}, small ? t("the_same") : t(`${side}_by`, { amount: amount(Math.abs(better)) })),
  );
}
