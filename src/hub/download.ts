/** Fetching an encoder from the hub: what is there is not asked for again, what is broken is never kept as good. */
import { relay } from "../base/relay.ts";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { present } from "../base/assert.ts";
import { DamagedDownload, HubUnreachable } from "./errors.ts";
import { keptBlob, keptEncoders, keptFile, PIECE, piecePlace, putEncoder, putFile } from "./kept.ts";
import type { FileStore, HubEncoder, KeptFile, Place } from "./kept.ts";
import { listingOf, neededFiles, type HubFile, type Listing } from "./listing.ts";
import { beforeTry, bytesFrom, checkId, fileUrl, type Hub } from "./request.ts";

export interface HubProgress {
  /** The file that bytes of just arrived, or were found to be there. */
  readonly path: string;
  /** Bytes of all files, those that were there before included. */
  readonly loaded: number;
  readonly total: number;
}

export interface DownloadInput {
  readonly hub: Hub;
  readonly store: FileStore;
  /** "intfloat/e5-base-v2" */
  readonly id: string;
  /** A branch, tag or commit; main where left out. */
  readonly revision?: string | undefined;
  /** SHA-256 by path that files must have, whatever the hub says. */
  readonly pinned?: Readonly<Record<string, string>> | undefined;
}

/** The checksums of a file as its bytes come in. */
function checksums({ path, size, sha256: said, blob }: HubFile, pinned: string | undefined) {
  const whole = sha256.create();
  const git = sha1.create().update(utf8ToBytes(`blob ${size}\0`));
  return {
    update(bytes: Uint8Array): void {
      whole.update(bytes);
      if (blob !== undefined) git.update(bytes);
    },
    /** SHA-256. Errors: another than the one that is known. */
    finish(): string {
      const found = bytesToHex(whole.digest());
      const wanted = pinned ?? said;
      const wrong = wanted === undefined ? blob !== undefined && bytesToHex(git.digest()) !== blob : found !== wanted;
      if (!wrong) return found;
      throw new DamagedDownload(
        `${path} is not the file that ${pinned === undefined ? "the hub lists" : "this preset was checked with"}: its checksum is another (${found.slice(0, 12)}…). It was thrown away. Try again; if it happens again, something on the way changes files.`,
      );
    },
  };
}

type Sums = ReturnType<typeof checksums>;

interface Target {
  readonly hub: Hub;
  readonly store: FileStore;
  readonly place: Place;
  readonly file: HubFile;
  readonly sums: Sums;
}

/** Pieces that came before the page was closed, up to the first that is missing. Yields the bytes of each. */
async function* keptPieces({ store, place, file: { size }, sums }: Target): AsyncGenerator<number, number, void> {
  let have = 0;
  while (have < size) {
    const piece = await store.get(piecePlace(place, have / PIECE));
    if (piece?.size !== Math.min(PIECE, size - have)) break;
    sums.update(new Uint8Array(await piece.arrayBuffer()));
    have += piece.size;
    yield piece.size;
  }
  return have;
}

/** From byte `have` on, piece by piece, trying again where that may help. Yields the bytes of each piece that is kept. */
async function* newPieces(target: Target, have: number): AsyncGenerator<number, void, void> {
  const { hub, store, place, file, sums } = target;
  const { path, size } = file;
  const url = fileUrl(hub, place, path);
  const piece = new Uint8Array(Math.min(PIECE, size));
  let [kept, filled] = [have, 0];
  for (let tries = 0; kept < size;) {
    try {
      for await (const chunk of bytesFrom(hub, { url, what: path, start: kept + filled, end: size, size })) {
        // What has come so far counts as a success: a weak line needs many tries.
        tries = 0;
        for (let used = 0; used < chunk.length;) {
          const wanted = Math.min(PIECE, size - kept);
          const part = chunk.subarray(used, used + wanted - filled);
          piece.set(part, filled);
          [used, filled] = [used + part.length, filled + part.length];
          if (filled < wanted) continue;
          const full = piece.slice(0, filled);
          const stored = store.put(piecePlace(place, kept / PIECE), full);
          sums.update(full);
          await stored;
          [kept, filled] = [kept + full.length, 0];
          yield full.length;
        }
      }
    } catch (error) {
      await beforeTry(hub, tries++, error);
    }
  }
}

async function removePieces({ store, place, file }: Target): Promise<void> {
  for (let index = 0; index * PIECE < file.size; index++) await store.remove(piecePlace(place, index));
}

interface Source extends Pick<DownloadInput, "hub" | "store" | "pinned"> {
  readonly listing: Listing;
}

/** One file, whole and checked. Yields bytes as they are kept. Errors: every one of errors.ts, and the store's own. */
async function* fetchFile(source: Source, file: HubFile): AsyncGenerator<number, KeptFile, void> {
  const { hub, store, listing, pinned } = source;
  const place = { id: listing.id, revision: listing.revision, path: file.path };
  const sums = checksums(file, pinned?.[file.path]);
  const known = await keptFile(store, place);
  if (known?.size === file.size && (pinned?.[file.path] ?? known.sha256) === known.sha256) {
    yield file.size;
    return known;
  }
  const target = { hub, store, place, file, sums };
  const have = yield* keptPieces(target);
  yield* newPieces(target, have);
  try {
    const kept = { path: file.path, size: file.size, sha256: sums.finish() };
    await putFile(store, place, kept);
    return kept;
  } catch (error) {
    if (error instanceof DamagedDownload) await removePieces(target);
    throw error;
  }
}

/** The text of a file that says which others are needed. */
async function textOf(source: Source, path: string): Promise<string> {
  const file = present(
    source.listing.files.find((each) => each.path === path),
    path,
  );
  const fetching = fetchFile(source, file);
  let step = await fetching.next();
  while (!step.done) step = await fetching.next();
  const { id, revision } = source.listing;
  return (await keptBlob(source.store, { id, revision, path }, file.size)).text();
}

/**
 * The encoder's files, kept and checked. A commit that is there whole is not asked for again; a branch or tag is, to learn its
 * commit, and without a connection the one that it was last is taken. Stopping it keeps what has come, and the next call goes
 * on from there. Errors: every one of errors.ts, and the store's own.
 */
export async function* download(input: DownloadInput): AsyncGenerator<HubProgress, HubEncoder, void> {
  const { hub, store, id, revision = "main", pinned } = input;
  checkId(id);
  const there = (await keptEncoders(store)).filter((encoder) => encoder.id === id);
  const same = there.find((encoder) => encoder.revision === revision);
  if (same) return same;
  let listing: Listing;
  try {
    listing = await listingOf(hub, { id, revision });
  } catch (error) {
    const last = there.find((encoder) => encoder.asked === revision);
    if (error instanceof HubUnreachable && last) return last;
    throw error;
  }
  const source = { hub, store, pinned, listing };
  const needed = await neededFiles(listing, (path) => textOf(source, path));
  const total = needed.reduce((sum, { size }) => sum + size, 0);
  const files: KeptFile[] = [];
  let loaded = 0;
  for (const file of needed) {
    const kept = yield* relay(fetchFile(source, file), (bytes) => {
      loaded += bytes;
      return { path: file.path, loaded, total };
    });
    files.push(kept);
  }
  const encoder = { id, revision: listing.revision, asked: revision, licence: listing.licence, bytes: total, files };
  await putEncoder(store, encoder);
  return encoder;
}
