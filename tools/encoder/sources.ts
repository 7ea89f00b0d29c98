/** What the built-in encoders learn from: texts in BEIR's layout and running text, read from a folder beside the repository. */
import { createReadStream, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

export interface SourceDocument {
  /** Documents of one group share a subject: an article, a topic, a stretch of a book. */
  readonly group: string;
  readonly title: string;
  readonly text: string;
  readonly questions: readonly string[];
}

export interface Source {
  readonly name: string;
  /** How often its words count for the vocabulary. */
  readonly weight: number;
  documents(): AsyncIterable<SourceDocument>;
}

interface Line {
  readonly _id: string;
  readonly title?: string;
  readonly text: string;
}

const lines = (file: string): AsyncIterable<string> => createInterface({ input: createReadStream(file) });

function questionsByDocument(directory: string): ReadonlyMap<string, readonly string[]> {
  const texts = new Map<string, string>();
  for (const line of readFileSync(path.join(directory, "queries.jsonl"), "utf8").trim().split("\n")) {
    const { _id, text }: Line = JSON.parse(line);
    texts.set(_id, text);
  }
  const questions = new Map<string, Set<string>>();
  const rows = readFileSync(path.join(directory, "qrels/train.tsv"), "utf8").trim().split("\n").slice(1);
  for (const row of rows) {
    const [query = "", document = ""] = row.split("\t");
    const known = questions.get(document) ?? new Set();
    questions.set(document, known.add(texts.get(query) ?? ""));
  }
  return new Map([...questions].map(([id, set]) => [id, [...set]]));
}

/** A collection's documents with the questions of its training split. `judged`: only those that have a question. */
function beir(directory: string, groupOf: (line: Line) => string, judged: boolean): Source["documents"] {
  return async function* () {
    const questions = questionsByDocument(directory);
    for await (const line of lines(path.join(directory, "corpus.jsonl"))) {
      const document: Line = JSON.parse(line);
      const own = questions.get(document._id) ?? [];
      if (judged && own.length === 0) continue;
      yield { group: groupOf(document), title: document.title ?? "", text: document.text, questions: own };
    }
  };
}

/** Paragraphs joined to passages of about `words` words; a group is a stretch of so many passages. */
function running(file: string, words: number, stretch: number): Source["documents"] {
  return async function* () {
    let [passage, count, number] = ["", 0, 0];
    for await (const line of lines(file)) {
      passage += `${passage && " "}${line.trim()}`;
      count += line.split(" ").length;
      if (count < words) continue;
      yield { group: `${Math.floor(number++ / stretch)}`, title: "", text: passage, questions: [] };
      [passage, count] = ["", 0];
    }
  };
}

/** The three sources under `root`. MedQuAD's test topics are left out: they are looked at once, for the card. */
export const sourcesUnder = (root: string): readonly Source[] => [
  {
    name: "squad",
    weight: 1,
    documents: beir(path.join(root, "squad/train"), ({ _id }) => _id.split("-").slice(0, 2).join("-"), false),
  },
  {
    name: "medquad",
    weight: 1,
    documents: beir(path.join(root, "medquad"), ({ title = "" }) => title.toLowerCase(), true),
  },
  // Novels: their words are common, but not those that people search with.
  { name: "eltec", weight: 0.1, documents: running(path.join(root, "eltec/eltec_eng.txt"), 150, 20) },
];
