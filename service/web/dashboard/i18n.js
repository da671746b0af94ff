// Words in the chosen language, and numbers and dates as the person's locale writes them.

import { language, locale } from "./preferences.js";
import { EN } from "./words-en.js";
import { ZH } from "./words-zh.js";

/** The words for a name, with `{fact}` filled in. */
export function t(name, facts = {}) {
  const words = (language() === "zh" ? ZH : EN)[name];
  if (words === undefined) throw new Error(`no words for ${name}`);
  return words.replace(/\{(\w+)\}/g, (_, fact) => facts[fact]);
}

export const has = (name) => name in EN;

const MINUS = "−";
export const NONE = "–";

const made = new Map();

function formatter(options) {
  const name = `${locale()} ${JSON.stringify(options)}`;
  if (!made.has(name)) made.set(name, new Intl.NumberFormat(locale(), options));
  return made.get(name);
}

const digits = (value, least, most = least) =>
  value === null || value === undefined
    ? NONE
    : formatter({ minimumFractionDigits: least, maximumFractionDigits: most }).format(value).replace("-", MINUS);

/** A price: two decimals, four for what costs less than 1. */
export const price = (value) => digits(value, Math.abs(value) < 1 ? 4 : 2);

/** A price on an axis, without decimals that say nothing. */
export const roundPrice = (value) => digits(value, 0, Math.abs(value) < 1 ? 4 : 2);

/** An error in the price's currency, to three significant figures or whole cents. */
export const error = (value) => digits(value, value !== null && Math.abs(value) < 1 ? 4 : 2);

export const count = (value) => digits(value, 0);
export const plain = (value, places) => digits(value, places);

export function percent(value, places = 1, { sign = false } = {}) {
  if (value === null || value === undefined) return NONE;
  const options = { style: "percent", minimumFractionDigits: places, maximumFractionDigits: places };
  if (sign) options.signDisplay = "exceptZero";
  return formatter(options).format(value).replace("-", MINUS);
}

/** A p-value: two figures, and none that looks like certainty. */
export function chance(value) {
  if (value === null || value === undefined) return NONE;
  return value < 0.001 ? `< ${digits(0.001, 3)}` : digits(value, value < 0.1 ? 3 : 2);
}

/** A session, from its ISO date. It belongs to no time zone. */
export function day(iso, options = { year: "numeric", month: "short", day: "numeric" }) {
  if (!iso) return NONE;
  return new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }).format(new Date(`${iso}T00:00:00Z`));
}

export const weekday = (iso) => day(iso, { weekday: "short", year: "numeric", month: "short", day: "numeric" });

/** A moment, in the person's own time zone. */
export function moment(iso) {
  if (!iso) return NONE;
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}
