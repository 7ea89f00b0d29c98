/**
 * Files into a repository of the hub, as one commit. The hub says which files are large (preupload); those go first
 * (largeFiles.ts), the small ones lie in the commit itself, a line of JSON each. An upload that was cut short goes on by being
 * asked for again. Facts of the protocol: the hub's own client, @huggingface/hub 2.17.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { breath, turn } from "../base/breath.ts";
import { base64 } from "./base64.ts";
import { listField, textField } from "./fields.ts";
import { branch, sendLarge, type LargeFile, type UploadFile, type Way } from "./largeFiles.ts";
import { progressOf } from "./progress.ts";
import { apiOf, checkExisting, createRepository, pageOf } from "./repository.ts";
import { ask, jsonBody } from "./send.ts";

export interface UploadInput extends Way {
  readonly files: readonly UploadFile[];
  /** Whether the repository is known to be there and these files are meant for it. */
  readonly existing: boolean;
  /** The first line of the commit. */
  readonly summary: string;
}

export type UploadReport =
  /** The repository is there from now on, whatever comes. */
  | { readonly kind: "created" }
  /** Bytes of all files. Hashing is over before any large file is sent. */
  | { readonly kind: "progress"; readonly doing: "hashing" | "sending"; readonly done: number; readonly total: number }
  /** The hub had it already. */
  | { readonly kind: "there"; readonly path: string };

export interface Uploaded {
  /** The repository's page. */
  readonly url: string;
  readonly commit: string | undefined;
}

/** Files in one question. */
const batch = 100;
/** Bytes that the hub looks at to tell text from other things. */
const sample = 512;
/** Bytes hashed at once. */
const piece = 2 ** 22;

/** Of what is sent again the sum is known. */
const sums = new WeakMap<Blob, string>();

/** SHA-256 as hex, piece by piece; other tasks have their turn. Yields the bytes done. */
async function* hashed(blob: Blob, signal: AbortSignal | undefined): AsyncGenerator<number, string, void> {
  const known = sums.get(blob);
  if (known !== undefined) return known;
  const hash = sha256.create();
  let worked = performance.now();
  for (let at = 0; at < blob.size; at += piece) {
    signal?.throwIfAborted();
    const bytes = new Uint8Array(await blob.slice(at, at + piece).arrayBuffer());
    hash.update(bytes);
    yield at + bytes.length;
    if (performance.now() - worked < breath) continue;
    await turn();
    worked = performance.now();
  }
  const sum = bytesToHex(hash.digest());
  sums.set(blob, sum);
  return sum;
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());

/** The paths of those files that the hub wants by LFS. */
async function largeOf({ line, target, files }: UploadInput): Promise<ReadonlySet<string>> {
  const large = new Set<string>();
  for (let at = 0; at < files.length; at += batch) {
    const asked = await Promise.all(
      files.slice(at, at + batch).map(async ({ path, blob }) => ({
        path,
        size: blob.size,
        sample: base64(await bytesOf(blob.slice(0, sample))),
      })),
    );
    const path = `${apiOf(target)}/preupload/${branch}`;
    const said = await ask(line, {
      path,
      what: `the list of files for ${target.id}`,
      body: jsonBody({ files: asked }),
    });
    for (const each of listField(said, "files")) {
      const name = textField(each, "path");
      if (name !== undefined && textField(each, "uploadMode") === "lfs") large.add(name);
    }
  }
  return large;
}

/** The commit as lines of JSON: the header, then a line for each file. */
async function commit({ line, target, files, summary }: UploadInput, large: ReadonlyMap<string, LargeFile>) {
  const lines = [JSON.stringify({ key: "header", value: { summary, description: "" } })];
  for (const { path, blob } of files) {
    const oid = large.get(path)?.oid;
    const value =
      oid === undefined
        ? { key: "file", value: { path, encoding: "base64", content: base64(await bytesOf(blob)) } }
        : { key: "lfsFile", value: { path, algo: "sha256", oid, size: blob.size } };
    lines.push(JSON.stringify(value));
  }
  const said = await ask(line, {
    path: `${apiOf(target)}/commit/${branch}`,
    what: `the commit to ${target.id}`,
    body: { type: "application/x-ndjson", content: lines.join("\n") },
  });
  return textField(said, "commitOid");
}

/** Hashes the files that are large. Yields progress over their bytes. */
async function* hashedFiles(
  files: readonly UploadFile[],
  signal: AbortSignal | undefined,
): AsyncGenerator<UploadReport, LargeFile[], void> {
  const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
  const out: LargeFile[] = [];
  let before = 0;
  for (const file of files) {
    const hashing = hashed(file.blob, signal);
    let result = await hashing.next();
    for (; !result.done; result = await hashing.next())
      yield { kind: "progress", doing: "hashing", done: before + result.value, total };
    out.push({ ...file, oid: result.value });
    before += file.blob.size;
  }
  return out;
}

/**
 * Nothing goes out before the first report is asked for. Stopped by the line's signal, which is thrown as it is. Errors:
 * RepositoryExists, SignInFailed, HubRefused, HubBusy, HubUnreachable, BrokenOff, NotTaken, NotOnHub.
 */
export async function* upload(input: UploadInput): AsyncGenerator<UploadReport, Uploaded, void> {
  const { line, target, files, existing } = input;
  if (existing) await checkExisting(line, target);
  else await createRepository(line, target);
  yield { kind: "created" };
  const wanted = await largeOf(input);
  const large = yield* hashedFiles(
    files.filter(({ path }) => wanted.has(path)),
    line.signal,
  );
  const total = large.reduce((sum, { blob }) => sum + blob.size, 0);
  let done = 0;
  for (const file of large) {
    const sending = progressOf<boolean>((sent) => sendLarge(input, file, sent));
    let result = await sending.next();
    for (; !result.done; result = await sending.next())
      yield { kind: "progress", doing: "sending", done: done + result.value, total };
    done += file.blob.size;
    if (!result.value) yield { kind: "there", path: file.path };
    yield { kind: "progress", doing: "sending", done, total };
  }
  const oid = await commit(input, new Map(large.map((file) => [file.path, file])));
  return { url: pageOf(line, target), commit: oid };
}
