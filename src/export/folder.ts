/** Encoder folders as files: one zip out; a zip, a folder or loose files in. */
import { unzip, zip, type Unzipped, type UnzipFileInfo } from "fflate";
import { UserError } from "../base/errors.ts";
import type { EncoderFolder } from "../domain/encoder.ts";

/** What was given is no encoder folder. */
export class NotAnEncoder extends UserError {
  override readonly name = "NotAnEncoder";
}

/** Bounds on a zip, checked on its directory before anything is unpacked. */
const MAX_ENTRIES = 1000;
const MAX_BYTES = 2 * 2 ** 30;

/** The folder as a zip, stored without compression: weights do not shrink, and any tool can read it. */
export async function zipFolder({ files }: EncoderFolder): Promise<Blob> {
  const bytes = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
    // A fixed date: the same encoder gives the same file.
    zip({ ...files }, { level: 0, mtime: "2020-01-01T00:00:00" }, (error, data) =>
      error ? reject(error) : resolve(data),
    );
  });
  return new Blob([bytes], { type: "application/zip" });
}

/** Refuses what is not needed, and everything once the bounds are passed. */
function bounded(): (info: UnzipFileInfo) => boolean {
  let [entries, total] = [0, 0];
  return ({ name, originalSize }) => {
    entries++;
    if (name.endsWith("/") || name.includes("__MACOSX/")) return false;
    total += originalSize;
    if (entries > MAX_ENTRIES || total > MAX_BYTES) {
      throw new NotAnEncoder(
        `This zip unpacks to more than ${MAX_ENTRIES} files or ${MAX_BYTES / 2 ** 30} GiB; an encoder is smaller. Choose the encoder's own zip.`,
      );
    }
    return true;
  };
}

async function unzipped(path: string, blob: Blob): Promise<Unzipped> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) {
    throw new NotAnEncoder(
      `${path} is not a zip. Give an encoder folder with config.json or modules.json, or the zip that Decoy made.`,
    );
  }
  return new Promise((resolve, reject) => {
    try {
      unzip(bytes, { filter: bounded() }, (error, data) =>
        error
          ? reject(new NotAnEncoder(`${path} is a broken zip (${error.message}). Download it again.`))
          : resolve(data),
      );
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Files that lie at an encoder folder's root: the second in every BERT's, the first in every one of modules. */
const ROOT_FILES = /(^|\/)(modules|config)\.json$/u;
/** "1_Pooling/config.json" */
const OF_A_MODULE = /(^|\/)\d_[A-Z]\w+\/config\.json$/u;

/** A run that trained queries alone leaves two encoders: which of them is meant, nobody can tell. */
function checkOne(roots: readonly string[]): void {
  const two = roots.some(
    (root) => roots.includes(`${root.replace(/queries\/$/u, "")}documents/`) && root.endsWith("queries/"),
  );
  if (!two) return;
  throw new NotAnEncoder(
    'These are two encoders: a run that trained queries alone left one for them and one for documents. Give one of the two folders, "queries" or "documents", by itself.',
  );
}

/** The files under the folder that holds modules.json or config.json, by their path in it. */
function rooted(name: string, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): EncoderFolder {
  const marks = Object.keys(files).filter((path) => ROOT_FILES.test(path) && !OF_A_MODULE.test(path));
  const roots = marks.map((path) => path.replace(/[a-z]+\.json$/u, ""));
  checkOne(roots);
  const root = roots.toSorted((a, b) => a.length - b.length)[0];
  if (root === undefined) {
    const found = Object.keys(files).slice(0, 8).join(", ") || "nothing";
    throw new NotAnEncoder(
      `There is no config.json and no modules.json here, so this is no encoder folder. Found: ${found}.`,
    );
  }
  const own = Object.entries(files).filter(([path]) => path.startsWith(root));
  return { name, files: Object.fromEntries(own.map(([path, bytes]) => [path.slice(root.length), bytes])) };
}

/** An encoder folder from one zip or from many files with their paths. Errors: {@link NotAnEncoder}. */
export async function readFolder(
  given: readonly { readonly path: string; readonly blob: Blob }[],
): Promise<EncoderFolder> {
  const [first, ...rest] = given;
  if (!first) throw new NotAnEncoder("Nothing was given. Choose an encoder folder or its zip.");
  const stem = (first.path.split("/")[0] ?? "").replace(/\.zip$/iu, "");
  if (rest.length === 0) return rooted(stem || "encoder", await unzipped(first.path, first.blob));
  const files = await Promise.all(
    given.map(async ({ path, blob }) => [path, new Uint8Array(await blob.arrayBuffer())] as const),
  );
  return rooted(stem || "encoder", Object.fromEntries(files));
}
