/**
 * Checkpoints of a run: two slots written in turn, and a pointer to the newer. Slot and pointer change in one strict
 * transaction, so that at every moment the last checkpoint that was said to be saved is there.
 */
import type { RunId } from "../domain/ids.ts";
import type { Checkpoint, MinedByAnce } from "../domain/training.ts";
import type { Connection } from "./connection.ts";
import { DamagedRecord, readFailure } from "./errors.ts";
import type { Damaged } from "./listing.ts";
import {
  bytesOf,
  checkParts,
  digestParts,
  floatsOf,
  getParts,
  putParts,
  sizeOf,
  type Bytes,
  type Place,
} from "./parts.ts";
import { arenas, type Parcel, type ReadTransaction, type Slot, type StoredCheckpoints } from "./schema.ts";

type SlotIndex = StoredCheckpoints["current"];
type Arena = (typeof arenas)[number];
type Age = "newer" | "older";

/** `name`: an arena, "mined", or "best". */
const placeOf = (run: RunId, slot: SlotIndex, name: string): Place => ({
  owner: "checkpoint",
  id: run,
  name: `${slot}/${name}`,
});

/** Little-endian, as the arenas are. */
const positionBytes = ({ documents }: MinedByAnce): Bytes =>
  new Uint8Array(documents.buffer, documents.byteOffset, documents.byteLength);

function slotParts(run: RunId, slot: SlotIndex): IDBKeyRange {
  return IDBKeyRange.bound(["checkpoint", run, `${slot}/`], ["checkpoint", run, `${slot}/\uffff`, []]);
}

const parcelsOf = ({ parcels, mined, best }: Slot): Parcel[] => [
  ...Object.values(parcels),
  mined?.parcel ?? [],
  best?.parcel ?? [],
];

async function slotOf({ step, tuning, mined, best, ...checkpoint }: Checkpoint): Promise<Slot> {
  return {
    step,
    parcels: {
      weights: await digestParts(bytesOf(checkpoint.weights)),
      firstMoment: await digestParts(bytesOf(checkpoint.firstMoment)),
      secondMoment: await digestParts(bytesOf(checkpoint.secondMoment)),
    },
    ...(tuning && { tuning }),
    ...(mined && { mined: { version: mined.version, parcel: await digestParts(positionBytes(mined)) } }),
    ...(best && {
      best: {
        step: best.step,
        score: best.score,
        looked: best.looked,
        parcel: await digestParts(bytesOf(best.weights)),
      },
    }),
  };
}

/** Resolves when the checkpoint is committed. Its arrays must not change until then. Errors: StorageFull. */
export async function saveCheckpoint(connection: Connection, run: RunId, checkpoint: Checkpoint): Promise<void> {
  const { mined, best } = checkpoint;
  const slot = await slotOf(checkpoint);
  const need = { what: "checkpoint", bytes: () => sizeOf(parcelsOf(slot)) };
  await connection.write(["checkpoints", "parts"], need, async (transaction) => {
    const stored = await transaction.objectStore("checkpoints").get(run);
    const target: SlotIndex = stored?.current === 0 ? 1 : 0;
    await transaction.objectStore("parts").delete(slotParts(run, target));
    for (const arena of arenas) await putParts(transaction, placeOf(run, target, arena), bytesOf(checkpoint[arena]));
    if (mined) await putParts(transaction, placeOf(run, target, "mined"), positionBytes(mined));
    if (best) await putParts(transaction, placeOf(run, target, "best"), bytesOf(best.weights));
    const other = stored?.slots[target === 0 ? 1 : 0];
    const slots: StoredCheckpoints["slots"] = target === 0 ? [slot, other] : [other, slot];
    await transaction.objectStore("checkpoints").put({ run, current: target, slots });
  });
}

/**
 * The newest checkpoint whose bytes are those that were saved; undefined if there is none. `damaged` is told of each
 * slot that had to be passed over.
 */
export async function loadCheckpoint(
  connection: Connection,
  run: RunId,
  damaged: Damaged = () => undefined,
): Promise<Checkpoint | undefined> {
  for (const age of ["newer", "older"] as const) {
    try {
      const found = await readSlot(connection, run, age);
      if (found) return found;
    } catch (error) {
      if (!(error instanceof DamagedRecord)) throw error;
      damaged(error);
    }
  }
  return undefined;
}

interface StoredSlot {
  readonly slot: Slot;
  readonly parts: Readonly<Record<Arena, Bytes>>;
  readonly mined: Bytes | undefined;
  readonly best: Bytes | undefined;
}

/** The slot as it is stored, unchecked. One transaction: the pointer may turn at any time. */
async function getSlot(transaction: ReadTransaction, run: RunId, age: Age): Promise<StoredSlot | undefined> {
  const stored = await transaction.objectStore("checkpoints").get(run);
  if (!stored) return undefined;
  const index: SlotIndex = (stored.current === 0) === (age === "newer") ? 0 : 1;
  const slot = stored.slots[index];
  if (!slot) return undefined;
  const bytes = (arena: Arena): Promise<Bytes> =>
    getParts(transaction, placeOf(run, index, arena), slot.parcels[arena]);
  const parts = {
    weights: await bytes("weights"),
    firstMoment: await bytes("firstMoment"),
    secondMoment: await bytes("secondMoment"),
  };
  const mined = slot.mined && (await getParts(transaction, placeOf(run, index, "mined"), slot.mined.parcel));
  const best = slot.best && (await getParts(transaction, placeOf(run, index, "best"), slot.best.parcel));
  return { slot, parts, mined, best };
}

async function readSlot(connection: Connection, run: RunId, age: Age): Promise<Checkpoint | undefined> {
  const damage = (cause?: unknown): DamagedRecord =>
    new DamagedRecord(
      `The ${age} checkpoint of this run is damaged in storage. The other one is used where there is one; without it, training starts again.`,
      { cause },
    );
  const found = await connection
    .read(["checkpoints", "parts"], (transaction) => getSlot(transaction, run, age))
    .catch((error: unknown) => {
      throw readFailure(error, damage);
    });
  if (!found) return undefined;
  if (!(await isWhole(found))) throw damage();
  return checkpointOf(found);
}

async function isWhole({ slot, parts, mined, best }: StoredSlot): Promise<boolean> {
  for (const arena of arenas) if (!(await checkParts(parts[arena], slot.parcels[arena]))) return false;
  if (slot.mined && mined && !(await checkParts(mined, slot.mined.parcel))) return false;
  return !slot.best || !best || checkParts(best, slot.best.parcel);
}

function checkpointOf({ slot, parts, mined, best }: StoredSlot): Checkpoint {
  const { step, tuning } = slot;
  return {
    step,
    ...(tuning && { tuning }),
    weights: floatsOf(parts.weights),
    firstMoment: floatsOf(parts.firstMoment),
    secondMoment: floatsOf(parts.secondMoment),
    ...(slot.mined && mined && { mined: { version: slot.mined.version, documents: new Int32Array(mined.buffer) } }),
    ...(slot.best && best && { best: bestOf(slot.best, best) }),
  };
}

const bestOf = ({ step, score, looked }: NonNullable<Slot["best"]>, bytes: Bytes): NonNullable<Checkpoint["best"]> => ({
  step,
  score,
  looked,
  weights: floatsOf(bytes),
});
