// The part with the correlogram beside what it means.

import { drawLag } from "./chart-lag.js";
import { tableOf } from "./charts.js";
import { h } from "./dom.js";
import { plain, t } from "./i18n.js";
import { language } from "./preferences.js";
import { empty, panel } from "./states.js";

// Below this nothing is alike; the server's own sentences go by the same number.
const ALIKE = 0.5;

export function lagPanel({ name, signal, diagnostics }) {
  return panel({
    title: t("lag_title"),
    kind: "chart",
    wide: true,
    signal,
    load: diagnostics,
    show: (body, { lag, sample }) => {
      if (!lag.correlogram) {
        body.append(empty(t("insufficient_data"), t("too_few", lag)));
        return null;
      }
      const place = h("div", { class: "middle" });
      const readout = h("p", { class: "readout" });
      const rows = lag.correlogram.map((one) => [String(one.lag), plain(one.correlation, 3)]);
      body.append(
        h(
          "div",
          { class: "beside" },
          h("div", {}, readout, place),
          h(
            "div",
            { class: "prose" },
            h("p", { class: "finding" }, sentence(lag)),
            h("p", {}, t("lag_explained")),
            h("p", {}, t("lag_reading")),
            tableOf([t("lag_lag"), t("lag_correlation")], rows),
          ),
        ),
      );
      const label = t("lag_label", { symbol: name, lag: lag.best_lag ?? "–", correlation: plain(lag.correlation, 2) });
      return drawLag(place, readout, { lag, sessions: sample.sessions, label, signal });
    },
  });
}

/** The server's sentence, and the same in Chinese where it came in English. */
function sentence({ text, best_lag, correlation }) {
  if (language() !== "zh" || /\p{Script=Han}/u.test(text)) return text;
  if (best_lag === null || correlation === null) return t("lag_none");
  const facts = { lag: best_lag, correlation: plain(correlation, 2) };
  if (correlation < ALIKE) return t("lag_unclear", facts);
  if (best_lag === 0) return t("lag_on_time", facts);
  return t(best_lag === 1 ? "lag_echo_1" : "lag_echo", facts);
}
