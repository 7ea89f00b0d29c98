import { describe, expect, it } from "vitest";
import { present } from "../../src/base/assert.ts";
import type { GenerationInput } from "../../src/domain/generation.ts";
import { boundaryPrompt, editPrompt } from "../../src/synthesis/causalneg.ts";
import { answerKeys, breakStrategies } from "../../src/synthesis/schemas.ts";
import { topic, first, recipe, system, dataOf, keysOf } from "./asked.ts";

describe("CausalNeg's prompts", () => {
  const causalneg = (input: GenerationInput = {}) => recipe({ recipe: "causalneg", ...input });
  const boundary = {
    answer_boundary: "It must not tell the effect on stroke.",
    breaks: [
      { strategy: "entity_shift", change: "Tell of warfarin." },
      { strategy: "no such strategy", change: "x" },
      "not an object",
      { strategy: "intent_drift", change: 5 },
    ],
  };

  it("asks for the analysis, then for an edit along one way that the analysis proposed", () => {
    const analysis = boundaryPrompt(topic, causalneg(), first);
    expect(keysOf(analysis)).toEqual(["core_need", "how_positive_answers", "answer_boundary", "breaks"]);
    for (const name of breakStrategies) expect(system(analysis)).toContain(`- ${name}: `);

    const edits = [0, 1].map((index) => editPrompt(topic, causalneg(), { index, attempt: 1 }, boundary));
    expect(new Set(edits.map(({ attributes }) => attributes["strategy"]))).toEqual(
      new Set(["entity_shift", "intent_drift"]),
    );
    for (const edit of edits) {
      const strategy = edit.attributes["strategy"] ?? "";
      expect(system(edit)).toContain(`: ${strategy} (`);
      expect(dataOf(edit)["planned_change"]).toBe(strategy === "entity_shift" ? "Tell of warfarin." : undefined);
      expect(dataOf(edit)["answer_boundary"]).toBe(boundary.answer_boundary);
      expect(keysOf(edit)).toEqual([answerKeys.title, answerKeys.passage]);
    }
    expect(edits.map((edit) => dataOf(edit)["found_document"])).toEqual(topic.found.map(({ text }) => text));
  });

  it("goes on without an analysis and without a passage found", () => {
    const bare = { ...topic, found: [] };
    const edits = Array.from({ length: 12 }, (_, index) => editPrompt(bare, causalneg(), { index, attempt: 1 }, {}));
    expect(new Set(edits.slice(0, 6).map(({ attributes }) => attributes["strategy"]))).toEqual(
      new Set(breakStrategies),
    );
    expect(Object.keys(dataOf(present(edits[0], "edit")))).toEqual([
      "user_query",
      "positive_title",
      "positive_document",
    ]);
    for (const broken of [null, [], "text", 3]) {
      expect(editPrompt(bare, causalneg(), first, { breaks: broken, answer_boundary: broken }).schema).toBeTruthy();
    }
  });

  it("is deterministic; stages and tries have seeds of their own", () => {
    const twice = [1, 2].map(() => editPrompt(topic, causalneg(), first, boundary));
    expect(twice[0]).toEqual(twice[1]);
    const again = editPrompt(topic, causalneg(), { index: 0, attempt: 2 }, boundary);
    expect({ ...again, seed: 0 }).toEqual({ ...twice[0], seed: 0 });
    const seeds = [again.seed, twice[0]?.seed, boundaryPrompt(topic, causalneg(), first).seed];
    expect(new Set(seeds).size).toBe(3);
  });

  it("takes a person's parts: reasoning in the first stage, task and strategy in the second", () => {
    const generation = causalneg({ parts: { reasoning: "Mine: {query}", task: "Go: {strategy} {found}" } });
    expect(system(boundaryPrompt(topic, generation, first))).toContain(`Mine: "${topic.query.text}"`);
    expect(system(editPrompt(topic, generation, first, boundary))).toContain('"Aspirin is made from salicylic acid."');
    expect(system(editPrompt({ ...topic, found: [] }, generation, first, boundary))).not.toContain("Go:");
  });
});
