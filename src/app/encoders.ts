/** Encoders: those that come with the page, those that a person opened, and those of the hub. */
import { finish } from "../base/channel.ts";
import { describeShape, type EncoderFiles } from "../domain/encoder.ts";
import type { App } from "./app.ts";
import type { EncoderRecord, PickedFile } from "./dependencies.ts";
import { hubEncoders, hubFacts, hubFiles } from "./hubKept.ts";
import { attempt, removeWithUndo, tell } from "./notices.ts";
import { defaultFields, type FieldName, type RecipeFields, setField } from "./recipe.ts";
import { defaultEncoder, readShippedEncoder, shippedEncoder } from "./shipped.ts";

/** All that are stored: opened ones, newest first, then those of the hub. */
export async function storedEncoders(app: App): Promise<readonly EncoderRecord[]> {
  return [...(await app.deps.store.listEncoders()), ...(await hubEncoders(app))];
}

const recordOf = (app: App, key: string): EncoderRecord | undefined =>
  app.encoders.value.find((record) => record.key === key);

/** The recipe may name an encoder that was removed since. */
export function keepKnownEncoder(app: App): void {
  const { encoder, guide } = app.recipe.fields.value;
  const known = (key: string): boolean => shippedEncoder(key) !== undefined || recordOf(app, key) !== undefined;
  if (!known(encoder)) setField(app, "encoder", defaultEncoder);
  if (guide !== "" && !known(guide)) setField(app, "guide", "");
}

export function encoderName(app: App, key: string): string {
  if (shippedEncoder(key)) return key;
  return recordOf(app, key)?.name ?? "A removed encoder";
}

export function encoderFolder(app: App, key: string): Promise<EncoderFiles> {
  const shipped = shippedEncoder(key);
  if (shipped) return readShippedEncoder(app.deps.shipped, shipped);
  return hubFiles(app, key) ?? app.deps.store.readEncoder(key);
}

/** Makes the encoder the one that the next run starts from, with what is known of it and its files do not say. */
export async function chooseEncoder(app: App, key: string): Promise<void> {
  const last = app.recipe.fields.value.encoder;
  setField(app, "encoder", key);
  const [before, after] = [await filledBy(app, last), await filledBy(app, key)];
  // Another one may have been chosen meanwhile.
  if (app.recipe.fields.value.encoder !== key) return;
  for (const name of filled) {
    const value = after[name];
    // What the encoder before had brought goes with it; what a person typed stays.
    const stale = before[name] !== undefined && before[name] === app.recipe.fields.value[name];
    if (value !== undefined) setField(app, name, value);
    else if (stale) setField(app, name, defaultFields[name]);
  }
}

const filled = ["temperature", "pooling", "queryPrefix", "documentPrefix"] as const satisfies readonly FieldName[];

async function filledBy(app: App, key: string): Promise<Partial<Pick<RecipeFields, (typeof filled)[number]>>> {
  const { temperature, ...facts } = await hubFacts(app, key);
  return { ...facts, ...(temperature !== undefined && { temperature: String(temperature) }) };
}

/** Opens it once, to be sure that it works, and says what it is. */
export async function tryEncoder(app: App, folder: EncoderFiles): Promise<string> {
  const { encoder } = app.deps.services;
  const { model, card } = await finish(encoder.open({ folder, engine: app.recipe.fields.value.engine }));
  await finish(encoder.close({ model }));
  return `${describeShape(card.shape)}, ${card.parameters.toLocaleString("en")} parameters`;
}

/** Reads a zip or a folder and keeps it. */
export async function openEncoder(app: App, files: readonly PickedFile[]): Promise<void> {
  if (files.length === 0 || !app.writable.value) return;
  const { readFolder } = await app.deps.formats();
  const folder = await readFolder(files);
  const size = await tryEncoder(app, folder);
  const record = await app.deps.store.putEncoder(folder);
  app.encoders.value = [...app.encoders.value.filter(({ key }) => key !== record.key), record];
  await chooseEncoder(app, record.key);
  tell(app, { kind: "done", text: `Opened ${record.name}: ${size}. The next run starts from it.` });
}

export async function removeEncoder(app: App, record: EncoderRecord): Promise<void> {
  if (!app.writable.value) return;
  const chosen = app.recipe.fields.value.encoder === record.key;
  if (chosen) await chooseEncoder(app, defaultEncoder);
  const { hub } = record;
  removeWithUndo(app, {
    text: `Removed the encoder ${record.name}.`,
    hide: () => {
      app.encoders.value = app.encoders.value.filter(({ key }) => key !== record.key);
      keepKnownEncoder(app);
    },
    bringBack: () => {
      app.encoders.value = [...app.encoders.value, record];
      if (chosen) void attempt(app, () => chooseEncoder(app, record.key));
    },
    remove: async () => (hub ? (await app.deps.hub()).remove(hub) : app.deps.store.removeEncoder(record.key)),
  });
}
