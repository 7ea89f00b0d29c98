/** Whether two engines compute the same thing. */
import type { StepOutcome } from "../src/domain/engine.ts";
import type { Cell, Trial } from "./trial.ts";
import type { Check } from "./report.ts";

/** Float32 sums of thousands of products in another order, and erf by polynomials of error 1.5e-7, differ by less than these. */
const MOST = { loss: 1e-4, gradNorm: 1e-3, embedding: 1e-3 } as const;

/** Steps in f16: what is multiplied is rounded to 2⁻¹¹, as test/train/webgpu.f16.test.ts has it. */
const MOST_HALF = { loss: 1e-2, gradNorm: 1e-2, embedding: 5e-3 } as const;

const relative = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-12);

/** NaN where one is, which is within no bound. */
const worst = (differences: ArrayLike<number>): number =>
  Array.from(differences).reduce((most, difference) => Math.max(most, difference), 0);

export function compare(ours: Trial, peer: Trial, { shape, batch }: Pick<Cell, "shape" | "batch">): Check {
  const of = (part: (outcome: StepOutcome) => number) => {
    const [ourFirst, ourSecond] = ours.outcomes;
    const [first, second] = peer.outcomes;
    return worst([relative(part(ourFirst), part(first)), relative(part(ourSecond), part(second))]);
  };
  const loss = of((outcome) => outcome.loss);
  const gradNorm = of((outcome) => outcome.gradNorm);
  const embedding =
    ours.embedding.length === peer.embedding.length
      ? worst(ours.embedding.map((x, i) => Math.abs(x - (peer.embedding[i] ?? NaN))))
      : Infinity;
  const most = peer.engine.name === "decoy-f16" ? MOST_HALF : MOST;
  const agrees = loss <= most.loss && gradNorm <= most.gradNorm && embedding <= most.embedding;
  return { shape, batch, engine: peer.engine.name, loss, gradNorm, embedding, agrees };
}
