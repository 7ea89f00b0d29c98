import { at, fill, sum } from "./at.ts";

export interface Size {
  readonly T: number;
  readonly I: number;
  readonly O: number;
}

/** y (T, O) = x · weightᵀ + bias */
export const linear = (x: Float64Array, weight: Float64Array, bias: Float64Array, { T, I, O }: Size): Float64Array =>
  fill(T * O, (n) => {
    const [t, o] = [Math.floor(n / O), n % O];
    return at(bias, o) + sum(I, (i) => at(x, t * I + i) * at(weight, o * I + i));
  });

export const linearGradients = (x: Float64Array, weight: Float64Array, dy: Float64Array, { T, I, O }: Size) => ({
  dx: fill(T * I, (n) => sum(O, (o) => at(dy, Math.floor(n / I) * O + o) * at(weight, o * I + (n % I)))),
  dweight: fill(O * I, (n) => sum(T, (t) => at(dy, t * O + Math.floor(n / I)) * at(x, t * I + (n % I)))),
  dbias: fill(O, (o) => sum(T, (t) => at(dy, t * O + o))),
});
