// What stands above every view: where one is, the search, and what a person has chosen.

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { keyField } from "./key.js";
import { choose, chosen, language } from "./preferences.js";
import { search } from "./search.js";

const SECTIONS = [["symbols", "#/"], ["models", "#/models"], ["jobs", "#/jobs"]];

export function header(top, section) {
  const mark = h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "", width: "26", height: "26" });
  top.replaceChildren(
    h(
      "div",
      { class: "top-row" },
      h("a", { class: "brand", href: "#/" }, mark, h("span", {}, t("brand"))),
      h(
        "nav",
        { "aria-label": t("sections") },
        SECTIONS.map(([name, href]) => h("a", { href, "aria-current": name === section ? "page" : null }, t(name))),
      ),
      search((symbol) => {
        location.hash = `#/symbol/${encodeURIComponent(symbol)}`;
      }),
      otherLanguage(),
      h("button", { class: "tool", type: "button", id: "settings", "aria-label": t("settings"), onclick: settings }, icon("settings")),
    ),
  );
}

function otherLanguage() {
  const [name, words] = language() === "zh" ? ["en", "English"] : ["zh", "中文"];
  const tag = name === "zh" ? "zh-Hans" : "en";
  return h("button", { class: "tool words", type: "button", id: "language", lang: tag, onclick: () => choose("language", name) }, words);
}

export function footer(foot) {
  foot.replaceChildren(h("p", {}, t("not_advice")), h("a", { href: "docs" }, t("documentation")));
}

function settings() {
  const shut = () => dialog.close();
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "settings-title", onclose: () => dialog.remove() },
    h("h2", { id: "settings-title" }, t("settings")),
    group("theme", ["auto", "light", "dark"]),
    group("rise", ["auto", "red", "green"]),
    keyField(shut),
    h("div", { class: "row end" }, h("button", { class: "button", type: "button", onclick: shut }, t("close"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}

function group(name, values) {
  const option = (value) => {
    const input = h("input", {
      type: "radio", name, value, checked: chosen(name) === value, onchange: () => choose(name, value),
    });
    return h("label", {}, input, h("span", {}, t(`${name}_${value}`)));
  };
  return h("fieldset", { class: "choices" }, h("legend", {}, t(name)), h("div", {}, values.map(option)));
}
