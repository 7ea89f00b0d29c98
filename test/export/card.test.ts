import { expect, test } from "vitest";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import type { EncoderShape } from "../../src/domain/encoder.ts";
import { heldOutSplit, type RunResult } from "../../src/domain/run.ts";
import { modelCard } from "../../src/export/card.ts";
import { tinyShape } from "../support/encoder.ts";

const scores = { queryIds: ["q"], perQuery: {}, mean: {} };

/** The card of a run with an encoder of this shape. */
function cardOf(shape: EncoderShape, over: Partial<RunResult> = {}, config: ConfigInput = {}): string {
  const result = {
    split: "test",
    systems: { bm25: scores, before: scores, after: scores },
    verdict: "Better.",
    leak: undefined,
    trainingRows: 4,
    steps: 3,
    tokens: 300,
    engine: { kind: "cpu", device: "1 thread", note: "" },
    encoder: { name: "mine|yours", shape, parameters: 123_456 },
    ...over,
  } as unknown as RunResult;
  return modelCard({ result, config: parseConfig(config), collectionName: "c", collectionDigest: "d" });
}

test("the card says what the encoder is built of, in the words of its family", () => {
  expect(cardOf({ ...tinyShape, layers: 2, hidden: 128 })).toContain("(2 layers, 128 wide, 123,456 parameters)");
  const card = cardOf({ family: "static", hidden: 256, vocabulary: 30_000 });
  expect(card).toContain("(static token vectors, 256 wide, 123,456 parameters)");
  expect(card).not.toMatch(/undefined|layers/u);
  expect(card).toContain("# mine yours, fine-tuned");
});

test("the card says what the queries were, and what they were trained on", () => {
  const leak = { queries: 1, sharedDocument: 0, nearCopy: 1, clean: 0 };
  const usual = cardOf(tinyShape, { leak });
  expect(usual).toContain("| 1 test query | nDCG@10");
  expect(usual).toContain("0 share a relevant document with a training query and 1 nearly repeats one; 0 are clean");
  expect(usual).toContain("- Pairs: judged queries and their answers");
  expect(usual).not.toContain("Nobody asked");
  const made = { split: heldOutSplit, leak: { ...leak, madeOfDocuments: true } } as const;
  const card = cardOf(tinyShape, made, { pairs: "documents" });
  expect(card).toContain("| 1 made-up query for held-out documents | nDCG@10");
  expect(card).toContain("Nobody asked these queries");
  expect(card).toContain("1 nearly repeats a title or sentence that was trained on.");
  expect(card).toContain("- Pairs: titles and sentences of the documents");
  expect(cardOf(tinyShape)).not.toContain("The gain on new queries");
});

test("the card says what was lost, in the words of its field", () => {
  const usual = cardOf(tinyShape);
  expect(usual).toContain('"loss:InfoNCE"]');
  expect(usual).toContain("- Loss: InfoNCE, cosine / 0.05, with in-batch negatives (known answers left out)\n");
  const card = cardOf(tinyShape, {}, { loss: "lambdaRank", inBatch: false, dimensions: [8, 4] });
  expect(card).toContain('"loss:LambdaRank"]');
  expect(card).toContain("- Loss: LambdaRank, cosine / 0.05, Matryoshka at 8, 4 dimensions\n");
});

test("the card has a row for each system that was measured, and the clean queries in a table of their own", () => {
  const of = (value: number) => ({ ...scores, mean: { "ndcg@10": { value, low: value - 0.1, high: value + 0.1 } } });
  const systems = { bm25: of(0.5), before: of(0.4), after: of(0.6), zscoreAfter: of(0.7) };
  const clean = { kind: "measured", systems: { ...systems, after: of(0.3) }, verdict: "No reliable difference." };
  const card = cardOf(tinyShape, { systems, clean } as unknown as Partial<RunResult>);
  expect(card).toContain("| BM25 + after, z-scores | 0.7000 (0.6000 to 0.8000) |");
  expect(card).not.toContain("RRF");
  expect(card).toContain("Better.\n\nNo reliable difference.");
  const [whole = "", cleanTable = ""] = card.split("| 1 clean test query |");
  expect(whole).toContain("| Encoder after | 0.6000");
  expect(cleanTable).toContain("| Encoder after | 0.3000");
});

