/** A language model's second look at negatives: one that answers its query is turned into an answer or left out. */
import type { Verdict } from "../domain/draft.ts";
import type { Completion, CompletionRequest } from "../domain/languageModel.ts";
import type { JudgeInput, JudgeReport } from "../domain/synthesis.ts";
import { ask, Losses, usualPatience } from "./ask.ts";
import { judgePrompt } from "./judgePrompt.ts";
import { inParallel, stoppable, type Desk } from "./queue.ts";
import { readJson } from "./readJson.ts";
import { judgeAnswers, judgeKeys, type JudgeAnswer } from "./schemas.ts";

type Item = JudgeInput["items"][number];

interface Shared {
  readonly input: JudgeInput;
  readonly desk: Desk<JudgeReport>;
  readonly losses: Losses;
}

/** The likeliest answer first; a judge that is to be asked again must be able to say something else. */
const temperatures = [0, 0.5];
const longestReason = 400;

const actions = { yes: "relabel", partly: "drop", no: "keep" } as const satisfies Record<
  JudgeAnswer,
  Verdict["action"]
>;

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

/** "Yes.", true and the like count as what they mean. */
function answerIn(value: unknown): JudgeAnswer | undefined {
  const answer = member(value, judgeKeys.answers);
  if (typeof answer === "boolean") return answer ? "yes" : "no";
  if (typeof answer !== "string") return undefined;
  const word = answer.toLowerCase().replaceAll(/[^\p{L}]/gu, "");
  return judgeAnswers.find((known) => known === word);
}

function verdictIn({ text, finish }: Completion, by: string): Verdict | undefined {
  const value = readJson(text, finish, (value) => answerIn(value) !== undefined)?.value;
  const answer = answerIn(value);
  if (answer === undefined) return undefined;
  const said = member(value, judgeKeys.reason);
  const words = typeof said === "string" ? said.replaceAll(/[\s\p{Cc}]+/gu, " ").trim() : "";
  const reason = `Answers the query: ${answer}.${words === "" ? "" : ` ${words}`}`;
  return { action: actions[answer], reason: reason.slice(0, longestReason).toWellFormed(), by };
}

function requestFor(item: Item, temperature: number, attempt: number): CompletionRequest {
  return {
    ...judgePrompt(item),
    maxTokens: 400,
    temperature,
    topP: 1,
    seed: attempt,
    about: { queryId: item.query.id, index: 0 },
  };
}

async function verdictOn(item: Item, { input, desk, losses }: Shared): Promise<Verdict> {
  const by = `judge ${input.model.info.id}`;
  let why = "";
  for (const [attempt, temperature] of temperatures.entries()) {
    const request = requestFor(item, temperature, attempt + 1);
    const asked = await ask(input.model, request, { ...usualPatience, signal: desk.signal });
    if (asked.kind === "failed") {
      const end = losses.failed(asked.why);
      if (end) throw end;
      why = asked.why;
      continue;
    }
    losses.answered();
    const verdict = verdictIn(asked.completion, by);
    if (verdict) return verdict;
    why = "Its answer could not be read.";
  }
  return { action: "keep", reason: `Kept unjudged: no verdict in ${temperatures.length} tries. ${why}`, by };
}

/**
 * In the order in which they are done. Errors: ProviderRefused, ModelFailed (no answers at all), and the signal's reason
 * after a stop.
 */
export function judge(input: JudgeInput): AsyncGenerator<JudgeReport, void, void> {
  return stoppable(input.signal, (signal) =>
    inParallel<readonly [number, Item], JudgeReport>({
      items: input.items.entries(),
      limit: input.model.info.concurrency,
      signal,
      lasting: () => true,
      workAt(desk) {
        const shared: Shared = { input, desk, losses: new Losses() };
        return async ([item, about]) => desk.give({ item, verdict: await verdictOn(about, shared) });
      },
    }),
  );
}
