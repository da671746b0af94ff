// What the page works out from the held-out series. Pure: arrays in, numbers out; null is unknown.

const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : null);

/** MAE and RMSE of repeating the last close, in the price's currency. */
export function naiveErrors({ actual, previous_close }) {
  const off = actual.map((close, at) => close - previous_close[at]);
  const squares = mean(off.map((one) => one * one));
  return { mae: mean(off.map(Math.abs)), rmse: squares === null ? null : Math.sqrt(squares) };
}

/** Mean pinball loss over sessions and levels; null where there are no quantiles. */
export function pinball(actual, quantiles) {
  if (!quantiles) return null;
  const losses = Object.entries(quantiles).flatMap(([level, values]) =>
    values.map((value, at) => {
      const off = actual[at] - value;
      return Math.max(Number(level) * off, (Number(level) - 1) * off);
    }),
  );
  return mean(losses);
}

/** For each session whether the close was inside the interval, both ends included. */
export const inside = ({ actual, lower, upper }) => actual.map((close, at) => lower[at] <= close && close <= upper[at]);

/** Over how many sessions a rolling share is taken: a quarter of trading, less where there are few. */
export const rollingLength = (sessions) => Math.min(60, Math.floor(sessions / 3));

/** The share of the last `length` that held, for each position from `length - 1` on; null before. */
export function rollingShare(held, length) {
  let sum = 0;
  return held.map((one, at) => {
    sum += Number(one) - (at >= length ? Number(held[at - length]) : 0);
    return at >= length - 1 ? sum / length : null;
  });
}

/** By how much a share of `length` sessions may differ from its level by chance, 19 times in 20. */
export const chanceOfShare = (level, length) => 1.96 * Math.sqrt((level * (1 - level)) / length);

/** The same for a correlation of `sessions` pairs that have nothing to do with each other. */
export const chanceOfCorrelation = (sessions) => 1.96 / Math.sqrt(sessions);

/**
 * The held-out series on the scale of the prices, by session. Both are adjusted closes, each on the scale of its own
 * last session, so that one factor lies between them.
 */
export function onScaleOf(prices, series) {
  const at = new Map(prices.session.map((session, position) => [session, position]));
  const shared = series.session.findLastIndex((session) => at.has(session));
  const found = new Map();
  if (shared < 0) return found;
  const factor = prices.close[at.get(series.session[shared])] / series.actual[shared];
  series.session.forEach((session, position) => {
    found.set(session, {
      forecast: series.forecast[position] * factor,
      lower: series.lower[position] * factor,
      upper: series.upper[position] * factor,
    });
  });
  return found;
}

/** The central intervals of quantiles, the widest first: level, lower, upper. */
export function intervals(quantiles) {
  const levels = Object.keys(quantiles).map(Number).filter((level) => level < 0.5).sort((a, b) => a - b);
  const at = new Map(Object.entries(quantiles).map(([level, value]) => [Math.round(Number(level) * 1e6), value]));
  return levels
    .map((low) => ({
      level: 1 - 2 * low,
      lower: at.get(Math.round(low * 1e6)),
      upper: at.get(Math.round((1 - low) * 1e6)),
    }))
    .filter((one) => one.upper !== undefined);
}
