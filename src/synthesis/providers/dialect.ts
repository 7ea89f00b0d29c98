/** What an endpoint that calls itself OpenAI-compatible understands, found out by being refused. */
import type { CompletionRequest } from "../../domain/languageModel.ts";

const formats = ["json_schema", "json_object", "none"] as const;
const optional = ["seed", "stream_options", "top_p", "temperature"] as const;

export interface Dialect {
  /** How the form of the answer is asked for: the strictest that was not refused. */
  readonly format: (typeof formats)[number];
  readonly limit: "max_tokens" | "max_completion_tokens";
  readonly without: readonly (typeof optional)[number][];
}

export const fullDialect: Dialect = { format: "json_schema", limit: "max_tokens", without: [] };

function formatOf({ schema }: CompletionRequest, { format }: Dialect): object {
  if (!schema || format === "none") return {};
  if (format === "json_object") return { response_format: { type: "json_object" } };
  return { response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } } };
}

export function bodyOf(request: CompletionRequest, model: string, dialect: Dialect): Record<string, unknown> {
  const { messages, maxTokens, temperature, topP, seed } = request;
  const body: Record<string, unknown> = {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    [dialect.limit]: maxTokens,
    temperature,
    top_p: topP,
    seed,
    ...formatOf(request, dialect),
  };
  for (const key of dialect.without) delete body[key];
  return body;
}

/** The dialect without what this refusal is about; undefined if it is about something else. Each step goes one way only. */
export function withoutRefused(dialect: Dialect, refusal: string, request: CompletionRequest): Dialect | undefined {
  if (/max_completion_tokens/u.test(refusal) && dialect.limit === "max_tokens") {
    return { ...dialect, limit: "max_completion_tokens" };
  }
  if (/response_format|json_schema|json_object|grammar|schema/iu.test(refusal) && request.schema) {
    const format = formats[formats.indexOf(dialect.format) + 1];
    if (format) return { ...dialect, format };
  }
  const refused = optional.find((key) => refusal.includes(key) && !dialect.without.includes(key));
  return refused && { ...dialect, without: [...dialect.without, refused] };
}
