import { describe, expect, it } from "vitest";
import { parseGeneration } from "../../src/domain/generation.ts";
import { presets } from "../../src/synthesis/presets.ts";

const distinct = (values: readonly string[]) => new Set(values.map((value) => value.toLowerCase())).size;

describe("presets", () => {
  it("has SciFact's lists as they are published for SyNeg", () => {
    const scifact = presets.find(({ name }) => name === "scifact");
    expect(scifact?.origin).toBe("arXiv 2412.17250, as summarised by its readers");
    expect(scifact?.domains.join(", ")).toBe(
      "Epidemiology, Public Health, Virology, Biostatistics, Healthcare Policy, Infectious Diseases, " +
        "Bioinformatics, Medical Research, Pharmacology",
    );
    expect(scifact?.levels).toEqual([
      "Foundational (Equivalent to Elementary and Middle School)",
      "Intermediate (High School and Undergraduate)",
    ]);
    expect(scifact?.lengths).toEqual(["approximately the same as", "nearly the same as"]);
  });

  it("has names that are told apart", () => {
    expect(distinct(presets.map(({ name }) => name))).toBe(presets.length);
    expect(distinct(presets.map(({ label }) => label))).toBe(presets.length);
    expect(presets.length).toBeGreaterThanOrEqual(6);
  });

  it.each(presets)("$name: lists that a recipe takes as they are, without doubles", ({ origin, ...preset }) => {
    const { domains, levels, lengths } = preset;
    expect(origin).not.toBe("");
    expect(domains.length).toBeGreaterThanOrEqual(6);
    expect(domains.length).toBeLessThanOrEqual(12);
    for (const list of [domains, levels, lengths]) {
      expect(list.length).toBeGreaterThanOrEqual(2);
      expect(distinct(list)).toBe(list.length);
    }
    const recipe = parseGeneration({ domains: [...domains], levels: [...levels], lengths: [...lengths] });
    expect(recipe).toMatchObject({ domains, levels, lengths });
    // "In length the passage should be … the positive_document"
    for (const length of lengths) expect(length).toMatch(/ (as|than)$/);
  });
});
