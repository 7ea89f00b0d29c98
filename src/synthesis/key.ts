import { digestOfTexts } from "../base/digest.ts";
import type { Prompt } from "../domain/synthesis.ts";

/**
 * SHA-256 over the query, the messages, the schema, the model and the seed: what is the same here need not be asked twice.
 * The schema goes in as it is written, for the order of its keys is part of the request.
 */
export function draftKey(request: {
  readonly queryId: string;
  readonly prompt: Pick<Prompt, "messages" | "schema">;
  readonly model: string;
  readonly seed: number;
}): string {
  const { queryId, prompt, model, seed } = request;
  return digestOfTexts([
    queryId,
    ...prompt.messages.flatMap(({ role, content }) => [role, content]),
    JSON.stringify(prompt.schema),
    model,
    String(seed),
  ]);
}
