/**
 * A collection over the border of a thread, a part at a time: in one message, 100,000 documents would hold up the page that gets
 * them for a second.
 */
import { present } from "../base/assert.ts";
import type { Stage } from "../base/channel.ts";
import type { Collection, Document, Judgement, Query } from "../domain/collection.ts";
import type { WrittenNegative } from "../domain/negative.ts";
import type { ImportReport, ImportResult, ReaderStages } from "../domain/stages.ts";

type Part =
  | { readonly kind: "documents"; readonly rows: readonly Document[] }
  | { readonly kind: "queries"; readonly rows: readonly Query[] }
  | { readonly kind: "judgements"; readonly split: string; readonly rows: readonly Judgement[] }
  | { readonly kind: "negatives"; readonly rows: readonly WrittenNegative[] };

type ReadInput = Parameters<ReaderStages["read"]>[0];

/** What a thread serves in the place of a reader. */
export interface PartedReader extends Omit<ReaderStages, "read"> {
  read: Stage<ReadInput, ImportReport | Part, Pick<ImportResult, "summary"> & Pick<Collection, "name">>;
}

/** Of a part: a few milliseconds' worth. */
const mostRows = 1_000;
const mostCharacters = 2 ** 18;

const charactersOf = (row: object): number => ("text" in row && typeof row.text === "string" ? row.text.length : 50);

function* cut<Row extends object>(rows: readonly Row[]): Generator<readonly Row[], void, void> {
  let [start, characters] = [0, 0];
  for (const [place, row] of rows.entries()) {
    characters += charactersOf(row);
    if (place + 1 - start < mostRows && characters < mostCharacters) continue;
    yield rows.slice(start, place + 1);
    [start, characters] = [place + 1, 0];
  }
  if (start < rows.length) yield rows.slice(start);
}

function* partsOf({ documents, queries, judgements, negatives }: Collection): Generator<Part, void, void> {
  for (const rows of cut(documents)) yield { kind: "documents", rows };
  for (const rows of cut(queries)) yield { kind: "queries", rows };
  for (const [split, all] of Object.entries(judgements)) {
    // A split without a row is one all the same.
    yield { kind: "judgements", split, rows: [] };
    for (const rows of cut(all)) yield { kind: "judgements", split, rows };
  }
  for (const rows of cut(negatives)) yield { kind: "negatives", rows };
}

/** For the thread that reads. */
export function inParts(reader: ReaderStages): PartedReader {
  return {
    ...reader,
    async *read(input) {
      const { collection, summary } = yield* reader.read(input);
      yield* partsOf(collection);
      return { name: collection.name, summary };
    },
  };
}

function createWhole() {
  const documents: Document[] = [];
  const queries: Query[] = [];
  const judgements = new Map<string, Judgement[]>();
  const negatives: WrittenNegative[] = [];
  function add(part: Part): void {
    switch (part.kind) {
      case "documents":
        return void documents.push(...part.rows);
      case "queries":
        return void queries.push(...part.rows);
      case "judgements": {
        const rows = judgements.get(part.split) ?? [];
        judgements.set(part.split, rows);
        return void rows.push(...part.rows);
      }
      case "negatives":
        return void negatives.push(...part.rows);
      default:
        return part satisfies never;
    }
  }
  // fromEntries defines properties, so a split named "__proto__" is one like any other.
  const content = () => ({ documents, queries, judgements: Object.fromEntries(judgements), negatives });
  return { add, content };
}

/** For the page: the reader as it is elsewhere. Its stages are not asked for before they are called. */
export function whole(reader: PartedReader): ReaderStages {
  return {
    async *read(input) {
      const { add, content } = createWhole();
      let last: (Pick<ImportResult, "summary"> & Pick<Collection, "name">) | undefined;
      async function* all(): AsyncGenerator<ImportReport | Part, void, void> {
        last = yield* reader.read(input);
      }
      for await (const report of all()) {
        if (report.kind === "progress" || report.kind === "rejected") yield report;
        else add(report);
      }
      const { name, summary } = present(last, "what was read");
      return { collection: { name, ...content() }, summary };
    },
    preview: (input) => reader.preview(input),
    arrange: (input) => reader.arrange(input),
  };
}
