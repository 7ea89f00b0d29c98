/** The step from a pooled vector to one of unit length, and back, in double precision. */

/** The smallest norm that a vector is divided by (torch.nn.functional.normalize's is the same). */
const SMALLEST_NORM = 1e-12;

/** ‖x‖, clamped. */
export function clampedNorm(x: Float64Array): number {
  let squares = 0;
  for (let h = 0; h < x.length; h++) squares += (x[h] ?? 0) ** 2;
  return Math.max(Math.sqrt(squares), SMALLEST_NORM);
}

/** The embeddings' gradient (S, H), of which one text's row starts at `at`. */
export interface RowGradient {
  readonly values: Float64Array;
  readonly at: number;
}

/** Turns the pooled vector x, of which e = x/|x| is the embedding, into its own gradient: (de − e·(e·de)) / |x|. */
export function throughNorm(x: Float64Array, { values: dEmbeddings, at }: RowGradient): void {
  const norm = clampedNorm(x);
  let along = 0;
  // A clamped norm is a constant: nothing is projected out.
  if (norm > SMALLEST_NORM)
    for (let h = 0; h < x.length; h++) along += ((x[h] ?? 0) / norm) * (dEmbeddings[at + h] ?? 0);
  for (let h = 0; h < x.length; h++) {
    x[h] = ((dEmbeddings[at + h] ?? 0) - ((x[h] ?? 0) / norm) * along) / norm;
  }
}
