/** Waiting for what may never come: every wait here ends. */

export const abortError = (words: string): DOMException => new DOMException(words, "AbortError");

export interface Watch {
  /** The first to fire ends the wait with its error. */
  readonly stops: readonly { readonly signal: AbortSignal; readonly error: () => Error }[];
  /** Milliseconds without a sign of life. */
  readonly within: number;
  readonly late: () => Error;
}

/** Settles as `work` does, or as soon as a stop fires or no sign of life came for too long. What `work` does then is ignored. */
export function watched<T>(watch: Watch, work: (alive: () => void) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopped = watch.stops.find(({ signal }) => signal.aborted);
    if (stopped) return reject(stopped.error());
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const alive = () => {
      clearTimeout(timer);
      if (!over && watch.within !== Infinity) timer = setTimeout(() => end(() => reject(watch.late())), watch.within);
    };
    const listeners = watch.stops.map(({ signal, error }) => ({ signal, stop: () => end(() => reject(error())) }));
    function end(settle: () => void): void {
      over = true;
      clearTimeout(timer);
      for (const { signal, stop } of listeners) signal.removeEventListener("abort", stop);
      settle();
    }
    for (const { signal, stop } of listeners) signal.addEventListener("abort", stop, { once: true });
    alive();
    work(alive).then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}

/** Whether `work` resolved within so many milliseconds. */
export function resolvesWithin(work: Promise<unknown>, within: number): Promise<boolean> {
  return watched({ stops: [], within, late: () => new Error("late") }, () => work).then(
    () => true,
    () => false,
  );
}

/** One call after another, in the order of asking. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** `leave` must be called once the turn is over. */
  take(): { readonly ready: Promise<unknown>; readonly leave: () => void } {
    const ready = this.#last;
    let leave = () => undefined as void;
    const left = new Promise<void>((resolve) => (leave = resolve));
    // Left early, before it was its turn, it still comes after those before it.
    this.#last = Promise.all([ready, left]);
    return { ready, leave };
  }
}
