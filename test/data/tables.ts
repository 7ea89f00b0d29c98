/** Tables read by a mapping, and looked at before. */
import { finish } from "../../src/base/channel.ts";
import { createReader } from "../../src/data/reader.ts";
import type { RejectedRow } from "../../src/domain/collection.ts";
import type { Column, ColumnRole, Mapping, TablePreview } from "../../src/domain/mapping.ts";
import type { ImportResult } from "../../src/domain/stages.ts";
import type { Contents } from "./import.ts";

export const columnsOf = (...pairs: readonly (readonly [string, ColumnRole])[]): Column[] =>
  pairs.map(([name, role]) => ({ name, role }));

export async function readAs(path: string, contents: Contents, mapping: Mapping) {
  const rejected: RejectedRow[] = [];
  const files = [{ path, blob: new Blob([contents]) }];
  const result: ImportResult = await finish(createReader().read({ files, mapping }), (report) => {
    if (report.kind === "rejected") rejected.push(...report.rows);
  });
  return { ...result, rejected, progress: [] };
}

export const preview = (path: string, contents: Contents): Promise<TablePreview | undefined> =>
  finish(createReader().preview({ files: [{ path, blob: new Blob([contents]) }] }));
