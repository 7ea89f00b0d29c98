/**
 * Makes bench/lengths.json again from SQuAD 1.1 and SciFact in BEIR's layout and the tokenizer of bert-base-uncased:
 *   node tools/run.mjs bench/measureLengths.ts ../shared/data
 * A row is a query, the document that answers it, and the document that follows it in the collection as its negative; rows
 * of SQuAD's dev split and of SciFact's training queries take turns. Only lengths are kept.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shuffled, random } from "../src/base/random.ts";
import { createTokenizer } from "../src/text/tokenizer.ts";

const ROWS = 256;
/** Tokens to which texts are cut, special tokens included: all-MiniLM-L6-v2's. */
const MOST = 256;
const ORIGIN =
  "Token lengths (bert-base-uncased, cut to 256) of SQuAD 1.1 dev and SciFact train, taking turns: query, its document, the next document.";

interface Text {
  readonly _id: string;
  readonly title?: string;
  readonly text: string;
}

const linesOf = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");
const textsOf = (file: string): Text[] => linesOf(file).map((line): Text => JSON.parse(line));
const whole = ({ title, text }: Text): string => [title, text].filter(Boolean).join(" ");

/** Rows of texts, in a fixed random order. */
function rowsOf(folder: string, judgements: string): (readonly [Text, Text, Text])[] {
  const queries = new Map(textsOf(join(folder, "queries.jsonl")).map((query) => [query._id, query]));
  const documents = textsOf(join(folder, "corpus.jsonl"));
  const places = new Map(documents.map(({ _id }, place) => [_id, place]));
  const rows = linesOf(join(folder, "qrels", judgements))
    .slice(1)
    .flatMap((line): (readonly [Text, Text, Text])[] => {
      const [query, document] = line.split("\t");
      const place = places.get(document ?? "") ?? -1;
      const texts = [queries.get(query ?? ""), documents[place], documents[(place + 1) % documents.length]] as const;
      const [asked, positive, negative] = texts;
      return asked && positive && negative ? [[asked, positive, negative]] : [];
    });
  return shuffled(rows, random(1, folder.split("/").at(-1) ?? "")).slice(0, ROWS / 2);
}

export function main([data = "../shared/data"]: readonly string[]): number {
  const at = join(data, "tokenizers", "bert-base-uncased");
  const tokenizer = createTokenizer({
    tokenizer: readFileSync(join(at, "tokenizer.json"), "utf8"),
    config: readFileSync(join(at, "tokenizer_config.json"), "utf8"),
  });
  const squad = rowsOf(join(data, "squad", "dev"), "dev.tsv");
  const scifact = rowsOf(join(data, "scifact"), "train.tsv");
  const lengths = squad
    .flatMap((row, i) => [row, scifact[i] ?? row])
    .map((row) => row.map((text) => tokenizer.encode(whole(text), MOST).length));
  const rows = lengths.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  const json = `{\n  "origin": ${JSON.stringify(ORIGIN)},\n  "rows": [\n${rows}\n  ]\n}\n`;
  writeFileSync("bench/lengths.json", json);
  return 0;
}
