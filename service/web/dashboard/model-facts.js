// The rows that versions are compared by: a name, how it is read from a version's facts, and what is better.

import { h } from "./dom.js";
import { count, day, moment, NONE, percent, plain, t } from "./i18n.js";

const metric = (name, show, better) => ({ name: `fact_${name}`, of: (facts) => facts.metrics[name] ?? null, show, better });
const signed = (value) => percent(value, 2, { sign: true });
const most = (values) => Math.max(...values);
const least = (values) => Math.min(...values);

const EVIDENCE = [
  metric("skill_vs_naive", signed, most),
  metric("pinball_skill", signed, most),
  metric("mase", (value) => plain(value, 3), least),
  metric("directional_accuracy", (value) => percent(value), most),
  metric("coverage", (value) => percent(value)),
  metric("symbols_judged", count),
  metric("symbols_beating_naive", count, most),
  metric("symbols_beating_naive_corrected", count, most),
];

const text = (name, of) => ({ name, of, show: (value) => value });

const MADE = [
  text("fact_held_out", ({ training }) => `${day(training.held_out_from)} – ${day(training.held_out_to)}`),
  text("fact_trained_through", ({ training }) => day(training.trained_through)),
  text("fact_network", network),
  text("fact_features", ({ spec }) => spec.features.join(", ")),
  text("fact_lookback", ({ spec }) => t("sessions_n", { n: spec.lookback })),
  text("fact_target", ({ spec }) => t("target_by", { target: spec.target, scaling: spec.scaling })),
  text("fact_symbols", ({ symbols }) => count(symbols)),
  text("fact_windows", ({ training }) => count(training.windows.train)),
  text("fact_epochs", ({ training }) => `${training.epochs} (${training.best_epoch})`),
  text("fact_seconds", ({ training }) => t("seconds_n", { n: plain(training.seconds, 0) })),
  text("fact_parity", ({ parity }) => parity.largest.toExponential(0)),
];

function network({ spec }) {
  const more = [spec.bidirectional && "bidirectional", spec.attention && "attention"].filter(Boolean);
  return [`${spec.cell} [${spec.units.join(", ")}]`, ...more].join(", ");
}

/** Titled groups of rows for versions; those whose facts cannot be read have dashes. */
export function groups(found, comparable) {
  return [
    [t("fact_group_evidence"), EVIDENCE.map((one) => row(one, found, comparable))],
    [
      t("fact_group_made"),
      [
        { name: t("registered"), cells: found.map((one) => cell(moment(one.created))) },
        ...MADE.map((one) => row(one, found, false)),
      ],
    ],
    [t("fact_group_gate"), [{ name: t("fact_decision"), cells: found.map((one) => h("td", { class: "words" }, decision(one))) }]],
  ];
}

/** What was decided last about a version, in words. */
function decision({ decisions }) {
  const [last] = decisions ?? [];
  if (!last) return t("decision_none");
  const { forced, promote, reasons } = last;
  if (forced) return t("decision_forced", forced);
  return t(promote ? "decision_passed" : "decision_refused", { against: last.against ?? NONE, reasons: reasons.join("; ") });
}

function row({ name, of, show, better }, found, comparable) {
  const values = found.map((one) => (one.facts ? of(one.facts) : null));
  const known = values.filter((one) => one !== null);
  // Only where something is to be compared, and not all are alike.
  const best = comparable && better && new Set(known).size > 1 ? better(known) : null;
  return {
    name: t(name),
    cells: values.map((value) => cell(value === null ? NONE : show(value), best !== null && value === best)),
  };
}

function cell(shown, best = false) {
  return h("td", { class: best ? "number best" : "number" }, shown, best && h("span", { class: "best-word" }, t("best")));
}
