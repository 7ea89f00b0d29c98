/** The way back through layers.ts, in stages, so that it ends where nothing more trains. */
import { present } from "../../base/assert.ts";
import { dropoutBackward } from "../../kernels/dropout/dropout.ts";
import { linearInput, linearWeight } from "../../kernels/linear/linear.ts";
import { adapterOf, hiddenDropping, isLearned, trains, type Adapter, type Linear, type Making } from "./layers.ts";
import type { BackwardTensors, Passes } from "./program.ts";

export type MakingBack = Making<BackwardTensors>;

/** A part of the way back. */
export interface Stage {
  /** Whether there is something of it that trains. */
  readonly trains: boolean;
  /** `deeper` says whether anything further down trains: otherwise nobody needs the gradient of what this part started from. */
  readonly passes: (deeper: boolean) => Passes;
}

/** A stage in which nothing trains. */
export const between = (passes: () => Passes): Stage => ({ trains: false, passes });

/** The way back as far as the last stage that trains. */
export function wayBack(stages: readonly Stage[]): Passes {
  const last = stages.findLastIndex((stage) => stage.trains);
  return stages.slice(0, last + 1).flatMap(({ passes }, i) => passes(i < last));
}

/** The gradient of what went through dropout, by its name: `dy` itself is the gradient of a residual too. */
export function undropped(
  { dy, C, site }: { readonly dy: string; readonly C: number; readonly site: number },
  making: MakingBack,
): { readonly dy: string; readonly stages: readonly Stage[] } {
  const dropped = hiddenDropping(making, site);
  if (!dropped) return { dy, stages: [] };
  const { index, activation } = making.tensors;
  const at = { dx: activation("d.branch"), counts: index("counts"), dy: activation(dy) };
  return { dy: "d.branch", stages: [between(() => [dropoutBackward(at, { C, ...dropped })])] };
}

interface LinearBackward extends Linear {
  readonly dx: string;
  readonly dy: string;
  /** What x is GELU of; dx is the gradient of that. */
  readonly preactivation?: string;
  /** Whether dx is added to what is there. */
  readonly adds?: boolean;
  /** What stands between the gradient of x and those of the matrices, which read x. There are some if `own`. */
  readonly middle?: (at: { readonly own: boolean; readonly deeper: boolean }) => Passes;
}

/** dx = dy · (weight + LoRA's product). */
function inputGradient(layer: LinearBackward, { tensors, trained, linear: plan }: MakingBack): Passes {
  const { region, I, O, adds } = layer;
  const { weight, index, activation } = tensors;
  const adapter = adapterOf(region, trained);
  const shared = {
    dx: activation(layer.dx),
    counts: index("counts"),
    preactivation: layer.preactivation === undefined ? undefined : activation(layer.preactivation),
  };
  const product = linearInput(
    { ...shared, weight: weight(`${region}.weight`), dy: activation(layer.dy) },
    { I, O, adds, plan },
  );
  if (!adapter) return [product];
  const a = present(tensors.adapter, "adapter")(adapter.a);
  return [
    product,
    linearInput({ ...shared, weight: a, dy: activation("d.lora") }, { I, O: adapter.rank, adds: true, plan }),
  ];
}

function adapterGradients(layer: LinearBackward, adapter: Adapter, { tensors, linear: plan }: MakingBack): Passes {
  const { I, O } = layer;
  const { a, b, rank } = adapter;
  const { gradient, index, activation, adds } = tensors;
  const [counts, scratch] = [index("counts"), activation("scratch")];
  const [x, u] = [activation(layer.x), activation(`${layer.region}.lora`)];
  const [dy, du] = [activation(layer.dy), activation("d.lora")];
  return [
    ...linearWeight({ dweight: gradient(b), counts, x: u, dy, scratch }, { I: rank, O, adds, plan }),
    ...linearWeight({ dweight: gradient(a), counts, x, dy: du, scratch }, { I, O: rank, adds, plan }),
  ];
}

function matrixGradient(layer: LinearBackward, { tensors, trained, linear: plan }: MakingBack): Passes {
  const { region, I, O } = layer;
  const { gradient, index, activation, adds } = tensors;
  if (!trains(trained, `${region}.weight`)) return [];
  return linearWeight(
    {
      dweight: gradient(`${region}.weight`),
      dbias: layer.biased ? gradient(`${region}.bias`) : undefined,
      counts: index("counts"),
      x: activation(layer.x),
      dy: activation(layer.dy),
      scratch: activation("scratch"),
    },
    { I, O, adds, plan },
  );
}

/** d.lora = dy · B, scaled: the gradient of x · Aᵀ. */
function adapterOutput(layer: LinearBackward, adapter: Adapter, { tensors, linear: plan }: MakingBack): Passes {
  const { index, activation } = tensors;
  const weight = present(tensors.adapter, "adapter")(adapter.b);
  const at = { dx: activation("d.lora"), counts: index("counts"), weight, dy: activation(layer.dy) };
  return [linearInput(at, { I: adapter.rank, O: layer.O, scale: adapter.scale, plan })];
}

export function linearBack(layer: LinearBackward, making: MakingBack): Stage {
  const { trained } = making;
  const adapter = adapterOf(layer.region, trained);
  const own = isLearned(layer.region, trained);
  return {
    trains: own,
    passes: (deeper) => [
      ...(adapter ? adapterOutput(layer, adapter, making) : []),
      ...(deeper ? inputGradient(layer, making) : []),
      ...(layer.middle?.({ own, deeper }) ?? []),
      ...(adapter ? adapterGradients(layer, adapter, making) : []),
      ...matrixGradient(layer, making),
    ],
  };
}
