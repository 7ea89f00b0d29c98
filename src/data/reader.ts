/** Reads what a person gives into a collection: a BEIR folder, the same in a zip, or one file of pairs. */
import type { ImportReport, ImportResult, ReaderStages } from "../domain/stages.ts";
import type { Content } from "./beir.ts";
import { readBeir } from "./beir.ts";
import { kindOf, refuseOtherKinds } from "./kinds.ts";
import type { Layout } from "./layout.ts";
import { isLitter, layoutOf } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { createLedger } from "./ledger.ts";
import { readPairs } from "./pairs.ts";
import { problem } from "./problem.ts";
import { isRow, own } from "./rows.ts";
import type { Source } from "./source.ts";
import { blobSource, extensionOf, headOf, nameOf } from "./source.ts";
import { summarise } from "./summary.ts";
import { UnreadableCollection } from "./unreadable.ts";
import { openZip } from "./zip.ts";

interface GivenFile {
  readonly path: string;
  readonly blob: Blob;
}

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

async function* read({
  files,
}: {
  readonly files: readonly GivenFile[];
}): AsyncGenerator<ImportReport, ImportResult, void> {
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

/** Errors of `read`: UnreadableCollection. Stopping it closes the file that it was reading. */
export function createReader(): ReaderStages {
  return { read };
}
