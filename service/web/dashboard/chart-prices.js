// Candles with what was forecast for each of them, and beyond the last one the next forecast with its intervals.

import { axis, draw, faint, pointer, rules, told } from "./charts.js";
import { day, percent, price, roundPrice, t, weekday } from "./i18n.js";
import { intervals, onScaleOf } from "./figures.js";
import { redIsUp } from "./preferences.js";

/**
 * What is drawn, by position: the last sessions' bars, then the sessions that are forecast.
 *
 * `forecast` and `series` may be null: a symbol may have prices and no forecast, or no evidence.
 */
export function positions(prices, series, forecast, length) {
  const past = series ? onScaleOf(prices, series) : new Map();
  const from = Math.max(prices.session.length - length, 0);
  const rows = prices.session.slice(from).map((session, offset) => {
    const at = from + offset;
    return {
      session,
      open: prices.open[at],
      high: prices.high[at],
      low: prices.low[at],
      close: prices.close[at],
      before: at > 0 ? prices.close[at - 1] : null,
      past: past.get(session) ?? null,
      next: null,
    };
  });
  for (const next of ahead(forecast)) rows.push({ session: next.session, past: null, next });
  return rows;
}

function ahead(forecast) {
  if (!forecast) return [];
  const base = forecast.baseline.close;
  const first = { session: forecast.target_session, ...forecast.forecast };
  return [first, ...forecast.path].map(({ session, close, quantiles }) => ({
    session, close, base, bands: intervals(quantiles),
  }));
}

export function drawPrices(place, readout, { symbol, rows, label, show, signal }) {
  return draw(place, {
    label,
    signal,
    readout,
    count: rows.length,
    start: rows.length - 1,
    told: (at) => tell(rows[at]),
    option: (colours) => option(colours, symbol, rows, show),
  });
}

function tell(row) {
  const date = told("", weekday(row.session), "told-day");
  if (row.next) {
    const [wide] = row.next.bands;
    return [
      date,
      told(t("forecast"), price(row.next.close), "told-forecast"),
      wide ? told(percent(wide.level, 0), `${price(wide.lower)} – ${price(wide.upper)}`) : "",
      told(t("baseline_here"), price(row.next.base)),
    ];
  }
  const figures = [
    date,
    told(t("open"), price(row.open)),
    told(t("high"), price(row.high)),
    told(t("low"), price(row.low)),
    told(t("close_price"), price(row.close)),
  ];
  if (row.before !== null) figures.push(told("", percent(row.close / row.before - 1, 2, { sign: true })));
  if (row.past) {
    const held = row.past.lower <= row.close && row.close <= row.past.upper;
    figures.push(
      told(t("past_forecast"), price(row.past.forecast), "told-forecast"),
      told("", `${held ? "✓" : "✗"} ${t(held ? "was_inside" : "was_outside")}`),
    );
  }
  return figures;
}

