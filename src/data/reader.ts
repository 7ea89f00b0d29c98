/** Reads what a person gives into a collection: a BEIR folder, the same in a zip, one file of pairs, or one table. */
import type { Column, Mapping, SeparatedForm, TablePreview } from "../domain/mapping.ts";
import { mappingKind, mappingProblem, mappingWords } from "../domain/mapping.ts";
import type { GivenFile, ImportReport, ImportResult, ReaderStages } from "../domain/stages.ts";
import type { Document } from "../domain/collection.ts";
import { arranged } from "./arrange.ts";
import type { Content } from "./beir.ts";
import { readBeir } from "./beir.ts";
import { kindOf, refuseOtherKinds } from "./kinds.ts";
import type { Layout } from "./layout.ts";
import { isLitter, layoutOf } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { createLedger } from "./ledger.ts";
import type { Shelf } from "./documents.ts";
import { itemsOf } from "./documents.ts";
import { readMappedPairs, readPairs } from "./pairs.ts";
import { problem } from "./problem.ts";
import { enterRows, isRow, own } from "./rows.ts";
import type { Source } from "./source.ts";
import { blobSource, extensionOf, headOf, nameOf } from "./source.ts";
import { summarise } from "./summary.ts";
import { guessRoles, isRecognised } from "./table/guess.ts";
import { takeDocumentBy } from "./table/mapped.ts";
import { isUsualPairs, openTable, previewOf } from "./table/open.ts";
import type { Table } from "./table/table.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { listOf } from "./wording.ts";
import { openZip } from "./zip.ts";

interface Opened {
  readonly sources: readonly Source[];
  readonly zipped: boolean;
  /** For a collection that does not name itself. */
  readonly name: string;
}

const stemOf = (path: string): string => nameOf(path).replace(/\.[^.]+$/, "");

async function openSingle({ path, blob }: GivenFile): Promise<Opened> {
  const source = blobSource(path, blob);
  const kind = await kindOf(source);
  if (kind && kind.name !== "a zip") await refuseOtherKinds(source);
  if (!kind && extensionOf(path) !== "zip") {
    return { sources: [source], zipped: false, name: stemOf(source.path) };
  }
  const sources = (await openZip(source.path, blob)).filter((entry) => !isLitter(entry.path));
  if (sources.some((entry) => /^(\[Content_Types\]\.xml|(word|xl|ppt)\/)/.test(entry.path))) {
    throw new UnreadableCollection(
      `${source.path} is an Office document. Write its text as JSON lines, one document a line.`,
    );
  }
  if (sources.length === 0) throw new UnreadableCollection(`${source.path} is a zip with no files in it.`);
  return { sources, zipped: true, name: stemOf(source.path) };
}

async function open(files: readonly GivenFile[]): Promise<Opened> {
  const given = files.filter(({ path }) => !isLitter(path));
  const [first, second] = given;
  if (!first) throw new UnreadableCollection("There are no files here. Give a folder, a zip or a .jsonl file.");
  if (!second) return openSingle(first);
  return { sources: given.map(({ path, blob }) => blobSource(path, blob)), zipped: false, name: "collection" };
}

/** An array in one piece cannot be read line by line. */
async function refuseArray(source: Source): Promise<void> {
  const start = new TextDecoder().decode(await headOf(source, 64)).trimStart();
  if (!start.startsWith("[")) return;
  throw new UnreadableCollection(
    `${source.path} is one JSON list. Write one object a line instead (jq -c '.[]' ${nameOf(source.path)}).`,
  );
}

function filesOf(layout: Layout): Source[] {
  if (layout.kind === "pairs") return [layout.rows];
  const { corpus, queries, qrels, negatives } = layout;
  return [corpus, queries, ...qrels.map(({ source }) => source), negatives].filter((source) => source !== undefined);
}

const longestMeta = 2 ** 16;

/** The name in meta.json; a meta.json that cannot be read is a rejected row. */
async function nameIn(meta: Source, ledger: Ledger): Promise<string | undefined> {
  const text = new TextDecoder().decode(await headOf(meta, longestMeta));
  try {
    const value: unknown = JSON.parse(text);
    const name = isRow(value) ? own(value, "name") : undefined;
    if (typeof name === "string" && name.trim() !== "") return name.trim().slice(0, 200);
  } catch {
    // Falls through to the report: whatever is wrong with it, the advice is the same.
  }
  ledger.reject(
    { file: meta.path, line: 0, text },
    problem("no name", `meta.json must be one object with a string "name"; the folder's or file's name is used`),
  );
  return undefined;
}

async function nameFor(layout: Layout, opened: Opened, ledger: Ledger): Promise<string> {
  const named = layout.meta && (await nameIn(layout.meta, ledger));
  if (named !== undefined) return named;
  if (layout.kind === "pairs") return stemOf(layout.rows.path);
  return layout.root === "" ? opened.name : nameOf(layout.root.slice(0, -1));
}

