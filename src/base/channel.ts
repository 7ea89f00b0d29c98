/**
 * Stages, and running them on the far side of a port as if they were here.
 *
 * A stage is an async generator: it yields what it has to report and returns what it made. Pausing one is not asking for
 * the next report; stopping one is `break`, which runs its `finally` blocks wherever it lives. The contract is one type
 * on both sides: what `serve(port, stages)` offers, `connect<typeof stages>(port)` gives back. A worker that dies rejects
 * every call that waits for it, and every later one, with {@link WorkerCrashed}.
 */
import { UserError } from "./errors.ts";

export type Stage<Input, Report, Output> = (input: Input) => AsyncGenerator<Report, Output, void>;
export type Stages<T> = { readonly [K in keyof T]: Stage<never, unknown, unknown> };

/** One end of a connection: a `MessagePort`, a `Worker`, or a worker's own global scope. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  addEventListener(type: "error" | "messageerror", listener: (event: Event) => void): void;
}

/** The thread behind a port ended or never started; what it had not reported is lost, what was stored is not. */
export class WorkerCrashed extends UserError {
  override readonly name = "WorkerCrashed";
}

type Request =
  | { readonly id: number; readonly ask: "start"; readonly stage: string; readonly input: unknown }
  | { readonly id: number; readonly ask: "next" | "stop" };

type Reply =
  | { readonly id: number; readonly result: IteratorResult<unknown, unknown> }
  | { readonly id: number; readonly failure: Failure };

/** An error as plain data: not every runtime can clone every kind of `Error`. */
interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly forPerson: boolean;
}

interface Waiter {
  resolve(result: IteratorResult<unknown, unknown>): void;
  reject(error: Error): void;
}

const transfers = new WeakMap<object, Transferable[]>();

/** Marks the buffers in `value` to be moved, not copied, when it crosses a port. */
export function transfer<T extends object>(value: T, buffers: Transferable[]): T {
  transfers.set(value, buffers);
  return value;
}

const buffersOf = (value: unknown): Transferable[] =>
  (typeof value === "object" && value !== null ? transfers.get(value) : undefined) ?? [];

function failureOf(thrown: unknown): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack } = error;
  return { name, message, stack, forPerson: "forPerson" in error && error.forPerson === true };
}

/** Answers requests arriving on `port` by running `stages`. */
export function serve<T extends Stages<T>>(port: Port, stages: T): void {
  const running = new Map<number, AsyncGenerator<unknown, unknown, void>>();

  function answer(request: Request): Promise<IteratorResult<unknown, unknown>> {
    if (request.ask === "start") {
      const stage: Stage<never, unknown, unknown> | undefined = stages[request.stage as keyof T];
      if (!stage) throw new Error(`internal: no stage is called ${request.stage}`);
      running.set(request.id, stage(request.input as never));
    }
    const generator = running.get(request.id);
    if (!generator) throw new Error(`internal: no stage is running under ${request.id}`);
    return request.ask === "stop" ? generator.return(undefined) : generator.next();
  }

  async function reply(request: Request): Promise<void> {
    const { id } = request;
    try {
      const result = await answer(request);
      if (result.done) running.delete(id);
      port.postMessage({ id, result } satisfies Reply, buffersOf(result.value));
    } catch (error) {
      running.delete(id);
      port.postMessage({ id, failure: failureOf(error) } satisfies Reply, []);
    }
  }

  port.addEventListener("message", ({ data }: MessageEvent<Request>) => void reply(data));
}

/** Sends requests over `port` and settles each with its reply; after a crash, rejects them all. */
function requester(port: Port): (request: Request) => Promise<IteratorResult<unknown, unknown>> {
  const waiting = new Map<number, Waiter>();
  let crash: WorkerCrashed | undefined;

  port.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    const waiter = waiting.get(data.id);
    waiting.delete(data.id);
    if ("result" in data) waiter?.resolve(data.result);
    else waiter?.reject(Object.assign(new Error(data.failure.message), data.failure));
  });

  function fail(event: Event): void {
    const reason =
      "message" in event && typeof event.message === "string" && event.message !== "" ? `: ${event.message}` : "";
    crash = new WorkerCrashed(
      `A background thread ended${reason}. Nothing stored is lost: reload the page to go on from the last checkpoint.`,
    );
    for (const waiter of waiting.values()) waiter.reject(crash);
    waiting.clear();
  }
  port.addEventListener("error", fail);
  port.addEventListener("messageerror", fail);

  return (request) =>
    new Promise((resolve, reject) => {
      if (crash) return reject(crash);
      waiting.set(request.id, { resolve, reject });
      try {
        port.postMessage(request, request.ask === "start" ? buffersOf(request.input) : []);
      } catch (error) {
        waiting.delete(request.id);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
}

/** The stages served at the other end of `port`. */
export function connect<T extends Stages<T>>(port: Port): T {
  const ask = requester(port);
  let started = 0;

  async function* run(stage: string, input: unknown): AsyncGenerator<unknown, unknown, void> {
    const id = ++started;
    let open = true;
    try {
      let result = await ask({ id, ask: "start", stage, input });
      for (; !result.done; result = await ask({ id, ask: "next" })) yield result.value;
      open = false;
      return result.value;
    } catch (error) {
      open = false;
      throw error;
    } finally {
      if (open) await ask({ id, ask: "stop" });
    }
  }

  const remote = new Proxy({}, { get: (_, stage) => (input: unknown) => run(String(stage), input) });
  return remote as T;
}

/** Runs a stage to its end, passing on its reports. */
export async function finish<Report, Output>(
  stage: AsyncGenerator<Report, Output, void>,
  report: (value: Report) => void = () => undefined,
): Promise<Output> {
  let result = await stage.next();
  for (; !result.done; result = await stage.next()) report(result.value);
  return result.value;
}
