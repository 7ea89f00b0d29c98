/**
 * Lists what lacks a judgement: for every dev and test query of the collection, the documents among the ten best of BM25,
 * decoy-small and decoy-static. A document that nobody judged would count as a miss, whether it answers or not.
 *
 *   node tools/run.mjs tools/collection/judged.ts [COLLECTION=public/collection] [ENCODERS=public/encoders]
 *
 * Prints one line a pair: split, query, document. Exit code 1 where there is one.
 */
import path from "node:path";
import { finish } from "../../src/base/channel.ts";
import { createReader } from "../../src/data/reader.ts";
import type { Collection } from "../../src/domain/collection.ts";
import { parseConfig } from "../../src/domain/config.ts";
import type { Vectors } from "../../src/domain/encoder.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { run, type Services } from "../../src/pipeline/run.ts";
import { createRetriever } from "../../src/retrieval/service.ts";
import { createEncoder } from "../../src/train/service.ts";
import { nodeEngines } from "../../experiments/engines.ts";
import { collectionFiles, encoderFolder } from "../../experiments/files.ts";

const SPLITS = ["dev", "test"];
const ENCODERS = ["decoy-small", "decoy-static"];
const DEPTH = 10;

/** Rankings of BM25 and of the encoder on each split, without training. The collection is encoded once. */
async function rankingsOf(collection: Collection, encoder: string): Promise<ReadonlyMap<string, readonly Ranking[]>> {
  const folder = encoderFolder(encoder);
  const rankings = new Map<string, readonly Ranking[]>();
  let vectorsBefore: Vectors | undefined;
  for (const split of SPLITS) {
    const services: Services = { encoder: createEncoder(nodeEngines), retriever: createRetriever() };
    const config = parseConfig({ steps: 0, evaluate: { split } });
    const products = vectorsBefore && { products: { vectorsBefore } };
    const input = { collection, folder, engine: "cpu", config, checkpointEvery: Infinity, ...products } as const;
    const found: Ranking[] = [];
    const { model } = await finish(run(services, input), (report) => {
      if (report.kind !== "product") return;
      const { product } = report;
      if (product.name === "vectorsBefore") vectorsBefore = product.value;
      if (product.name === "bm25" || product.name === "before") found.push(...product.value.rankings);
    });
    await finish(services.encoder.close({ model }));
    rankings.set(split, found);
  }
  return rankings;
}

export async function main([
  root = "public/collection",
  encoders = "public/encoders",
]: readonly string[]): Promise<number> {
  const { collection } = await finish(createReader().read({ files: collectionFiles(root) }));
  const missing = new Set<string>();
  for (const encoder of ENCODERS) {
    for (const [split, rankings] of await rankingsOf(collection, path.join(encoders, encoder))) {
      const judged = new Set((collection.judgements[split] ?? []).map((row) => `${row.queryId} ${row.documentId}`));
      for (const { queryId, hits } of rankings) {
        const best = hits.slice(0, DEPTH).map(({ documentId }) => documentId);
        for (const id of best) if (!judged.has(`${queryId} ${id}`)) missing.add(`${split}\t${queryId}\t${id}`);
      }
    }
  }
  for (const line of [...missing].toSorted()) console.log(line);
  console.log(`${missing.size} of the ten best documents of dev and test queries are not judged`);
  return missing.size > 0 ? 1 : 0;
}