async function* readLayout(
  layout: Layout,
  zipped: boolean,
  ledger: Ledger,
): AsyncGenerator<ImportReport, { readonly content: Content; readonly format: string }, void> {
  if (layout.kind === "beir") {
    if (!layout.queries) return { content: yield* readBeir(layout, ledger), format: "Documents alone" };
    const variant = layout.qrels.some(({ source }) => extensionOf(source.path) === "jsonl") ? " (qrels as JSONL)" : "";
    return { content: yield* readBeir(layout, ledger), format: `BEIR ${zipped ? "zip" : "folder"}${variant}` };
  }
  await refuseArray(layout.rows);
  const { content, fields } = yield* readPairs(layout, ledger);
  return { content, format: `JSONL of pairs${zipped ? " in a zip" : ""}${fields}` };
}

/** The only file, where it is a table. */
async function tableIn(files: readonly GivenFile[], form?: SeparatedForm): Promise<Table | undefined> {
  const [only, second] = files.filter(({ path }) => !isLitter(path));
  if (!only || second) return undefined;
  const kind = await kindOf(blobSource(only.path, only.blob));
  const mayBe = kind === undefined || kind.name === "UTF-16 text" || kind.name === "a Parquet file";
  return mayBe ? openTable(only.path, only.blob, form) : undefined;
}

async function* preview({
  files,
  form,
}: Parameters<ReaderStages["preview"]>[0]): AsyncGenerator<never, TablePreview | undefined, void> {
  const table = await tableIn(files, form);
  if (!table) return undefined;
  const start = await previewOf(table);
  const usual = table.format === "JSONL" && files[0] && (await isUsualPairs(blobSource(files[0].path, files[0].blob)));
  return usual ? { ...start, recognised: true } : start;
}

/** What the columns mean: as a person said, else by their names. Undefined for JSON lines, which say themselves what is wrong. */
async function columnsFor(table: Table, source: Source, mapping?: Mapping): Promise<readonly Column[] | undefined> {
  const columns = mapping?.columns ?? guessRoles(table.columns);
  const wrong = mappingProblem(columns);
  if (mapping) {
    if (wrong !== undefined) throw new UnreadableCollection(`${table.path} cannot be read so. ${wrong}`);
    return columns;
  }
  if (table.format === "JSONL" && (await isUsualPairs(source))) return undefined;
  if (isRecognised(columns)) return columns;
  if (table.format === "JSONL") return undefined;
  throw new UnreadableCollection(
    `The columns of ${table.path} do not say what they mean: ${listOf(table.columns)}. Name them query, positive and negative, or text with title or id.`,
  );
}

async function* readTable(
  table: Table,
  columns: readonly Column[],
  ledger: Ledger,
): AsyncGenerator<ImportReport, Content, void> {
  if (mappingKind(columns) === "pairs") return yield* readMappedPairs(table, columns, ledger);
  const documents: Shelf<Document> = new Map();
  yield* enterRows(table.path, table.batches(), ledger, takeDocumentBy(columns, documents));
  ledger.requireRows([table.path], "document");
  return { documents: itemsOf(documents), queries: [], judgements: {}, negatives: [] };
}

async function* readMapped(table: Table, columns: readonly Column[]): AsyncGenerator<ImportReport, ImportResult, void> {
  const ledger = createLedger(table.size);
  const content = yield* readTable(table, columns, ledger);
  yield* ledger.close();
  const words = mappingWords(columns);
  const noun = mappingKind(columns) === "pairs" ? "pairs" : "documents";
  const format = `${table.format} of ${noun}${words === "" ? "" : ` (${words})`}`;
  const name = stemOf(table.path);
  return { collection: { name, ...content }, summary: summarise(content, format, ledger.rejected()) };
}

async function* read({
  files,
  mapping,
}: Parameters<ReaderStages["read"]>[0]): AsyncGenerator<ImportReport, ImportResult, void> {
  const table = await tableIn(files, mapping?.form);
  const [first] = files;
  if (table && first) {
    const columns = await columnsFor(table, blobSource(first.path, first.blob), mapping);
    if (columns) return yield* readMapped(table, columns);
  }
  return yield* readFiles(files);
}

async function* readFiles(files: readonly GivenFile[]): AsyncGenerator<ImportReport, ImportResult, void> {
  const opened = await open(files);
  const layout = layoutOf(opened.sources);
  const sources = filesOf(layout);
  for (const source of sources) await refuseOtherKinds(source);

  const ledger = createLedger(sources.reduce((sum, { size }) => sum + size, 0));
  for (const { path } of layout.unused) {
    ledger.reject(
      { file: path, line: 0, text: "" },
      problem("not read", "this file belongs to no part of the collection that was recognised"),
    );
  }
  const name = await nameFor(layout, opened, ledger);
  const { content, format } = yield* readLayout(layout, opened.zipped, ledger);
  yield* ledger.close();
  return { collection: { name, ...content }, summary: summarise(content, format, ledger.rejected()) };
}

/** Errors: UnreadableCollection. Stopping it closes the file that it was reading. */
export function createReader(): ReaderStages {
  return {
    read,
    preview,
    arrange: async function* ({ arrangement, ...collection }) {
      return arranged(collection, arrangement);
    },
  };
}
