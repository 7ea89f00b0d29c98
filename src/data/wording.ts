/** How the readers' messages write numbers, sizes and foreign text. */

const grouped = new Intl.NumberFormat("en-US");

/** 12,345 */
export const count = (value: number): string => grouped.format(value);

/** "1 row", "12,345 rows". */
export const countOf = (value: number, noun: string, plural = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : plural}`;

/** "812 bytes", "1.5 KiB", "12.0 MiB". */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return countOf(bytes, "byte");
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KiB"] : [bytes / 1024 ** 2, "MiB"];
  return `${value.toFixed(1)} ${unit}`;
}

/** Foreign text in quotation marks, cut to 60 characters. */
export const quoted = (text: string): string => `"${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`;

/** "a, b, c and 7 more" */
export function listOf(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => (name.length > 80 ? `…${name.slice(-79)}` : name));
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}

/**
 * The first 200 characters, as a string of its own: a plain slice would keep the whole row in memory for as long as
 * the excerpt lives (V8 slices share the characters of what they were cut from).
 */
export const excerptOf = (text: string): string => Array.from(text.slice(0, 200)).join("").toWellFormed();
