/** What the families of transformers are built of: linear layers with LoRA's beside them, and dropout. Their way back is in layersBack.ts. */
import { present } from "../../base/assert.ts";
import type { Dropout } from "../../domain/engine.ts";
import { dropoutForward, type Dropping } from "../../kernels/dropout/dropout.ts";
import { linearForward, type LinearSize } from "../../kernels/linear/linear.ts";
import type { LinearPlan } from "../../kernels/linear/variants.ts";
import { dropThreshold } from "../dropout.ts";
import { adapterRegions, type Trained } from "../trained.ts";
import type { ForwardTensors, Passes } from "./program.ts";

/** What passes are made from. */
export interface Making<Tensors extends ForwardTensors = ForwardTensors> {
  readonly tensors: Tensors;
  readonly trained: Trained;
  /** None where the encoder only embeds. */
  readonly dropout?: Dropout | undefined;
  /** Which of their forms matrix products take. */
  readonly linear?: LinearPlan | undefined;
}

/** The name of the activation that layer i starts from. */
export const inputOf = (i: number): string => (i === 0 ? "embeddings.output" : `layer.${i - 1}.output`);

/** Whether there is a gradient for a region. */
export const trains = ({ regions }: Trained, region: string): boolean => regions[region] !== undefined;

const dropping = (rate: number, site: number): Dropping | undefined =>
  rate > 0 ? { rate, threshold: dropThreshold(rate), site } : undefined;

/** Of an attention's weights. */
export const weightDropping = ({ dropout }: Making, site: number): Dropping | undefined =>
  dropping(dropout?.attention ?? 0, site);

/** Of the embeddings or a block's result. */
export const hiddenDropping = ({ dropout }: Making, site: number): Dropping | undefined =>
  dropping(dropout?.hidden ?? 0, site);

/** A linear layer by the names of its tensors. */
export interface Linear extends LinearSize {
  /** "layer.0.output" */
  readonly region: string;
  readonly biased: boolean;
  readonly x: string;
}

export interface Adapter {
  readonly a: string;
  readonly b: string;
  readonly rank: number;
  readonly scale: number;
}

/** LoRA's matrices beside a linear layer's, if there are any. */
export function adapterOf(region: string, { lora, regions }: Trained): Adapter | undefined {
  const { a, b } = adapterRegions(`${region}.weight`);
  return lora && regions[a] ? { a, b, rank: lora.rank, scale: lora.alpha / lora.rank } : undefined;
}

/** Whether there is something to learn at a linear layer: its matrix or LoRA's. */
export const isLearned = (region: string, trained: Trained): boolean =>
  adapterOf(region, trained) !== undefined || trains(trained, `${region}.weight`);

/** x · Aᵀ, scaled: the gradients of both of LoRA's matrices start from it. */
export function adapterInput(
  { region, x, I }: Omit<Linear, "biased" | "O">,
  { tensors, trained, linear: plan }: Making,
): Passes {
  const adapter = adapterOf(region, trained);
  if (!adapter) return [];
  const { index, activation } = tensors;
  const weight = present(tensors.adapter, "adapter")(adapter.a);
  const [u, counts] = [activation(`${region}.lora`), index("counts")];
  return [
    linearForward({ y: u, counts, x: activation(x), weight }, { I, O: adapter.rank, scale: adapter.scale, plan }),
  ];
}

interface LinearForward extends Linear {
  readonly y: string;
  /** Added to y. */
  readonly residual?: string;
  /** GELU of y. */
  readonly activated?: string;
}

export function linear({ y, residual, activated, ...layer }: LinearForward, making: Making): Passes {
  const { region, biased, x, I, O } = layer;
  const { linear: plan } = making;
  const { weight, index, activation, adapter: matrix } = making.tensors;
  const adapter = adapterOf(region, making.trained);
  const [counts, into] = [index("counts"), activation(y)];
  const gelu = activated === undefined ? undefined : activation(activated);
  const product = linearForward(
    {
      y: into,
      counts,
      x: activation(x),
      weight: weight(`${region}.weight`),
      bias: biased ? weight(`${region}.bias`) : undefined,
      residual: residual === undefined ? undefined : activation(residual),
      activated: adapter ? undefined : gelu,
    },
    { I, O, plan },
  );
  if (!adapter) return [product];
  const [u, b] = [activation(`${region}.lora`), present(matrix, "adapter")(adapter.b)];
  return [
    product,
    ...adapterInput(layer, making),
    linearForward({ y: into, counts, x: u, weight: b, activated: gelu }, { I: adapter.rank, O, adds: true, plan }),
  ];
}

/** y = residual + what dropout leaves of a linear layer. */
export function branch(
  { site, residual, ...layer }: LinearForward & { readonly site: number; readonly residual: string },
  making: Making,
): Passes {
  const dropped = hiddenDropping(making, site);
  if (!dropped) return linear({ ...layer, residual }, making);
  const { index, activation } = making.tensors;
  const at = { y: activation(layer.y), counts: index("counts"), residual: activation(residual) };
  return [...linear(layer, making), dropoutForward(at, { C: layer.O, ...dropped })];
}

/** Dropout in place. */
export function drop(
  { y, C, site }: { readonly y: string; readonly C: number; readonly site: number },
  making: Making,
): Passes {
  const dropped = hiddenDropping(making, site);
  const { index, activation } = making.tensors;
  return dropped ? [dropoutForward({ y: activation(y), counts: index("counts") }, { C, ...dropped })] : [];
}
