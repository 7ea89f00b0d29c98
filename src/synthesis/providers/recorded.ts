/** Answers that came with a collection, given back as a model would have written them. */
import type { LanguageModel } from "../../domain/languageModel.ts";
import { ModelFailed } from "../../domain/languageModel.ts";
import type { WrittenNegative } from "../../domain/negative.ts";
import { answerKeys } from "../schemas.ts";
import { abortError } from "./abort.ts";
import { estimatedTokens } from "./worker.ts";

/** In the order of the schema: reflection first. */
function answerOf({ title, text, reasoning }: WrittenNegative): string {
  return JSON.stringify({
    ...(reasoning && {
      [answerKeys.positive]: reasoning.positive,
      [answerKeys.shares]: reasoning.shares,
      [answerKeys.lacks]: reasoning.lacks,
    }),
    ...(title !== "" && { [answerKeys.title]: title }),
    [answerKeys.passage]: text,
  });
}

/** The `index`-th negative of a query, counted in the order in which they are given. */
export function openRecorded(recorded: readonly WrittenNegative[]): LanguageModel {
  const byQuery = new Map<string, WrittenNegative[]>();
  for (const negative of recorded) {
    const found = byQuery.get(negative.queryId);
    if (found) found.push(negative);
    else byQuery.set(negative.queryId, [negative]);
  }
  let closed = false;
  return {
    info: {
      provider: "recorded",
      id: "recorded",
      context: undefined,
      reproducible: true,
      leavesTab: false,
      concurrency: 4,
    },
    async complete({ about, messages }, { signal, onTokens }) {
      if (closed) throw abortError("The language model was closed.");
      if (signal.aborted) throw abortError("The request was stopped.");
      const negatives = byQuery.get(about.queryId) ?? [];
      const negative = negatives[about.index];
      if (!negative) {
        throw new ModelFailed(
          `The collection has no recorded answer ${about.index + 1} for query ${about.queryId}; it has ${negatives.length}. Ask for fewer negatives a query, or choose a model.`,
        );
      }
      const text = answerOf(negative);
      const completionTokens = estimatedTokens(text);
      onTokens?.(completionTokens);
      const promptTokens = estimatedTokens(messages.map(({ content }) => content).join("\n"));
      return { text, finish: "stop", promptTokens, completionTokens, counted: false };
    },
    async close() {
      closed = true;
    },
  };
}
