/** One draft at a time beside the answer, decided on with one key. */
import { useEffect, useRef } from "preact/hooks";
import type { App } from "../../app/app.ts";
import { attributesOf } from "../../app/decoys.ts";
import { attempt } from "../../app/notices.ts";
import {
  acceptDraft,
  cancelEdit,
  chooseFilter,
  editDraft,
  keepEdit,
  moveReview,
  rejectDraft,
  reviewCounts,
  type Reviewed,
  reviewed,
  reviewFilters,
  undoReview,
} from "../../app/review.ts";
import { sharedWords } from "../../app/wordDiff.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { whole } from "../parts/format.ts";
import { Mark } from "../parts/mark.tsx";
import { Select } from "../parts/select.tsx";
import { filterWords } from "../parts/words.ts";
import { JudgeBox } from "./judgeBox.tsx";
import { ReasoningList, VerdictLine } from "./reasoning.tsx";

/** Only while the focus is in the queue and not in a field, so that no other key press is taken (WCAG 2.1.4). */
const keys: Readonly<Record<string, (app: App) => Promise<void> | void>> = {
  a: acceptDraft,
  r: rejectDraft,
  e: editDraft,
  u: undoReview,
  j: (app) => moveReview(app, 1),
  ArrowRight: (app) => moveReview(app, 1),
  k: (app) => moveReview(app, -1),
  ArrowLeft: (app) => moveReview(app, -1),
};

function onKey(app: App, event: KeyboardEvent): void {
  const { target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey) return;
  if (target instanceof HTMLElement && target.closest("input, textarea, select")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  void attempt(app, async () => act(app));
}

export function ReviewView() {
  const app = useApp();
  const { review } = app;
  const counts = reviewCounts(app);
  const at = reviewed(app);
  return (
    <>
      <div class="start">
        <p class="prose">
          {whole(counts.accepted)} accepted, {whole(counts.rejected)} rejected, {whole(counts.open)} not decided. What
          you reject, no run trains against; what nobody looked at counts as it came.
        </p>
        <Select
          label="Show"
          value={review.filter.value}
          options={reviewFilters.map((filter) => [filter, filterWords[filter]])}
          choose={(filter) => chooseFilter(app, filter)}
        />
      </div>
      {at ? <Queue at={at} /> : <Nothing />}
      <JudgeBox />
    </>
  );
}

function Nothing() {
  const app = useApp();
  const none = app.drafts.list.value.length === 0;
  return (
    <>
      <p class="empty">
        <Mark size={40} />
        {none ? "Nothing to review yet: no decoy was written here." : "Nothing is left in this list."}
      </p>
      {app.review.undo.value.length > 0 && <Undo />}
    </>
  );
}

function Queue({ at }: { readonly at: Reviewed }) {
  const app = useApp();
  const section = useRef<HTMLElement>(null);
  const editing = app.review.editing.value !== undefined;
  // The keys are there at once, and again when the field that was edited in is gone.
  useEffect(() => {
    if (!editing) section.current?.focus({ preventScroll: true });
  }, [editing]);
  const { draft, topic, position, total } = at;
  return (
    <section
      ref={section}
      class="review"
      tabindex={-1}
      aria-label="Review queue"
      onKeyDown={(event) => onKey(app, event)}
    >
      <header>
        <p class="quiet" role="status">
          {whole(position + 1)} of {whole(total)}
          {draft.review && `, ${draft.review.decision}${draft.review.before ? " and changed" : ""}`}
        </p>
        <h2>{topic?.query.text ?? `Query ${draft.queryId}, which this collection does not have any more`}</h2>
      </header>
      <div class="beside">
        {topic && (
          <div>
            <Badge source="positive" />
            <p class="passage">
              {topic.positive.title !== "" && <strong class="passage-title">{topic.positive.title}</strong>}
              {topic.positive.text}
            </p>
          </div>
        )}
        <div>
          <Badge source={draft.source} note={draft.source === "human" ? "" : draft.model} />
          {editing ? <Editor /> : <Draft at={at} />}
        </div>
      </div>
      {!editing && <Actions />}
    </section>
  );
}

function Draft({ at }: { readonly at: Reviewed }) {
  const { draft, topic } = at;
  const collection = useApp().collections.open.value?.collection;
  const answer = topic ? `${topic.positive.title} ${topic.positive.text}` : "";
  return (
    <>
      <p class="passage">
        {draft.title !== "" && (
          <strong class="passage-title">
            <Marked text={draft.title} other={answer} />
          </strong>
        )}
        <Marked text={draft.text} other={answer} />
      </p>
      <p class="quiet">Underlined: words that it shares with the answer.</p>
      {draft.judged && <VerdictLine verdict={draft.judged} />}
      {draft.notes.length > 0 && <p class="quiet">Mended: {draft.notes.map(({ text }) => text).join(" ")}</p>}
      {draft.reasoning && (
        <details open>
          <summary>The reasoning behind it</summary>
          <ReasoningList reasoning={draft.reasoning} attributes={attributesOf(draft, collection)} />
        </details>
      )}
    </>
  );
}

function Marked({ text, other }: { readonly text: string; readonly other: string }) {
  return (
    <>
      {sharedWords(text, other).map((piece, index) =>
        piece.shared ? (
          <mark key={index} class="shared">
            {piece.text}
          </mark>
        ) : (
          piece.text
        ),
      )}
    </>
  );
}

function Editor() {
  const app = useApp();
  const { editing } = app.review;
  const text = useRef<HTMLTextAreaElement>(null);
  useEffect(() => text.current?.focus(), []);
  const words = editing.value;
  if (!words) return null;
  const keep = (): void => void attempt(app, () => keepEdit(app));
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") cancelEdit(app);
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep();
      }}
    >
      <input
        type="text"
        aria-label="Title of the decoy"
        placeholder="Title, may be empty"
        value={words.title}
        onInput={({ currentTarget }) => (editing.value = { ...words, title: currentTarget.value })}
      />
      <textarea
        ref={text}
        rows={10}
        aria-label="Text of the decoy"
        value={words.text}
        onInput={({ currentTarget }) => (editing.value = { ...words, text: currentTarget.value })}
      />
      <div class="buttons">
        <button type="submit" class="primary" disabled={words.text.trim() === ""}>
          Keep the change
        </button>
        <button type="button" onClick={() => cancelEdit(app)}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function Actions() {
  const app = useApp();
  const ask = (act: (app: App) => Promise<void>) => () => void attempt(app, () => act(app));
  const off = !app.writable.value;
  return (
    <div class="buttons">
      <button type="button" class="primary" disabled={off} onClick={ask(acceptDraft)}>
        Accept <kbd>a</kbd>
      </button>
      <button type="button" disabled={off} onClick={ask(rejectDraft)}>
        Reject <kbd>r</kbd>
      </button>
      <button type="button" disabled={off} onClick={() => editDraft(app)}>
        Edit <kbd>e</kbd>
      </button>
      <button type="button" onClick={() => moveReview(app, -1)}>
        Previous <kbd>k</kbd>
      </button>
      <button type="button" onClick={() => moveReview(app, 1)}>
        Next <kbd>j</kbd>
      </button>
      <Undo />
    </div>
  );
}

function Undo() {
  const app = useApp();
  const none = app.review.undo.value.length === 0 || !app.writable.value;
  return (
    <button type="button" disabled={none} onClick={() => void attempt(app, () => undoReview(app))}>
      Undo <kbd>u</kbd>
    </button>
  );
}
