/**
 * What a thread learns of its requests when they are over. The service worker sees each one begin and how much goes out;
 * the answer goes straight to the thread, so that no long download hangs on the service worker's life.
 */

export interface RequestTime {
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Bytes of the answer's body; undefined where the browser does not say, as for hosts that do not allow pages to ask. */
  readonly received: number | undefined;
  /** Undefined where the browser does not say. */
  readonly status: number | undefined;
}

/** Threads, pages and the service worker of one origin hear each other here. */
export const requestChannel = "decoy-requests";

/** One message of a thread on {@link requestChannel}. */
export interface TimesMessage {
  readonly kind: "times";
  readonly times: readonly RequestTime[];
}

function timeOf(entry: PerformanceResourceTiming): RequestTime {
  const { name, startTime, responseStatus, encodedBodySize } = entry;
  return {
    url: name,
    at: performance.timeOrigin + startTime,
    // Zero stands both for "empty" and for "not told".
    received: encodedBodySize > 0 ? encodedBodySize : undefined,
    status: responseStatus > 0 ? responseStatus : undefined,
  };
}

const isResource = (entry: PerformanceEntry): entry is PerformanceResourceTiming => entry.entryType === "resource";

/** Tells of every request of this thread that is over, those before this call too. Without an observer it never tells. */
export function watchRequests(hear: (times: readonly RequestTime[]) => void): void {
  if (typeof PerformanceObserver === "undefined") return;
  const observer = new PerformanceObserver((list) => hear(list.getEntries().filter(isResource).map(timeOf)));
  observer.observe({ type: "resource", buffered: true });
}

/** The same in a thread, told to the pages. */
export function reportRequests(): void {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(requestChannel);
  watchRequests((times) => channel.postMessage({ kind: "times", times } satisfies TimesMessage));
}
