/** CRC-32 of zip and gzip (polynomial 0xEDB88320, reflected; PKWARE APPNOTE 4.4.7), eight bytes at a time (Kounavis and Berry, 2005). */

/** What a byte becomes that has k more bytes behind it, at 256·k + byte. */
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  tables[byte] = value;
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256] ?? 0;
  tables[i] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
}

const table = (behind: number, byte: number): number => tables[256 * behind + (byte & 0xff)] ?? 0;

/** The checksum of what came before and these bytes; 0 before anything. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (; at + 8 <= bytes.length; at += 8) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      table(7, low) ^
      table(6, low >>> 8) ^
      table(5, low >>> 16) ^
      table(4, low >>> 24) ^
      table(3, high) ^
      table(2, high >>> 8) ^
      table(1, high >>> 16) ^
      table(0, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ table(0, crc ^ (bytes[at] ?? 0));
  return ~crc >>> 0;
}
