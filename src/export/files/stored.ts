/** The files of a zip that was just made here, as parts of it: what is sent on is the same bytes, and none are copied. */
import { assert } from "../../base/assert.ts";

export interface StoredFile {
  readonly path: string;
  readonly blob: Blob;
}

const endRecord = 22;
const utf8 = new TextDecoder();

async function viewOf(blob: Blob, start: number, end: number): Promise<DataView> {
  return new DataView(await blob.slice(start, end).arrayBuffer());
}

/** PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16. Not for zips that come from elsewhere: of theirs nothing may be taken on trust. */
export async function storedFiles(zip: Blob): Promise<readonly StoredFile[]> {
  const end = await viewOf(zip, zip.size - endRecord, zip.size);
  assert(end.byteLength === endRecord && end.getUint32(0, true) === 0x06054b50, "a zip of ours ends without a comment");
  const [count, length, offset] = [end.getUint16(10, true), end.getUint32(12, true), end.getUint32(16, true)];
  assert(count < 0xffff && offset < 0xffffffff, "a zip of files to send is below 4 GiB");
  const directory = await viewOf(zip, offset, offset + length);
  const files: StoredFile[] = [];
  for (let at = 0; files.length < count;) {
    const [name, extra] = [directory.getUint16(at + 28, true), directory.getUint16(at + 30, true)];
    const path = utf8.decode(new Uint8Array(directory.buffer, at + 46, name));
    assert(directory.getUint16(at + 10, true) === 0, `${path} is stored as it is`);
    const header = directory.getUint32(at + 42, true);
    const local = await viewOf(zip, header, header + 30);
    const start = header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    files.push({ path, blob: zip.slice(start, start + directory.getUint32(at + 24, true)) });
    at += 46 + name + extra + directory.getUint16(at + 32, true);
  }
  return files;
}
