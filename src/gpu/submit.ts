/**
 * Recording passes and submitting them in chunks. One giant submit stalls everything else that draws on the GPU and may be
 * killed by the driver's watchdog; one submit a dispatch costs more than the dispatch. A chunk is one compute pass.
 */
import type { Gpu } from "./device.ts";
import type { Pass } from "./pass.ts";
import type { Slice } from "./slice.ts";

/** GPU time that a chunk should take, in milliseconds. */
const TARGET = 10;
const MOST = 256;

export interface Work<Counts> {
  readonly label: string;
  readonly passes: readonly Pass<Counts>[];
  readonly counts: Counts;
  /** Set to zero before the first pass. */
  readonly clears?: readonly Slice[];
  /** Copied after the last pass. */
  readonly copies?: readonly { readonly from: Slice; readonly to: Slice }[];
}

export class Submitter {
  readonly #gpu: Gpu;
  /** Cautious until the first measurement. */
  #perChunk = 8;
  #lastEnd = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Passes in one submit at present. */
  get perChunk(): number {
    return this.#perChunk;
  }

  /** Records and submits; returns at once. */
  submit<Counts>({ label, passes, counts, clears = [], copies = [] }: Work<Counts>): void {
    const { device } = this.#gpu;
    for (let start = 0; start < Math.max(passes.length, 1); start += this.#perChunk) {
      const end = Math.min(start + this.#perChunk, passes.length);
      const encoder = device.createCommandEncoder({ label: `${label} ${start}–${end}` });
      if (start === 0) for (const { buffer, offset, size } of clears) encoder.clearBuffer(buffer, offset, size);
      record(encoder, passes.slice(start, end), counts);
      if (end === passes.length) {
        for (const { from, to } of copies)
          encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, from.size);
      }
      device.queue.submit([encoder.finish()]);
    }
  }

  /** Learns from work of `passes` passes, submitted at `start` and seen to be done now (`performance.now()`). */
  measure(passes: number, start: number): void {
    const now = performance.now();
    const spent = now - Math.max(start, this.#lastEnd);
    this.#lastEnd = now;
    if (spent <= 0 || passes === 0) return;
    const fitting = Math.round((TARGET * passes) / spent);
    // Half-way to the newest measurement: one slow step (a compile, another page) should not swing it.
    this.#perChunk = Math.min(MOST, Math.max(1, Math.round((this.#perChunk + Math.min(fitting, MOST)) / 2)));
  }
}

function record<Counts>(encoder: GPUCommandEncoder, passes: readonly Pass<Counts>[], counts: Counts): void {
  const first = passes[0];
  if (!first) return;
  const pass = encoder.beginComputePass({ label: `${first.label} and ${passes.length - 1} more` });
  for (const { pipeline, bindGroup, workgroups } of passes) {
    const [x, y = 1, z = 1] = workgroups(counts);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(x, y, z);
  }
  pass.end();
}
