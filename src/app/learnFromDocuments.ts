/** Learning a collection for which nobody judged anything: its own titles and sentences are the queries. */
import type { CollectionRecord } from "../domain/run.ts";
import type { App } from "./app.ts";
import { selectedRecord } from "./collections.ts";
import { setField } from "./recipe.ts";

/** Whether nothing says which document answers which query. */
export const isUnjudged = ({ judgements }: Pick<CollectionRecord, "judgements">): boolean =>
  Object.values(judgements).every((count) => count === 0);

/** The selected collection, where a run on it has nothing to learn from but its documents. */
export function unjudgedSelection({ collections }: Pick<App, "collections">): CollectionRecord | undefined {
  const record = selectedRecord(collections);
  return record && isUnjudged(record) ? record : undefined;
}

export const learnsFromDocuments = ({ recipe }: Pick<App, "recipe">): boolean =>
  recipe.fields.value.pairs !== "queries";

export function learnFromDocuments(app: App): void {
  setField(app, "pairs", "documents");
}
