/** What a page does with the store in the storage tests: bundled and run in a real browser, called by storage.test.ts. */
import { finish } from "../../src/base/channel.ts";
import { collectionId, documentId, queryId, runId, type CollectionId } from "../../src/domain/ids.ts";
import type { Collection } from "../../src/domain/collection.ts";
import type { ImportResult } from "../../src/domain/stages.ts";
import type { Checkpoint } from "../../src/domain/training.ts";
import { openStore, type Store } from "../../src/storage/store.ts";
import { claimWriter, type WriterClaim } from "../../src/storage/writer.ts";

declare global {
  interface Window {
    readonly storagePage: StoragePage;
    /** Tells the test what has been said to be saved. */
    acknowledge(saved: number): Promise<void>;
  }
}

const run = runId("run");

/** Numbers in [0, 1) that follow from the seed and do not compress: Chromium compresses what it stores, and counts that. */
function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  });
}

const made = new Map<string, Float32Array<ArrayBuffer>>();

/** Quick to make, so that a kill at any moment meets storage at work: noise that is made once, scaled by the step. */
function checkpointOf(step: number, length: number): Checkpoint {
  const arena = (place: number): Float32Array<ArrayBuffer> => {
    const key = `${place} ${length}`;
    const base = made.get(key) ?? noise(length, place);
    made.set(key, base);
    return base.map((x) => x * step);
  };
  return { step, weights: arena(1), firstMoment: arena(2), secondMoment: arena(3) };
}

const same = (a: Float32Array, b: Float32Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

function collectionOf(number: number, documents: number, words: number): ImportResult {
  const collection: Collection = {
    name: `Collection ${number}`,
    documents: Array.from({ length: documents }, (_, i) => ({
      id: documentId(`d${i}`),
      title: `Title ${i}`,
      text: [...noise(words, number * documents + i)].join(" "),
    })),
    queries: [{ id: queryId("q"), text: "?" }],
    judgements: { test: [{ queryId: queryId("q"), documentId: documentId("d0"), grade: 1 }] },
    negatives: [],
  };
  const summary = {
    format: "test",
    documents,
    queries: 1,
    judgements: { test: 1 },
    negatives: 0,
    rejected: 0,
    digest: `collection-${number}`,
  };
  return { collection, summary };
}

/** The name of what a promise was rejected with, "" if it was not. */
const rejection = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "",
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

let store: Store | undefined;
const open = async (): Promise<Store> => (store ??= await openStore());
let claim: WriterClaim | undefined;

const storagePage = {
  /** Saves one checkpoint after another, from `step` on, until the browser ends. */
  async saveForever(step: number, length: number): Promise<never> {
    for (const opened = await open(); ; step++) {
      await opened.saveCheckpoint(run, checkpointOf(step, length));
      void window.acknowledge(step);
    }
  },
  /** Imports one collection after another, from `number` on, until the browser ends. */
  async importForever(number: number, documents: number): Promise<never> {
    for (const opened = await open(); ; number++) {
      await finish(opened.writeCollection(collectionOf(number, documents, 50), []));
      void window.acknowledge(number);
    }
  },
  async save(step: number, length: number): Promise<string> {
    return rejection((await open()).saveCheckpoint(run, checkpointOf(step, length)));
  },
  /** The step that is stored, if every number of it is right. */
  async load(length: number): Promise<number | undefined> {
    const found = await (
      await open()
    ).loadCheckpoint(run, (error) => {
      throw error;
    });
    if (!found) return undefined;
    const expected = checkpointOf(found.step, length);
    const right =
      same(found.weights, expected.weights) &&
      same(found.firstMoment, expected.firstMoment) &&
      same(found.secondMoment, expected.secondMoment);
    return right ? found.step : undefined;
  },
  /** Numbers of the stored collections whose documents are all there, and how many imports had been interrupted. */
  async collections(documents: number): Promise<{ whole: number[]; listed: number; interrupted: number }> {
    const opened = await open();
    const list = await opened.listCollections();
    const whole: number[] = [];
    for (const { id } of list) {
      const number = Number(id.slice("collection-".length));
      const expected = collectionOf(number, documents, 50).collection;
      if (JSON.stringify(await opened.readCollection(id)) === JSON.stringify(expected)) whole.push(number);
    }
    return { whole: whole.toSorted((a, b) => a - b), listed: list.length, interrupted: opened.interruptedImports };
  },
  async import(number: number, documents: number, words: number): Promise<string> {
    return rejection(finish((await open()).writeCollection(collectionOf(number, documents, words), [])));
  },
  /** Starts an import and leaves it there. */
  async startImport(number: number, documents: number): Promise<void> {
    await (await open()).writeCollection(collectionOf(number, documents, 50), []).next();
  },
  async putEncoder(bytes: number): Promise<string> {
    return rejection(
      (await open()).putEncoder({ name: "big", files: { weights: new Uint8Array(noise(bytes / 4, bytes).buffer) } }),
    );
  },
  async encoders(): Promise<number> {
    return (await (await open()).listEncoders()).length;
  },
  async remove(number: number): Promise<void> {
    const id: CollectionId = collectionId(`collection-${number}`);
    await (await open()).removeCollection(id);
  },
  /** As another tab: a store of its own. */
  async interrupted(): Promise<number> {
    const other = await openStore();
    other.close();
    return other.interruptedImports;
  },
  async claim(): Promise<boolean> {
    claim = await claimWriter(navigator.locks);
    return claim.writer;
  },
  async whenFree(): Promise<void> {
    await claim?.whenFree;
  },
};

export type StoragePage = typeof storagePage;

Object.assign(window, { storagePage });
