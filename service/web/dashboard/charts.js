// What all charts share: the library, colours of the theme, size, and moving through them by keyboard.

import { h, say } from "./dom.js";
import { t } from "./i18n.js";

const LIBRARY = "../echarts-6.1.0/echarts.esm.min.js";
const COLOURS = [
  "ink", "soft", "quiet", "line", "surface", "accent", "accent-soft", "warn", "chance", "red", "green",
  "series-1", "series-2", "series-3", "series-4", "series-5", "series-6",
];

/** The theme's colours as a canvas takes them. */
export function palette() {
  const probe = h("span", { hidden: true });
  document.body.append(probe);
  const found = {};
  for (const name of COLOURS) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** The same colour, seen through. */
export function faint(colour, opacity) {
  const parts = colour.match(/[\d.]+/g).slice(0, 3).join(", ");
  return `rgba(${parts}, ${opacity})`;
}

/** An axis in the dashboard's manner. */
export function axis(colours, more = {}) {
  return {
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
    axisPointer: { label: { show: false } },
    ...more,
    axisLabel: { color: colours.quiet, fontSize: 11.5, ...more.axisLabel },
  };
}

/** Lines for the eye, behind what is drawn. */
export const rules = (colours) => ({ show: true, lineStyle: { color: colours.line, width: 1 } });

/** A line through the session that is looked at. What it says stands in the readout, as text on the page. */
export const pointer = (colours) => ({
  tooltip: { trigger: "axis", showContent: false, axisPointer: { type: "line", lineStyle: { color: colours.quiet, type: "solid" } } },
});

/**
 * A chart in `place`, which is on the page. `option(colours)` describes it, `label` says in words what it shows.
 * With `readout`, `told(index)` makes the text for a position: under the pointer, or chosen with the arrow keys.
 * Resolves to the library's chart.
 */
export async function draw(place, { option, label, signal, count = 0, readout = null, told = null, start = count - 1 }) {
  const { init } = await import(LIBRARY);
  if (signal.aborted) return null;
  place.classList.add("chart");
  // The canvas is a picture with a name; the frame around it takes the keys.
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": label });
  place.replaceChildren(canvas);
  const chart = init(canvas, null, { renderer: "canvas" });
  chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option(palette()) });
  const sized = new ResizeObserver(() => chart.resize());
  sized.observe(canvas);
  signal.addEventListener("abort", () => {
    sized.disconnect();
    chart.dispose();
  });
  if (told) {
    let at = start;
    const tell = (index) => {
      at = index;
      readout.replaceChildren(...told(index));
    };
    tell(at);
    chart.on("updateAxisPointer", (event) => {
      const index = event.axesInfo?.[0]?.value;
      if (Number.isInteger(index) && index >= 0 && index < count) tell(index);
    });
    chart.getZr().on("globalout", () => tell(start));
    const moves = { ArrowLeft: () => at - 1, ArrowRight: () => at + 1, Home: () => 0, End: () => count - 1 };
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", `${label} ${t("chart_keys")}`);
    place.addEventListener("keydown", (event) => {
      if (!(event.key in moves)) return;
      event.preventDefault();
      tell(Math.min(Math.max(moves[event.key](), 0), count - 1));
      say(readout.textContent);
      chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: at });
    });
  }
  return chart;
}

/** One figure of a readout: its name and its value. */
export const told = (name, value, mark = null) =>
  h("span", { class: "told" }, h("span", { class: "told-name" }, name), " ", h("span", { class: mark }, value), " ");

/** The figures behind a chart as a table, closed until it is asked for. */
export function tableOf(heads, rows, summary = t("as_table")) {
  return h(
    "details",
    { class: "figures" },
    h("summary", {}, summary),
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": summary },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, heads.map((one, at) => h("th", { scope: "col", class: at ? "number" : null }, one)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map((one, at) => h("td", { class: at ? "number" : null }, one))))),
      ),
    ),
  );
}
