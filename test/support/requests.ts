/** Requests to language models, for tests. */
import type { CompletionRequest } from "../../src/domain/languageModel.ts";

export const request = (changes: Partial<CompletionRequest> = {}): CompletionRequest => ({
  messages: [
    { role: "system", content: "You write passages." },
    { role: "user", content: "Write one." },
  ],
  schema: undefined,
  maxTokens: 100,
  temperature: 0.7,
  topP: 0.95,
  seed: 7,
  about: { queryId: "q1", index: 0 },
  ...changes,
});

export const schema = {
  type: "object",
  properties: { passage: { type: "string", maxLength: 200 } },
  required: ["passage"],
  additionalProperties: false,
} as const;

/** Never stopped. */
export const unstopped = () => new AbortController().signal;
export const patiently = { signal: unstopped(), stallAfter: 5000 };

/** What a promise rejects with. */
export const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => error,
  );
