/** Texts that break formats, and rows and a collection made of them. */
import type { Collection } from "../../../src/domain/collection.ts";
import type { Draft } from "../../../src/domain/draft.ts";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import type { TrainingSet } from "../../../src/domain/training.ts";
import type { Bytes, DataFile } from "../../../src/export/files/file.ts";

export const hostile = [
  "two\nlines\r\nand\rmore",
  "tab\tand \"quotes\" and 'these', a comma",
  "breaks to some: \u2028 \u2029 \u0085 \v \f",
  "half a character \ud83d and its other half \udc26",
  '=HYPERLINK("http://x.example",A1)',
  "日本語, ümläuts, 🐦, e\u0301",
  "nul \0, escape \u001b, bidi \u202e, byte order mark \ufeff",
  '{"query": "not a row"}\n{"_id": "x"}',
  "__proto__",
  "x".repeat(1_000_000),
] as const;

/** A training set whose texts are hostile; row i has `counts[i]` negatives. */
export function hostileSet(counts: readonly number[]): TrainingSet {
  const documents = [...hostile, ...Array.from({ length: 20 }, (_, i) => `document ${i}`)];
  return {
    queries: hostile,
    documents,
    rows: counts.map((count, i) => ({
      query: i % hostile.length,
      positive: (i + 1) % documents.length,
      negatives: Array.from({ length: count }, (_, k) => ({
        document: (i + 2 + k) % documents.length,
        source: "bm25" as const,
        rank: k + 1,
        score: k === 0 ? Infinity : 10 - k,
      })),
    })),
  };
}

const documents = hostile.map((text, i) => ({
  id: documentId(`d ${i}`),
  title: i % 2 === 0 ? "" : text.slice(0, 40),
  text,
}));

/** As our reader would give it: judged queries, splits by name, nothing empty. */
export const hostileCollection: Collection = {
  name: "Hostile, =and odd",
  documents,
  queries: hostile.slice(0, 6).map((text, i) => ({ id: queryId(`q ${i}`), text })),
  judgements: {
    test: [
      { queryId: queryId("q 0"), documentId: documentId("d 0"), grade: 2 },
      { queryId: queryId("q 0"), documentId: documentId("d 3"), grade: 0 },
    ],
    train: [1, 2, 3, 4, 5].map((i) => ({ queryId: queryId(`q ${i}`), documentId: documentId(`d ${i}`), grade: 1 })),
  },
  negatives: [
    {
      queryId: queryId("q 1"),
      source: "synthetic",
      title: "",
      text: hostile[2],
      reasoning: { positive: "p\n", shares: "s", lacks: "\u2028" },
      attributes: { domain: "=1+1" },
      model: "a model",
      recipe: "syneg",
    },
    { queryId: queryId("q 2"), source: "given", title: "T", text: hostile[3] },
  ],
};

export const draftOf = (fields: Partial<Draft> = {}): Draft => ({
  key: "k".repeat(64),
  queryId: queryId("q0"),
  positiveId: documentId("d0"),
  source: "synthetic",
  outcome: "accepted",
  notes: [],
  title: "",
  text: "the cat ran on the tide",
  attributes: { domain: "Pets" },
  provider: "webllm",
  model: "Llama",
  recipe: "syneg",
  seed: 7,
  attempt: 1,
  answer: "",
  promptTokens: 1,
  completionTokens: 2,
  seconds: 0.5,
  createdAt: "2026-01-01T00:00:00.000Z",
  ...fields,
});

export async function bytesOf(file: Pick<DataFile, "chunks">): Promise<Bytes> {
  const chunks: Bytes[] = [];
  for await (const chunk of file.chunks()) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Strict: bytes that are not UTF-8 throw. */
export const textOf = async (file: Pick<DataFile, "chunks">): Promise<string> =>
  new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await bytesOf(file));

export const rowsOf = async (file: Pick<DataFile, "chunks">): Promise<unknown[]> =>
  (await textOf(file))
    .split("\n")
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
