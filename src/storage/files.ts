/** Files of hub encoders, in pieces of at most 4 MiB: blobs, so that what reads them asks for ranges and they stay on disk. */
import type { Connection } from "./connection.ts";
import { removal } from "./errors.ts";

export interface FilePlace {
  readonly id: string;
  readonly revision: string;
  readonly path: string;
}

/** What src/hub keeps its files in. A promise of what writes resolves when it is committed. Errors: StorageFull, StorageUnavailable. */
export interface StoredFiles {
  put(place: FilePlace, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  get(place: FilePlace): Promise<Blob | undefined>;
  /** Every place that holds something. */
  list(): Promise<readonly FilePlace[]>;
  remove(place: FilePlace): Promise<void>;
}

const keyOf = ({ id, revision, path }: FilePlace): [string, string, string] => [id, revision, path];

export const filesIn = (connection: Connection): StoredFiles => ({
  async put(place, bytes) {
    const blob = new Blob([bytes]);
    const need = { what: "piece of the encoder", bytes: () => blob.size };
    await connection.write(["files"], need, async (transaction) => {
      await transaction.objectStore("files").put(blob, keyOf(place));
    });
  },
  get: (place) => connection.read(["files"], (transaction) => transaction.objectStore("files").get(keyOf(place))),
  async list() {
    const keys = await connection.read(["files"], (transaction) => transaction.objectStore("files").getAllKeys());
    return keys.map(([id, revision, path]) => ({ id, revision, path }));
  },
  async remove(place) {
    await connection.write(["files"], removal, async (transaction) => {
      await transaction.objectStore("files").delete(keyOf(place));
    });
  },
});