function option(colours, symbol, rows, show) {
  const red = redIsUp(symbol);
  const [up, down] = red ? [colours.red, colours.green] : [colours.green, colours.red];
  const sessions = rows.map((row) => row.session);
  // Room beyond the last forecast, so that its interval and its number are not cut.
  const room = Math.max(2, Math.round(rows.length * 0.035));
  const blank = Array.from({ length: room }, (_, at) => ` ${at}`);
  const band = (value) => rows.map((row) => (row.past ? value(row.past) : null));
  const edge = { type: "line", symbol: "none", silent: true, stack: "band", lineStyle: { opacity: 0 }, z: 1, connectNulls: false };
  const series = [
    {
      type: "candlestick",
      data: rows.map((row) => (row.next ? [NaN, NaN, NaN, NaN] : [row.open, row.close, row.low, row.high])),
      // A rising candle is hollow and a falling one is filled: the colour is not the only sign.
      itemStyle: { color: colours.surface, color0: down, borderColor: up, borderColor0: down, borderWidth: 1.2 },
      emphasis: { disabled: true },
      barMaxWidth: 14,
      z: 3,
    },
  ];
  if (show.band) {
    series.push(
      { ...edge, data: band((past) => past.lower) },
      { ...edge, data: band((past) => past.upper - past.lower), areaStyle: { color: colours.accent, opacity: 0.1 } },
    );
  }
  if (show.past) {
    series.push({
      type: "line", symbol: "none", silent: true, z: 4, data: band((past) => past.forecast),
      lineStyle: { color: colours.accent, width: 1.4, type: [4, 3] },
    });
  }
  series.push(nextForecast(colours, rows));
  return {
    ...pointer(colours),
    grid: { left: 4, right: widthOf(rows), top: 14, bottom: 26 },
    xAxis: axis(colours, {
      type: "category",
      data: [...sessions, ...blank],
      axisLine: { show: true, onZero: false, lineStyle: { color: colours.line } },
      axisLabel: {
        hideOverlap: true,
        interval: (at) => at < sessions.length && at % Math.max(1, Math.ceil(sessions.length / 7)) === 0,
        formatter: (value) => (value.startsWith(" ") ? "" : day(value, sessions.length > 130 ? { year: "numeric", month: "short" } : { month: "short", day: "numeric" })),
      },
    }),
    yAxis: axis(colours, {
      type: "value", scale: true, position: "right", splitNumber: 5, splitLine: { ...rules(colours), showMinLine: false, showMaxLine: false },
      min: ({ min, max }) => min - (max - min) * 0.04,
      max: ({ min, max }) => max + (max - min) * 0.08,
      axisLabel: { formatter: (value) => roundPrice(value), showMinLabel: false, showMaxLabel: false },
    }),
    series,
  };
}

/** Room for the axis' numbers [px]. */
function widthOf(rows) {
  const longest = Math.max(...rows.map((row) => roundPrice(Math.round(row.high ?? row.next.close)).length));
  return 16 + 7 * Math.max(longest, 4);
}

/** Bars within bars for the intervals, a diamond for the forecast, a dash for the same as yesterday. */
function nextForecast(colours, rows) {
  const data = rows.flatMap((row, at) => (row.next ? [[at, row.next.close, ...limits(row.next)]] : []));
  return {
    type: "custom",
    data,
    z: 5,
    silent: true,
    encode: { x: 0, y: [1, 2, 3] },
    renderItem: (_, api) => {
      const at = api.value(0);
      const { close, base, bands } = rows[at].next;
      const [x, y] = api.coord([at, close]);
      const width = Math.min(Math.max(api.size([1, 0])[0] * 1.15, 9), 22);
      const bars = bands.map(({ lower, upper }) => {
        const top = api.coord([at, upper])[1];
        const height = api.coord([at, lower])[1] - top;
        return { type: "rect", shape: { x: x - width / 2, y: top, width, height, r: 2 }, style: { fill: faint(colours.accent, 0.2) } };
      });
      const level = api.coord([at, base])[1];
      const size = 5.5;
      const last = at === rows.length - 1;
      return {
        type: "group",
        children: [
          ...bars,
          {
            type: "line",
            shape: { x1: x - width * 1.1, x2: x + width * 1.1, y1: level, y2: level },
            style: { stroke: colours.ink, lineWidth: 1.2, lineDash: [2, 2] },
          },
          {
            type: "polygon",
            shape: { points: [[x, y - size], [x + size, y], [x, y + size], [x - size, y]] },
            style: { fill: colours.accent, stroke: colours.surface, lineWidth: 1.5 },
          },
          last && {
            type: "text",
            style: {
              text: price(close), x, y: api.coord([at, bands[0]?.upper ?? close])[1] - 5, align: "center", verticalAlign: "bottom",
              fill: colours.accent, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12.5, fontWeight: 600, stroke: colours.surface, lineWidth: 3,
            },
          },
        ].filter(Boolean),
      };
    },
  };
}

const limits = ({ close, bands: [wide] }) => [wide?.lower ?? close, wide?.upper ?? close];
