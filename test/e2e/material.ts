/** What the whole path is walked with: SciFact where it lies beside the project, else two dozen towns made here. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { zipSync } from "fflate";

export interface Material {
  /** For whoever reads what the test prints. */
  readonly about: string;
  /** The button that lets it be picked, and what is picked. */
  readonly door: "Choose files" | "Choose a folder";
  readonly files: string | { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };
  readonly documents: number;
  /** Training queries with an answer, and pairs of both: each pair is a row. */
  readonly queries: number;
  readonly rows: number;
  /** Decoys a query. */
  readonly perQuery: number;
  /** Of the recipe of the run. */
  readonly recipe: Readonly<Record<string, string>>;
}

const folder = path.resolve("../shared/data/scifact");
const linesOf = (name: string): string[] => readFileSync(path.join(folder, name), "utf8").trim().split("\n");

/** The real collection, with every query that it trains on. */
function scifact(): Material {
  const pairs = linesOf("qrels/train.tsv")
    .slice(1)
    .map((line) => line.split("\t"));
  const queries = new Set(pairs.map(([query]) => query)).size;
  const documents = linesOf("corpus.jsonl").length;
  return {
    about: `SciFact: ${documents} documents, ${queries} training queries`,
    door: "Choose a folder",
    files: folder,
    documents,
    queries,
    rows: pairs.length,
    perQuery: 1,
    recipe: { Encoder: "decoy-static", Steps: "40" },
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const jsonl = (rows: readonly object[]) => utf8(rows.map((row) => JSON.stringify(row)).join("\n"));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function towns(): Material {
  const [documents, queries, test] = [24, 8, 6];
  const corpus = numbers(documents).map((i) => ({
    _id: `d${i}`,
    title: `Town ${i}`,
    text: `The harbour of town ${i} was dug in ${1500 + 7 * i} when the river silted up. Its ${["gulls", "boats", "nets", "tides"][i % 4]} gave it a name, and the toll on salt paid for the light on pier ${i}.`,
  }));
  const asked = numbers(queries + test).map((i) => ({ _id: `q${i}`, text: `When was the harbour of town ${i} dug?` }));
  const judged = asked.map((_, i) => `q${i}\td${i}\t1`);
  const qrels = (lines: readonly string[]) => utf8(["query-id\tcorpus-id\tscore", ...lines].join("\n"));
  const zip = zipSync({
    "towns/corpus.jsonl": jsonl(corpus),
    "towns/queries.jsonl": jsonl(asked),
    "towns/qrels/train.tsv": qrels(judged.slice(0, queries)),
    "towns/qrels/test.tsv": qrels(judged.slice(queries)),
  });
  return {
    about: `a small collection: ${documents} documents, ${queries} training queries; SciFact does not lie beside the project`,
    door: "Choose files",
    files: { name: "towns.zip", mimeType: "application/zip", buffer: Buffer.from(zip) },
    documents,
    queries,
    rows: queries,
    perQuery: 2,
    recipe: { Encoder: "decoy-small", Steps: "6" },
  };
}

export const material: Material = existsSync(path.join(folder, "corpus.jsonl")) ? scifact() : towns();
