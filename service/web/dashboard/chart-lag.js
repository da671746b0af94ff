// The correlogram: how alike the forecast's changes are to the close's changes some sessions before.

import { axis, draw, pointer, rules, told } from "./charts.js";
import { plain, t } from "./i18n.js";
import { chanceOfCorrelation } from "./figures.js";

export function drawLag(place, readout, { lag, sessions, label, signal }) {
  const bars = lag.correlogram;
  const best = Math.max(bars.findIndex((one) => one.lag === lag.best_lag), 0);
  return draw(place, {
    label,
    signal,
    readout,
    count: bars.length,
    start: best,
    told: (at) => [told(t("lag_lag"), bars[at].lag), told(t("lag_correlation"), plain(bars[at].correlation, 2))],
    option: (colours) => option(colours, lag, chanceOfCorrelation(sessions)),
  });
}

function option(colours, { correlogram, best_lag }, chance) {
  const bar = ({ lag, correlation }) => ({
    value: correlation,
    itemStyle: { color: lag === best_lag ? colours.accent : colours.soft, borderRadius: 2 },
    label: {
      show: lag === best_lag, position: correlation < 0 ? "bottom" : "top", color: colours.accent, fontWeight: 600,
      fontSize: 12.5, formatter: () => plain(correlation, 2),
    },
  });
  return {
    ...pointer(colours),
    grid: { left: 40, right: 8, top: 22, bottom: 40 },
    xAxis: axis(colours, {
      type: "category", data: correlogram.map((one) => String(one.lag)), name: t("lag_axis"), nameLocation: "middle",
      nameGap: 26, nameTextStyle: { color: colours.quiet, fontSize: 11.5 },
    }),
    yAxis: axis(colours, {
      type: "value", min: (found) => (found.min < -0.25 ? -1 : -0.25), max: 1, interval: 0.25, splitLine: rules(colours),
      axisLabel: { formatter: (value) => ([-1, -0.5, 0, 0.5, 1].includes(value) ? plain(value, 1) : "") },
    }),
    series: [
      {
        type: "bar", barWidth: "58%", data: correlogram.map(bar), emphasis: { disabled: true },
        markArea: { silent: true, itemStyle: { color: colours.chance }, data: [[{ yAxis: -chance }, { yAxis: chance }]] },
        markLine: {
          silent: true, symbol: "none", label: { show: false }, lineStyle: { color: colours.quiet, type: "solid", width: 1 },
          data: [{ yAxis: 0 }],
        },
      },
    ],
  };
}
