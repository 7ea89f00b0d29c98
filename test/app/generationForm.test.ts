import { describe, expect, it } from "vitest";
import { openGeneration, startGeneration } from "../../src/app/generation.ts";
import {
  createGenerationForm,
  defaultGeneration,
  generationInput,
  setGenerationFields,
  setPart,
} from "../../src/app/generationForm.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { downloadDrafts, rejectedDrafts } from "../../src/app/rejected.ts";
import { topicsOf } from "../../src/app/topics.ts";
import { present } from "../../src/base/assert.ts";
import { parseGeneration } from "../../src/domain/generation.ts";
import { fakeApp } from "./fakes.ts";
import { asking, draftOf, world } from "./fakeSynthesis.ts";

describe("the form", () => {
  it("stands for the recipe's own defaults", () => {
    expect(parseGeneration(generationInput(defaultGeneration, {}))).toEqual(parseGeneration({}));
  });

  it.each([
    [{ recipe: "causalneg" }, { recipe: "causalneg" }],
    [
      { reflection: false, attributes: false },
      { reflection: false, attributes: false },
    ],
    [{ domains: " Law \n\nLaw\nTides" }, { domains: ["Law", "Tides"] }],
    [
      { levels: "General", lengths: "as long as" },
      { levels: ["General"], lengths: ["as long as"] },
    ],
    [
      { perQuery: "3", retries: "0", seed: "9", temperature: "0,2", topP: "1" },
      { perQuery: 3, retries: 0, seed: 9, temperature: 0.2, topP: 1 },
    ],
    [
      { maxTokens: "300", stallAfter: "20", timeout: "90" },
      { maxTokens: 300, stallAfter: 20, timeout: 90 },
    ],
  ] as const)("brings %o into the recipe", (fields, expected) => {
    const input = generationInput({ ...defaultGeneration, ...fields }, { role: "You are {domain}." });
    expect(parseGeneration(input)).toMatchObject({ ...expected, parts: { role: "You are {domain}." } });
  });

  it("keeps what was chosen for the next visit, and never the key", async () => {
    const settings = new Map<string, string>();
    const store = memoryStore(() => new Date(0));
    const { app } = await world({ settings, store });
    app.generation.form.key.value = "sk-secret";
    setGenerationFields(app, { perQuery: "2" });
    setPart(app, "task", "Write.");
    setPart(app, "role", "Be.");
    setPart(app, "role", undefined);
    const again = createGenerationForm(app.deps.settings);
    expect(again.fields.value).toMatchObject({ perQuery: "2", endpointModel: "small" });
    expect(again.parts.value).toEqual({ task: "Write." });
    expect(again.key.value).toBe("");
    await startGeneration(app);
    const kept = [[...settings.values()], await store.readGeneration(app.collections.selected.value)];
    expect(JSON.stringify(kept)).toContain("localhost:1");
    expect(JSON.stringify(kept)).not.toContain("sk-secret");
    expect(JSON.stringify([...(await store.listDrafts(app.collections.selected.value))])).not.toContain("sk-secret");
  });

  it("gives the key to the model that is opened, after a reload too", async () => {
    const { app, model } = await world();
    app.generation.form.key.value = "sk-secret";
    await startGeneration(app);
    expect(model.log.opened).toMatchObject([{ provider: "endpoint", key: "sk-secret" }]);
  });

  it("ignores what another version kept and names what is wrong", async () => {
    const settings = new Map([
      [
        "decoy.generation",
        '{"fields":{"perQuery":3,"retries":"1","nothing":"x"},"parts":{"role":1,"task":"T","x":"y"}}',
      ],
    ]);
    const { app } = await world({ settings });
    expect(app.generation.form.fields.value).toMatchObject({ perQuery: defaultGeneration.perQuery, retries: "1" });
    expect(app.generation.form.parts.value).toEqual({ task: "T" });
    setGenerationFields(app, { perQuery: "many" });
    expect(app.generation.form.problem.value).toContain("perQuery:");
    await startGeneration(app);
    expect(app.work.phase.value).toBe("idle");
    expect(app.drafts.list.value.length).toBe(0);
  });

  it("is filled with a preset once, and left alone afterwards", async () => {
    const { app } = await world();
    await openGeneration(app);
    expect(app.generation.form.fields.value).toMatchObject({ preset: "web", domains: "Law" });
    setGenerationFields(app, { domains: "", levels: "", lengths: "" });
    await openGeneration(app);
    expect(app.generation.form.fields.value.domains).toBe("");
  });
});

it("counts rejected answers by what was wrong and hands them over as JSON lines", async () => {
  const topic = present(topicsOf(asking)[0], "a topic");
  const rejected = (key: string, flaw: "refusal" | "empty") =>
    draftOf(topic, { key, outcome: "rejected", notes: [{ flaw, text: "" }], answer: `raw ${key}` });
  const drafts = [rejected("a", "empty"), draftOf(topic), rejected("b", "refusal"), rejected("c", "refusal")];
  const { byFlaw, drafts: listed } = rejectedDrafts(drafts);
  expect(byFlaw).toEqual([
    { flaw: "refusal", count: 2 },
    { flaw: "empty", count: 1 },
  ]);
  const given: [Blob, string][] = [];
  const app = await fakeApp({ download: (blob, name) => void given.push([blob, name]) });
  downloadDrafts(app, listed, "rejected");
  const [blob, name] = present(given[0], "the download");
  expect(name).toBe("Tiny-rejected.jsonl");
  const lines = (await blob.text()).trimEnd().split("\n");
  expect(lines.map((line): unknown => JSON.parse(line))).toEqual(listed);
  expect(lines[0]).toContain("raw c");
});
