/** Large values: cut into parts of at most 4 MiB, each with its length and SHA-256, checked whenever it is read. */
import { bytesToHex } from "@noble/hashes/utils.js";
import { digest } from "../base/digest.ts";
import type { Parcel, PartDigest, PartKey, PartOwner, ReadTransaction, WriteTransaction } from "./schema.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

const partBytes = 4 * 2 ** 20;

/** Where a stretch of bytes lies. */
export interface Place {
  readonly owner: PartOwner;
  readonly id: string;
  readonly name: string;
}

const keyOf = (place: Place, index: number): PartKey => [place.owner, place.id, place.name, index];

/** All parts of one owner: arrays sort after every string and number (Indexed Database API, "compare two keys"). */
export function partsOf(owner: PartOwner, id: string): IDBKeyRange {
  return IDBKeyRange.bound([owner, id], [owner, id, []]);
}

/** Of float32 numbers, as the bytes they are: little-endian on every machine that runs a browser. */
export function bytesOf(values: Float32Array<ArrayBuffer>): Bytes {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export function floatsOf(bytes: Bytes): Float32Array<ArrayBuffer> {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function* cut(bytes: Bytes): Generator<Bytes> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}

const cutBlob = (blob: Blob): Blob[] =>
  Array.from({ length: Math.ceil(blob.size / partBytes) }, (_, i) => blob.slice(i * partBytes, (i + 1) * partBytes));

/** In the browser's own threads where there are any for it, so that hashing 400 MB does not stop the page. */
async function sha256(bytes: Bytes): Promise<string> {
  // `crypto.subtle` is not there on pages served over plain http.
  if (!("subtle" in crypto)) return digest(bytes);
  return bytesToHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export async function digestPart(bytes: Bytes): Promise<PartDigest> {
  return { bytes: bytes.length, sha256: await sha256(bytes) };
}

/** Before the transaction that stores the bytes: a transaction ends when anything but its requests is awaited. */
export async function digestParts(bytes: Bytes): Promise<Parcel> {
  const parcel: PartDigest[] = [];
  for (const part of cut(bytes)) parcel.push(await digestPart(part));
  return parcel;
}

/** The same of a blob, of which one part is in memory at a time. */
export async function digestBlob(blob: Blob): Promise<Parcel> {
  const parcel: PartDigest[] = [];
  for (const part of cutBlob(blob)) parcel.push(await digestPart(new Uint8Array(await part.arrayBuffer())));
  return parcel;
}

export const sizeOf = (parcels: Iterable<Parcel>): number =>
  [...parcels].flat().reduce((sum, part) => sum + part.bytes, 0);

export async function putPart(transaction: WriteTransaction, place: Place, index: number, bytes: Bytes): Promise<void> {
  // A view would be stored with the whole buffer behind it.
  const own = bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  await transaction.objectStore("parts").put(own, keyOf(place, index));
}

/** One part at a time, so that no second copy of the whole waits in memory. */
export async function putParts(transaction: WriteTransaction, place: Place, bytes: Bytes): Promise<void> {
  let index = 0;
  for (const part of cut(bytes)) await putPart(transaction, place, index++, part);
}

/** A blob's parts as blobs of their own, which the browser copies without their bytes coming into memory here. */
export async function putBlob(transaction: WriteTransaction, place: Place, blob: Blob): Promise<void> {
  for (const [index, part] of cutBlob(blob).entries())
    await transaction.objectStore("parts").put(part, keyOf(place, index));
}

/** What is stored of a parcel as blobs, unchecked; an empty one for a part that is not there. */
export async function getBlobs(transaction: ReadTransaction, place: Place, parcel: Parcel): Promise<Blob[]> {
  const blobs: Blob[] = [];
  for (const index of parcel.keys()) {
    const part = await transaction.objectStore("parts").get(keyOf(place, index));
    blobs.push(part instanceof Blob ? part : new Blob(part ? [part] : []));
  }
  return blobs;
}

/**
 * The bytes as they are stored, unchecked: {@link checkParts} comes after the transaction. Parts of a wrong length or not
 * there leave zeros.
 */
export async function getParts(transaction: ReadTransaction, place: Place, parcel: Parcel): Promise<Bytes> {
  const bytes = new Uint8Array(sizeOf([parcel]));
  let at = 0;
  for (const [index, { bytes: length }] of parcel.entries()) {
    const part = await transaction.objectStore("parts").get(keyOf(place, index));
    if (part instanceof Uint8Array && part.length === length) bytes.set(part, at);
    at += length;
  }
  return bytes;
}

export async function getPart(transaction: ReadTransaction, place: Place, index: number): Promise<Bytes | undefined> {
  const part = await transaction.objectStore("parts").get(keyOf(place, index));
  return part instanceof Blob ? undefined : part;
}

export async function isPart(bytes: Bytes, part: PartDigest): Promise<boolean> {
  return bytes.length === part.bytes && (await sha256(bytes)) === part.sha256;
}

/** Whether the bytes are the ones that were stored. */
export async function checkParts(bytes: Bytes, parcel: Parcel): Promise<boolean> {
  let at = 0;
  for (const part of parcel) {
    if (!(await isPart(bytes.subarray(at, at + part.bytes), part))) return false;
    at += part.bytes;
  }
  return true;
}
