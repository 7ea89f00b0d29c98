/** Run records, and what the stages of a run made. */
import { recordOf } from "../base/record.ts";
import type { RunId } from "../domain/ids.ts";
import { systemNames, systemWords } from "../domain/ranking.ts";
import type { RunProduct, RunProducts, RunRecord } from "../domain/run.ts";
import type { Connection } from "./connection.ts";
import { DamagedRecord, readFailure, removal } from "./errors.ts";
import { fromJson, toJson } from "./json.ts";
import {
  bytesOf,
  checkParts,
  digestParts,
  floatsOf,
  getParts,
  partsOf,
  putParts,
  sizeOf,
  type Bytes,
} from "./parts.ts";
import type { Place } from "./parts.ts";
import { readAll, type Damaged } from "./listing.ts";
import type { StoredProduct } from "./schema.ts";

/** Newest first. */
export async function listRuns(connection: Connection, damaged: Damaged): Promise<RunRecord[]> {
  const all = await readAll(connection, "runs", damaged);
  return all.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}

export function readRun(connection: Connection, id: RunId): Promise<RunRecord | undefined> {
  return connection.read(["runs"], (transaction) => transaction.objectStore("runs").get(id));
}

/** Errors: StorageFull; the record is then as it was before. */
export async function putRun(connection: Connection, record: RunRecord): Promise<void> {
  const need = { what: "run record", bytes: () => toJson(record).length };
  await connection.write(["runs"], need, (transaction) => transaction.objectStore("runs").put(record));
}

/** With its products and checkpoints. */
export async function removeRun(connection: Connection, id: RunId): Promise<void> {
  const stores = ["runs", "products", "checkpoints", "parts"] as const;
  await connection.write([...stores], removal, async (transaction) => {
    await transaction.objectStore("runs").delete(id);
    await transaction.objectStore("products").delete(productsOf(id));
    await transaction.objectStore("checkpoints").delete(id);
    await transaction.objectStore("parts").delete(partsOf("product", id));
    await transaction.objectStore("parts").delete(partsOf("checkpoint", id));
  });
}

const productsOf = (id: RunId): IDBKeyRange => IDBKeyRange.bound([id], [id, []]);
const placeOf = (id: RunId, name: string): Place => ({ owner: "product", id, name });

function encode(product: RunProduct): { readonly form: StoredProduct["form"]; readonly bytes: Bytes } {
  if (product.name !== "vectorsBefore" && product.name !== "vectorsAfter") {
    return { form: { kind: "json" }, bytes: toJson(product.value) };
  }
  const { dimensions, values } = product.value;
  return { form: { kind: "vectors", dimensions }, bytes: bytesOf(values) };
}

/** In place of an earlier product of the same name. Errors: StorageFull; the earlier one is then still there. */
export async function putProduct(connection: Connection, id: RunId, product: RunProduct): Promise<void> {
  const { form, bytes } = encode(product);
  const parcel = await digestParts(bytes);
  const need = { what: `result (${wordsFor[product.name]})`, bytes: () => sizeOf([parcel]) };
  await connection.write(["products", "parts"], need, async (transaction) => {
    const earlier = IDBKeyRange.bound(["product", id, product.name], ["product", id, product.name, []]);
    await transaction.objectStore("parts").delete(earlier);
    await putParts(transaction, placeOf(id, product.name), bytes);
    await transaction.objectStore("products").put({ run: id, name: product.name, form, parcel });
  });
}

const wordsFor = {
  gate: "what the gate left out",
  snapshotBefore: "the negatives as seen before training",
  snapshotAfter: "the negatives as seen after training",
  variance: "gradient variance",
  trainingSet: "training rows",
  vectorsBefore: "document vectors before training",
  vectorsAfter: "document vectors after training",
  ...recordOf(systemNames, (name) => `rankings by ${systemWords[name]}`),
} as const satisfies Record<keyof RunProducts, string>;

/**
 * Everything the run made so far. With `damaged`, a product that is not what was stored is reported and left out, so that
 * its stage makes it again; without, it is thrown. Errors: DamagedRecord.
 */
export async function readProducts(connection: Connection, id: RunId, damaged?: Damaged): Promise<RunProducts> {
  const stored = await connection.read(["products"], (transaction) =>
    transaction.objectStore("products").getAll(productsOf(id)),
  );
  let products: RunProducts = {};
  for (const product of stored) {
    try {
      products = { ...products, ...decode(product, await readBytes(connection, id, product)) };
    } catch (error) {
      if (!damaged || !(error instanceof DamagedRecord)) throw error;
      damaged(error);
    }
  }
  return products;
}

function decode({ name, form }: StoredProduct, bytes: Bytes): RunProducts {
  const value =
    form.kind === "json" ? fromJson<unknown>(bytes) : { dimensions: form.dimensions, values: floatsOf(bytes) };
  return { [name]: value };
}

async function readBytes(connection: Connection, id: RunId, { name, parcel }: StoredProduct): Promise<Bytes> {
  const damage = (cause?: unknown): DamagedRecord =>
    new DamagedRecord(
      `A result of this run is damaged in storage: its ${wordsFor[name]}. It has to be made again: start the run anew, or remove it.`,
      { cause },
    );
  const bytes = await connection
    .read(["parts"], (transaction) => getParts(transaction, placeOf(id, name), parcel))
    .catch((error: unknown) => {
      throw readFailure(error, damage);
    });
  if (!(await checkParts(bytes, parcel))) throw damage();
  return bytes;
}
