import { expect, it } from "vitest";
import { predictMemory } from "../../src/app/prediction.ts";
import { resetRecipe, setField } from "../../src/app/recipe.ts";
import { fakeApp } from "./fakes.ts";

const memory = { weights: 1, adapters: 0, gradient: 1, moments: 2, activations: 3, total: 7 };

/** An app whose encoder thread predicts with `predict`; counts how many encoders are open. */
async function predicting(predict: () => Promise<typeof memory>) {
  const app = await fakeApp();
  const open = { now: 0 };
  Object.assign(app.deps.services.encoder, {
    open: async function* () {
      open.now++;
      return { model: 1 };
    },
    close: async function* () {
      open.now--;
    },
    predict: async function* () {
      return { memory: await predict(), engine: { kind: "cpu", device: "", note: "" } };
    },
  });
  return { app, open };
}

it("shows what training would take, until the recipe changes", async () => {
  const { app, open } = await predicting(async () => memory);
  await predictMemory(app);
  expect(app.recipe.prediction.value).toEqual({ kind: "known", memory });
  expect(open.now).toBe(0);
  setField(app, "batchSize", "99");
  expect(app.recipe.prediction.value).toEqual({ kind: "none" });
  await predictMemory(app);
  resetRecipe(app);
  expect(app.recipe.prediction.value).toEqual({ kind: "none" });
});

it("says why it cannot, and closes the encoder", async () => {
  const { app, open } = await predicting(() => Promise.reject(new Error("too much for this GPU")));
  await predictMemory(app);
  expect(app.recipe.prediction.value).toEqual({ kind: "refused", problem: "too much for this GPU" });
  expect(open.now).toBe(0);
});

it("keeps no answer to a recipe that has changed meanwhile", async () => {
  let answer: (value: typeof memory) => void = () => undefined;
  const { app } = await predicting(() => new Promise((resolve) => (answer = resolve)));
  const asked = predictMemory(app);
  await new Promise((resolve) => setTimeout(resolve, 5));
  setField(app, "lora", true);
  answer(memory);
  await asked;
  expect(app.recipe.prediction.value).toEqual({ kind: "none" });
});
