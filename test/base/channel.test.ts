import { afterEach, expect, test } from "vitest";
import { connect, finish, serve, transfer, WorkerCrashed, type Port } from "../../src/base/channel.ts";
import { isUserError, UserError } from "../../src/base/errors.ts";

class TooFar extends UserError {
  override readonly name = "TooFar";
}

const log: string[] = [];
const stages = {
  async *count(to: number) {
    try {
      for (let i = 1; i <= to; i++) {
        await Promise.resolve();
        log.push(`step ${i}`);
        yield i;
      }
      return `counted ${to}`;
    } finally {
      log.push("cleaned up");
    }
  },
  async *fail(message: string): AsyncGenerator<never, never, void> {
    throw new TooFar(message);
  },
  async *bytes(length: number) {
    const buffer = new ArrayBuffer(length);
    yield 0;
    return transfer({ buffer }, [buffer]);
  },
  async *forever(_never: null): AsyncGenerator<number, never, void> {
    await new Promise(() => undefined);
    throw new Error("not reached");
  },
};

const ports: MessagePort[] = [];
function remote() {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  serve(port1, stages);
  const connected = connect<typeof stages>(port2);
  port1.start();
  port2.start();
  return connected;
}
afterEach(() => {
  log.length = 0;
  for (const port of ports.splice(0)) port.close();
});

test("yields every report and returns the output", async () => {
  const seen: number[] = [];
  expect(await finish(remote().count(3), (n) => seen.push(n))).toBe("counted 3");
  expect(seen).toEqual([1, 2, 3]);
  expect(log.at(-1)).toBe("cleaned up");
});

test("a pause is not asking: the far side does not run ahead", async () => {
  const counting = remote().count(100);
  await counting.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(log).toEqual(["step 1"]);
  await counting.return("");
});

test("break runs the finally blocks on the far side", async () => {
  for await (const n of remote().count(1000)) if (n === 2) break;
  expect(log).toEqual(["step 1", "step 2", "cleaned up"]);
});

test("rejects with the error thrown on the far side, still meant for the person", async () => {
  const error: unknown = await finish(remote().fail("too far")).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "TooFar", message: "too far" });
  expect(isUserError(error)).toBe(true);
});

test("a stage that failed can be stopped without a second error", async () => {
  const failing = remote().fail("x");
  await failing.next().catch(() => undefined);
  expect((await failing.return(undefined as never)).done).toBe(true);
});

test("moves transferred buffers", async () => {
  expect((await finish(remote().bytes(8))).buffer.byteLength).toBe(8);
});

test("runs two stages at once without mixing their reports", async () => {
  const { count } = remote();
  expect(await Promise.all([finish(count(5)), finish(count(7))])).toEqual(["counted 5", "counted 7"]);
});

test("an unknown stage is an error, not silence", async () => {
  const unknown = remote() as unknown as Record<string, (input: null) => AsyncGenerator>;
  await expect(unknown["nonsense"]?.(null).next()).rejects.toThrow("no stage is called nonsense");
});

test("a crashed worker rejects every waiting call and every later one", async () => {
  const listeners = new Map<string, (event: never) => void>();
  const dead: Port = {
    postMessage: () => undefined,
    addEventListener: (type: string, listener: (event: never) => void) => void listeners.set(type, listener),
  };
  const connected = connect<typeof stages>(dead);
  const waiting = [connected.forever(null).next(), connected.count(3).next()];
  listeners.get("error")?.(Object.assign(new Event("error"), { message: "out of memory" }) as never);
  for (const call of waiting) await expect(call).rejects.toThrow(WorkerCrashed);
  await expect(connected.count(1).next()).rejects.toThrow("out of memory");
});

test("an input that cannot be cloned rejects the call", async () => {
  const wrong = remote() as unknown as { count(input: () => void): AsyncGenerator };
  await expect(wrong.count(() => undefined).next()).rejects.toThrow(/clone/u);
});
