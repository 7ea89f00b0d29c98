/** Numbers and times as the page writes them. */

/** "1,234". */
export const whole = (value: number): string => Math.round(value).toLocaleString("en");

/** A measure between 0 and 1, three digits, no leading zero: ".412", "1.000", "−.031". */
export function measure(value: number): string {
  return value
    .toFixed(3)
    .replace("-0.000", "0.000")
    .replace(/^(-?)0\./, "$1.")
    .replace("-", "−");
}

/** As {@link measure}, with its sign always said. */
export const change = (value: number): string =>
  measure(value).startsWith("−") ? measure(value) : `+${measure(value)}`;

export const pValue = (p: number): string => (p < 0.001 ? "p < .001" : `p = ${measure(p)}`);

/** "8 s", "3 min", "1 h 20 min": no more precision than an estimate has. */
export function duration(seconds: number): string {
  if (seconds < 1) return "<1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "84 MB" (10⁶ bytes), "1.2 GB". */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** "23 Nov 2026, 14:05", in the person's own time; empty for no date. */
export function moment(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** "1 query", "3 queries". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
