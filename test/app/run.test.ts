import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import type { AppStore } from "../../src/app/dependencies.ts";
import { setField } from "../../src/app/recipe.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { pauseRun, resumeRun, resumeUnsaved, startRun, stepRun, stopRun, takeUp } from "../../src/app/run.ts";
import type { Snapshot } from "../../src/domain/diagnostics.ts";
import type { RunReport } from "../../src/domain/run.ts";
import { checkpointAt, fakeApp, NoRoom, recordOf, scripted, settled, until } from "./fakes.ts";
import { reports, set } from "./scriptedRun.ts";

const phase = (app: App) => app.run.phase.value;
const stepsDone = (app: App): number => app.run.steps.value.length;
const now = (): Date => new Date(0);

describe("a run", () => {
  it("goes from start to result and is stored", async () => {
    const { pipeline } = scripted(reports);
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline, store });
    await startRun(app);
    expect(phase(app)).toBe("idle");
    const [stored] = await store.listRuns();
    expect(stored).toMatchObject({ name: "Run 1", status: "finished", collectionName: "Tiny", stage: "train" });
    expect(stored?.result?.verdict).toBe("No reliable difference.");
    expect(stored?.steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect((await store.loadCheckpoint(recordOf(app).id))?.step).toBe(3);
    expect((await store.readProducts(recordOf(app).id)).trainingSet).toEqual(set);
    expect(app.run.notes.value).toEqual(["a note"]);
    expect(app.run.stages.value.mix).toMatchObject({ state: "done", seconds: 0.2 });
    expect(app.place.value).toBe("results");
  });

  it("says when it searched anew, once, and stores what the probes saw", async () => {
    const snapshot = (step: number): Snapshot => ({
      step,
      rows: 1,
      mass: {},
      expected: {},
      margins: {},
      embeddingVariance: 0,
      shortcut: undefined,
    });
    const refreshed = (version: number): RunReport => ({
      kind: "refreshed",
      refreshed: { source: "ance", version, documents: 5000, seconds: 12.3 },
    });
    const { pipeline } = scripted([
      { kind: "probe", snapshot: snapshot(0) },
      { kind: "probe", snapshot: snapshot(2) },
      refreshed(2),
      refreshed(4),
      { kind: "probe", snapshot: snapshot(2) },
    ]);
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline, store });
    await startRun(app);
    expect((await store.listRuns())[0]?.probes?.map(({ step }) => step)).toEqual([0, 2]);
    expect(app.run.notes.value).toHaveLength(1);
    expect(app.run.notes.value[0]).toMatch(/after step 4: 5,000 documents .* 12 s/u);
  });

  const look = (step: number, score: number): RunReport => ({ kind: "dev", dev: { step, score, seconds: 1 } });

  it("stores the looks at dev, and hands them back; those after the checkpoint come again", async () => {
    const best = { step: 0, score: 0.5, looked: 2, weights: new Float32Array(1) };
    const { pipeline, log } = scripted([
      look(0, 0.5),
      look(2, 0.4),
      { kind: "checkpoint", checkpoint: { ...checkpointAt(3), best } },
      look(4, 0.6),
    ]);
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline, store });
    await startRun(app);
    const [stored] = await store.listRuns();
    expect(stored?.dev?.map(({ step, score }) => [step, score])).toEqual([
      [0, 0.5],
      [2, 0.4],
      [4, 0.6],
    ]);
    if (stored) await takeUp(app, { ...stored, status: "stopped" });
    expect(recordOf(app).dev?.map(({ step }) => step)).toEqual([0, 2]);
    await resumeRun(app);
    expect(log.inputs[1]?.earlier?.dev?.map(({ step }) => step)).toEqual([0, 2]);
    expect(log.inputs[1]?.checkpoint?.best).toEqual(best);
    // As the pipeline reports them anew.
    expect(recordOf(app).dev?.map(({ step }) => step)).toEqual([0, 2, 4]);
  });

  it("of an earlier version of the page goes on with what it was: all of the encoder, AdamW, a batch a step", async () => {
    const { pipeline, log } = scripted([]);
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline, store });
    await startRun(app);
    const record = recordOf(app);
    const { side, optimizer, recompute, accumulate, ...config } = record.config;
    expect([side, optimizer, recompute, accumulate]).toEqual(["both", "adamw", false, 1]);
    await store.saveCheckpoint(record.id, checkpointAt(2));
    await takeUp(app, { ...record, config: config as typeof record.config, status: "stopped" });
    await resumeRun(app);
    expect(log.inputs[1]?.config).toEqual(record.config);
    expect(log.inputs[1]?.checkpoint).toEqual(checkpointAt(2));
  });

  it("is given the guide that was chosen, and the record names it", async () => {
    const { pipeline, log } = scripted([]);
    const store = memoryStore(now);
    const app = await fakeApp({ pipeline, store });
    const guide = await store.putEncoder({ name: "guide", files: {} });
    setField(app, "guide", guide.key);
    await startRun(app);
    setField(app, "guide", "");
    await startRun(app);
    expect(log.inputs.map((input) => input.guide?.name)).toEqual(["guide", undefined]);
    expect((await store.listRuns()).map((run) => "guide" in run && run.guide)).toEqual([false, guide.key]);
  });

  it("asks for nothing more while it is paused, and goes on where it was", async () => {
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline });
    const ended = startRun(app);
    await until(() => stepsDone(app) === 1);
    pauseRun(app);
    expect(phase(app)).toBe("pausing");
    await until(() => phase(app) === "paused");
    const { reported } = log;
    for (let turn = 0; turn < 10; turn++) await settled();
    expect(log.reported).toBe(reported);
    expect(recordOf(app).status).toBe("paused");
    await resumeRun(app);
    await ended;
    expect(log.inputs).toHaveLength(1);
    expect(recordOf(app).status).toBe("finished");
  });

  it("takes exactly one optimiser step at a time", async () => {
    const { pipeline } = scripted(reports);
    const app = await fakeApp({ pipeline });
    const ended = startRun(app);
    pauseRun(app);
    await until(() => phase(app) === "paused");
    for (const expected of [1, 2]) {
      await stepRun(app);
      await until(() => phase(app) === "paused");
      expect(stepsDone(app)).toBe(expected);
    }
    await resumeRun(app);
    await ended;
    expect(stepsDone(app)).toBe(3);
  });

  it.each(["running", "paused"] as const)("stops while %s and frees what it held", async (when) => {
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline });
    const ended = startRun(app);
    await until(() => stepsDone(app) === 1);
    if (when === "paused") {
      pauseRun(app);
      await until(() => phase(app) === "paused");
    }
    await stopRun(app);
    await ended;
    expect(log.freed).toBe(true);
    expect(log.reported).toBeLessThan(reports.length);
    expect(recordOf(app).status).toBe("stopped");
    expect(phase(app)).toBe("idle");
    expect(app.canRun.value).toBe(true);
  });

  it("does not start beside another one, nor in a second tab", async () => {
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline });
    const ended = startRun(app);
    await startRun(app);
    await ended;
    expect(log.inputs).toHaveLength(1);
    const other = scripted(reports);
    await startRun(await fakeApp({ pipeline: other.pipeline, writer: false }));
    expect(other.log.inputs).toHaveLength(0);
  });

  it("says why it failed", async () => {
    const app = await fakeApp({
      pipeline: async function* () {
        yield { kind: "started", stage: "index" };
        throw new NoRoom("The graphics card has 1 MB, this needs 2 MB. Choose a smaller batch.");
      },
    });
    await startRun(app);
    expect(recordOf(app)).toMatchObject({ status: "failed", failure: expect.stringContaining("smaller batch") });
    expect(app.notices.value).toMatchObject([{ kind: "problem" }]);
  });
});

