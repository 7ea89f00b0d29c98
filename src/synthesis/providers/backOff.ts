/** How long to wait before another try. */
import type { Random } from "../../base/random.ts";

export const MOST_TRIES = 5;
/** Milliseconds for all tries and waits of one request. */
export const MOST_TIME = 600_000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

/** Of a Retry-After header: seconds, or a date (RFC 9110, 10.2.3). In milliseconds. */
export function retryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+(?:\.\d+)?\s*$/u.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** What the server asked for, else twice as long after each try; between half and all of it, so that not all come back at once. */
export function waitBefore(attempt: number, asked: number | undefined, jitter: Random): number {
  if (asked !== undefined) return asked;
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1));
  return longest * (0.5 + jitter.next() / 2);
}

/** Resolves after so long; once `signal` fires nobody waits for it any more. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;
