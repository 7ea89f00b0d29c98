/** Encoders: those that come with the page and those that a person opened. */
import { finish } from "../base/channel.ts";
import { describeShape, type EncoderFolder } from "../domain/encoder.ts";
import type { App } from "./app.ts";
import type { EncoderRecord, PickedFile } from "./dependencies.ts";
import { removeWithUndo, tell } from "./notices.ts";
import { setField } from "./recipe.ts";
import { defaultEncoder, readShippedEncoder, shippedEncoder } from "./shipped.ts";

/** The recipe may name an encoder that was removed since. */
export function keepKnownEncoder(app: App): void {
  const { encoder, guide } = app.recipe.fields.value;
  const known = (key: string): boolean =>
    shippedEncoder(key) !== undefined || app.encoders.value.some((record) => record.key === key);
  if (!known(encoder)) setField(app, "encoder", defaultEncoder);
  if (guide !== "" && !known(guide)) setField(app, "guide", "");
}

export function encoderName(app: App, key: string): string {
  if (shippedEncoder(key)) return key;
  return app.encoders.value.find((record) => record.key === key)?.name ?? "A removed encoder";
}

export function encoderFolder(app: App, key: string): Promise<EncoderFolder> {
  const shipped = shippedEncoder(key);
  return shipped ? readShippedEncoder(app.deps.shipped, shipped) : app.deps.store.readEncoder(key);
}

/** Reads a zip or a folder, opens it once to be sure that it works, and keeps it. */
export async function openEncoder(app: App, files: readonly PickedFile[]): Promise<void> {
  if (files.length === 0 || !app.writable.value) return;
  const { readFolder } = await app.deps.formats();
  const folder = await readFolder(files);
  const { encoder } = app.deps.services;
  const { model, card } = await finish(encoder.open({ folder, engine: app.recipe.fields.value.engine }));
  await finish(encoder.close({ model }));
  const record = await app.deps.store.putEncoder(folder);
  app.encoders.value = [...app.encoders.value.filter(({ key }) => key !== record.key), record];
  setField(app, "encoder", record.key);
  const size = `${describeShape(card.shape)}, ${card.parameters.toLocaleString("en")} parameters`;
  tell(app, { kind: "done", text: `Opened ${record.name}: ${size}. The next run starts from it.` });
}

export function removeEncoder(app: App, record: EncoderRecord): void {
  if (!app.writable.value) return;
  const chosen = app.recipe.fields.value.encoder === record.key;
  removeWithUndo(app, {
    text: `Removed the encoder ${record.name}.`,
    hide: () => {
      app.encoders.value = app.encoders.value.filter(({ key }) => key !== record.key);
      keepKnownEncoder(app);
    },
    bringBack: () => {
      app.encoders.value = [...app.encoders.value, record];
      if (chosen) setField(app, "encoder", record.key);
    },
    remove: () => app.deps.store.removeEncoder(record.key),
  });
}
