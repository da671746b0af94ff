// The part about forecasts that were published before their session, where there are any.

import { h } from "./dom.js";
import { count, moment, percent, t } from "./i18n.js";
import { panel } from "./states.js";
import { badge, sentences } from "./verdicts.js";

export function livePanel({ signal, diagnostics }) {
  return panel({
    title: t("live_title"),
    wide: true,
    signal,
    load: diagnostics,
    show: (body, { live }) => {
      if (!live) {
        body.append(h("p", { class: "note" }, t("live_none")));
        return;
      }
      const [first, further] = sentences(live.verdict);
      const facts = [
        ["live_published", count(live.published)],
        ["live_pending", count(live.pending)],
        ["live_restated", count(live.restated)],
        ["live_versions", live.versions.join(", ")],
        ["live_skill", percent(live.errors.skill_vs_naive ?? null, 2, { sign: true })],
        ["live_coverage", percent(live.coverage.observed ?? null)],
      ];
      body.append(
        h("p", { class: "note" }, t("live_note", { date: moment(live.since) })),
        h("p", { class: "badges" }, live.verdict.codes.map(badge)),
        h("p", { class: "finding" }, `${first} ${further}`),
        h("dl", { class: "numbers small" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, value)))),
      );
    },
  });
}
