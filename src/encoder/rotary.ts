/**
 * Rotary positions (Su et al., RoFormer, 2021): the channels c and c + D/2 of a head, of queries and keys, are turned by the
 * angle place · θ^(−2c/D), so that their products depend on how far apart two tokens are.
 */
import type { ModernBertShape } from "../domain/encoder.ts";

/** Whether layer i sees the whole text. */
export const isGlobal = ({ globalEvery }: Pick<ModernBertShape, "globalEvery">, i: number): boolean =>
  i % globalEvery === 0;

/** (places, D): of each place the cosines of its D/2 angles, then their sines. In double precision until they are kept. */
export function anglesOf(places: number, D: number, theta: number): Float32Array<ArrayBuffer> {
  const angles = new Float32Array(places * D);
  for (let c = 0; c < D / 2; c++) {
    const frequency = theta ** ((-2 * c) / D);
    for (let place = 0; place < places; place++) {
      angles[place * D + c] = Math.cos(place * frequency);
      angles[place * D + D / 2 + c] = Math.sin(place * frequency);
    }
  }
  return angles;
}

/** {@link anglesOf} at least so many places, made anew only where a text is longer than all before. */
export function growingAngles(D: number, theta: number): (places: number) => Float32Array<ArrayBuffer> {
  let [known, angles] = [0, new Float32Array(0)];
  return (places) => {
    if (places > known) [known, angles] = [places, anglesOf(places, D, theta)];
    return angles;
  };
}
