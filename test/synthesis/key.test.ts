import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../src/domain/languageModel.ts";
import { draftKey } from "../../src/synthesis/key.ts";

const text: JsonSchema = { type: "string", maxLength: 10 };
const schema = (...keys: string[]): JsonSchema => ({
  type: "object",
  properties: Object.fromEntries(keys.map((key) => [key, text])),
  required: keys,
  additionalProperties: false,
});
const request = {
  queryId: "q1",
  prompt: {
    messages: [
      { role: "system" as const, content: "Write." },
      { role: "user" as const, content: "Größe" },
    ],
    schema: schema("a", "b"),
  },
  model: "m",
  seed: 7,
};

describe("the key of a draft", () => {
  it("is the SHA-256 of the request's texts, each after its length in bytes", () => {
    const texts = ["q1", "system", "Write.", "user", "Größe", JSON.stringify(request.prompt.schema), "m", "7"];
    const written = texts.map((text) => `${Buffer.byteLength(text)}:${text}`).join("");
    expect(draftKey(request)).toBe(createHash("sha256").update(written).digest("hex"));
  });

  it("differs when anything in the request differs, the order of the schema's keys included", () => {
    const { prompt } = request;
    const messages = (content: string) => [{ role: "system" as const, content }, ...prompt.messages.slice(1)];
    const others = [
      { ...request, queryId: "q2" },
      { ...request, model: "n" },
      { ...request, seed: 8 },
      { ...request, prompt: { ...prompt, messages: messages("Write!") } },
      { ...request, prompt: { ...prompt, messages: prompt.messages.toReversed() } },
      { ...request, prompt: { ...prompt, schema: schema("b", "a") } },
      { ...request, prompt: { ...prompt, schema: schema("a") } },
      // The same letters, parted elsewhere.
      { ...request, model: "m7", seed: 0 },
      { ...request, queryId: "q1system" },
    ];
    const keys = [request, ...others].map(draftKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
