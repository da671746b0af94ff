// How much the forecast depends on each session of its window, and how far each layer's gates are open.

import { axis, draw, pointer, rules, told } from "./charts.js";
import { day, has, percent, plain, t, weekday } from "./i18n.js";

const short = { month: "short", day: "numeric" };

const below = (colours, sessions) =>
  axis(colours, {
    type: "category", data: sessions, axisLine: { show: true, onZero: false, lineStyle: { color: colours.line } },
    axisLabel: { interval: Math.max(0, Math.ceil(sessions.length / 4) - 1), hideOverlap: true, formatter: (value) => day(value, short) },
  });

export function drawSensitivity(place, readout, { gates, label, signal }) {
  const { sessions, share, attention } = gates;
  const remembered = sessions.length - (gates.effective_memory.sessions ?? 0);
  return draw(place, {
    label,
    signal,
    readout,
    count: sessions.length,
    told: (at) => [
      told("", weekday(sessions[at]), "told-day"),
      told(t("gates_sensitivity"), percent(share[at])),
      ...(attention ? [told(t("gates_attention"), percent(attention[at]), "told-series series-2")] : []),
    ],
    option: (colours) => ({
      ...pointer(colours),
      grid: { left: 44, right: 8, top: 10, bottom: 26 },
      xAxis: below(colours, sessions),
      yAxis: axis(colours, {
        type: "value", min: 0, splitLine: rules(colours), splitNumber: 3, axisLabel: { formatter: (value) => percent(value, 0) },
      }),
      series: [
        {
          type: "bar", barWidth: "70%", emphasis: { disabled: true },
          data: share.map((value, at) => ({
            value, itemStyle: { color: at >= remembered ? colours.accent : colours.soft, borderRadius: [2, 2, 0, 0] },
          })),
        },
        ...(attention ? [{
          type: "line", data: attention, symbol: "none", emphasis: { disabled: true },
          lineStyle: { color: colours["series-2"], width: 1.8, type: [6, 3] },
        }] : []),
      ],
    }),
  });
}

/** The traces of a layer that are gates, which lie between 0 and 1; its states where a plain network has no gates. */
export function gatesOf(layer) {
  const all = Object.entries(layer.traces).map(([name, trace]) => ({ name, ...trace }));
  const gates = all.filter((one) => one.range?.[0] === 0);
  return gates.length ? gates : all.filter((one) => one.range);
}

export const traceName = (name) => (has(`gate_${name}`) ? t(`gate_${name}`) : name);

const DASHES = ["solid", [6, 3], [2, 2], [8, 3, 2, 3]];

export function drawLayer(place, readout, { sessions, traces, label, signal }) {
  return draw(place, {
    label,
    signal,
    readout,
    count: sessions.length,
    told: (at) => [
      told("", weekday(sessions[at]), "told-day"),
      ...traces.map((one, number) => told(traceName(one.name), plain(one.mean[at], 2), `told-series series-${number + 1}`)),
    ],
    option: (colours) => ({
      ...pointer(colours),
      grid: { left: 32, right: 64, top: 10, bottom: 26 },
      xAxis: { ...below(colours, sessions), boundaryGap: false },
      yAxis: axis(colours, { type: "value", min: 0, max: 1, splitLine: rules(colours), interval: 0.5, axisLabel: { formatter: (value) => plain(value, 1) } }),
      series: traces.map((one, number) => ({
        type: "line", data: one.mean, symbol: "none", emphasis: { disabled: true },
        lineStyle: { color: colours[`series-${number + 1}`], width: 1.8, type: DASHES[number % DASHES.length] },
        endLabel: { show: true, formatter: () => traceName(one.name), color: colours[`series-${number + 1}`], fontSize: 11.5, distance: 5 },
        labelLayout: { moveOverlap: "shiftY" },
      })),
    }),
  });
}
