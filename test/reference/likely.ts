import { at, fill, sum } from "./at.ts";

export interface Size {
  readonly B: number;
  readonly S: number;
  readonly H: number;
}

/** queries (B, H) · documents (S, H)ᵀ, (B, S). */
export const innerProducts = (queries: Float64Array, documents: Float64Array, { B, S, H }: Size): Float64Array =>
  fill(B * S, (n) => sum(H, (k) => at(queries, Math.floor(n / S) * H + k) * at(documents, (n % S) * H + k)));
