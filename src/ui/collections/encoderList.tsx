/** Encoders a run can start from. */
import type { EncoderRecord, PickedFile } from "../../app/dependencies.ts";
import { chooseEncoder, openEncoder, removeEncoder } from "../../app/encoders.ts";
import { shortCommit } from "../../app/hubKept.ts";
import { attempt, attemptTask } from "../../app/notices.ts";
import { shippedEncoders } from "../../app/shipped.ts";
import { useApp } from "../context.ts";
import { moment, size } from "../parts/format.ts";
import { Picker } from "../parts/picker.tsx";
import { Explain } from "../parts/term.tsx";
import { HubBox } from "./hubBox.tsx";

export function EncoderList() {
  const app = useApp();
  const disabled = !app.writable.value || app.task.value !== undefined;
  const open = (files: readonly PickedFile[]): void =>
    void attemptTask(app, "Opening the encoder", () => openEncoder(app, files));
  return (
    <section aria-labelledby="encoders">
      <h2 id="encoders">
        Encoders <Explain word="encoder" />
      </h2>
      <ul class="rows">
        {shippedEncoders.map(({ key, note }) => (
          <Row key={key} encoderKey={key} name={key} note={note} />
        ))}
        {app.encoders.value.map((record) => (
          <Row
            key={record.key}
            encoderKey={record.key}
            name={record.name}
            note={noteOf(record)}
            remove={() => void attempt(app, () => removeEncoder(app, record))}
          />
        ))}
      </ul>
      <div class="buttons">
        <Picker label="Open an encoder" accept=".zip" pick={open} disabled={disabled} />
        <Picker label="Open an encoder folder" folder pick={open} disabled={disabled} />
      </div>
      <p class="quiet prose">
        A BERT-family or static encoder as sentence-transformers saves it: config.json or modules.json,
        model.safetensors, tokenizer.json and the rest, in a folder or a zip. A trained encoder is downloaded in
        Results.
      </p>
      <HubBox />
    </section>
  );
}

function noteOf({ bytes, createdAt, hub }: EncoderRecord): string {
  if (!hub) return `${size(bytes)}, ${moment(createdAt)}`;
  const licence = hub.licence === undefined ? "" : `, licence ${hub.licence}`;
  return `${size(bytes)}, from the hub, revision ${shortCommit(hub.revision)}${licence}`;
}

interface RowProps {
  readonly encoderKey: string;
  readonly name: string;
  readonly note: string;
  readonly remove?: () => void;
}

function Row({ encoderKey, name, note, remove }: RowProps) {
  const app = useApp();
  return (
    <li>
      <label>
        <input
          type="radio"
          name="encoder"
          checked={app.recipe.fields.value.encoder === encoderKey}
          onChange={() => void attempt(app, () => chooseEncoder(app, encoderKey))}
        />{" "}
        {name}
      </label>
      <span class="quiet">{note}</span>
      {remove && (
        <button type="button" class="plain" disabled={!app.writable.value} onClick={remove}>
          Remove {name}
        </button>
      )}
    </li>
  );
}
