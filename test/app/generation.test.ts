import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import type { AppStore } from "../../src/app/dependencies.ts";
import {
  canGenerate,
  listModels,
  paceOf,
  pauseGeneration,
  resumeGeneration,
  startGeneration,
  stopGeneration,
} from "../../src/app/generation.ts";
import { providerSettings, setGenerationFields } from "../../src/app/generationForm.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { trouble } from "../../src/app/rejected.ts";
import { startRun } from "../../src/app/run.ts";
import { present } from "../../src/base/assert.ts";
import { parseGeneration } from "../../src/domain/generation.ts";
import { fakeApp, NoRoom, scripted, settled, until } from "./fakes.ts";
import { asking, fakeModel, world } from "./fakeSynthesis.ts";

const now = (): Date => new Date(0);
const written = (app: App): number => app.drafts.list.value.length;
const phase = (app: App) => app.work.phase.value;

describe("writing decoys", () => {
  it("asks once for each query, and closes the model at the end", async () => {
    const { app, model, store } = await world();
    await startGeneration(app);
    expect(model.log.asked).toEqual(["q1 0", "q2 0", "q3 0", "q4 0"]);
    expect(written(app)).toBe(4);
    expect(await store.listDrafts(app.collections.selected.value)).toEqual(app.drafts.list.value);
    expect(model.log.closed).toBe(1);
    expect(phase(app)).toBe("idle");
    expect(app.drafts.asked.value?.status).toBe("finished");
  });

  it("stores each draft before it shows it", async () => {
    const inner = memoryStore(now);
    const shownWhenStoring: number[] = [];
    const countedWhenStoring: number[] = [];
    let stored = 0;
    const store: AppStore = {
      ...inner,
      putDraft: async (id, draft) => {
        shownWhenStoring.push(written(app));
        await settled();
        countedWhenStoring.push(app.generation.progress.value?.done ?? -1);
        await inner.putDraft(id, draft);
        stored++;
      },
    };
    const { app } = await world({ store });
    const most: number[] = [];
    app.drafts.list.subscribe((list) => most.push(list.length - stored));
    await startGeneration(app);
    expect(shownWhenStoring).toEqual([0, 1, 2, 3]);
    expect(countedWhenStoring).toEqual([0, 1, 2, 3]);
    expect(Math.max(...most)).toBe(0);
  });

  it("tells when most of the newest answers are of no use", async () => {
    const { app } = await world();
    await startGeneration(app);
    const good = present(app.drafts.list.value[0], "a draft");
    const short = { ...good, outcome: "rejected" as const, notes: [{ flaw: "tooShort" as const, text: "" }] };
    const drafts = (bad: number, fine: number) => [
      ...Array.from({ length: bad }, () => short),
      ...Array.from({ length: fine }, () => good),
    ];
    expect(trouble(drafts(19, 0))).toBeUndefined();
    expect(trouble(drafts(16, 4))).toEqual({ flaw: "tooShort", rejected: 16 });
    expect(trouble(drafts(15, 5))).toBeUndefined();
    expect(trouble(drafts(100, 10))).toBeUndefined();
  });

  it("asks again where no answer came, and not for what was rejected", async () => {
    const { app, store } = await world();
    await startGeneration(app);
    const id = app.collections.selected.value;
    const [first, second] = await store.listDrafts(id);
    const rejected = (draft: typeof first, flaw: "noAnswer" | "refusal") =>
      store.putDraft(id, { ...present(draft, "a draft"), outcome: "rejected", notes: [{ flaw, text: "" }] });
    await rejected(first, "noAnswer");
    await rejected(second, "refusal");
    const later = await world({ store });
    await startGeneration(later.app);
    expect(later.model.log.asked).toEqual(["q1 0"]);
  });

  it("asks nothing while it is paused, and goes on where it was", async () => {
    const { app, model } = await world();
    const ending = startGeneration(app);
    await until(() => written(app) === 1);
    pauseGeneration(app);
    expect(phase(app)).toBe("pausing");
    await until(() => phase(app) === "paused");
    const asked = model.log.asked.length;
    for (let turn = 0; turn < 10; turn++) await settled();
    expect(model.log.asked).toHaveLength(asked);
    await resumeGeneration(app);
    await ending;
    expect(written(app)).toBe(4);
    expect(model.log.opened).toHaveLength(1);
    expect(model.log.asked).toHaveLength(4);
  });

  it("stops in mid-answer, and asks later only for what is missing", async () => {
    const { app, model, store } = await world();
    model.hangs = "q3 0";
    const ending = startGeneration(app);
    await until(() => model.log.asked.length === 3);
    await settled();
    expect(written(app)).toBe(2);
    await stopGeneration(app);
    await ending;
    expect(phase(app)).toBe("idle");
    expect(model.log.closed).toBe(1);
    expect(app.notices.value).toEqual([]);
    expect((await store.readGeneration(app.collections.selected.value))?.status).toBe("stopped");
    model.hangs = undefined;
    model.log.asked.length = 0;
    await startGeneration(app);
    expect(model.log.asked).toEqual(["q3 0", "q4 0"]);
  });

  it("is offered after a reload, and asks nothing again", async () => {
    const store = memoryStore(now);
    const settings = new Map<string, string>();
    const left = await world({ store, settings });
    setGenerationFields(left.app, { perQuery: "2", seed: "5" });
    void startGeneration(left.app);
    await until(() => written(left.app) === 3);
    pauseGeneration(left.app);
    await until(() => phase(left.app) === "paused");

    const model = fakeModel();
    const { app } = await world({ store, settings, model });
    expect(app.drafts.asked.value).toMatchObject({ status: "unfinished", generation: { perQuery: 2, seed: 5 } });
    const before = written(app);
    expect(before).toBeGreaterThanOrEqual(3);
    expect(model.log.opened).toEqual([]);
    // What was asked for then holds, whatever the form says now.
    setGenerationFields(app, { perQuery: "1" });
    await resumeGeneration(app);
    expect(model.log.asked).toHaveLength(8 - before);
    expect(written(app)).toBe(8);
    expect(app.drafts.asked.value?.status).toBe("finished");
  });

  it("can be declined after a reload", async () => {
    const store = memoryStore(now);
    const id = (await world()).app.collections.selected.value;
    const provider = { provider: "recorded" } as const;
    const generation = parseGeneration({});
    await store.putGeneration({ collection: id, generation, provider, status: "unfinished", updatedAt: "" });
    const { app, model } = await world({ store });
    await stopGeneration(app);
    await resumeGeneration(app);
    expect(model.log.opened).toEqual([]);
    expect((await store.readGeneration(id))?.status).toBe("stopped");
  });

  it("waits when storage is full, loses nothing, and goes on when there is room", async () => {
    const inner = memoryStore(now);
    let room = false;
    const store: AppStore = {
      ...inner,
      putDraft: (id, draft) => (room ? inner.putDraft(id, draft) : Promise.reject(new NoRoom("Storage is full."))),
    };
    const { app, model } = await world({ store });
    const ending = startGeneration(app);
    await until(() => phase(app) === "paused");
    expect(app.work.problem.value).toBe("Storage is full.");
    expect(written(app)).toBe(0);
    await resumeGeneration(app);
    await until(() => phase(app) === "paused");
    expect(model.log.asked).toHaveLength(1);
    room = true;
    await resumeGeneration(app);
    await ending;
    expect(written(app)).toBe(4);
    expect(app.work.problem.value).toBeUndefined();
  });

  it("keeps rejected answers apart and counts them", async () => {
    const { app, model } = await world();
    model.useless.add("q2");
    await startGeneration(app);
    expect(app.generation.progress.value).toMatchObject({ accepted: 3, rejected: 1, done: 3, total: 4 });
    expect(app.generation.progress.value).toMatchObject({ promptTokens: 1200, completionTokens: 200 });
    expect(written(app)).toBe(4);
  });

  it("leaves what failed to be gone on with", async () => {
    const { app, model } = await world();
    const synthesis = {
      ...model.synthesis,
      generate: async function* () {
        throw new NoRoom("The graphics card was lost.");
      },
    };
    const failing = await world({ model: { ...model, synthesis } });
    await startGeneration(failing.app);
    expect(failing.app.notices.value).toMatchObject([{ kind: "problem", text: "The graphics card was lost." }]);
    expect(failing.app.drafts.asked.value?.status).toBe("unfinished");
    expect(model.log.closed).toBe(1);
    expect(phase(app)).toBe("idle");
  });

  it("uses only models that this device can run", async () => {
    const model = fakeModel();
    const [choice] = await model.synthesis.models("webllm");
    const here = { ...present(choice, "a model"), id: "able" };
    const not = { ...here, id: "small", runs: { here: false, why: "Needs 8 GB." } };
    let listed = [not];
    const synthesis = { ...model.synthesis, models: async () => listed };
    for (const expected of [undefined, "able"]) {
      const { app } = await world({ model: { ...model, synthesis } });
      setGenerationFields(app, { provider: "webllm", webllmModel: "small" });
      await listModels(app, "webllm");
      expect(canGenerate(app)).toBe(expected !== undefined);
      expect(providerSettings(app)).toEqual(expected && { provider: "webllm", model: expected });
      listed = [not, here];
    }
  });

  it("does nothing in a second tab, beside itself, and without training queries", async () => {
    const model = fakeModel();
    const { synthesis } = model;
    const other = await fakeApp({ synthesis, writer: false, collection: asking });
    setGenerationFields(other, { provider: "recorded" });
    await startGeneration(other);
    const empty = await fakeApp({ synthesis, collection: { ...asking, judgements: { train: [] } } });
    setGenerationFields(empty, { provider: "recorded" });
    await startGeneration(empty);
    expect(model.log.opened).toEqual([]);
    const { app } = await world({ model });
    await Promise.all([startGeneration(app), startGeneration(app)]);
    expect(model.log.opened).toHaveLength(1);
    expect(model.log.asked).toHaveLength(4);
  });
});

