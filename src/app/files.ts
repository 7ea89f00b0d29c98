/** Files as a browser hands them over: picked, picked as a folder, or dropped. */
import type { PickedFile } from "./dependencies.ts";

/** The name of the picked folder itself is not part of the paths. */
export function pickedFiles(list: Iterable<File>): PickedFile[] {
  return [...list].map((file) => ({ path: withoutFirst(file.webkitRelativePath) || file.name, blob: file }));
}

const withoutFirst = (path: string): string => path.split("/").slice(1).join("/");

/**
 * Everything in a drop, folders walked to the bottom. The entries must be taken before the event ends: afterwards the
 * list of items is empty (HTML, "drag data store mode"). One folder alone is left out of the paths, as in a picked one.
 */
export async function droppedFiles(data: DataTransfer): Promise<PickedFile[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return pickedFiles(data.files);
  const files = (await Promise.all(entries.map(filesIn))).flat();
  const [only] = entries;
  const alone = entries.length === 1 && only?.isDirectory;
  return files.map(({ path, blob }) => ({ path: alone ? withoutFirst(path) : path, blob }));
}

async function filesIn(entry: FileSystemEntry): Promise<PickedFile[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (isFile(entry)) return [{ path, blob: await new Promise<File>((done, fail) => entry.file(done, fail)) }];
  if (!isDirectory(entry)) return [];
  const reader = entry.createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives at most 100 entries a call (Chromium) and an empty list at the end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (part.length === 0) break;
    found.push(...part);
  }
  return (await Promise.all(found.map(filesIn))).flat();
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
