// Models: versions side by side with their evidence; with an admin key also which of them serves.

import { get, key, part, post } from "./api.js";
import { confirmed, reasonFor } from "./dialogs.js";
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { groups } from "./model-facts.js";
import { empty, failed, refused, skeleton } from "./states.js";

const MOST = 3;

export function models(main, signal) {
  const body = h("div", {}, skeleton("rows"));
  main.replaceChildren(h("h1", {}, t("models_title")), h("p", { class: "lede" }, t("models_lead")), body);
  async function fill() {
    body.replaceChildren(skeleton("rows"));
    try {
      const { models: known } = await get("v1/models", signal);
      const all = await Promise.all(known.map((one) => get(`v1/models/${part(one.name)}`, signal)));
      const parts = all.map((model) => section(model, signal, fill));
      if (signal.aborted) return;
      body.replaceChildren(...parts);
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      body.replaceChildren(failed(error, fill));
    }
  }
  fill();
}

function section(model, signal, again) {
  const fault = h("div", {});
  const place = h("div", {});
  async function act(path, body, overruled) {
    try {
      const now = await post(`v1/models/${part(model.name)}/${path}`, body);
      say(t("done_serving", { version: now.serving?.version ?? "–" }));
      again();
    } catch (error) {
      const overrules = error.byGate && overruled;
      fault.replaceChildren(overrules ? refused(error, "h3", t("force"), overruled) : failed(error, again, "h3"));
    }
  }
  const promote = (version) => async () => {
    const detail = t("promote_detail", { serving: model.serving?.version ?? "–" });
    if (await confirmed(t("promote_title", { version }), detail, t("promote"))) await act("promote", { version }, force(version));
  };
  const force = (version) => async () => {
    const why = await reasonFor(t("force_title", { version }), t("force_detail"), t("promote"));
    if (why !== null) await act("promote", { version, force: true, why });
  };
  const roll = async () => {
    if (await confirmed(t("rollback_title"), t("rollback_detail"), t("rollback"))) await act("rollback", {});
  };
  const versions = inOrder(model.versions);
  const chosen = new Set(versions.slice(0, MOST).map((one) => one.version));

  async function compare() {
    place.replaceChildren(skeleton("rows"));
    try {
      const shown = versions.filter((one) => chosen.has(one.version));
      const found = await Promise.all(
        shown.map((one) => get(`v1/models/${part(model.name)}/versions/${part(one.version)}`, signal).catch((error) => {
          if (error.name === "AbortError") throw error;
          return { ...one, facts: null, error };
        })),
      );
      if (!signal.aborted) place.replaceChildren(table(found, promote));
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren(failed(error, compare, "h3"));
    }
  }

  const none = model.versions.length === 0;
  if (!none) compare();
  return h(
    "section",
    { class: "panel wide", "aria-label": model.name },
    h(
      "div",
      { class: "title-row" },
      h("h2", {}, model.name),
      key.get() && model.versions.length > 1
        ? h("button", { class: "button", type: "button", onclick: roll }, t("rollback"))
        : null,
    ),
    model.versions.length > MOST && ticks(versions, chosen, compare),
    fault,
    none ? empty(t("models_empty"), t("models_empty_detail")) : place,
    !key.get() && !none && h("p", { class: "note" }, t("admin_hint")),
  );
}

/** What serves and what has a name first, then the newest. */
function inOrder(versions) {
  const rank = (one) => (one.serving ? 0 : one.aliases.length ? 1 : 2);
  return versions.toSorted((a, b) => rank(a) - rank(b));
}

function ticks(versions, chosen, compare) {
  const box = ({ version }) => {
    const input = h("input", {
      type: "checkbox", checked: chosen.has(version),
      onchange: () => {
        if (input.checked) chosen.add(version);
        else chosen.delete(version);
        compare();
      },
    });
    return h("label", { class: "tick" }, input, " ", version);
  };
  return h("fieldset", { class: "ticks" }, h("legend", {}, t("choose_versions")), versions.map(box));
}

function table(found, promote) {
  const heads = found.map((one) =>
    h(
      "th",
      { scope: "col", class: "number" },
      h("span", { class: "version" }, t("version_n", { version: one.version })),
      h(
        "span",
        { class: "badges" },
        one.serving && h("span", { class: "badge good" }, t("serving")),
        one.aliases.map((alias) => h("span", { class: "badge plain" }, alias)),
      ),
      key.get() && !one.serving
        ? h("button", { class: "button strong", type: "button", onclick: promote(one.version) }, t("promote"))
        : null,
    ),
  );
  const known = found.filter((one) => one.facts);
  const spans = new Set(known.map((one) => `${one.facts.training.held_out_from} ${one.facts.training.held_out_to}`));
  const body = groups(found, spans.size <= 1).map(([title, rows]) =>
    h(
      "tbody",
      {},
      h("tr", { class: "group" }, h("th", { colspan: found.length + 1, scope: "rowgroup" }, title)),
      rows.map(({ name, cells }) => h("tr", {}, h("th", { scope: "row" }, name), cells)),
    ),
  );
  const made = h("table", { class: "versions" }, h("thead", {}, h("tr", {}, h("td", {}), heads)), body);
  made.style.minInlineSize = `${7 + 9 * found.length}rem`;
  return h(
    "div",
    {},
    found.filter((one) => one.error).map((one) =>
      h("p", { class: "fault" }, `${t("version_n", { version: one.version })}: ${one.error.detail ?? one.error.title}`),
    ),
    spans.size > 1 && h("p", { class: "note" }, t("spans_differ")),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": t("versions") },
      made,
    ),
  );
}
