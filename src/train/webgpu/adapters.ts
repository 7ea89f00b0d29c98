/** LoRA's matrices on the GPU: beside the encoder's own while they train, and part of them afterwards. */
import { present } from "../../base/assert.ts";
import type { Lora } from "../../domain/engine.ts";
import type { ParameterTable } from "../../encoder/parameters.ts";
import { adapterRegions, type Trained } from "../../encoder/trained.ts";
import { loraMerge } from "../../kernels/lora/lora.ts";
import { regionsOf } from "./arenas.ts";
import type { Context } from "./context.ts";

interface Merge {
  readonly trained: Trained & { readonly lora: Lora };
  readonly adapters: GPUBuffer;
  readonly table: ParameterTable;
  readonly weights: GPUBuffer;
}

/** Adds alpha / rank · B · A to every matrix that has an adapter; the passes, ready to be submitted. */
export function planMerge({ pipelines }: Context, { trained, adapters, table, weights }: Merge) {
  const { lora } = trained;
  const adapter = regionsOf(trained, adapters);
  const weight = regionsOf(table, weights);
  const matrices = Object.values(table.regions).filter(({ name }) => trained.regions[adapterRegions(name).a]);
  return pipelines.realise(
    matrices.map(({ name, shape: [O = 0, I = 0] }) => {
      const names = adapterRegions(present(name, "a region's name"));
      return loraMerge(
        { weight: weight(name), a: adapter(names.a), b: adapter(names.b) },
        { I, O, rank: lora.rank, scale: lora.alpha / lora.rank },
      );
    }),
  );
}
