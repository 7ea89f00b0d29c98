/**
 * What the built-in encoders learn from, read from a folder beside the repository:
 *
 *   squad/{train,dev}, medquad   in BEIR's layout
 *   eltec/eltec_eng.txt          running text
 *   wikipedia/Page/*.md          github.com/chinapedia/wikipedia.abstract.en, 4f3e897d (August 2019)
 *   wordnet/*.yaml               src/yaml of github.com/globalwordnet/english-wordnet, d94538ad
 *   pubmedqa/ori_pqal.json       data/ of github.com/pubmedqa/pubmedqa, 1cbae8e9
 *   scitldr/train.jsonl          SciTLDR-Data/SciTLDR-A of github.com/allenai/scitldr, 5ccad9c0
 */
import { createReadStream, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { articles } from "./wikipedia.ts";
import { synsets } from "./wordnet.ts";

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

/** PubMedQA's labelled abstracts (github.com/pubmedqa/pubmedqa, ori_pqal.json): their titles are questions. */
async function* pubmedqa(file: string): AsyncGenerator<SourceDocument> {
  const abstracts: Record<string, { readonly QUESTION: string; readonly CONTEXTS: readonly string[] }> = JSON.parse(
    readFileSync(file, "utf8"),
  );
  for (const [id, { QUESTION, CONTEXTS }] of Object.entries(abstracts)) {
    yield { group: id, title: "", text: CONTEXTS.join(" "), questions: [QUESTION] };
  }
}

/** SciTLDR's training abstracts (github.com/allenai/scitldr): what an author or a reader says in a sentence asks for one. */
async function* scitldr(file: string): AsyncGenerator<SourceDocument> {
  for await (const line of lines(file)) {
    const {
      title,
      source,
      target,
    }: Record<"title" | "paper_id", string> & Record<"source" | "target", readonly string[]> = JSON.parse(line);
    yield { group: title, title, text: source.join(" "), questions: target };
  }
}

/** Lower-cased titles of SQuAD's articles: Wikipedia's own are left out, so that neither split is seen before its turn. */
function titlesOf(directory: string): ReadonlySet<string> {
  const titles = new Set<string>();
  for (const split of ["train", "dev"]) {
    for (const line of readFileSync(path.join(directory, split, "corpus.jsonl"), "utf8")
      .trim()
      .split("\n")) {
      const { title = "" }: Line = JSON.parse(line);
      titles.add(title.replaceAll("_", " ").toLowerCase());
    }
  }
  return titles;
}

/** The sources under `root`. MedQuAD's test topics are left out: they are looked at once, for the card. */
export function sourcesUnder(root: string): readonly Source[] {
  const within = (...parts: readonly string[]): string => path.join(root, ...parts);
  return [
    {
      name: "squad",
      weight: 1,
      documents: beir(within("squad/train"), ({ _id }) => _id.split("-").slice(0, 2).join("-"), false),
    },
    { name: "medquad", weight: 1, documents: beir(within("medquad"), ({ title = "" }) => title.toLowerCase(), true) },
    // Novels: their words are common, but not those that people search with.
    { name: "eltec", weight: 0.1, documents: running(within("eltec/eltec_eng.txt"), 150, 20) },
    { name: "wikipedia", weight: 0.3, documents: () => articles(within("wikipedia/Page"), titlesOf(within("squad"))) },
    { name: "pubmedqa", weight: 1, documents: () => pubmedqa(within("pubmedqa/ori_pqal.json")) },
    { name: "scitldr", weight: 1, documents: () => scitldr(within("scitldr/train.jsonl")) },
    { name: "wordnet", weight: 1, documents: () => synsets(within("wordnet")) },
  ];
}
