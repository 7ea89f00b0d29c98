/** Small collections, runs and checkpoints; Web Locks and faults for a Node that has neither. */
import { vi } from "vitest";
import { digest } from "../../src/base/digest.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { collectionId, documentId, queryId, runId } from "../../src/domain/ids.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import type { ImportResult } from "../../src/domain/stages.ts";
import type { Checkpoint } from "../../src/domain/training.ts";
import { openStore, type Store, type StoreOptions } from "../../src/storage/store.ts";

let opened = 0;

/** A name that no other test uses. */
export const freshName = (): string => `test-${++opened}-${Math.trunc(performance.now())}`;

export function openTestStore(name: string, options: Omit<StoreOptions, "name"> = {}): Promise<Store> {
  return openStore({ name, locks: undefined, ...options });
}

export function collectionOf(documents: number, name = "Birds"): Collection {
  return {
    name,
    documents: Array.from({ length: documents }, (_, i) => ({
      id: documentId(`d${i}`),
      title: i % 3 === 0 ? "" : `Bird ${i}`,
      text: `Text ${i} with ümläuts, 日本語, 🐦, a lone surrogate \ud800 and "quotes"\n`,
    })),
    queries: [0, 1, 2].map((i) => ({ id: queryId(`q${i}`), text: `Which bird is ${i}?` })),
    judgements: {
      train: [{ queryId: queryId("q0"), documentId: documentId("d0"), grade: 1 }],
      test: [{ queryId: queryId("q1"), documentId: documentId("d1"), grade: 2 }],
      dev: [],
    },
    negatives: [
      {
        queryId: queryId("q0"),
        source: "synthetic",
        title: "",
        text: "Not a bird.",
        reasoning: { positive: "p", shares: "s", lacks: "l" },
        attributes: { "not finite": "NaN", domain: "null" },
      },
    ],
  };
}

export function importOf(collection: Collection): ImportResult {
  const { documents, queries, judgements, negatives } = collection;
  return {
    collection,
    summary: {
      format: "BEIR folder",
      documents: documents.length,
      queries: queries.length,
      judgements: Object.fromEntries(Object.entries(judgements).map(([split, rows]) => [split, rows.length])),
      negatives: negatives.length,
      rejected: 1,
      digest: digest(new TextEncoder().encode(JSON.stringify(documents))),
    },
  };
}

export const rejected = [{ file: "corpus.jsonl", line: 3, reason: "no text", excerpt: "{}" }];

/** Writes the whole collection and gives the number of reports. */
export async function storeCollection(store: Store, collection: Collection): Promise<number> {
  let reports = 0;
  for await (const _ of store.writeCollection(importOf(collection), rejected)) reports++;
  return reports;
}

export function runOf(id: string, createdAt = "2026-01-01T00:00:00.000Z"): RunRecord {
  return {
    id: runId(id),
    name: `Run ${id}`,
    collection: collectionId("c"),
    collectionName: "Birds",
    collectionDigest: "c",
    encoder: "built-in",
    encoderName: "Small",
    engine: "auto",
    config: parseConfig({}),
    createdAt,
    updatedAt: createdAt,
    status: "running",
    stage: "train",
    steps: [{ step: 1, steps: 2, loss: Number.NaN, gradNorm: 1, tokens: 3, seconds: 0.1, learningRate: 1e-4 }],
  };
}

/** Every number of a checkpoint follows from its step; `length` above 2^20 makes more than one part of each arena. */
export function checkpointOf(step: number, length = 9): Checkpoint {
  const arena = (scale: number) => Float32Array.from({ length }, (_, i) => step * scale + i);
  return { step, weights: arena(1), firstMoment: arena(-1), secondMoment: arena(0.5) };
}

export type Fault = (transaction: IDBTransaction, request: IDBRequest) => void;

/** The `n`-th put from now on (1-based) meets `fault`, which may throw or abort the transaction. */
export function faultAtPut(n: number, fault: Fault): { restore(): void } {
  const put = IDBObjectStore.prototype.put;
  let count = 0;
  const spy = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (
    this: IDBObjectStore,
    ...values: Parameters<typeof put>
  ) {
    const request = put.apply(this, values);
    if (++count === n) fault(this.transaction, request);
    return request;
  });
  return { restore: () => spy.mockRestore() };
}

/** As Chromium does on a full disk: the request succeeds, and then the transaction is aborted. */
export const abortForQuota: Fault = (transaction, request) => {
  // Heard before the caller hears it: the caller goes on as if the value had been stored.
  request.addEventListener("success", () => {
    transaction.abort();
    Object.defineProperty(transaction, "error", { value: new DOMException("full", "QuotaExceededError") });
  });
};

/** One origin's locks: enough of the Web Locks API for what storage asks of it. */
export class FakeLocks implements LockManager {
  readonly #held = new Map<string, { exclusive: boolean; holders: number }>();
  readonly #waiting: (() => void)[] = [];

  request<T>(name: string, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  request<T>(name: string, options: LockOptions, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  async request<T>(
    name: string,
    options: LockOptions | LockGrantedCallback<T>,
    callback?: LockGrantedCallback<T>,
  ): Promise<Awaited<T>> {
    if (typeof options === "function" || !callback) throw new Error("not used");
    const exclusive = options.mode !== "shared";
    const free = (): boolean => {
      const held = this.#held.get(name);
      return !held || held.holders === 0 || (!exclusive && !held.exclusive);
    };
    if (options.ifAvailable && !free()) return await callback(null);
    while (!free()) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        options.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    }
    this.#held.set(name, { exclusive, holders: (this.#held.get(name)?.holders ?? 0) + 1 });
    try {
      return await callback({ name, mode: exclusive ? "exclusive" : "shared" });
    } finally {
      const held = this.#held.get(name);
      if (held) held.holders--;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  query(): Promise<LockManagerSnapshot> {
    return Promise.resolve({ held: [], pending: [] });
  }
}
