// One line about the scheduler: whether it is there, what it does, and when it runs next.

import { get } from "./api.js";
import { h } from "./dom.js";
import { has, moment, t } from "./i18n.js";

const named = (kind, value) => `${kind}_${value.replaceAll(" ", "_")}`;

export async function scheduleLine(signal) {
  const { liveness, heartbeat: said } = await get("v1/schedule", signal);
  const parts = [t(named("scheduler", liveness))];
  if (said && (liveness === "alive" || liveness === "late")) {
    const doing = named("schedule", said.state);
    if (has(doing)) parts.push(t(doing, { at: moment(said.retry_at) }));
    if (said.next_due) parts.push(t("schedule_next", { at: moment(said.next_due) }));
  }
  if (said?.failures) parts.push(t("schedule_failures", { n: said.failures }));
  if (said?.problem) parts.push(said.problem);
  return h("p", { class: "note" }, parts.join(" · "));
}
