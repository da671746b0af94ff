// Questions before something that changes what is served.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** Resolves to whether it was wanted. */
export async function confirmed(title, detail, action) {
  return (await asked(title, detail, action)) !== null;
}

/** Resolves to the reason that was given; null where it was not wanted after all. */
export function reasonFor(title, detail, action) {
  const field = h("input", { id: "reason", type: "text", required: true, maxlength: "500", pattern: ".*\\S.*", autocomplete: "off" });
  return asked(title, detail, action, field);
}

function asked(title, detail, action, field = null) {
  return new Promise((resolve) => {
    let answer = null;
    const dialog = h(
      "dialog",
      {
        class: "dialog", "aria-labelledby": "confirm-title",
        onclose: () => {
          dialog.remove();
          resolve(answer);
        },
      },
      h(
        "form",
        {
          method: "dialog",
          onsubmit: () => {
            answer = field?.value.trim() ?? "";
          },
        },
        h("h2", { id: "confirm-title" }, title),
        h("p", {}, detail),
        field && h("p", { class: "field" }, h("label", { for: field.id }, t("reason")), field),
        h(
          "div",
          { class: "row end" },
          h("button", { class: "button", type: "button", onclick: () => dialog.close() }, t("cancel")),
          h("button", { class: "button strong", type: "submit" }, action),
        ),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
