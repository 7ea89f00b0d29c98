/** Other splits for the selected collection. What comes of it is a collection of its own; the old one stays as it is. */
import { breathing } from "../base/breath.ts";
import { finish } from "../base/channel.ts";
import { UserError } from "../base/errors.ts";
import { withJudgements } from "../data/arrange.ts";
import { digesting, summaryWith } from "../data/summary.ts";
import type { Arrangement } from "../domain/arrangement.ts";
import type { Collection } from "../domain/collection.ts";
import type { CollectionId } from "../domain/ids.ts";
import type { App } from "./app.ts";
import type { SplitsForm } from "./browse.ts";
import { selectCollection, selectedCollection } from "./collections.ts";
import { tell } from "./notices.ts";

/** A number of the form is none that it can be. */
export class UnclearSplits extends UserError {
  override readonly name = "UnclearSplits";
}

export const usualSplits = ["train", "dev", "test"] as const;

/** What is offered first: a collection of one split is divided, any other stays as it is. */
export function firstForm({ judgements }: Collection): SplitsForm {
  const splits = Object.keys(judgements);
  const alone = splits.length === 1;
  const names = alone ? splits.map((split) => [split, "train"]) : [];
  return {
    names: Object.fromEntries(names),
    holds: alone || !splits.includes("test"),
    percent: "20",
    from: alone || splits.includes("train") ? "train" : (splits[0] ?? "train"),
    to: splits.includes("test") ? "dev" : "test",
    seed: "1",
  };
}

/** The form as it stands, or as it is first. */
export function splitsForm({ browse, collections }: App): SplitsForm | undefined {
  const collection = collections.open.value?.collection;
  return browse.splits.value ?? (collection && firstForm(collection));
}

export function setSplits(app: App, changes: Partial<SplitsForm>): void {
  const form = splitsForm(app);
  if (!form) return;
  app.browse.splits.value = { ...form, ...changes };
  app.browse.arranged.value = undefined;
}

export const becomes = ({ names }: SplitsForm, split: string): string =>
  Object.hasOwn(names, split) ? (names[split] ?? split) : split;

/** Errors: UnclearSplits. */
function asked(form: SplitsForm, { judgements }: Collection): Arrangement {
  const names = Object.keys(judgements).map((split) => [split, becomes(form, split) || undefined] as const);
  const [percent, seed] = [Number(form.percent), Number(form.seed)];
  if (form.holds && !(percent > 0 && percent < 100))
    throw new UnclearSplits(`“${form.percent}” % cannot be held out. Give a number above 0 and below 100.`);
  if (form.holds && !(Number.isSafeInteger(seed) && seed >= 0))
    throw new UnclearSplits(`“${form.seed}” cannot be a seed. Give a whole number, 0 or more.`);
  return { names, holdOut: form.holds ? { from: form.from, to: form.to, share: percent / 100, seed } : undefined };
}

/** Works out what would come of the form. Errors: UnclearSplits, ImpossibleSplit. */
export async function arrangeSplits(app: App): Promise<void> {
  const { browse, collections, deps } = app;
  const of = collections.open.value?.collection;
  const before = browse.splits.value;
  const form = splitsForm(app);
  if (!of || !form || browse.arranging.value !== undefined) return;
  const arrangement = asked(form, of);
  browse.arranging.value = "Working out the splits";
  try {
    const { queries, judgements } = of;
    const result = await finish(deps.reader.arrange({ queries, judgements, arrangement }));
    // Neither another collection nor another form meanwhile.
    const current = collections.open.value?.collection === of && browse.splits.value === before;
    if (current) browse.arranged.value = { of, asked: arrangement, result };
  } finally {
    browse.arranging.value = undefined;
  }
}

/** Decoys and verdicts belong to a query and a document: those whose query is still there come along. */
async function takeAlong({ deps }: App, from: CollectionId, to: CollectionId, collection: Collection): Promise<void> {
  const queries = new Set<string>(collection.queries.map(({ id }) => id));
  const [drafts, verdicts] = await Promise.all([deps.store.listDrafts(from), deps.store.listVerdicts(from)]);
  await deps.store.putDrafts(
    to,
    drafts.filter(({ queryId }) => queries.has(queryId)),
  );
  await deps.store.putVerdicts(
    to,
    verdicts.filter(({ queryId }) => queries.has(queryId)),
  );
}

/** Stores what was worked out as a new collection and selects it. */
export async function keepSplits(app: App): Promise<void> {
  const { browse, collections, deps } = app;
  const { value: made } = browse.arranged;
  if (!made || browse.arranging.value !== undefined || !app.writable.value) return;
  const from = selectedCollection(app);
  browse.arranging.value = "Keeping the collection";
  try {
    deps.askToKeep();
    const name = `${made.of.name.replace(/, new splits$/u, "")}, new splits`;
    const collection = { ...withJudgements(made.of, made.result.judgements), name };
    const digest = await finish(breathing(digesting(collection), 8));
    const { leaks } = made.result;
    const known = { format: `New splits of ${from.name}`, rejected: 0, digest, ...(leaks && { leaks }) };
    const result = { collection, summary: summaryWith(collection, known) };
    const record = await finish(deps.store.writeCollection(result, []));
    await takeAlong(app, from.id, record.id, collection);
    collections.list.value = [...collections.list.value.filter(({ id }) => id !== record.id), record];
    browse.view.value = "collections";
    await selectCollection(app, record.id);
    tell(app, { kind: "done", text: `${record.name} is a collection now. ${from.name} stays as it was.` });
  } finally {
    browse.arranging.value = undefined;
  }
}
