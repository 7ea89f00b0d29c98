import { at, fill } from "./at.ts";
import { gelu, geluDerivative } from "./gelu.ts";

/** Of x (T, 2C) where the two halves of element i of (T, C) are. */
const places = (i: number, C: number): readonly [number, number] => {
  const first = Math.floor(i / C) * 2 * C + (i % C);
  return [first, first + C];
};

/** y (T, C) = GELU of the first half of each row of x, times the second. */
export const geglu = (x: Float64Array, C: number): Float64Array =>
  fill(x.length / 2, (i) => {
    const [a, b] = places(i, C);
    return gelu(at(x, a)) * at(x, b);
  });

/** dx (T, 2C) */
export function gegluGradient(x: Float64Array, dy: Float64Array, C: number): Float64Array {
  const dx = new Float64Array(x.length);
  dy.forEach((d, i) => {
    const [a, b] = places(i, C);
    dx[a] = d * at(x, b) * geluDerivative(at(x, a));
    dx[b] = d * gelu(at(x, a));
  });
  return dx;
}