/** A store that takes no checkpoint until `room` is true. */
interface FullStore {
  readonly store: AppStore;
  room: boolean;
}

function fullStore(): FullStore {
  const inner = memoryStore(now);
  const state: FullStore = {
    room: false,
    store: {
      ...inner,
      saveCheckpoint: (...input: Parameters<AppStore["saveCheckpoint"]>) =>
        state.room ? inner.saveCheckpoint(...input) : Promise.reject(new NoRoom("Storage is full: 84 MB are needed.")),
    },
  };
  return state;
}

describe("a run that cannot be saved", () => {
  it("waits, says so, and saves what it has when there is room", async () => {
    const full = fullStore();
    const { pipeline, log } = scripted(reports);
    const app = await fakeApp({ pipeline, store: full.store });
    const ended = startRun(app);
    await until(() => phase(app) === "paused");
    expect(app.run.unsaved.value).toContain("Storage is full");
    await resumeRun(app);
    await until(() => phase(app) === "paused");
    expect(app.run.unsaved.value).toContain("Storage is full");
    expect(log.inputs).toHaveLength(1);
    full.room = true;
    await resumeRun(app);
    await ended;
    expect(recordOf(app).status).toBe("finished");
    expect(app.run.unsaved.value).toBeUndefined();
    expect((await full.store.loadCheckpoint(recordOf(app).id))?.step).toBe(3);
  });

  it("goes on without saving where the person wants that", async () => {
    const { store } = fullStore();
    const { pipeline } = scripted(reports);
    const app = await fakeApp({ pipeline, store });
    const ended = startRun(app);
    await until(() => phase(app) === "paused");
    await resumeUnsaved(app);
    await ended;
    expect(recordOf(app).status).toBe("finished");
    expect(app.run.session.checkpoint?.step).toBe(3);
  });
});