test("the card says what was trained, and which weights were kept", () => {
  expect(cardOf(tinyShape)).toContain("- Trained: The encoder\n");
  const dev = { split: "dev", queries: 20, looks: [], kept: 40 };
  const card = cardOf(tinyShape, { dev }, { lora: {}, optimizer: "adamw16", best: { every: 10 } });
  expect(card).toContain(
    "- Trained: The encoder, LoRA of rank 8 (alpha 16) in all matrices of its layers; moments in 16 bits\n",
  );
  expect(card).toContain(
    "- Kept: the best on dev, looked at every 10 steps: those after step 40 (20 queries of the split dev)\n",
  );
  const before = cardOf(tinyShape, { dev: { ...dev, kept: 0 } }, { best: { every: 10 } });
  expect(before).toContain("those from before training (20 queries");
});

test("the card says what training computed in, where f16 was asked for", () => {
  expect(cardOf(tinyShape)).toContain("on the cpu engine\n");
  expect(cardOf(tinyShape, {}, { precision: "f16" })).toContain("on the cpu engine, in f32 (the recipe asks for f16,");
  const engine = { kind: "webgpu", device: "a GPU", note: "", precisions: ["f32", "f16"] } as const;
  expect(cardOf(tinyShape, { engine }, { precision: "f16" })).toContain(
    "on the webgpu engine, matrix products in f16\n",
  );
  expect(cardOf(tinyShape, { engine })).toContain("on the webgpu engine\n");
});

test("where queries alone were trained, the card has two encoders to use", () => {
  expect(cardOf(tinyShape)).not.toContain("/queries");
  const card = cardOf(tinyShape, {}, { side: "queries" });
  expect(card).toContain('SentenceTransformer("path/to/this/folder/queries")');
  expect(card).toContain('SentenceTransformer("path/to/this/folder/documents")');
  expect(card).toContain("- Trained: The encoder of queries alone\n");
});

/** The front matter's keys, whose values are JSON. */
function matterOf(card: string): Readonly<Record<string, unknown>> {
  const [, lines = ""] = /^---\n([\s\S]*?)\n---\n/u.exec(card) ?? [];
  const entries = lines.split("\n").map((line) => {
    const at = line.indexOf(": ");
    return [line.slice(0, at), JSON.parse(line.slice(at + 2)) as unknown] as const;
  });
  return Object.fromEntries(entries);
}

test("the front matter has what the hub reads, of the encoder after training", () => {
  const of = (value: number) => ({ ...scores, mean: { "ndcg@10": { value, low: 0, high: 1 } } });
  const systems = { bm25: of(0.5), before: of(0.4), after: of(0.6) } as unknown as RunResult["systems"];
  const matter = matterOf(cardOf(tinyShape, { systems }, { negatives: [{ source: "synthetic", count: 3 }] }));
  expect(matter).toMatchObject({
    library_name: "sentence-transformers",
    pipeline_tag: "sentence-similarity",
    metrics: ["cosine_ndcg@10", "cosine_mrr@10", "cosine_recall@100"],
    "model-index": [
      {
        name: "mine|yours, fine-tuned",
        results: [
          {
            task: { type: "information-retrieval", name: "Information Retrieval" },
            dataset: { name: "c", type: "unknown", split: "test" },
            metrics: [{ type: "cosine_ndcg@10", value: 0.6, name: "nDCG@10" }],
          },
        ],
      },
    ],
  });
  expect(matter["tags"]).toEqual(expect.arrayContaining(["synthetic", "dataset_size:4", "dense"]));
  expect(matter).not.toHaveProperty("base_model");
  // Nothing was measured, nothing is said; no decoys, no such tag.
  const bare = matterOf(cardOf(tinyShape, {}, { negatives: [{ source: "bm25", count: 2 }] }));
  expect(bare).not.toHaveProperty("model-index");
  expect(bare["tags"]).not.toContain("synthetic");
});

test("a name of the hub is the base model; one that would end the front matter is not", () => {
  const named = (name: string) =>
    ({ encoder: { name, shape: tinyShape, parameters: 1 } }) as unknown as Partial<RunResult>;
  expect(matterOf(cardOf(tinyShape, named("intfloat/e5-small-v2")))).toMatchObject({
    base_model: "intfloat/e5-small-v2",
  });
  const hostile = cardOf(tinyShape, named('x"\n---\nlicense: mine\n'));
  expect(matterOf(hostile)).not.toHaveProperty("license");
  expect(matterOf(hostile)).not.toHaveProperty("base_model");
});

test("the card says which negatives were asked for", () => {
  const negatives = [
    { source: "synthetic", count: 3 },
    { source: "bm25", count: 2 },
  ] as const;
  expect(cardOf(tinyShape, {}, { negatives: [...negatives] })).toContain(
    "- Negatives: 3 synthetic, 2 bm25 asked for each query\n",
  );
});
