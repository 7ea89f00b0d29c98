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
import { ColumnsBox } from "./columnsBox.tsx";
import { ImportPreview } from "./importPreview.tsx";

export function ImportBox() {
  const draft = useApp().collections.draft.value;
  return (
    <section aria-labelledby="own-data">
      <h2 id="own-data">Your own data</h2>
      {!draft && <DropBox />}
      {draft?.state === "reading" && <Reading />}
      {draft?.state === "mapping" && <ColumnsBox draft={draft} />}
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
        Drop a <Term word="BEIR folder" /> or zip here, or one table: CSV, TSV, JSON lines or Parquet with a query and
        the passage that answers it in each row. If its columns go by other names, you say what they mean. Documents
        alone will do too. It stays on this machine.
      </p>
      <div class="buttons">
        <Picker
          label="Choose files"
          accept=".zip,.jsonl,.ndjson,.json,.csv,.tsv,.parquet"
          pick={bring}
          disabled={disabled}
        />
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
