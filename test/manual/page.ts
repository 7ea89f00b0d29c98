/** The checks of index.html: what the scripted engines of the tests stand for, on the real ones. */
import { present } from "../../src/base/assert.ts";
import type { CompletionRequest, LanguageModel, ModelChoice } from "../../src/domain/languageModel.ts";
import { promptApiOf } from "../../src/synthesis/providers/browser.ts";
import { modelsHere } from "../../src/synthesis/providers/catalogue.ts";
import { readDevice } from "../../src/synthesis/providers/device.ts";
import { openModel } from "../../src/synthesis/providers/open.ts";

const element = <T extends HTMLElement>(id: string, kind: new () => T): T => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id}`);
  return found;
};
const report = element("report", HTMLPreElement);
const choice = element("model", HTMLSelectElement);
const print = (line: string) => report.append(`${line}\n`);

const threads = { started: 0, ended: 0 };
function startWorker() {
  threads.started++;
  const worker = new Worker(new URL("../../workers/generator.ts", import.meta.url), { type: "module" });
  const terminate = () => {
    threads.ended++;
    worker.terminate();
  };
  return { port: worker, terminate };
}

const schema = {
  type: "object",
  properties: {
    reason: { type: "string", maxLength: 200 },
    passage: { type: "string", maxLength: 600 },
  },
  required: ["reason", "passage"],
  additionalProperties: false,
} as const;

const ask = (changes: Partial<CompletionRequest> = {}): CompletionRequest => ({
  messages: [
    { role: "system", content: "You write short passages for a search engine's training. Answer in JSON." },
    { role: "user", content: "Query: what do bees eat? Write a passage that looks like an answer and is none." },
  ],
  schema,
  maxTokens: 400,
  temperature: 0.7,
  topP: 0.95,
  seed: 1,
  about: { queryId: "q", index: 0 },
  ...changes,
});

interface Bench {
  readonly model: LanguageModel;
  readonly signal: AbortSignal;
  readonly soak: number;
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const checks: Readonly<Record<string, (bench: Bench) => Promise<string>>> = {
  async "an answer in the form that was asked for"({ model, signal }) {
    const started = performance.now();
    const answer = await model.complete(ask(), { signal, stallAfter: 120_000 });
    const seconds = (performance.now() - started) / 1000;
    if (model.info.provider === "webllm") JSON.parse(answer.text);
    return `${answer.finish}, ${answer.completionTokens} tokens in ${seconds.toFixed(1)} s: ${answer.text.slice(0, 120)}`;
  },
  async "the same seed, the same answer; another, another"({ model, signal }) {
    const write = async (seed: number) => (await model.complete(ask({ seed }), { signal, stallAfter: 120_000 })).text;
    const [first, same, other] = [await write(5), await write(5), await write(6)];
    expect(!model.info.reproducible || first === same, "the same seed gave two answers");
    expect(first !== other, "two seeds gave one answer");
    return "held";
  },
  async "an abort in mid-answer, and the next request"({ model, signal }) {
    const stop = new AbortController();
    const before = threads.started;
    const options = {
      signal: stop.signal,
      stallAfter: 120_000,
      onTokens: (count: number) => count > 4 && stop.abort(),
    };
    const name = await failure(model.complete(ask({ schema: undefined, maxTokens: 2000 }), options));
    expect(name === "AbortError", name);
    const started = performance.now();
    await model.complete(ask({ maxTokens: 40 }), { signal, stallAfter: 120_000 });
    return `${threads.started - before} new threads, ${Math.round(performance.now() - started)} ms`;
  },
  async "a stall, and the model loaded again"({ model, signal }) {
    expect((await failure(model.complete(ask(), { signal, stallAfter: 1 }))) === "ModelStalled", "no stall");
    const started = performance.now();
    await model.complete(ask({ maxTokens: 40 }), { signal, stallAfter: 120_000 });
    return `${Math.round(performance.now() - started)} ms`;
  },
  async "a prompt that is too long"({ model, signal }) {
    const messages = [{ role: "user", content: "bees ".repeat(3 * (model.info.context ?? 4096)) }] as const;
    const name = await failure(model.complete(ask({ messages }), { signal, stallAfter: 300_000 }));
    expect(name === "ModelFailed", name);
    return name;
  },
  async "prompts of many different lengths"({ model, signal, soak }) {
    const started = performance.now();
    let tokens = 0;
    for (let i = 0; i < soak; i++) {
      const messages = [{ role: "user", content: `Say yes. ${"bee ".repeat(i)}` }] as const;
      const answer = await model.complete(ask({ messages, maxTokens: 32, seed: i }), { signal, stallAfter: 120_000 });
      tokens += answer.completionTokens;
      if (i % 25 === 24) print(`    ${i + 1} of ${soak}`);
    }
    return `${soak} requests, ${(tokens / ((performance.now() - started) / 1000)).toFixed(1)} tokens/s, threads ${JSON.stringify(threads)}`;
  },
};

async function run(chosen: ModelChoice, signal: AbortSignal): Promise<void> {
  const { provider, id } = chosen;
  const settings = provider === "webllm" || provider === "transformers" ? { provider, model: id } : undefined;
  const progress = ({ done, total, words }: { done: number; total: number; words: string }) =>
    (document.title = `${Math.round((100 * done) / total)} % ${words}`);
  const host = { startWorker, fetch: globalThis.fetch.bind(globalThis), promptApi: promptApiOf(globalThis) };
  const opening = performance.now();
  const model = await openModel(settings ?? { provider: "browser" }, [], { signal, progress }, host);
  print(`opened in ${((performance.now() - opening) / 1000).toFixed(1)} s: ${JSON.stringify(model.info)}`);
  try {
    for (const [name, check] of Object.entries(checks)) {
      signal.throwIfAborted();
      const soak = element("soak", HTMLInputElement).valueAsNumber;
      const outcome = check({ model, signal, soak }).then(
        (words) => `ok     ${name}: ${words}`,
        (error: unknown) => `WRONG  ${name}: ${String(error)}`,
      );
      print(await outcome);
    }
  } finally {
    await model.close();
    print(`closed; threads ${JSON.stringify(threads)}`);
  }
}

const promptApi = promptApiOf(globalThis);
const device = await readDevice(globalThis, await promptApi?.availability());
print(`${navigator.userAgent}\n${JSON.stringify(device)}`);
const models = (["webllm", "transformers", "browser"] as const).flatMap((provider) => modelsHere(provider, device));
for (const { provider, name, id, downloadBytes, runs } of models) {
  const size = downloadBytes === undefined ? "" : `, about ${Math.round(downloadBytes / 1e6)} MB`;
  const option = new Option(`${provider}: ${name}${size}${runs.here ? "" : ` (${runs.why})`}`, `${provider} ${id}`);
  option.disabled = !runs.here;
  choice.append(option);
}

let stop = new AbortController();
element("stop", HTMLButtonElement).addEventListener("click", () => stop.abort());
element("run", HTMLButtonElement).addEventListener("click", () => {
  stop = new AbortController();
  const chosen = present(models[choice.selectedIndex], "a model");
  run(chosen, stop.signal).catch((error: unknown) => print(`WRONG  ${String(error)}`));
});
