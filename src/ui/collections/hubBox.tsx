/** Encoders from the Hugging Face hub: what is asked of whom, the ones worth starting from, any other one, what was cut short. */
import { useState } from "preact/hooks";
import { fetchEncoder, lookAtHub, removeUnfinished } from "../../app/hub.ts";
import { shortCommit } from "../../app/hubKept.ts";
import { attempt } from "../../app/notices.ts";
import { predictPresets } from "../../app/presetMemory.ts";
import { useApp } from "../context.ts";
import { size } from "../parts/format.ts";
import { HubProgress } from "./hubProgress.tsx";
import { PresetTable } from "./presetTable.tsx";

export function HubBox() {
  const app = useApp();
  const { presets, download } = app.hub;
  async function look(): Promise<void> {
    await lookAtHub(app);
    await predictPresets(app);
  }
  return (
    <details
      class="hub"
      onToggle={({ currentTarget }) => {
        if (currentTarget.open && presets.value.length === 0) void attempt(app, look);
      }}
    >
      <summary>From the Hugging Face hub</summary>
      <p class="prose">
        Download asks huggingface.co for the list of an encoder’s files, and for the files themselves the servers that
        it leads on to (under hf.co). They see your address and which encoder you ask for; none of your texts. Nothing
        is asked before you press it. Every file is checked against the hub’s list and kept in this browser.
      </p>
      {download.value ? <HubProgress download={download.value} /> : <Unfinished />}
      {presets.value.length > 0 && <PresetTable />}
      <AnyEncoder />
    </details>
  );
}

/** What came of downloads that ended with their page. */
function Unfinished() {
  const app = useApp();
  const disabled = !app.writable.value || app.task.value !== undefined;
  const parts = app.hub.unfinished.value;
  if (parts.length === 0) return null;
  return (
    <ul class="rows" aria-label="Unfinished downloads">
      {parts.map((part) => (
        <li key={`${part.id} ${part.revision}`}>
          <span>{part.id}</span>
          <span class="quiet">
            unfinished: {size(part.bytes)} of revision {shortCommit(part.revision)} are here
          </span>
          <button type="button" disabled={disabled} onClick={() => void attempt(app, () => fetchEncoder(app, part))}>
            Go on with {part.id}
          </button>
          <button
            type="button"
            class="plain"
            disabled={disabled}
            onClick={() => void attempt(app, () => removeUnfinished(app, part))}
          >
            Remove what came of {part.id}
          </button>
        </li>
      ))}
    </ul>
  );
}

function AnyEncoder() {
  const app = useApp();
  const [id, setId] = useState("");
  const [revision, setRevision] = useState("");
  const busy = !app.writable.value || app.hub.download.value !== undefined;
  function submit(event: Event): void {
    event.preventDefault();
    const given = revision.trim();
    void attempt(app, () => fetchEncoder(app, { id: id.trim(), ...(given !== "" && { revision: given }) }));
  }
  return (
    <form class="hub-any" onSubmit={submit}>
      <div class="field">
        <label for="hub-id">Any other encoder</label>
        <input
          id="hub-id"
          required
          placeholder="owner/name"
          value={id}
          onInput={({ currentTarget }) => setId(currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="hub-revision">Revision</label>
        <input
          id="hub-revision"
          placeholder="main"
          value={revision}
          onInput={({ currentTarget }) => setRevision(currentTarget.value)}
        />
      </div>
      <button type="submit" disabled={busy}>
        Download
      </button>
    </form>
  );
}
