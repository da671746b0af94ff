// The API key's field. The key stays in this tab's sessionStorage and is sent to this server only.

import { forget, key } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

export const keyChanged = new EventTarget();

let next = 1;

function use(value) {
  if (value) key.set(value);
  else key.forget();
  forget();
  keyChanged.dispatchEvent(new Event("change"));
}

/** The field with its buttons. `done` is called after the key was taken or forgotten; the page shows itself anew then. */
export function keyField(done = () => {}) {
  const id = `key-${next++}`;
  const fault = h("p", { class: "fault", role: "alert", id: `${id}-fault` });
  const input = h("input", {
    type: "password", id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-note ${id}-fault`,
  });
  const taken = (event) => {
    event.preventDefault();
    const value = input.value.trim();
    // Other characters cannot stand in a header.
    if (!/^[\x21-\x7e]+$/.test(value)) {
      fault.textContent = t("key_letters");
      input.focus();
      return;
    }
    use(value);
    done();
  };
  const forgotten = () => {
    use(null);
    done();
  };
  return h(
    "form",
    { class: "key", onsubmit: taken },
    h("label", { for: id }, t("key")),
    h(
      "div",
      { class: "row" },
      input,
      h("button", { class: "button strong", type: "submit" }, t("key_use")),
      key.get() && h("button", { class: "button", type: "button", onclick: forgotten }, t("key_forget")),
    ),
    fault,
    h("p", { class: "note", id: `${id}-note` }, key.get() ? `${t("key_held")} ${t("key_note")}` : t("key_note")),
  );
}

/** What stands where the server wants a key, or another one. */
export function keyForm(problem, heading = "h2") {
  let title = t("key_wanted");
  if (key.get()) title = problem.status === 403 ? t("key_scope") : t("key_refused");
  const words = h("div", {}, h(heading, { class: "problem-title" }, title), h("p", {}, problem.detail), keyField());
  const refused = Boolean(key.get());
  return h("div", { class: refused ? "problem" : "problem wanted", role: "alert" }, icon(refused ? "warn" : "key"), words);
}
