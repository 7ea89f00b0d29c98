/**
 * Bounded concurrency for stages: several workers, one consumer. A worker that hands a report over goes on only when the
 * consumer has asked for the one after it, so that what is reported is stored before anything builds on it, and a consumer
 * that pauses stops the requests.
 */

export interface Desk<Report> {
  /** Fires when the consumer stops, and when another worker fails. */
  readonly signal: AbortSignal;
  /** Resolves once the consumer asked for the next report. Rejects after a stop. */
  give(report: Report): Promise<void>;
  /** Passed on when there is nothing else; a later one takes the place of one that nobody looked at yet. */
  mention(report: Report): void;
}

export interface Work<Item, Report> {
  readonly items: Iterable<Item>;
  /** Items under way at once. */
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Reports that are still handed over after a stop or a failure. */
  readonly lasting: (report: Report) => boolean;
  /** Called once; what it returns is called for each item, and must settle soon after the desk's signal fires. */
  readonly workAt: (desk: Desk<Report>) => (item: Item) => Promise<void>;
}

interface Entry<Report> {
  readonly report: Report;
  readonly taken: () => void;
}

/** What workers handed over and the consumer did not take yet. */
class Tray<Report> {
  readonly #waiting: Entry<Report>[] = [];
  #mentioned: Report | undefined;
  #wake: () => void = () => undefined;
  #closed = false;

  give(report: Report): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ report, taken });
      this.#wake();
    });
  }

  mention(report: Report): void {
    this.#mentioned = report;
    this.#wake();
  }

  next(): Entry<Report> | undefined {
    const entry = this.#waiting.shift();
    if (entry || this.#mentioned === undefined) return entry;
    const report = this.#mentioned;
    this.#mentioned = undefined;
    return { report, taken: () => undefined };
  }

  wake(): void {
    this.#wake();
  }

  woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Lets every worker that waits go on. */
  close(): void {
    this.#closed = true;
    for (const { taken } of this.#waiting.splice(0)) taken();
  }
}

/** Settles as `promise` does, or rejects as soon as `signal` fires, whatever `promise` does then. */
export function orStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(reasonOf(signal));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    const done = () => signal.removeEventListener("abort", stop);
    promise.then(resolve, reject).finally(done);
  });
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new DOMException(String(reason), "AbortError");
}

/**
 * Works through the items in order. The first failure of a worker stops the others and, once what lasts is handed over, is
 * thrown; a stop throws the signal's reason in the same way.
 */
export async function* inParallel<Item, Report>(input: Work<Item, Report>): AsyncGenerator<Report, void, void> {
  const stop = new AbortController();
  const follow = () => stop.abort(reasonOf(input.signal));
  if (input.signal.aborted) follow();
  input.signal.addEventListener("abort", follow, { once: true });

  const tray = new Tray<Report>();
  const desk: Desk<Report> = {
    signal: stop.signal,
    async give(report) {
      await tray.give(report);
      stop.signal.throwIfAborted();
    },
    mention: (report) => tray.mention(report),
  };
  const work = input.workAt(desk);
  const items = input.items[Symbol.iterator]();
  async function worker(): Promise<void> {
    for (let next = items.next(); !next.done; next = items.next()) {
      stop.signal.throwIfAborted();
      await work(next.value);
    }
  }

  let open = input.limit;
  const failures: unknown[] = [];
  async function guarded(): Promise<void> {
    try {
      await worker();
    } catch (error) {
      failures.push(error);
      stop.abort(error);
    } finally {
      open--;
      tray.wake();
    }
  }
  const workers = Array.from({ length: input.limit }, guarded);
  try {
    for (;;) {
      const entry = tray.next();
      if (entry) {
        try {
          if (!stop.signal.aborted || input.lasting(entry.report)) yield entry.report;
        } finally {
          entry.taken();
        }
      } else if (open > 0) await tray.woken();
      else break;
    }
    if (failures.length > 0) throw failures[0];
  } finally {
    input.signal.removeEventListener("abort", follow);
    stop.abort();
    tray.close();
    await Promise.all(workers);
  }
}

/**
 * A stage whose `return()` reaches it at once. A plain async generator would first finish the report that it is asked for,
 * which here may be minutes of a model's work; that report is refused with an `AbortError` instead.
 */
export function stoppable<Report, Output>(
  signal: AbortSignal,
  start: (signal: AbortSignal) => AsyncGenerator<Report, Output, void>,
): AsyncGenerator<Report, Output, void> {
  const stop = new AbortController();
  async function* run(): AsyncGenerator<Report, Output, void> {
    const follow = () => stop.abort(reasonOf(signal));
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow, { once: true });
    try {
      return yield* start(stop.signal);
    } finally {
      signal.removeEventListener("abort", follow);
    }
  }
  const generator = run();
  const end = generator.return.bind(generator);
  return Object.assign(generator, {
    return(value: Output | PromiseLike<Output>) {
      stop.abort();
      return end(value);
    },
  });
}
