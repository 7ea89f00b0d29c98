/**
 * WebLLM's engine by script, with the habits that the real one (0.2.79 to 0.2.86) was seen to have, behind a port as if in
 * a thread. What an ended thread had promised never settles.
 */
import { serve, type Port } from "../../src/base/channel.ts";
import { createGenerator } from "../../src/synthesis/engines/service.ts";
import { createWebLlmEngine, type MlcEngine } from "../../src/synthesis/engines/webllm.ts";
import type { Thread } from "../../src/synthesis/providers/worker.ts";

type Request = Parameters<MlcEngine["chat"]["completions"]["create"]>[0];
type Chunks = Awaited<ReturnType<MlcEngine["chat"]["completions"]["create"]>>;
type Chunk = Chunks extends AsyncIterable<infer T> ? T : never;

export type Answer =
  /** One token a turn of the event loop, or each so many milliseconds. */
  | { readonly kind: "writes"; readonly words: readonly string[]; readonly finish?: string; readonly pace?: number }
  /** Writes for ever and hears no interrupt. */
  | { readonly kind: "deaf" }
  /** So many tokens and then nothing more. */
  | { readonly kind: "stalls"; readonly after: number }
  | { readonly kind: "throws"; readonly thrown: unknown }
  /** Without a count at the end. */
  | { readonly kind: "uncounted"; readonly words: readonly string[] };

export type Load =
  /** `pace`: milliseconds between its reports. */
  | { readonly kind: "loads"; readonly pace?: number }
  | { readonly kind: "throws"; readonly thrown: unknown }
  | { readonly kind: "stalls" };

export interface Script {
  readonly loads?: readonly Load[];
  readonly answers?: readonly Answer[];
  /** Turns of the event loop before an answer begins; then the engine forgets what interrupts came before. */
  readonly lateStart?: number;
  /** As 0.2.79: the answer after an interrupted one comes back empty. */
  readonly staleInterrupt?: boolean;
  /** The last, for every load and answer that the lists do not name. */
  readonly otherwise?: Answer;
}

/** What happened to the scripted engines, over all threads. */
export interface Log {
  started: number;
  ended: number;
  interrupts: number;
  unloads: number;
  forgotten: string[];
  requests: Request[];
}

const turn = (pace?: number) =>
  new Promise<void>((resolve) => {
    if (pace === undefined) setImmediate(resolve);
    else setTimeout(resolve, pace);
  });
const never = new Promise<never>(() => undefined);

const finishing = (reason: string): Chunk => ({ choices: [{ delta: {}, finish_reason: reason }] });

const REPORTS = [
  { progress: 0, text: "Start to fetch params" },
  {
    progress: 0.25,
    text: "Fetching param cache[1/4]: 25MB fetched. 25% completed, 1 secs elapsed. It can take a while.",
  },
  { progress: 1, text: "Loading model from cache[4/4]: 100MB loaded. 100% completed, 2 secs elapsed." },
  { progress: 0.5, text: "Loading GPU shader modules[40/80]: 50% completed, 2 secs elapsed." },
  { progress: 1, text: "Finish loading on WebGPU - scripted" },
];

/** What is left of the script; all threads take from the same lists. */
interface Left {
  readonly loads: Load[];
  readonly answers: Answer[];
  readonly otherwise: Answer;
  readonly lateStart: number;
  readonly staleInterrupt: boolean;
}

class ScriptedEngine implements MlcEngine {
  readonly #script: Left;
  readonly #log: Log;
  #report: Parameters<MlcEngine["setInitProgressCallback"]>[0] = () => undefined;
  #interrupted = false;
  #stale = false;
  #unloaded = false;
  #locked = false;

  constructor(script: Left, log: Log) {
    this.#script = script;
    this.#log = log;
  }

  setInitProgressCallback(callback: Parameters<MlcEngine["setInitProgressCallback"]>[0]): void {
    this.#report = callback;
  }

  async reload(): Promise<void> {
    const load = this.#script.loads.shift() ?? { kind: "loads" };
    const pace = load.kind === "loads" ? load.pace : undefined;
    for (const report of REPORTS.slice(0, 2)) {
      this.#report(report);
      await turn(pace);
    }
    if (load.kind === "throws") throw load.thrown;
    if (load.kind === "stalls") await never;
    for (const report of REPORTS.slice(2)) {
      this.#report(report);
      await turn(pace);
    }
  }

  async unload(): Promise<void> {
    this.#log.unloads++;
    this.#unloaded = true;
    await turn();
  }

