/** Encoder folders as the page reads them, with their bytes in memory to be looked at. */
import { openZip } from "../../src/data/zip.ts";
import { sourcesOf, type EncoderFiles, type EncoderFolder } from "../../src/domain/encoder.ts";
import { readFolder } from "../../src/export/folder.ts";

export async function inMemory(folder: EncoderFiles): Promise<EncoderFolder> {
  const files = sourcesOf(folder).map(async (source) => [source.name, await source.read(0, source.size)] as const);
  return { name: folder.name, files: Object.fromEntries(await Promise.all(files)) };
}

export const readGiven = async (given: Parameters<typeof readFolder>[0]): Promise<EncoderFolder> =>
  inMemory(await readFolder(given, openZip));
