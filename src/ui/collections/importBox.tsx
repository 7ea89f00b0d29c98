/** Bringing a collection: dropped or picked, then shown with what was left out, then kept. */
import { useState } from "preact/hooks";
import { discardDraft } from "../../app/collections.ts";
import type { PickedFile } from "../../app/dependencies.ts";
import { droppedFiles } from "../../app/files.ts";
import { attempt } from "../../app/notices.ts";
import { bringFiles } from "../../app/project.ts";
import { useApp } from "../context.ts";
import { Meter, progressWords } from "../parts/meter.tsx";
import { Picker } from "../parts/picker.tsx";
import { Term } from "../parts/term.tsx";
import { ImportPreview } from "./importPreview.tsx";

export function ImportBox() {
  const draft = useApp().collections.draft.value;
  return (
    <section aria-labelledby="own-data">
      <h2 id="own-data">Your own data</h2>
      {!draft && <DropBox />}
      {draft?.state === "reading" && <Reading />}
      {(draft?.state === "read" || draft?.state === "storing") && <ImportPreview draft={draft} />}
    </section>
  );
}

function DropBox() {
  const app = useApp();
  const [over, setOver] = useState(false);
  const disabled = !app.writable.value;
  const bring = (files: readonly PickedFile[]): void => void attempt(app, () => bringFiles(app, files));
  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const { dataTransfer } = event;
    if (dataTransfer && !disabled) void attempt(app, async () => bringFiles(app, await droppedFiles(dataTransfer)));
  }
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <p class="prose">
        Drop a <Term word="BEIR folder" /> or zip here, or a JSONL file whose lines are{" "}
        <code>{'{"query": …, "positive": …, "negatives": […]}'}</code>. Documents alone will do too:{" "}
        <code>corpus.jsonl</code> with <code>{'{"_id": …, "title": …, "text": …}'}</code> on each line. It stays on this
        machine.
      </p>
      <div class="buttons">
        <Picker label="Choose files" accept=".zip,.jsonl,.tsv,.json,.gz" pick={bring} disabled={disabled} />
        <Picker label="Choose a folder" folder pick={bring} disabled={disabled} />
      </div>
    </div>
  );
}

function Reading() {
  const app = useApp();
  const draft = app.collections.draft.value;
  if (draft?.state !== "reading") return null;
  const { progress, rejected } = draft;
  return (
    <div class="drop" role="status">
      <p>
        Reading {progress ? progressWords(progress) : "the files"}
        {rejected > 0 && `, ${rejected} rows left out so far`}
      </p>
      <Meter label="Reading" progress={progress} />
      <button type="button" onClick={() => discardDraft(app)}>
        Cancel
      </button>
    </div>
  );
}
