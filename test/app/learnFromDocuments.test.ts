import { expect, it } from "vitest";
import {
  isUnjudged,
  learnFromDocuments,
  learnsFromDocuments,
  unjudgedSelection,
} from "../../src/app/learnFromDocuments.ts";
import { configInput, createRecipe, defaultFields } from "../../src/app/recipe.ts";
import { startRun } from "../../src/app/run.ts";
import { parseConfig } from "../../src/domain/config.ts";
import { fakeApp, scripted } from "./fakes.ts";

it("tells a collection that nobody judged", () => {
  expect(
    [{}, { train: 0 }, { train: 3 }, { train: 0, test: 1 }].map((judgements) => isUnjudged({ judgements })),
  ).toEqual([true, true, false, false]);
});

it("without judgements there is no run until it is to learn from the documents; the choice is kept", async () => {
  const { pipeline, log } = scripted([]);
  const settings = new Map<string, string>();
  const app = await fakeApp({ pipeline, settings });
  expect([app.canRun.value, unjudgedSelection(app)]).toEqual([true, undefined]);
  app.collections.list.value = app.collections.list.value.map((record) => ({ ...record, judgements: {} }));
  expect(unjudgedSelection(app)?.name).toBe("Tiny");
  expect(app.canRun.value).toBe(false);
  await startRun(app);
  expect(log.inputs).toEqual([]);
  learnFromDocuments(app);
  expect([app.canRun.value, learnsFromDocuments(app)]).toEqual([true, true]);
  await startRun(app);
  expect(log.inputs[0]?.config.pairs).toBe("documents");
  expect(
    createRecipe({ getItem: (key) => settings.get(key) ?? null, setItem: () => undefined }).fields.value.pairs,
  ).toBe("documents");
});

it("the form's choice of pairs is the recipe's, and what does not go together is said", () => {
  expect(parseConfig(configInput({ ...defaultFields, pairs: "cloze" })).pairs).toBe("cloze");
  expect(() => parseConfig(configInput({ ...defaultFields, pairs: "titles", mix: "synthetic" }))).toThrow(
    /pairs: it does not go with mix "synthetic"/u,
  );
});
