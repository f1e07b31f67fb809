// The page in the language that the server chose: strings, numbers, sizes and times.
// The strings are those of languages/*.json, which the pages without JavaScript use as well.

const lang = document.documentElement.lang || "en";
// The browser's own variant, such as en-GB, knows how dates are written there.
const locale = navigator.languages.find((each) => each.split("-")[0] === lang) ?? lang;
const { default: strings } = await import(`./strings.${lang}.js`);

const plurals = new Intl.PluralRules(lang);
const integers = new Intl.NumberFormat(locale);
const moments = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const UNITS = ["kilobyte", "megabyte", "gigabyte", "terabyte"];

export const has = (key) => key in strings;
export const number = (count) => integers.format(count);
export const moment = (at) => moments.format(new Date(at));

// A string with its values filled in; `count` chooses between its forms.
export function t(key, values = {}) {
  const found = strings[key];
  const text = typeof found === "string" ? found : found[plurals.select(values.count)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (_, name) =>
    typeof values[name] === "number" ? number(values[name]) : values[name]);
}

export function bytes(count) {
  if (count < 1000) return t("unit.bytes", { count });
  let step = 0;
  for (count /= 1000; count >= 1000 && step < UNITS.length - 1; step += 1) count /= 1000;
  const format = { style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale, format).format(count);
}

export function duration(seconds) {
  if (seconds < 90) return t("unit.seconds", { count: Math.max(Math.round(seconds), 1) });
  if (seconds < 5400) return t("unit.minutes", { count: Math.round(seconds / 60) });
  if (seconds < 172_800) return t("unit.hours", { count: Math.round(seconds / 3600) });
  return t("unit.days", { count: Math.round(seconds / 86_400) });
}

// A wait as a clock shows it: 1:54.
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
