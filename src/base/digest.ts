import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of some bytes, as 64 hex digits. Synchronous, and present where `crypto.subtle` is not (pages served over plain http). */
export function digest(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** SHA-256 of bytes that come one piece after the other, as 64 hex digits. */
export async function digestOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = sha256.create();
  for await (const piece of pieces) hash.update(piece);
  return bytesToHex(hash.digest());
}

/** SHA-256 of a value's canonical JSON (keys sorted), as 64 hex digits. */
export function digestOf(value: unknown): string {
  return digest(utf8ToBytes(canonical(value)));
}

/** SHA-256 over many strings, told apart by their lengths, as 64 hex digits. */
export function digestOfTexts(texts: Iterable<string>): string {
  const hash = textsDigester();
  for (const text of texts) hash.add(text);
  return hash.digest();
}

/** The same for strings that come one after the other. */
export function textsDigester(): { readonly add: (text: string) => void; readonly digest: () => string } {
  const hash = sha256.create();
  return {
    add(text) {
      const bytes = utf8ToBytes(text);
      hash.update(utf8ToBytes(`${bytes.length}:`)).update(bytes);
    },
    digest: () => bytesToHex(hash.digest()),
  };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
