/** A project as one file to be given out. */
import { assert } from "../../base/assert.ts";
import { mediaTypes, type Bytes, type DataFile } from "../files/file.ts";
import { zipChunks, type ZipEntry } from "../files/zip.ts";
import type { Entry } from "./entries.ts";
import { ProjectTooLarge } from "./errors.ts";
import { formatName, formatVersion, limits, manifestPath, type Manifest } from "./format.ts";
import { gather, type GatherOptions } from "./gather.ts";
import { sha256 } from "./sha256.ts";
import type { ProjectStore } from "./store.ts";

export interface ExportInput extends Partial<GatherOptions> {
  readonly store: ProjectStore;
  /** Version of the page. */
  readonly app: string;
  readonly now: () => Date;
}

const zipped = ({ path, bytes, compress }: Entry): ZipEntry => ({ path, compress, chunks: () => [bytes] });

const tooLarge = (what: string): ProjectTooLarge =>
  new ProjectTooLarge(
    `This project is too large for one file: ${what}. Leave the checkpoints out, or remove runs that are no longer needed: their vectors take the most room.`,
  );

/** Adds an entry to the manifest's list, within what can be read back. */
async function noted(entries: Manifest["entries"], { path, bytes }: Entry, total: number): Promise<number> {
  // Not a limit of the store's: only a single row of this size could make such an entry.
  assert(bytes.length <= limits.entryBytes, `${path} has ${bytes.length} bytes`);
  entries.push({ path, bytes: bytes.length, sha256: await sha256(bytes) });
  const sum = total + bytes.length;
  if (sum > limits.totalBytes)
    throw tooLarge(`it has more than ${Math.floor(limits.totalBytes / 2 ** 20).toLocaleString("en")} MiB`);
  // The manifest is one more.
  if (entries.length >= limits.entries) throw tooLarge(`it has more than ${limits.entries.toLocaleString("en")} parts`);
  return sum;
}

async function* entriesOf({ store, app, now, ...options }: ExportInput): AsyncGenerator<ZipEntry, void, void> {
  const { shipped = [], settings = {}, checkpoints = true, damaged = () => undefined } = options;
  const gathering = gather(store, { shipped, settings, checkpoints, damaged });
  const entries: Manifest["entries"] = [];
  let total = 0;
  let next = await gathering.next();
  for (; !next.done; next = await gathering.next()) {
    total = await noted(entries, next.value, total);
    yield zipped(next.value);
  }
  const createdAt = now().toISOString();
  const manifest: Manifest = {
    format: formatName,
    version: formatVersion,
    app,
    createdAt,
    ...next.value,
    entries,
  };
  const bytes: Bytes = new TextEncoder().encode(JSON.stringify(manifest));
  if (bytes.length > limits.manifestBytes) throw tooLarge("its table of contents alone is over 16 MiB");
  yield zipped({ path: manifestPath, bytes, compress: true });
}

/**
 * Everything that is stored, as `decoy-<date>.zip`. One item at a time is read while the chunks are asked for. Nothing
 * should write meanwhile. Errors of its chunks: {@link ProjectTooLarge}, and what the store refuses.
 */
export const projectFile = (input: ExportInput): DataFile => ({
  name: `decoy-${input.now().toISOString().slice(0, 10)}.zip`,
  type: mediaTypes.zip,
  chunks: () => zipChunks(entriesOf(input)),
});
