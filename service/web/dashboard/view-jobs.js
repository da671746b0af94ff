// Jobs: what the server trains or has trained, and a button to start. All of it needs an admin key.

import { get, key, post, Problem } from "./api.js";
import { h, icon, say } from "./dom.js";
import { has, moment, NONE, plain, t } from "./i18n.js";
import { scheduleLine } from "./schedule-line.js";
import { empty, failed, skeleton } from "./states.js";

const AGAIN_MS = 3000;
const SHAPES = { queued: "clock", running: "run", succeeded: "good", failed: "bad", lost: "unknown" };
const TONES = { succeeded: "good", failed: "bad", lost: "warn" };

export function jobs(main, signal) {
  const body = h("div", {}, skeleton("rows"));
  const fault = h("div", {});
  const scheduler = h("div", {});
  const start = h("button", { class: "button strong", type: "button", hidden: true, onclick: run }, t("start_training"));
  main.replaceChildren(
    h("div", { class: "title-row" }, h("h1", {}, t("jobs_title")), start),
    h("p", { class: "lede" }, t("jobs_lead")),
    scheduler,
    fault,
    body,
  );

  async function run() {
    start.disabled = true;
    fault.replaceChildren();
    try {
      await post("v1/jobs/retrain", {});
      say(t("started"));
    } catch (error) {
      fault.replaceChildren(failed(error, run));
    }
    if (!signal.aborted) await fill();
  }

  async function fill() {
    try {
      // The server would refuse: jobs are never open to all.
      if (!key.get()) throw new Problem(401, t("key_wanted"), t("jobs_key"));
      const { jobs: found } = await get("v1/jobs", signal);
      if (signal.aborted) return;
      const busy = found.some(underWay);
      start.hidden = false;
      start.disabled = busy;
      body.replaceChildren(found.length ? table(found) : empty(t("jobs_empty"), t("jobs_empty_detail")));
      if (busy) setTimeout(() => !signal.aborted && fill(), AGAIN_MS);
      scheduler.replaceChildren(await scheduleLine(signal));
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      start.hidden = true;
      body.replaceChildren(failed(error, fill));
    }
  }
  fill();
}

function table(found) {
  const heads = ["kind", "state", "created", "took", "detail"];
  return h(
    "div",
    { class: "panel wide flush" },
    h(
      "table",
      { class: "list jobs stacked" },
      h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, t(one))))),
      h("tbody", {}, found.map(line)),
    ),
  );
}

function line(job) {
  const kind = has(`kind_${job.kind}`) ? t(`kind_${job.kind}`) : job.kind;
  const words = has(`state_${job.state}`) ? t(`state_${job.state}`) : job.state;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, kind, h("span", { class: "note" }, job.id)),
    h("td", {}, h("span", { class: `badge ${TONES[job.state] ?? "plain"}` }, icon(SHAPES[job.state] ?? "unknown"), words)),
    h("td", { class: "when" }, moment(job.created)),
    h("td", { class: "when" }, took(job)),
    h("td", { class: "detail" }, job.detail ?? "", progress(job), made(job)),
  );
}

const underWay = (job) => job.state === "queued" || job.state === "running";

function progress(job) {
  const far = job.progress;
  if (!far || !underWay(job)) return null;
  const words = t("epoch_of", { epoch: far.epoch, of: far.of });
  return h("progress", { max: far.of, "aria-label": words, value: far.epoch });
}

const made = ({ version }) => version && h("a", { href: "#/models" }, t("version_n", { version }));

function took({ started, finished }) {
  if (!started || !finished) return NONE;
  const seconds = Math.max(0, Math.round((new Date(finished) - new Date(started)) / 1000));
  if (seconds < 60) return t("seconds_n", { n: plain(seconds, 0) });
  return t("minutes_n", { m: Math.floor(seconds / 60), s: seconds % 60 });
}
