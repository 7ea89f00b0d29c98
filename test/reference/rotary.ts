import { at } from "./at.ts";

export interface Turned {
  readonly H: number;
  readonly N: number;
  /** (T) */
  readonly places: ArrayLike<number>;
  readonly theta: number;
}

/**
 * qkv (T, 3H) with queries and keys turned: as complex numbers of the channels c and c + D/2 of a head, times
 * exp(i · place · θ^(−2c/D)); `sense` −1 takes a gradient back.
 */
export function turned(qkv: Float64Array, { H, N, places, theta }: Turned, sense: 1 | -1 = 1): Float64Array {
  const D = H / N;
  const result = Float64Array.from(qkv);
  for (let t = 0; t < places.length; t++) {
    for (let head = 0; head < 2 * N; head++) {
      for (let c = 0; c < D / 2; c++) {
        const angle = sense * at(places, t) * theta ** ((-2 * c) / D);
        const [real, imaginary] = [t * 3 * H + head * D + c, t * 3 * H + head * D + c + D / 2];
        result[real] = at(qkv, real) * Math.cos(angle) - at(qkv, imaginary) * Math.sin(angle);
        result[imaginary] = at(qkv, real) * Math.sin(angle) + at(qkv, imaginary) * Math.cos(angle);
      }
    }
  }
  return result;
}
