/** Which of the given files is what, by their names. */
import type { Source } from "./source.ts";
import { extensionOf, folderOf, nameOf } from "./source.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { count, countOf, listOf } from "./wording.ts";

interface Split {
  readonly split: string;
  readonly source: Source;
}

export interface BeirLayout {
  readonly kind: "beir";
  /** The folder in which corpus.jsonl lies, "" or ending in a slash. */
  readonly root: string;
  readonly corpus: Source;
  /** Undefined, and no qrels, where the documents are all there is. */
  readonly queries: Source | undefined;
  /** By split name, ascending: the order must not depend on how a browser lists a folder. */
  readonly qrels: readonly Split[];
  readonly negatives: Source | undefined;
  readonly meta: Source | undefined;
  /** Data files that belong to nothing. */
  readonly unused: readonly Source[];
}

export interface PairsLayout {
  readonly kind: "pairs";
  readonly rows: Source;
  readonly meta: Source | undefined;
  readonly unused: readonly Source[];
}

export type Layout = BeirLayout | PairsLayout;

const needed =
  "Needed is either a folder or zip with corpus.jsonl, queries.jsonl and qrels/<split>.tsv (BEIR's layout), " +
  "or corpus.jsonl alone, to learn from the documents themselves, " +
  'or one .jsonl file with a row {"query": …, "positive": …, "negatives": […]} on each line, ' +
  "or one table (.csv, .tsv, .jsonl, .parquet) given by itself, whose columns are then explained.";

/** Files that systems leave in folders and zips, and hidden ones. */
export const isLitter = (path: string): boolean =>
  path.includes("__MACOSX/") || /^(\.|Thumbs\.db$|desktop\.ini$)/i.test(nameOf(path));

const isLines = ({ path }: Source): boolean => ["jsonl", "ndjson", "json"].includes(extensionOf(path));
const isData = (source: Source): boolean =>
  isLines(source) || ["tsv", "csv", "parquet"].includes(extensionOf(source.path));

/** The better of two files for one split: BEIR's own .tsv. */
const preference = ["tsv", "jsonl", "txt"];

function qrelsUnder(root: string, sources: readonly Source[]): Split[] {
  const splits = new Map<string, Split>();
  for (const source of sources) {
    const place = preference.indexOf(extensionOf(source.path));
    if (folderOf(source.path) !== `${root}qrels/` || place < 0) continue;
    const split = nameOf(source.path).replace(/\.[^.]+$/, "");
    const other = splits.get(split);
    if (!other || place < preference.indexOf(extensionOf(other.source.path))) splits.set(split, { split, source });
  }
  return [...splits.values()].toSorted((a, b) => (a.split < b.split ? -1 : 1));
}

/** The parts of BEIR's layout that lie under `root`. */
function partsAt(root: string, sources: readonly Source[]) {
  const at = (name: string) => sources.find(({ path }) => path === root + name);
  return { corpus: at("corpus.jsonl"), queries: at("queries.jsonl"), qrels: qrelsUnder(root, sources) };
}

function beirAt(root: string, sources: readonly Source[]): BeirLayout | undefined {
  const { corpus, queries, qrels } = partsAt(root, sources);
  const alone = !queries && qrels.length === 0;
  if (!corpus || (!alone && (!queries || qrels.length === 0))) return undefined;
  const negatives = sources.find(({ path }) => path === `${root}negatives.jsonl`);
  const meta = sources.find(({ path }) => path === `${root}meta.json`);
  const used = new Set([corpus, queries, negatives, meta, ...qrels.map(({ source }) => source)]);
  const unused = sources.filter((source) => isData(source) && !used.has(source));
  return { kind: "beir", root, corpus, queries, qrels, negatives, meta, unused };
}

/** The folder of any part of BEIR's layout that is there, complete or not. */
function rootsOf(sources: readonly Source[]): string[] {
  const roots = sources.flatMap(({ path }) => {
    if (["corpus.jsonl", "queries.jsonl"].includes(nameOf(path))) return [folderOf(path)];
    return /(^|\/)qrels\/[^/]+$/.test(path) ? [folderOf(path).slice(0, -"qrels/".length)] : [];
  });
  return [...new Set(roots)];
}

function refuseIncomplete(root: string, sources: readonly Source[]): never {
  const { corpus, queries, qrels } = partsAt(root, sources);
  const found = [
    ...(corpus ? ["corpus.jsonl"] : []),
    ...(queries ? ["queries.jsonl"] : []),
    ...qrels.map(({ split }) => `qrels/${split}`),
  ];
  const missing = [
    ...(corpus ? [] : ["corpus.jsonl (the documents)"]),
    ...(queries ? [] : ["queries.jsonl"]),
    ...(qrels.length > 0 ? [] : ["qrels/<split>.tsv (which document answers which query)"]),
  ];
  throw new UnreadableCollection(
    `The collection${root === "" ? "" : ` in ${root}`} is not complete: ${listOf(missing)} ${missing.length === 1 ? "is" : "are"} missing. ` +
      `Found: ${listOf(found.length > 0 ? found : sources.map(({ path }) => path))}. ${needed}`,
  );
}

function beirLayout(roots: readonly string[], sources: readonly Source[]): BeirLayout {
  const complete = roots.flatMap((root) => beirAt(root, sources) ?? []);
  const [layout, second] = complete;
  if (layout && second) {
    throw new UnreadableCollection(
      `There are ${count(complete.length)} collections here (${listOf(complete.map(({ root }) => root || "the top folder"))}). Give one of them at a time.`,
    );
  }
  return layout ?? refuseIncomplete(roots[0] ?? "", sources);
}

function pairsLayout(sources: readonly Source[]): PairsLayout {
  const meta = sources.find(({ path }) => nameOf(path) === "meta.json");
  const candidates = sources.filter((source) => isLines(source) && source !== meta);
  const [rows, second] = candidates;
  if (!rows) {
    throw new UnreadableCollection(
      `No collection was found in ${countOf(sources.length, "file")}: ${listOf(sources.map(({ path }) => path))}. ${needed}`,
    );
  }
  if (second) {
    throw new UnreadableCollection(
      `${count(candidates.length)} files of rows were given (${listOf(candidates.map(({ path }) => path))}), and it is not clear which to read. ${needed}`,
    );
  }
  return {
    kind: "pairs",
    rows,
    meta,
    unused: sources.filter((source) => isData(source) && source !== rows && source !== meta),
  };
}

/** Errors: UnreadableCollection, saying what was found and what is needed. `sources`: without litter, at least one. */
export function layoutOf(sources: readonly Source[]): Layout {
  const roots = rootsOf(sources);
  return roots.length > 0 ? beirLayout(roots, sources) : pairsLayout(sources);
}
