/** What is to be sent to the hub, by whom and where: the state, in memory alone. */
import { type Signal, signal } from "@preact/signals";
import type { RunRecord } from "../domain/run.ts";
import type { Progress } from "../domain/stages.ts";
import type { StoredFile } from "../export/files/stored.ts";
import type { Account, Attempt, Client } from "../hub/oauth.ts";
import type { Uploaded } from "../hub/upload.ts";

/** The encoder of a run, the rows of a run, or the rows that are written for the selected collection. */
export type UploadSubject =
  | { readonly kind: "encoder"; readonly run: RunRecord }
  | { readonly kind: "rows"; readonly run: RunRecord | undefined };

export const keyOf = ({ kind, run }: UploadSubject): string => `${kind} ${run?.id ?? ""}`;

/** Exactly what will be sent: the files themselves, not a promise to make them. */
export interface UploadPlan {
  readonly subject: string;
  readonly files: readonly StoredFile[];
  readonly bytes: number;
}

export interface UploadState {
  /** One at a time. */
  readonly subject: Signal<UploadSubject | undefined>;
  /** Undefined until it is known whether there is one. */
  readonly client: Signal<Client | "none" | undefined>;
  readonly attempt: Signal<Attempt | undefined>;
  readonly account: Signal<Account | undefined>;
  /** "owner/name" */
  readonly id: Signal<string>;
  readonly isPrivate: Signal<boolean>;
  readonly format: Signal<"parquet" | "jsonl">;
  readonly plan: Signal<UploadPlan | undefined>;
  /** Repositories that are known to be there and meant: created in this visit, or said to be. */
  readonly existing: Signal<readonly string[]>;
  /** One that turned out to be there. */
  readonly taken: Signal<string | undefined>;
  readonly progress: Signal<{ readonly words: string; readonly progress: Progress | undefined } | undefined>;
  readonly done: Signal<Uploaded | undefined>;
  /** What went wrong last, in words; told where the button is. */
  readonly problem: Signal<string | undefined>;
  readonly session: { stop: AbortController | undefined; unlisten: (() => void) | undefined };
}

export const createUpload = (): UploadState => ({
  subject: signal<UploadSubject | undefined>(undefined),
  client: signal<UploadState["client"]["value"]>(undefined),
  attempt: signal<Attempt | undefined>(undefined),
  account: signal<Account | undefined>(undefined),
  id: signal(""),
  isPrivate: signal(true),
  format: signal<"parquet" | "jsonl">("parquet"),
  plan: signal<UploadPlan | undefined>(undefined),
  existing: signal<readonly string[]>([]),
  taken: signal<string | undefined>(undefined),
  progress: signal<UploadState["progress"]["value"]>(undefined),
  done: signal<Uploaded | undefined>(undefined),
  problem: signal<string | undefined>(undefined),
  session: { stop: undefined, unlisten: undefined },
});

/** Whether this is the one that the form is about. */
export const isSubject = ({ subject }: UploadState, other: UploadSubject): boolean =>
  subject.value !== undefined && keyOf(subject.value) === keyOf(other);

/** Makes this the one to send, unless something is on its way. What was put together of another one is dropped. */
export function take(upload: UploadState, subject: UploadSubject): boolean {
  if (upload.progress.value) return false;
  [upload.plan.value, upload.done.value, upload.taken.value, upload.id.value] = [undefined, undefined, undefined, ""];
  upload.problem.value = undefined;
  upload.subject.value = subject;
  return true;
}

/** Folded away: nothing listens, and nothing that was put together is held. */
export function leave(upload: UploadState): void {
  if (upload.progress.value) return;
  [upload.subject.value, upload.plan.value, upload.attempt.value] = [undefined, undefined, undefined];
  upload.session.unlisten?.();
  upload.session.unlisten = undefined;
}
