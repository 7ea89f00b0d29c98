/** Opening a project: what the zip says of itself against what its manifest says, before anything is unpacked. */
import * as v from "valibot";
import { messageOf } from "../../base/errors.ts";
import type { Bytes } from "../files/file.ts";
import { NewerProject, UnreadableProject } from "./errors.ts";
import type { Manifest, ValuePlace } from "./format.ts";
import { formatName, formatVersion, limits, manifestPath, manifestSchema, pathsOf } from "./format.ts";
import { sha256 } from "./sha256.ts";
import { arrayOf, elementBytes, unpackValue, type NumberArray } from "./values.ts";

/** A file in a zip; its path is a name only. */
export interface ZippedFile {
  readonly path: string;
  /** As the zip declares it. */
  readonly size: number;
  bytes(): AsyncIterable<Uint8Array>;
}

/** The table of contents of a zip, guarded against bombs and damage: `openZip` of src/data/zip.ts. */
export type OpenZip = (name: string, blob: Blob) => Promise<readonly ZippedFile[]>;

export interface Project {
  readonly manifest: Manifest;
  /** Bytes of all entries but the manifest. */
  readonly total: number;
  /** So far, of all entries that were read. */
  readonly done: () => number;
  /** An entry's bytes, checked. Errors: {@link UnreadableProject}. */
  readonly read: (path: string) => Promise<Bytes>;
}

const damaged = (what: string): UnreadableProject =>
  new UnreadableProject(`This project file is damaged or was changed: ${what}. Nothing was stored. Export it again.`);

/** At most `most` bytes: whatever a zip says of itself, no more are held. */
async function bytesOf(file: ZippedFile, most: number): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.bytes()) {
    length += chunk.length;
    if (length > most) throw damaged(`${file.path} is longer than ${most.toLocaleString("en")} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** What the reader of zips refuses is refused here too, in words about projects. */
async function unzipping<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UnreadableProject) throw error;
    throw new UnreadableProject(`This project file cannot be read. ${messageOf(error)} Nothing was stored.`, {
      cause: error,
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(`its manifest is no JSON (${messageOf(error).slice(0, 80)})`);
  }
}

const head = v.looseObject({ format: v.literal(formatName), version: v.pipe(v.number(), v.integer()) });

/** Whether a zip says of itself that it is a project, of whatever version. */
export async function isProject(name: string, blob: Blob, openZip: OpenZip): Promise<boolean> {
  try {
    const manifest = (await openZip(name, blob)).find(({ path }) => path === manifestPath);
    if (!manifest || manifest.size > limits.manifestBytes) return false;
    return v.is(head, parsed(new TextDecoder().decode(await bytesOf(manifest, limits.manifestBytes))));
  } catch {
    // Whatever it is, a reader of other things will say what is wrong with it.
    return false;
  }
}

function manifestOf(value: unknown): Manifest {
  const known = v.safeParse(head, value);
  if (!known.success) throw damaged("its manifest is not that of a project");
  if (known.output.version > formatVersion) {
    throw new NewerProject(
      `This project file has format ${known.output.version}, and this version of the page reads up to ${formatVersion}. Nothing was stored. Reload the page to get its newest version, or open the file where it was made.`,
    );
  }
  const manifest = v.safeParse(manifestSchema, value);
  if (manifest.success) return manifest.output;
  const [issue] = manifest.issues;
  throw damaged(`its manifest is not valid at ${v.getDotPath(issue) ?? "its top"}`);
}

/** Every entry is in the zip with the size it should have. Returns their paths. */
function checkFiles({ entries }: Manifest, files: ReadonlyMap<string, ZippedFile>): ReadonlySet<string> {
  const named = new Set<string>();
  for (const { path, bytes } of entries) {
    if (named.has(path)) throw damaged(`its manifest lists ${path} twice`);
    named.add(path);
    const file = files.get(path);
    if (!file) throw damaged(`${path} is missing`);
    if (file.size !== bytes) throw damaged(`${path} has ${file.size} bytes and should have ${bytes}`);
    if (bytes > limits.entryBytes) throw damaged(`${path} has ${bytes.toLocaleString("en")} bytes`);
  }
  for (const path of files.keys()) {
    if (path !== manifestPath && !named.has(path))
      throw damaged(`it has a file that its manifest does not know, ${JSON.stringify(path.slice(0, 80))}`);
  }
  return named;
}

/** Every entry is part of exactly one thing: one that is read a million times would be a bomb that no zip shows. */
function checkUse(manifest: Manifest, named: ReadonlySet<string>): void {
  const used = new Set<string>();
  for (const path of pathsOf(manifest)) {
    if (!named.has(path) || used.has(path)) throw damaged(`its manifest uses ${path} twice, or does not list it`);
    used.add(path);
  }
  if (used.size !== named.size) throw damaged("its manifest lists entries that belong to nothing");
}

/** Errors: {@link UnreadableProject}, {@link NewerProject}. */
export async function openProject(name: string, blob: Blob, openZip: OpenZip): Promise<Project> {
  const files = new Map((await unzipping(() => openZip(name, blob))).map((file) => [file.path, file]));
  const contents = files.get(manifestPath);
  if (!contents) {
    throw new UnreadableProject(
      `${name} is no project file: it has no ${manifestPath}. Choose a file that “Save everything” made.`,
    );
  }
  const bytes = await unzipping(() => bytesOf(contents, limits.manifestBytes));
  const manifest = manifestOf(parsed(new TextDecoder().decode(bytes)));
  checkUse(manifest, checkFiles(manifest, files));
  const entries = new Map(manifest.entries.map((entry) => [entry.path, entry]));
  let done = 0;
  async function read(path: string): Promise<Bytes> {
    const [file, entry] = [files.get(path), entries.get(path)];
    if (!file || !entry) throw damaged(`${path} is missing`);
    const bytes = await unzipping(() => bytesOf(file, entry.bytes));
    if (bytes.length !== entry.bytes || (await sha256(bytes)) !== entry.sha256)
      throw damaged(`${path} is not what its digest says`);
    done += bytes.length;
    return bytes;
  }
  const total = manifest.entries.reduce((sum, { bytes }) => sum + bytes, 0);
  return { manifest, total, done: () => done, read };
}

/** Parts one after another. */
export async function readBytes({ read }: Project, paths: readonly string[]): Promise<Bytes> {
  const parts: Bytes[] = [];
  for (const path of paths) parts.push(await read(path));
  const [only, second] = parts;
  if (only && !second) return only;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function unpacked(path: string, work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    throw damaged(`${path} holds no value of a project (${messageOf(error).slice(0, 80)})`);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export async function readValue(project: Project, place: ValuePlace): Promise<unknown> {
  const text = decoder.decode(await readBytes(project, place.text));
  const arrays: NumberArray[] = [];
  for (const { type, parts } of place.arrays) {
    const bytes = await readBytes(project, parts);
    if (bytes.length % elementBytes[type] !== 0) throw damaged(`${parts[0] ?? "an array"} breaks off in a number`);
    arrays.push(arrayOf(type, bytes));
  }
  return unpacked(place.text[0] ?? "", () => unpackValue({ text, arrays }));
}

/** Rows of all parts, each through `check`. */
export async function readRows<Row>(
  project: Project,
  paths: readonly string[],
  check: (row: unknown, path: string) => Row,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const path of paths) {
    const text = decoder.decode(await project.read(path));
    const part = unpacked(path, () => unpackValue({ text, arrays: [] }));
    if (!Array.isArray(part)) throw damaged(`${path} holds no rows`);
    for (const row of part) rows.push(check(row, path));
  }
  return rows;
}
