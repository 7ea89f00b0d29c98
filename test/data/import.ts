/** Imports made of strings and bytes, and what came of them. */
import { finish } from "../../src/base/channel.ts";
import type { RejectedRow } from "../../src/domain/collection.ts";
import type { ImportReport, ImportResult, Progress } from "../../src/domain/stages.ts";
import { createReader } from "../../src/data/reader.ts";

export type Contents = string | Uint8Array<ArrayBuffer>;
export type Files = Readonly<Record<string, Contents>>;

export interface Imported extends ImportResult {
  readonly rejected: readonly RejectedRow[];
  readonly progress: readonly Progress[];
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

/** Rows of JSON, a line each. */
export const jsonl = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

export async function importFiles(files: Files): Promise<Imported> {
  const given = Object.entries(files).map(([path, contents]) => ({ path, blob: new Blob([contents]) }));
  const reports: ImportReport[] = [];
  const result = await finish(createReader().read({ files: given }), (report) => reports.push(report));
  return {
    ...result,
    rejected: reports.flatMap((report) => (report.kind === "rejected" ? report.rows : [])),
    progress: reports.flatMap((report) => (report.kind === "progress" ? [report.progress] : [])),
  };
}

/** The reasons of the rejected rows as "file:line reason". */
export const reasons = ({ rejected }: Imported): string[] =>
  rejected.map(({ file, line, reason }) => `${file}:${line} ${reason}`);

/** A sound small collection: three documents, two queries, a judgement each in train and test. */
export const sound = {
  "tiny/corpus.jsonl": jsonl(
    { _id: "d1", title: "Otters", text: "Otters hold hands." },
    { _id: "d2", text: "Foxes dig dens." },
    { _id: 3, title: "Owls", text: "" },
  ),
  "tiny/queries.jsonl": jsonl(
    { _id: "q1", text: "Do otters hold hands?" },
    { _id: "q2", text: "Where do foxes live?" },
  ),
  "tiny/qrels/train.tsv": "query-id\tcorpus-id\tscore\nq2\td2\t1\n",
  "tiny/qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\t3\t0\n",
} as const satisfies Files;
