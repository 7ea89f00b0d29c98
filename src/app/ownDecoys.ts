/** Decoys that a person writes. They go through the same checks as a model's. */
import { type Signal, signal } from "@preact/signals";
import type { Draft } from "../domain/draft.ts";
import type { QueryId } from "../domain/ids.ts";
import type { Topic } from "../domain/synthesis.ts";
import type { App } from "./app.ts";
import { keepDraft, removeDrafts } from "./drafts.ts";
import { tell } from "./notices.ts";
import { setField } from "./recipe.ts";
import { similarIn, topicsOf } from "./topics.ts";

export interface OwnState {
  readonly query: Signal<QueryId | undefined>;
  readonly title: Signal<string>;
  readonly text: Signal<string>;
  /** What the checks said of the last one, where it was turned down. */
  readonly refused: Signal<Draft | undefined>;
}

export function createOwn(): OwnState {
  return {
    query: signal<QueryId | undefined>(undefined),
    title: signal(""),
    text: signal(""),
    refused: signal<Draft | undefined>(undefined),
  };
}

/** The query that a decoy is written for: the chosen one, else the first. */
export function ownTopic({ own, collections }: App): Topic | undefined {
  const open = collections.open.value;
  const topics = open ? topicsOf(open.collection) : [];
  return topics.find(({ query }) => query.id === own.query.value) ?? topics[0];
}

export function writeOwnFor(app: App, id: QueryId): void {
  app.own.query.value = id;
  app.own.refused.value = undefined;
  app.decoys.view.value = "own";
}

/** Checks what was written and keeps it; what cannot be kept stays in the form with the reason. */
export async function keepOwn(app: App): Promise<void> {
  const { own, collections, deps } = app;
  const topic = ownTopic(app);
  const open = collections.open.value;
  if (!topic || !open || own.text.value.trim() === "" || !app.writable.value) return;
  const passage = { title: own.title.value.trim(), text: own.text.value.trim() };
  const synthesis = await deps.synthesis();
  const draft = await synthesis.checkOwn(topic, passage, similarIn(app, open));
  if (draft.outcome === "rejected") {
    own.refused.value = draft;
    return;
  }
  await keepDraft(app, open.id, draft);
  [own.title.value, own.text.value, own.refused.value] = ["", "", undefined];
  tell(app, { kind: "done", text: `Kept your decoy for “${topic.query.text}”.${asksForOwn(app)}` });
}

/** A recipe that takes none would leave the person's decoys unused without a word. */
function asksForOwn(app: App): string {
  if (app.recipe.fields.value.humanCount !== "0") return "";
  setField(app, "humanCount", "1");
  return " The recipe now takes one decoy by a person a query, where there is one.";
}

/** Those of a query, the newest first. */
export const ownDecoysOf = ({ drafts }: App, topic: Topic): Draft[] =>
  drafts.list.value.filter(({ source, queryId }) => source === "human" && queryId === topic.query.id).toReversed();

export const removeOwn = (app: App, draft: Draft): Promise<void> => removeDrafts(app, [draft], "Removed your decoy.");