describe("a run", () => {
  it("closes the model before it starts, and the decoys can be gone on with", async () => {
    const model = fakeModel();
    const closedAtStart: number[] = [];
    const { pipeline } = scripted([]);
    const app = await fakeApp({
      synthesis: model.synthesis,
      collection: asking,
      pipeline: (services, input) => {
        closedAtStart.push(model.log.closed);
        return pipeline(services, input);
      },
    });
    setGenerationFields(app, { provider: "recorded" });
    model.hangs = "q1 0";
    const ending = startGeneration(app);
    await until(() => model.log.asked.length === 1);
    await startRun(app);
    await ending;
    expect(closedAtStart).toEqual([1]);
    expect(app.run.record.value?.status).toBe("finished");
  });
});

it("tells the pace of what was written in this visit", () => {
  const progress = {
    collectionName: "Tiny",
    recorded: false,
    done: 30,
    total: 90,
    accepted: 10,
    repaired: 10,
    rejected: 5,
    promptTokens: 6000,
    completionTokens: 2000,
    under: undefined,
    seconds: 100,
    before: 10,
  };
  expect(paceOf(progress)).toEqual({ tokensPerSecond: 20, draftsPerMinute: 12, secondsLeft: 300 });
  expect(paceOf({ ...progress, under: { tokens: 30, seconds: 2 } }).tokensPerSecond).toBe(15);
  expect(paceOf({ ...progress, done: 10 }).secondsLeft).toBeUndefined();
});
