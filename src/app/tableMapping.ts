/** Explaining the columns of a table: what each means, and how its lines are cut. */
import { finish } from "../base/channel.ts";
import type { ColumnRole, SeparatedForm } from "../domain/mapping.ts";
import type { App } from "./app.ts";

export function setRole({ collections }: App, place: number, role: ColumnRole): void {
  const { draft } = collections;
  if (draft.value?.state !== "mapping") return;
  const { columns } = draft.value;
  draft.value = {
    ...draft.value,
    columns: columns.map((column, at) => (at === place ? { ...column, role } : column)),
  };
}

/** Cuts the lines otherwise; what the columns mean is guessed anew. */
export async function setForm({ collections, deps }: App, form: SeparatedForm): Promise<void> {
  const { draft } = collections;
  if (draft.value?.state !== "mapping") return;
  const { files } = draft.value;
  const preview = await finish(deps.reader.preview({ files, form }));
  // Another answer may have been given meanwhile, or the draft be gone.
  if (draft.value?.state !== "mapping" || draft.value.files !== files || !preview) return;
  draft.value = { state: "mapping", files, preview, columns: preview.columns };
}

/** Back from what was read to what its columns mean. */
export function explainColumns({ collections }: App): void {
  const { draft } = collections;
  if (draft.value?.state !== "read" || !draft.value.table) return;
  draft.value = { state: "mapping", ...draft.value.table };
}
