/** Encoder folders as files: one zip out; a zip, a folder or loose files in. */
import { isUserError, UserError } from "../base/errors.ts";
import type { EncoderFiles, EncoderFolder } from "../domain/encoder.ts";
import { toBlob } from "./files/file.ts";
import { zippedModels } from "./onnx/zip.ts";

/** What was given is no encoder folder. */
export class NotAnEncoder extends UserError {
  override readonly name = "NotAnEncoder";
}

/** Far above any encoder's. */
const MAX_ENTRIES = 1000;

/** A zip's files, guarded against bombs and damage: `openZip` of src/data/zip.ts. */
export type OpenZip = (
  name: string,
  blob: Blob,
) => Promise<readonly { readonly path: string; readonly blob: () => Promise<Blob> }[]>;

/** The folder as a zip, stored without compression: weights do not shrink, and any tool can read it. */
export const zipFolder = (folder: EncoderFolder): Promise<Blob> => toBlob(zippedModels(folder, []));

async function unzipped({ path, blob }: Given, openZip: OpenZip): Promise<Given[]> {
  const entries = await openZip(path, blob);
  if (entries.length > MAX_ENTRIES)
    throw new NotAnEncoder(
      `${path} has ${entries.length} files, and an encoder has at most ${MAX_ENTRIES}. Choose the encoder's own zip.`,
    );
  const files: Given[] = [];
  for (const entry of entries) {
    if (!entry.path.includes("__MACOSX/")) files.push({ path: entry.path, blob: await entry.blob() });
  }
  return files;
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
function rooted(name: string, files: readonly Given[]): EncoderFiles {
  const paths = files.map(({ path }) => path);
  const marks = paths.filter((path) => ROOT_FILES.test(path) && !OF_A_MODULE.test(path));
  const roots = marks.map((path) => path.replace(/[a-z]+\.json$/u, ""));
  checkOne(roots);
  const root = roots.toSorted((a, b) => a.length - b.length)[0];
  if (root === undefined) {
    const found = paths.slice(0, 8).join(", ") || "nothing";
    throw new NotAnEncoder(
      `There is no config.json and no modules.json here, so this is no encoder folder. Found: ${found}.`,
    );
  }
  const own = files.filter(({ path }) => path.startsWith(root));
  return { name, files: Object.fromEntries(own.map(({ path, blob }) => [path.slice(root.length), blob])) };
}

interface Given {
  readonly path: string;
  readonly blob: Blob;
}

/**
 * An encoder folder from one zip or from many files with their paths. What was given is not read into memory: files are the
 * blobs that were given, entries of a zip slices of it where they are stored as they are. Errors: {@link NotAnEncoder}.
 */
export async function readFolder(given: readonly Given[], openZip: OpenZip): Promise<EncoderFiles> {
  const [first, ...rest] = given;
  if (!first) throw new NotAnEncoder("Nothing was given. Choose an encoder folder or its zip.");
  const stem = (first.path.split("/")[0] ?? "").replace(/\.zip$/iu, "") || "encoder";
  if (rest.length > 0) return rooted(stem, given);
  try {
    return rooted(stem, await unzipped(first, openZip));
  } catch (error) {
    throw isUserError(error) && !(error instanceof NotAnEncoder) ? new NotAnEncoder(error.message) : error;
  }
}
