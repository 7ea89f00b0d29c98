import { digest } from "../../base/digest.ts";
import type { Bytes } from "../files/file.ts";

/** SHA-256 as 64 hex digits; in the browser's own threads where there are any for it (not on pages served over plain http). */
export async function sha256(bytes: Bytes): Promise<string> {
  if (!("subtle" in crypto)) return digest(bytes);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
