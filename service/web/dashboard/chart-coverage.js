// How often the close fell into the interval, over the sessions before each day.

import { axis, draw, faint, pointer, rules, told } from "./charts.js";
import { day, percent, t, weekday } from "./i18n.js";
import { chanceOfShare } from "./figures.js";

/** `shares` are the rolling ones from the first full window on, `sessions` the days that each ends with. */
export function drawCoverage(place, readout, { sessions, shares, level, length, label, signal }) {
  return draw(place, {
    label,
    signal,
    readout,
    count: sessions.length,
    told: (at) => [
      told("", weekday(sessions[at]), "told-day"),
      told(t("coverage_rolling", { n: length }), percent(shares[at])),
    ],
    option: (colours) => option(colours, sessions, shares, level, chanceOfShare(level, length)),
  });
}

function option(colours, sessions, shares, level, chance) {
  const lowest = Math.min(level - chance, ...shares);
  const highest = Math.min(level + chance, 1);
  return {
    ...pointer(colours),
    grid: { left: 44, right: 34, top: 12, bottom: 26 },
    xAxis: axis(colours, {
      type: "category", data: sessions, boundaryGap: false,
      axisLine: { show: true, onZero: false, lineStyle: { color: colours.line } },
      axisLabel: {
        interval: Math.max(0, Math.ceil(sessions.length / 4) - 1), alignMinLabel: "left", hideOverlap: true,
        formatter: (value) => day(value, { month: "short", year: "numeric" }),
      },
    }),
    yAxis: axis(colours, {
      type: "value", min: Math.max(Math.floor((lowest - 0.02) * 20) / 20, 0), max: 1, splitLine: rules(colours), splitNumber: 4,
      axisLabel: { formatter: (value) => percent(value, 0) },
    }),
    series: [
      {
        type: "line", data: shares, symbol: "none", emphasis: { disabled: true },
        lineStyle: { color: colours.accent, width: 2 }, areaStyle: { color: faint(colours.accent, 0.06), origin: "start" },
        markArea: { silent: true, itemStyle: { color: colours.chance }, data: [[{ yAxis: level - chance }, { yAxis: highest }]] },
        markLine: {
          silent: true, symbol: "none", data: [{ yAxis: level }], lineStyle: { color: colours.ink, type: [5, 4], width: 1.2 },
          label: { show: true, position: "end", color: colours.ink, fontSize: 11.5, formatter: () => percent(level, 0) },
        },
      },
    ],
  };
}
