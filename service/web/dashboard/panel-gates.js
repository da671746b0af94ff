// The part that looks inside the network: its effective memory and its gates over the newest window.

import { drawLayer, drawSensitivity, gatesOf } from "./chart-gates.js";
import { h } from "./dom.js";
import { percent, t } from "./i18n.js";
import { panel } from "./states.js";

export function gatesPanel({ name, signal, gates }) {
  return panel({
    title: t("gates_title"),
    kind: "chart",
    wide: true,
    signal,
    load: gates,
    show: async (body, answer) => {
      const { sessions, effective_memory: memory } = answer;
      const place = h("div", { class: "low" });
      const readout = h("p", { class: "readout" });
      const layers = answer.layers.map((layer) => ({
        layer, place: h("div", { class: "low" }), readout: h("p", { class: "readout" }), words: layerName(layer),
      }));
      body.append(
        h("p", { class: "finding" }, remembered(memory, sessions.length)),
        h(
          "div",
          { class: "beside even-columns" },
          h("div", {}, h("h3", {}, t("gates_sensitivity")), h("p", { class: "note" }, t("gates_sensitivity_note")), readout, place),
          h(
            "div",
            {},
            h("h3", {}, t("gates_means")),
            h("p", { class: "note" }, t("gates_means_note")),
            layers.map((one) => [layers.length > 1 && h("h4", {}, one.words), one.readout, one.place]),
          ),
        ),
      );
      const label = t("gates_label", { symbol: name, n: memory.sessions ?? 0 });
      await drawSensitivity(place, readout, { gates: answer, label, signal });
      for (const { layer, place: where, readout: at, words } of layers) {
        await drawLayer(where, at, { sessions, traces: gatesOf(layer), label: `${t("gates_means")}, ${words}.`, signal });
      }
    },
  });
}

function layerName({ layer, direction }) {
  return t(direction === "backward" ? "gates_layer_backward" : "gates_layer", { n: layer + 1 });
}

function remembered({ sessions, share }, all) {
  if (sessions === null) return t("gates_memory_none");
  return t(sessions === 1 ? "gates_memory_1" : "gates_memory", { n: sessions, all, share: percent(share, 0) });
}
