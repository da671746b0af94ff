// What a person has chosen on this device: language, theme, and which way is red. The key is never among it.

const DEFAULTS = { language: "auto", theme: "auto", rise: "auto" };
const CHINESE = new Set(["SH", "SZ", "BJ"]);

export const changed = new EventTarget();

export function chosen(name) {
  return localStorage.getItem(`forecaster.${name}`) ?? DEFAULTS[name];
}

export function choose(name, value) {
  localStorage.setItem(`forecaster.${name}`, value);
  apply();
  changed.dispatchEvent(new Event("change"));
}

/** `en` or `zh`. */
export function language() {
  const value = chosen("language");
  if (value === "en" || value === "zh") return value;
  return (navigator.language ?? "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The language with its region, for numbers and dates as the person writes them. */
export function locale() {
  const own = navigator.languages?.find((one) => one.toLowerCase().startsWith(language()));
  return own ?? (language() === "zh" ? "zh-CN" : "en");
}

/** Whether red is up for a symbol: on Chinese exchanges it is, unless the person says otherwise. */
export function redIsUp(symbol) {
  const value = chosen("rise");
  return value === "auto" ? CHINESE.has(symbol.split(".").at(-1)) : value === "red";
}

export function apply() {
  const theme = chosen("theme");
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.documentElement.lang = language() === "zh" ? "zh-Hans" : "en";
}

// Without a choice the device's own theme holds, also when it changes at dusk.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (chosen("theme") === "auto") changed.dispatchEvent(new Event("change"));
});