  interruptGenerate(): void {
    this.#log.interrupts++;
    this.#interrupted = true;
    if (this.#script.staleInterrupt) this.#stale = true;
  }

  readonly chat = {
    completions: {
      create: async (request: Request): Promise<Chunks> => {
        this.#log.requests.push(request);
        if (this.#unloaded) throw "WorkerEngineModelNotLoadedError: not loaded";
        return this.#stream(this.#script.answers.shift() ?? this.#script.otherwise);
      },
    },
  };

  /** Left early, the stream keeps the model locked: the next one never begins. */
  async *#stream(answer: Answer): AsyncGenerator<Chunk, void, void> {
    if (this.#locked) await never;
    this.#locked = true;
    for (let i = 0; i <= this.#script.lateStart; i++) await turn();
    this.#interrupted = false;
    if (this.#stale && this.#log.requests.length > 1) {
      this.#stale = false;
      this.#locked = false;
      yield finishing("abort");
      this.#script.answers.unshift(answer);
      return;
    }
    if (answer.kind === "throws") {
      this.#locked = false;
      throw answer.thrown;
    }
    yield* answer.kind === "deaf" ? this.#deaf() : this.#tokens(answer);
    this.#locked = false;
  }

  async *#tokens(answer: Exclude<Answer, { kind: "throws" | "deaf" }>): AsyncGenerator<Chunk, void, void> {
    const words = answer.kind === "stalls" ? Array.from({ length: answer.after }, () => "word ") : answer.words;
    for (const word of words) {
      await turn(answer.kind === "writes" ? answer.pace : undefined);
      // What the real engine rejects with when it is unloaded in mid-answer.
      if (this.#unloaded) throw { name: "BindingError", code: 7 };
      if (this.#interrupted) {
        yield finishing("abort");
        return;
      }
      yield { choices: [{ delta: { content: word }, finish_reason: null }] };
    }
    if (answer.kind === "stalls") await never;
    yield finishing(answer.kind === "writes" ? (answer.finish ?? "stop") : "stop");
    if (answer.kind === "writes") yield { choices: [], usage: { prompt_tokens: 11, completion_tokens: words.length } };
  }

  /** Goes on for ever, whatever it is told. */
  async *#deaf(): AsyncGenerator<Chunk, void, void> {
    for (;;) {
      await turn();
      yield { choices: [{ delta: { content: "more " }, finish_reason: null }] };
    }
  }
}

/** A thread that can be made to crash. */
interface ScriptedThread extends Thread {
  crash(message: string): void;
}

const open: MessagePort[] = [];

/** Call after each test: open ports keep the process alive. */
export function closePorts(): void {
  for (const port of open.splice(0)) port.close();
}

/** Threads that all follow one script, one after the other. */
export function scriptedThreads(script: Script) {
  const log: Log = { started: 0, ended: 0, interrupts: 0, unloads: 0, forgotten: [], requests: [] };
  const left: Left = {
    loads: [...(script.loads ?? [])],
    answers: [...(script.answers ?? [])],
    otherwise: script.otherwise ?? { kind: "writes", words: ["fine"] },
    lateStart: script.lateStart ?? 0,
    staleInterrupt: script.staleInterrupt ?? false,
  };
  const threads: ScriptedThread[] = [];

  function startWorker(): ScriptedThread {
    log.started++;
    const { port1, port2 } = new MessageChannel();
    open.push(port1, port2);
    const library = {
      create: () => new ScriptedEngine(left, log),
      contextOf: () => 4096,
      forget: async (model: string, part: string) => void log.forgotten.push(`${part} of ${model}`),
    };
    const unused = () => Promise.reject(new Error("not scripted"));
    serve(port1, createGenerator({ webllm: async () => createWebLlmEngine(library), transformers: unused }));
    port1.start();
    port2.start();
    const failures: ((event: Event) => void)[] = [];
    const port: Port = {
      postMessage: (message, transfer) => port2.postMessage(message, transfer),
      addEventListener: (type: string, listener: (event: never) => void) => {
        if (type === "error") failures.push(listener as (event: Event) => void);
        else port2.addEventListener(type, listener as EventListener);
      },
    };
    const thread: ScriptedThread = {
      port,
      terminate() {
        log.ended++;
        port1.close();
        port2.close();
      },
      crash(message) {
        port1.close();
        for (const fail of failures) fail(Object.assign(new Event("error"), { message }));
      },
    };
    threads.push(thread);
    return thread;
  }
  return { startWorker, log, threads };
}
