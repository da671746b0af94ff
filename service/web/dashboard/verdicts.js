// How a verdict is shown: a mark, a word and a tone for its codes, and the server's own sentence.

import { h, icon } from "./dom.js";
import { day, t } from "./i18n.js";
import { language } from "./preferences.js";

const TONES = {
  beats_naive: ["good", "good"],
  no_better_than_naive: ["plain", "plain"],
  worse_than_naive: ["bad", "bad"],
  echoes_yesterday: ["warn", "warn"],
  overconfident: ["warn", "warn"],
  biased: ["warn", "warn"],
  stale: ["clock", "plain"],
  insufficient_data: ["unknown", "plain"],
};

export function badge(code) {
  const [shape, tone] = TONES[code] ?? ["unknown", "plain"];
  const words = code === "stale" ? t("stale_evidence") : code in TONES ? t(code) : code;
  return h("span", { class: `badge ${tone}` }, icon(shape), words);
}

export const staleMark = () => h("span", { class: "badge plain" }, icon("clock"), t("stale"));

const SINCE = /^the prices end with (\S+), and the session of (\S+) should be there by now$/;

/** Why a forecast is stale; the server's most frequent sentence also in Chinese and with the locale's dates. */
export function staleReason(text) {
  if (!text) return t("stale_unknown");
  const found = SINCE.exec(text);
  return found ? t("stale_since", { end: day(found[1]), due: day(found[2]) }) : text;
}

/** The verdict in the chosen language: its head, which is the first sentence, and what else holds. */
export function sentences(verdict) {
  const text = language() === "zh" ? verdict.text_zh || verdict.text : verdict.text;
  const cut = /^.*?(?:[.:](?=\s+[A-Z])|。)/su.exec(text);
  return cut ? [cut[0], text.slice(cut[0].length).trim()] : [text, ""];
}
