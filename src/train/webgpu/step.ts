/** What is submitted for a step, piece after piece; numbers are written to the index in order with what reads them. */
import { present } from "../../base/assert.ts";
import type { TrainerSettings } from "../../domain/engine.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Pass } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Work } from "../../gpu/submit.ts";
import { write } from "../../gpu/upload.ts";
import type { Counts } from "../../kernels/counts.ts";
import { writeBatch } from "./embed.ts";
import { describePairs } from "./loss.ts";
import { textsOf } from "./pairs.ts";
import type { Part, StepBatch, StepInput } from "./parts.ts";
import type { StepPlan } from "./plan.ts";

type Passes = readonly Pass<Counts>[];
type Copy = NonNullable<Work<Counts>["copies"]>[number];

/** Submits work; what was written before is seen by it. */
export type Submit = (work: Omit<Work<Counts>, "label">) => void;

export interface StepParts {
  readonly gpu: Gpu;
  readonly plan: StepPlan;
  readonly settings: TrainerSettings;
  readonly hidden: number;
  readonly submit: Submit;
}

/** Rows of a (rows, hidden) tensor. */
const rowsOf = ({ buffer, offset }: Slice, first: number, rows: number, hidden: number): Slice => ({
  buffer,
  offset: offset + first * hidden * 4,
  size: rows * hidden * 4,
});

/** Between a part's tensor and its rows of the batch's. */
function rowsOfPart({ plan, hidden }: StepParts, { first, texts }: Part, name: "embedding" | "d.embedding") {
  return {
    part: rowsOf(plan.part(name), 0, texts, hidden),
    batch: rowsOf(plan.vectors(name), first, texts, hidden),
  };
}

function writePairs({ gpu, plan, settings, hidden }: StepParts, { batch, counts }: StepBatch): void {
  const described = describePairs(batch, settings, counts.vectors);
  for (const [name, values] of Object.entries(described)) write(gpu, plan.index(name), values);
  const { fixed } = batch;
  if (!fixed) return;
  write(gpu, rowsOf(plan.vectors("embedding"), textsOf(batch), fixed.length / hidden, hidden), fixed);
}

/** What comes after the last batch's backward pass. */
interface After {
  readonly passes: Passes;
  readonly copies: readonly Copy[];
}

/** Forward, loss and backward of a batch in one part. */
function whole(step: StepParts, batch: StepBatch, part: Part, { passes, copies }: After): void {
  const { gpu, plan, submit } = step;
  writeBatch(gpu, plan.index, part);
  writePairs(step, batch);
  submit({ passes: [...plan.forward, ...plan.loss, ...plan.backward, ...passes], counts: part.counts, copies });
}

/**
 * The same in parts (GradCache): all are encoded for their vectors alone, the loss gives the gradient by these, and each part is
 * encoded again and goes back; the last need not be encoded again.
 */
function inParts(step: StepParts, batch: StepBatch, after: After): void {
  const { gpu, plan, submit } = step;
  const encode = (part: Part, copies: readonly Copy[]) => {
    writeBatch(gpu, plan.index, part);
    submit({ passes: plan.forward, counts: part.counts, copies });
  };
  for (const part of batch.parts) {
    const rows = rowsOfPart(step, part, "embedding");
    encode(part, [{ from: rows.part, to: rows.batch }]);
  }
  writePairs(step, batch);
  for (const [i, part] of [...batch.parts.entries()].toReversed()) {
    const rows = rowsOfPart(step, part, "d.embedding");
    const copies = [{ from: rows.batch, to: rows.part }];
    if (i + 1 === batch.parts.length) submit({ passes: plan.loss, counts: batch.counts, copies });
    else encode(part, copies);
    const { passes, copies: last } = i === 0 ? after : none;
    submit({ passes: [...plan.backward, ...passes], counts: part.counts, copies: last });
  }
}

const none: After = { passes: [], copies: [] };

/** Submits all of a step: `clears` are set to zero before it, `copies` made after it. Returns how many passes it has. */
export function submitStep(
  given: StepParts,
  { batches, learningRate }: StepInput,
  { clears, copies }: { readonly clears: readonly Slice[]; readonly copies: readonly Copy[] },
): number {
  const { gpu, plan } = given;
  let [count, waiting] = [0, clears];
  const submit: Submit = (work) => {
    given.submit({ ...work, clears: waiting });
    count += work.passes.length;
    waiting = [];
  };
  const step = { ...given, submit };
  write(gpu, plan.index("rate"), new Float32Array([learningRate]));
  for (const [b, batch] of batches.entries()) {
    const after = b + 1 === batches.length ? { passes: plan.update, copies } : none;
    if (plan.capacity.parted) inParts(step, batch, after);
    else whole(step, batch, present(batch.parts[0], "the batch's only part"), after);
  }
  return count;
}
