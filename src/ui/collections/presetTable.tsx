/** Encoders of the hub that are worth starting from, and whether this device can. */
import { fetchEncoder, type Preset } from "../../app/hub.ts";
import { hubKey, shortCommit } from "../../app/hubKept.ts";
import { attempt } from "../../app/notices.ts";
import type { MemoryAnswer, PresetMemory } from "../../app/presetMemory.ts";
import { chooseEncoder } from "../../app/encoders.ts";

import { useApp } from "../context.ts";
import { size, whole } from "../parts/format.ts";
import { Term } from "../parts/term.tsx";

export function PresetTable() {
  const { presets, memory } = useApp().hub;
  return (
    <div class="scroll" tabindex={0} role="region" aria-label="Encoders of the hub">
      <table class="presets">
        <caption>
          Encoders that are worth starting from. Memory is what training by the recipe as it stands takes at most, of
          all of the encoder and with <Term word="LoRA" />. Where the revision is open, nobody could check it
          beforehand: the first download fills in its commit, and what its files hash to.
        </caption>
        <thead>
          <tr>
            <th scope="col">Encoder</th>
            <th scope="col">Licence</th>
            <th scope="col">Dimensions</th>
            <th scope="col">Parameters</th>
            <th scope="col">Download</th>
            <th scope="col">Memory, all</th>
            <th scope="col">Memory, LoRA</th>
            <th scope="col">This device</th>
            <th scope="col">Revision</th>
            <th scope="col">
              <span class="hidden">Get it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {presets.value.map((preset) => (
            <PresetRow key={preset.id} preset={preset} memory={memory.value.get(preset.id)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function PresetRow({ preset, memory }: { readonly preset: Preset; readonly memory: PresetMemory | undefined }) {
  const { id, name, note, licence, shape, parameters, purpose, languages } = preset;
  const kept = useApp().encoders.value.find(({ hub }) => hub?.id === id)?.hub;
  return (
    <tr>
      <th scope="row">
        {name}
        <br />
        <span class="quiet">
          {purpose} {languages === "English" ? "" : `${languages}. `}
          {note}
        </span>
      </th>
      <td>{licence}</td>
      <td>{whole(shape.hidden)}</td>
      <td>{(parameters / 1e6).toFixed(0)} M</td>
      <td>{kept ? size(kept.bytes) : `about ${size(4 * parameters)}`}</td>
      <td>{memoryOf(memory?.full)}</td>
      <td>{memoryOf(memory?.lora)}</td>
      <td>{deviceWords(memory)}</td>
      <td>
        {kept && <code>{shortCommit(kept.revision)}</code>}
        {!kept && (preset.commit === undefined ? `${preset.revision}, open` : shortCommit(preset.commit))}
      </td>
      <td>
        <GetButton preset={preset} />
      </td>
    </tr>
  );
}

function GetButton({ preset: { id, name } }: { readonly preset: Preset }) {
  const app = useApp();
  const kept = app.encoders.value.find(({ hub }) => hub?.id === id)?.hub;
  if (kept) {
    const key = hubKey(kept);
    const chosen = app.recipe.fields.value.encoder === key;
    return (
      <button type="button" disabled={chosen} onClick={() => void attempt(app, () => chooseEncoder(app, key))}>
        {chosen ? "Chosen" : "Choose"}
        <span class="hidden"> {name}</span>
      </button>
    );
  }
  const begun = app.hub.unfinished.value.some((part) => part.id === id);
  return (
    <button
      type="button"
      disabled={!app.writable.value || app.hub.download.value !== undefined}
      onClick={() => void attempt(app, () => fetchEncoder(app, { id }))}
    >
      {begun ? "Go on" : "Download"}
      <span class="hidden"> {name}</span>
    </button>
  );
}

function memoryOf(answer: MemoryAnswer | undefined): string {
  if (!answer) return "…";
  return answer.kind === "known" ? size(answer.bytes) : "too much";
}

/** A browser tells a GPU's limits, not how much memory it has: "can" is as far as those go. */
function deviceWords(memory: PresetMemory | undefined): string {
  if (!memory) return "…";
  const { engine, full, lora } = memory;
  if (!engine) return full.kind === "refused" ? `Cannot: ${full.problem}` : "";
  if (engine.kind === "cpu") return "On the CPU engine, slowly";
  if (full.kind === "known") return "Within this GPU’s limits";
  return lora.kind === "known" ? "With LoRA, within this GPU’s limits" : "Over this GPU’s limits";
}
