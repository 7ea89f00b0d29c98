import { describe, expect, it } from "vitest";
import { domainPrompt } from "../../src/synthesis/domainPrompt.ts";
import { judgePrompt } from "../../src/synthesis/judgePrompt.ts";
import { queryPrompt } from "../../src/synthesis/queryPrompt.ts";
import { doc, topic, system, dataOf, keysOf } from "./asked.ts";

describe("the other prompts", () => {
  it("shows the judge query, known answer and passage, and asks for the reason before the verdict", () => {
    const prompt = judgePrompt({ query: topic.query, positive: topic.positive, passage: { title: "", text: "P." } });
    expect(keysOf(prompt)).toEqual(["reason", "answers"]);
    expect(dataOf(prompt)).toEqual({
      user_query: topic.query.text,
      positive_title: topic.positive.title,
      positive_document: topic.positive.text,
      passage: "P.",
    });
    const answers = prompt.schema.type === "object" ? prompt.schema.properties["answers"] : undefined;
    expect(answers).toMatchObject({ enum: ["yes", "partly", "no"] });
  });

  it("asks for exactly so many queries", () => {
    const { schema } = queryPrompt(topic.positive, 4);
    const queries = schema.type === "object" ? schema.properties["queries"] : undefined;
    expect(queries).toMatchObject({ minItems: 4, maxItems: 4 });
    expect(system(queryPrompt(topic.positive, 4))).toContain("4 different queries");
  });

  it("shows an even sample of a collection and asks for up to twelve domains", () => {
    const many = Array.from({ length: 240 }, (_, i) => doc(`d${i}`, `T${i}`, "text ".repeat(500)));
    const documents = dataOf(domainPrompt(many))["documents"] as string[];
    expect(documents.map((text) => Number(text.slice(1, text.indexOf(":"))))).toEqual(
      Array.from({ length: 24 }, (_, i) => 10 * i),
    );
    expect(documents.join("").length).toBeLessThan(24 * 340);
  });
});
