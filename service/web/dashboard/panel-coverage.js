// The part about the intervals: over time, and each level's promise beside what came.

import { drawCoverage } from "./chart-coverage.js";
import { h } from "./dom.js";
import { chance, error, percent, t } from "./i18n.js";
import { inside, rollingShare, rollingLength } from "./figures.js";
import { empty, panel } from "./states.js";

const LEAST = 20;

export function coveragePanel({ name, signal, diagnostics }) {
  return panel({
    title: t("coverage_title"),
    kind: "chart",
    signal,
    load: diagnostics,
    show: (body, { coverage, series }) => {
      if (coverage.level === undefined) {
        body.append(empty(t("insufficient_data"), t("too_few", coverage)));
        return null;
      }
      const { level, observed } = coverage;
      const length = rollingLength(series.session.length);
      const place = h("div", { class: "low" });
      const readout = h("p", { class: "readout" });
      const enough = length >= LEAST;
      body.append(
        enough ? h("p", { class: "note" }, t("coverage_note", { level: percent(level, 0), n: length })) : h("p", {}, t("coverage_short")),
        ...(enough ? [readout, place, h("p", { class: "note" }, t("coverage_reading"))] : []),
        levels(coverage.levels),
      );
      if (!enough) return null;
      return drawCoverage(place, readout, {
        sessions: series.session.slice(length - 1),
        shares: rollingShare(inside(series), length).slice(length - 1),
        level,
        length,
        label: t("coverage_label", { symbol: name, observed: percent(observed), level: percent(level, 0) }),
        signal,
      });
    },
  });
}

function levels(found) {
  const heads = ["coverage_level", "coverage_observed", "coverage_width", "p_value"];
  const row = (one) => [percent(one.level, 0), percent(one.observed), error(one.mean_width), chance(one.kupiec_p_value)];
  return h(
    "table",
    { class: "even" },
    h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col", class: "number" }, t(one))))),
    h("tbody", {}, found.map((one) => h("tr", {}, row(one).map((value) => h("td", { class: "number" }, value))))),
  );
}
