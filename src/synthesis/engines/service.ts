/** The thread's side: engines that call back become stages that report. */
import { assert } from "../../base/assert.ts";
import type { Engine, EngineKind, GeneratorStages } from "./contract.ts";
import { errorOf } from "./errorOf.ts";

/** Tokens are counted far more often than anybody looks. */
const REPORT_EVERY = 200;

/** Runs `work` and yields the last of what it reported since; what came before it goes unsaid. */
export async function* latest<Report, Output>(
  work: (report: (value: Report) => void) => Promise<Output>,
): AsyncGenerator<Report, Output, void> {
  const desk: { news: Report[]; over: boolean; wake: () => void } = { news: [], over: false, wake: () => undefined };
  const over = () => {
    desk.over = true;
    desk.wake();
  };
  const working = work((value) => {
    desk.news = [value];
    desk.wake();
  });
  working.then(over, over);
  for (;;) {
    const [value] = desk.news.splice(0);
    if (value !== undefined) yield value;
    else if (desk.over) break;
    else await new Promise<void>((resolve) => (desk.wake = resolve));
  }
  try {
    return await working;
  } catch (thrown) {
    throw errorOf(thrown);
  }
}

/** Lets the first report through, and then one in each span of time. */
function throttled(report: (count: number) => void): (count: number) => void {
  let last = -Infinity;
  return (count) => {
    const now = performance.now();
    if (now - last < REPORT_EVERY) return;
    last = now;
    report(count);
  };
}

/** `engines` are fetched when a model of theirs is first loaded. */
export function createGenerator(engines: Readonly<Record<EngineKind, () => Promise<Engine>>>): GeneratorStages {
  let engine: Engine | undefined;
  return {
    load: (input) =>
      latest(async (report) => {
        engine = await engines[input.engine]();
        return engine.load(input, report);
      }),
    complete: (request) =>
      latest((report) => {
        assert(engine, "no model was loaded");
        return engine.complete(request, throttled(report));
      }),
    async *interrupt() {
      engine?.interrupt();
    },
    unload: () => latest(async () => engine?.unload()),
  };
}
