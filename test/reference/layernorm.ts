import { at, fill, sum } from "./at.ts";

function statistics(x: Float64Array, t: number, H: number, epsilon: number) {
  const mean = sum(H, (c) => at(x, t * H + c)) / H;
  const variance = sum(H, (c) => (at(x, t * H + c) - mean) ** 2) / H;
  return { mean, rstd: 1 / Math.sqrt(variance + epsilon) };
}

/** y (T, H), with the mean and the reciprocal standard deviation of each row. */
export function layerNorm(x: Float64Array, weight: Float64Array, bias: Float64Array, epsilon: number) {
  const H = weight.length;
  const rows = Array.from({ length: x.length / H }, (_, t) => statistics(x, t, H, epsilon));
  return {
    y: Float64Array.from(
      rows.flatMap(({ mean, rstd }, t) =>
        Array.from({ length: H }, (_, c) => (at(x, t * H + c) - mean) * rstd * at(weight, c) + at(bias, c)),
      ),
    ),
    mean: Float64Array.from(rows, (row) => row.mean),
    rstd: Float64Array.from(rows, (row) => row.rstd),
  };
}

export function layerNormGradients(x: Float64Array, weight: Float64Array, dy: Float64Array, epsilon: number) {
  const H = weight.length;
  const T = x.length / H;
  const { mean, rstd } = layerNorm(x, weight, weight, epsilon);
  const n = (t: number, c: number) => (at(x, t * H + c) - at(mean, t)) * at(rstd, t);
  const g = (t: number, c: number) => at(dy, t * H + c) * at(weight, c);
  const meanG = fill(T, (t) => sum(H, (c) => g(t, c)) / H);
  const meanGN = fill(T, (t) => sum(H, (c) => g(t, c) * n(t, c)) / H);
  return {
    dx: fill(T * H, (i) => {
      const [t, c] = [Math.floor(i / H), i % H];
      return at(rstd, t) * (g(t, c) - at(meanG, t) - n(t, c) * at(meanGN, t));
    }),
    dweight: fill(H, (c) => sum(T, (t) => at(dy, t * H + c) * n(t, c))),
    dbias: fill(H, (c) => sum(T, (t) => at(dy, t * H + c))),
  };
}
