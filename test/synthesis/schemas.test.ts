import { describe, expect, it } from "vitest";
import { boundaryPrompt, editPrompt } from "../../src/synthesis/causalneg.ts";
import { domainPrompt } from "../../src/synthesis/domainPrompt.ts";
import { judgePrompt } from "../../src/synthesis/judgePrompt.ts";
import { excerpt } from "../../src/synthesis/parts.ts";
import { promptFor } from "../../src/synthesis/prompt.ts";
import { queryPrompt } from "../../src/synthesis/queryPrompt.ts";
import { answerLengths, charactersPerToken } from "../../src/synthesis/schemas.ts";
import { doc, topic, first, recipe, type Asked, system, dataOf, all } from "./asked.ts";

describe("bounds", () => {
  const shown = (length: number, letter = "word ") => ({ title: "t", text: letter.repeat(length).slice(0, length) });

  it("gives the passage 1.3 times a long positive where there are tokens for it", () => {
    expect(answerLengths(shown(1500), { reflection: true, maxTokens: 900 }).passage).toBe(1950);
    expect(answerLengths(shown(6000), { reflection: false, maxTokens: 4000 }).passage).toBe(7800);
    expect(answerLengths(shown(20), { reflection: true, maxTokens: 900 }).passage).toBe(240);
  });

  it.each([200, 400, 900, 3000])("fits all parts of an answer into %i tokens", (maxTokens) => {
    for (const reflection of [true, false]) {
      for (const positive of [shown(10), shown(1500), shown(9000), shown(1500, "語"), shown(1500, "слово ")]) {
        const { note, draft, title, passage } = answerLengths(positive, { reflection, maxTokens });
        const characters = (reflection ? 4 * note + draft : 0) + title + passage;
        const keys = reflection ? 7 : 2;
        expect(characters / charactersPerToken(positive.text)).toBeLessThanOrEqual(maxTokens - 10 * keys);
        expect(passage).toBeGreaterThanOrEqual(Math.min(1.3 * positive.text.length, 0.35 * maxTokens));
      }
    }
  });

  it.each([200, 900])("fits an analysis of an answer's boundary into %i tokens", (maxTokens) => {
    const { schema } = boundaryPrompt(topic, recipe({ maxTokens }), first);
    const strings = all(schema).filter((part) => part.type === "string" && !part.enum);
    const [sentence = 0, , , change = 0] = strings.map((part) => (part.type === "string" ? part.maxLength : 0));
    // Three sentences, four changes, and beside them keys, punctuation and names of strategies: 13 times 10 tokens.
    expect((3 * sentence + 4 * change) / 4).toBeLessThanOrEqual(maxTokens - 130);
    expect(strings).toHaveLength(4);
  });

  it("bounds every string and list, and requires every key in its order", () => {
    const asked: Asked[] = [
      promptFor(topic, recipe({ maxTokens: 32 }), first),
      promptFor(topic, recipe({ maxTokens: 8192, reflection: false }), first),
      boundaryPrompt(topic, recipe(), first),
      boundaryPrompt(topic, recipe({ maxTokens: 32 }), first),
      boundaryPrompt(topic, recipe({ maxTokens: 200 }), first),
      editPrompt(topic, recipe(), first, {}),
      judgePrompt({ query: topic.query, positive: topic.positive, passage: topic.positive }),
      queryPrompt(topic.positive, 3),
      domainPrompt(topic.found),
    ];
    for (const schema of asked.flatMap(({ schema }) => all(schema))) {
      if (schema.type === "string") expect(schema.maxLength).toBeGreaterThan(0);
      if (schema.type === "array") expect(schema.maxItems).toBeGreaterThan(0);
      if (schema.type === "object") expect(schema.required).toEqual(Object.keys(schema.properties));
      for (const number of Object.values(schema)) if (typeof number === "number") expect(number % 1).toBe(0);
    }
  });

  it("shows the start of a text that is too long, cut between words and never within a character", () => {
    const prompt = promptFor({ ...topic, positive: doc("d", "t", "seven letters ".repeat(5000)) }, recipe(), first);
    const text = String(dataOf(prompt)["positive_document"]);
    expect(text).toMatch(/^(seven letters )+(seven )?…$/);
    expect(text.length).toBeGreaterThan(5900);
    expect(text.length).toBeLessThanOrEqual(6002);
    const emoji = excerpt(`a${"😀".repeat(50)}`, 5);
    expect(emoji).toMatch(/^a(😀)+ …$/u);
    expect(excerpt("short", 5)).toBe("short");
  });

  it("limits a passage in characters where words are not parted", () => {
    const japanese = doc("d", "", "短い文章です。".repeat(40));
    expect(system(promptFor({ ...topic, positive: japanese }, recipe(), first))).toMatch(/\d0 characters at the most/);
    expect(system(promptFor(topic, recipe(), first))).toMatch(/\d0 words at the most/);
  });
});
