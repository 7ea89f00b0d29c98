/** A file of rows and columns, whatever its format. */
import type { SeparatedForm } from "../../domain/mapping.ts";
import type { Batch } from "../rows.ts";

/** The cells of a row, in the order of the columns; undefined or null where there is none. */
export type Cells = readonly unknown[];

export interface Table {
  readonly path: string;
  readonly size: number;
  /** "CSV", "TSV", "JSONL", "Parquet". */
  readonly format: string;
  readonly form?: SeparatedForm;
  /** Distinct and not empty. */
  readonly columns: readonly string[];
  readonly notes: readonly string[];
  /** From the start, each time anew. */
  batches(): AsyncIterable<Batch<Cells>>;
}

/** A table with more is refused. */
export const mostColumns = 256;

/** Names that tell the columns apart: an empty one becomes "column 3", a repeated one "text (2)". */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((given, place) => {
    const name = given.trim().slice(0, 200) || `column ${place + 1}`;
    let distinct = name;
    for (let i = 2; taken.has(distinct); i++) distinct = `${name} (${i})`;
    taken.add(distinct);
    return distinct;
  });
}
