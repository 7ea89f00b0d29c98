/**
 * LoRA on the CPU (Hu et al., arXiv 2106.09685): W + alpha / rank · B · A in the place of W, and the gradients of A and B from that
 * of the sum.
 */
import { present } from "../../base/assert.ts";
import type { Lora } from "../../domain/engine.ts";
import { size, type ParameterTable, type Region } from "../parameters.ts";
import { adapterRegions, addAdapter, type Trained } from "../trained.ts";
import type { Arena, Wanted } from "./network.ts";

/** A matrix that LoRA adds to. */
interface Adapted {
  /** Among the weights. */
  readonly matrix: Region;
  /** Where its W is kept, and its gradient. */
  readonly wanted: Region;
  /** In what trains. */
  readonly a: Region;
  readonly b: Region;
}

export interface Adapters {
  /** W of the adapted matrices, in the layout of what is wanted. */
  readonly kept: Arena;
  /** Writes the effective matrices to the encoder's weights. */
  merge(weights: Arena, adapters: Arena): void;
  /** The gradients of A and B, to `gradient`, from that of the effective matrices. */
  project(dWeights: Arena, adapters: Arena, gradient: Arena): void;
}

/** `weights` are the encoder's before anything was added to them. */
export function createAdapters(table: ParameterTable, trained: Trained, weights: Arena): Adapters {
  const lora = present(trained.lora, "LoRA");
  const matrices = adaptedIn(table, trained);
  const kept = new Float32Array(wantedOf(table, trained).floats);
  for (const { matrix, wanted } of matrices) kept.set(part(weights, matrix), wanted.offset);
  return {
    kept,
    merge(weights, adapters) {
      for (const of of matrices) {
        weights.set(part(kept, of.wanted), of.matrix.offset);
        addAdapter(weights, adapters, of, lora);
      }
    },
    project(dWeights, adapters, gradient) {
      for (const of of matrices) projectOne(of, lora, { dWeights, adapters, gradient });
    },
  };
}

const part = (arena: Arena, { offset, shape }: Region): Arena => arena.subarray(offset, offset + size(shape));

function adaptedIn(table: ParameterTable, { regions }: Trained): readonly Adapted[] {
  const adapted: Adapted[] = [];
  let offset = 0;
  for (const matrix of Object.values(table.regions)) {
    const { a, b } = adapterRegions(matrix.name);
    if (regions[a] === undefined) continue;
    adapted.push({ matrix, wanted: { ...matrix, offset }, a: regions[a], b: present(regions[b], b) });
    offset += size(matrix.shape);
  }
  return adapted;
}

/** Of which weights the gradient is needed: those that train, or those that LoRA adds to, without gaps. */
export function wantedOf(table: ParameterTable, trained: Trained): Wanted {
  if (!trained.lora) return trained;
  const matrices = adaptedIn(table, trained).map(({ wanted }) => wanted);
  return {
    regions: Object.fromEntries(matrices.map((matrix) => [matrix.name, matrix])),
    floats: matrices.reduce((sum, { shape }) => sum + size(shape), 0),
    embeddings: false,
    lowest: trained.lowest,
  };
}

interface Arenas {
  readonly dWeights: Arena;
  readonly adapters: Arena;
  readonly gradient: Arena;
}

/** dB = s · dW · Aᵀ, dA = s · Bᵀ · dW, s = alpha / rank, in double precision; row by row of dW. */
function projectOne({ wanted, a, b }: Adapted, { alpha, rank }: Lora, { dWeights, adapters, gradient }: Arenas): void {
  const [O = 0, I = 0] = wanted.shape;
  const scale = alpha / rank;
  const [A, B] = [Float64Array.from(part(adapters, a)), Float64Array.from(part(adapters, b))];
  const dA = new Float64Array(A.length);
  for (let o = 0; o < O; o++) {
    const row = wanted.offset + o * I;
    for (let r = 0; r < rank; r++) {
      const factor = B[o * rank + r] ?? 0;
      let sum = 0;
      for (let i = 0; i < I; i++) {
        const d = dWeights[row + i] ?? 0;
        sum += d * (A[r * I + i] ?? 0);
        dA[r * I + i] = (dA[r * I + i] ?? 0) + factor * d;
      }
      gradient[b.offset + o * rank + r] = scale * sum;
    }
  }
  gradient.set(
    dA.map((d) => scale * d),
    a.offset,
  );
}
