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
import type { EncoderFolder } from "../../src/domain/encoder.ts";
import type { Ranking } from "../../src/domain/ranking.ts";
import { run, type Services } from "../../src/pipeline/run.ts";
import { createRetriever } from "../../src/retrieval/service.ts";
import { createEncoder } from "../../src/train/service.ts";
import { nodeEngines } from "../../experiments/engines.ts";
import { collectionFiles, encoderFolder } from "../../experiments/files.ts";

const SPLITS = ["dev", "test"];
const ENCODERS = ["decoy-small", "decoy-static"];
const DEPTH = 10;

/** Rankings of BM25 and of the encoder, without training. */
async function rankingsOf(collection: Collection, folder: EncoderFolder, split: string): Promise<readonly Ranking[]> {
  const services: Services = { encoder: createEncoder(nodeEngines), retriever: createRetriever() };
  const config = parseConfig({ steps: 0, evaluate: { split } });
  const rankings: Ranking[] = [];
  const { model } = await finish(
    run(services, { collection, folder, engine: "cpu", config, checkpointEvery: Infinity }),
    (report) => {
      if (report.kind !== "product") return;
      const { product } = report;
      if (product.name === "bm25" || product.name === "before") rankings.push(...product.value.rankings);
    },
  );
  await finish(services.encoder.close({ model }));
  return rankings;
}

export async function main([
  root = "public/collection",
  encoders = "public/encoders",
]: readonly string[]): Promise<number> {
  const { collection } = await finish(createReader().read({ files: collectionFiles(root) }));
  const missing = new Set<string>();
  for (const split of SPLITS) {
    const judged = new Set((collection.judgements[split] ?? []).map((row) => `${row.queryId} ${row.documentId}`));
    for (const encoder of ENCODERS) {
      for (const { queryId, hits } of await rankingsOf(
        collection,
        encoderFolder(path.join(encoders, encoder)),
        split,
      )) {
        const best = hits.slice(0, DEPTH).map(({ documentId }) => documentId);
        for (const id of best) if (!judged.has(`${queryId} ${id}`)) missing.add(`${split}\t${queryId}\t${id}`);
      }
    }
  }
  for (const line of [...missing].toSorted()) console.log(line);
  console.log(`${missing.size} of the ten best documents of dev and test queries are not judged`);
  return missing.size > 0 ? 1 : 0;
}
