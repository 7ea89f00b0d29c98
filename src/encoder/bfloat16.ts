/**
 * Moments as bfloat16, the upper half of a float32, rounded stochastically: rounded to the nearest, a change smaller than half of the
 * last of eight bits would be lost at every step (Gupta et al., 2015, arXiv 1502.02551; Zamirai et al., 2020, arXiv 2010.06192).
 * src/kernels/adamw does the same on the GPU.
 */
import { dropHash } from "./dropout.ts";

/** What {@link dropHash} takes for the place of the moments; no site of dropout is as high. */
const sites = { first: 0xffff, second: 0xfffe } as const;
const SIGN = 0x80000000;
/** Everything of the largest finite bfloat16, and all bits below it. */
const LARGEST = 0x7f7fffff;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** A float32's neighbour above or below that is a bfloat16, by 16 bits of chance; itself, if it is one. Never infinite. */
export function roundedBy(chance: number, value: number): number {
  float[0] = value;
  const whole = bits[0] ?? 0;
  const magnitude = Math.min((whole & ~SIGN) + chance, LARGEST);
  bits[0] = (whole & SIGN) | (magnitude & 0xffff0000);
  return float[0];
}

/** A moment of the number at `place` of what trains as it is kept after a step of this seed (dropout.ts). */
export function keptMoment(
  value: number,
  { seed, moment, place }: { readonly seed: number; readonly moment: keyof typeof sites; readonly place: number },
): number {
  return roundedBy(dropHash({ seed, site: sites[moment], row: place, column: 0 }) >>> 16, value);
}
