/** What the tests of the prompts share: one topic, a recipe, and ways to read a request. */
import { present } from "../../src/base/assert.ts";
import type { Document } from "../../src/domain/collection.ts";
import { parseGeneration, type GenerationInput } from "../../src/domain/generation.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import type { ChatMessage, JsonSchema } from "../../src/domain/languageModel.ts";
import type { Topic } from "../../src/domain/synthesis.ts";
import { presets } from "../../src/synthesis/presets.ts";

export const doc = (id: string, title: string, text: string): Document => ({ id: documentId(id), title, text });
export const topic: Topic = {
  query: { id: queryId("q1"), text: "Does aspirin lower the risk of stroke?" },
  positive: doc("d1", "Aspirin and stroke", "In a trial of 4,000 adults, aspirin halved the risk of stroke."),
  found: [doc("d2", "", "Aspirin is made from salicylic acid."), doc("d3", "Warfarin", "Warfarin thins the blood.")],
};
export const first = { index: 0, attempt: 1 };
const scifact = present(
  presets.find(({ name }) => name === "scifact"),
  "scifact",
);
export const lists = { domains: [...scifact.domains], levels: [...scifact.levels], lengths: [...scifact.lengths] };
export const recipe = (input: GenerationInput = {}) => parseGeneration({ ...lists, ...input });

export interface Asked {
  readonly messages: readonly ChatMessage[];
  readonly schema: JsonSchema;
}
export const contentOf = ({ messages }: Asked, role: string) =>
  present(
    messages.find((message) => message.role === role),
    role,
  ).content;
export const system = (asked: Asked) => contentOf(asked, "system");
/** The user message holds one JSON object, and no brace outside of it. */
export function dataOf(asked: Asked): Record<string, unknown> {
  const content = contentOf(asked, "user");
  return JSON.parse(content.slice(content.indexOf("{"), content.lastIndexOf("}") + 1)) as Record<string, unknown>;
}
export const keysOf = ({ schema }: Asked) => (schema.type === "object" ? Object.keys(schema.properties) : []);

/** Every string, array and object below a schema. */
export function all(schema: JsonSchema): JsonSchema[] {
  if (schema.type === "object") return [schema, ...Object.values(schema.properties).flatMap(all)];
  return schema.type === "array" ? [schema, ...all(schema.items)] : [schema];
}
