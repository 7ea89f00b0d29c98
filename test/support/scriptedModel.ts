/** A language model that follows a script, and counts what is asked of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { random } from "../../src/base/random.ts";
import type {
  Completion,
  CompletionOptions,
  CompletionRequest,
  LanguageModel,
  LanguageModelInfo,
} from "../../src/domain/languageModel.ts";
import { ModelFailed } from "../../src/domain/languageModel.ts";
import { answerKeys } from "../../src/synthesis/schemas.ts";

/**
 * A text stops by itself; an error is thrown; "hang" never ends and gives no token; "slow" gives a token each five
 * milliseconds and never ends; "deaf" hangs and does not hear an abort either.
 */
export type Line = string | (Pick<Completion, "text" | "finish"> & Partial<Completion>) | Error;

/** A list is read line by line, its last line again and again. */
export type Script = readonly Line[] | ((request: CompletionRequest, call: number) => Line | Promise<Line>);

export interface ScriptedModel extends LanguageModel {
  /** In the order in which they were asked. */
  readonly requests: CompletionRequest[];
  /** Most requests under way at once so far, and now. */
  readonly most: () => number;
  readonly underWay: () => number;
  readonly closed: () => boolean;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new DOMException("The request was aborted.", "AbortError"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

async function slowly({ signal, onTokens }: CompletionOptions): Promise<never> {
  for (let count = 1; ; count++) {
    await sleep(5, undefined, { signal });
    onTokens?.(count);
  }
}

const answer = (text: string): Completion => ({
  text,
  finish: "stop",
  promptTokens: 100,
  completionTokens: Math.ceil(text.length / 4),
  counted: true,
});

/** `latency`: milliseconds before each answer; 0 answers in the next microtask. */
export function scriptedModel(
  script: Script,
  { latency = 0, ...info }: Partial<LanguageModelInfo> & { readonly latency?: number } = {},
): ScriptedModel {
  const requests: CompletionRequest[] = [];
  let [underWay, most, closed] = [0, 0, false];

  async function follow(request: CompletionRequest, options: CompletionOptions): Promise<Completion> {
    const call = requests.length;
    requests.push(request);
    if (latency > 0) await sleep(latency, undefined, { signal: options.signal });
    const line = typeof script === "function" ? await script(request, call) : script[Math.min(call, script.length - 1)];
    if (line === undefined) throw new Error("the script has no lines");
    if (line instanceof Error) throw line;
    if (line === "hang") return aborted(options.signal);
    if (line === "deaf") return new Promise(() => undefined);
    if (line === "slow") return slowly(options);
    const completion = typeof line === "string" ? answer(line) : { ...answer(line.text), ...line };
    options.onTokens?.(completion.completionTokens);
    return completion;
  }

  return {
    info: {
      provider: "recorded",
      id: "scripted",
      context: undefined,
      reproducible: true,
      leavesTab: false,
      concurrency: 1,
      ...info,
    },
    requests,
    most: () => most,
    underWay: () => underWay,
    closed: () => closed,
    async complete(request, options) {
      if (closed) throw new ModelFailed("The model was closed.");
      options.signal.throwIfAborted();
      most = Math.max(most, ++underWay);
      try {
        return await follow(request, options);
      } finally {
        underWay--;
      }
    },
    async close() {
      closed = true;
    },
  };
}

const syllables = ["ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "da", "fe", "gi", "ho", "pu"];

/** About forty words that pass for English; two different numbers give two passages with hardly a word in common. */
export function passage(number: number): string {
  const source = random(number, "passage");
  const word = () => Array.from({ length: 3 }, () => syllables[source.integer(syllables.length)]).join("");
  return (
    `The ${word()} of the ${word()} was seen in a ${word()} that had been ${word()} by it, and the ${word()} from ` +
    `${word()} is not to be ${word()} with the ${word()}. In ${word()} they were ${word()} for a ${word()}, which has ` +
    `its ${word()} at the ${word()}.`
  );
}

/** A whole answer as the recipes ask for it. */
export function answerJson(text: string, title = ""): string {
  return JSON.stringify({
    [answerKeys.positive]: "It names the cause.",
    [answerKeys.shares]: "The place and the people.",
    [answerKeys.lacks]: "It does not name the cause.",
    [answerKeys.draft]: "A first draft.",
    [answerKeys.critique]: "Nothing in it answers.",
    ...(title !== "" && { [answerKeys.title]: title }),
    [answerKeys.passage]: text,
  });
}

/** Writes a new passage for each seed. */
export const goodAnswer = ({ seed }: CompletionRequest): string => answerJson(passage(seed));
