/** What the page tells a person in passing: problems with what to do, things done that can be undone. */
import { isUserError, messageOf } from "../base/errors.ts";
import type { App } from "./app.ts";

export interface Notice {
  readonly id: number;
  /** "problem": the person can do something; "broken": a bug of ours; "done": for information. */
  readonly kind: "problem" | "broken" | "done";
  readonly text: string;
  /** Technical text, shown on demand. */
  readonly detail?: string;
  readonly action?: { readonly label: string; readonly act: () => void };
}

export type NewNotice = Omit<Notice, "id">;

/** How long a notice that asks for nothing stays, in milliseconds. */
const readingTime = 12_000;
/** How long something that was removed can be brought back, in milliseconds. */
const undoTime = 10_000;

export function tell(app: App, notice: NewNotice): Notice {
  const id = Math.max(0, ...app.notices.value.map((other) => other.id)) + 1;
  const told = { ...notice, id };
  app.notices.value = [...app.notices.value.filter((other) => other.text !== notice.text), told];
  if (notice.kind === "done" && !notice.action) app.deps.later(readingTime, () => dismiss(app, told));
  return told;
}

export function dismiss(app: App, notice: Notice): void {
  app.notices.value = app.notices.value.filter((other) => other.id !== notice.id);
}

/** The words for anything thrown. */
export function noticeOf(error: unknown): NewNotice {
  if (isUserError(error)) return { kind: "problem", text: error.message };
  const detail = error instanceof Error && error.stack !== undefined ? error.stack : String(error);
  return { kind: "broken", text: `Something in Decoy broke: ${messageOf(error)}`, detail };
}

export function tellError(app: App, error: unknown): void {
  tell(app, noticeOf(error));
}

/** Does what a person asked for and tells what went wrong, if anything. */
export async function attempt(app: App, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    tellError(app, error);
  }
}

/** As {@link attempt}, with words for what is going on meanwhile. */
export async function attemptTask(app: App, words: string, act: () => Promise<void>): Promise<void> {
  app.task.value = words;
  await attempt(app, act);
  app.task.value = undefined;
}

export interface Removal {
  readonly text: string;
  /** Makes it vanish from the page. */
  readonly hide: () => void;
  readonly bringBack: () => void;
  /** Removes it for good, once the time for undoing is over. */
  readonly remove: () => Promise<void>;
}

export function removeWithUndo(app: App, removal: Removal): void {
  removal.hide();
  const close = (): void => {
    cancel();
    app.removals.delete(forGood);
    dismiss(app, notice);
  };
  const undo = (): void => {
    close();
    removal.bringBack();
  };
  const forGood = (): Promise<void> => {
    close();
    return attempt(app, removal.remove);
  };
  app.removals.add(forGood);
  const notice = tell(app, { kind: "done", text: removal.text, action: { label: "Undo", act: undo } });
  const cancel = app.deps.later(undoTime, () => void forGood());
}

/** Removes for good what could still be brought back: what is stored is then what is shown. */
export async function settleRemovals(app: App): Promise<void> {
  for (const forGood of app.removals) await forGood();
}
