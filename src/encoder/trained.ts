/**
 * What of an encoder trains, and where it lies in the arenas of gradients, moments and checkpoints: the regions of the parameter table
 * that are not frozen, without gaps, or LoRA's pairs of matrices in their place. Where all trains, the layout is the parameter table's.
 */
import { assert, present } from "../base/assert.ts";
import { UserError } from "../base/errors.ts";
import { random } from "../base/random.ts";
import { describeShape, type EncoderShape } from "../domain/encoder.ts";
import type { Lora, Tuning } from "../domain/engine.ts";
import { parameterTable, size, type Region } from "./parameters.ts";

/** A recipe under which nothing of the encoder would train. */
export class NothingTrains extends UserError {
  override readonly name = "NothingTrains";
}

/** Numbers that lie together both among the weights and in what trains. In floats. */
export interface Range {
  readonly offset: number;
  readonly weights: number;
  readonly floats: number;
}

export interface Trained {
  /** Offsets are those in what trains. */
  readonly regions: Readonly<Record<string, Region>>;
  /** Length of an arena of what trains, in floats. */
  readonly floats: number;
  /** Weight decay applies to [0, decayed). */
  readonly decayed: number;
  /** Trainable numbers, padding not counted. */
  readonly parameters: number;
  /** Whether the embeddings train; else nothing below layer `lowest` does. */
  readonly embeddings: boolean;
  readonly lowest: number;
  /** Where the weights are that train; none with LoRA, which adds to them. */
  readonly ranges: readonly Range[];
  readonly lora?: Lora;
}

/** The regions of LoRA's A (rank, I) and B (O, rank) beside the matrix of region "layer.0.output.weight". */
export const adapterRegions = (matrix: string) =>
  ({ a: matrix.replace(/weight$/, "lora.a"), b: matrix.replace(/weight$/, "lora.b") }) as const;

const layerOf = (region: string): number | undefined => {
  const [, layer] = /^layer\.(\d+)\./.exec(region) ?? [];
  return layer === undefined ? undefined : Number(layer);
};

/** A bias by distance belongs to all layers: it is frozen with the embeddings. What stands behind the last layer never is. */
const isFrozen = (region: string, frozenLayers: number): boolean => {
  const layer = layerOf(region);
  return layer === undefined ? region.startsWith("embeddings.") || region === "distance" : layer < frozenLayers;
};

function check(shape: EncoderShape, { frozenLayers, lora }: Tuning): void {
  const layers = shape.family === "static" ? 0 : shape.layers;
  if (lora && layers === 0) {
    throw new NothingTrains(
      `LoRA adds to the matrices of layers, and this encoder (${describeShape(shape)}) has none. Leave LoRA out, or choose another encoder.`,
    );
  }
  if (frozenLayers === undefined || frozenLayers < layers) return;
  throw new NothingTrains(
    `The recipe freezes the embeddings and ${frozenLayers} layers, and this encoder (${describeShape(shape)}) has ${layers}: nothing would train. ` +
      (layers === 0 ? "Freeze nothing, or choose another encoder." : `Freeze at most ${layers - 1}.`),
  );
}

/** Floats in 256 bytes: a region is what a kernel binds (parameters.ts). */
const ALIGNMENT = 64;
const aligned = (floats: number): number => Math.ceil(floats / ALIGNMENT) * ALIGNMENT;

function frozenTable(shape: EncoderShape, frozenLayers: number | undefined): Trained {
  const table = parameterTable(shape);
  const all = Object.values(table.regions).toSorted((a, b) => a.offset - b.offset);
  const regions: Record<string, Region> = {};
  const ranges: Range[] = [];
  let [floats, decayed, parameters] = [0, 0, 0];
  for (const region of all) {
    if (frozenLayers !== undefined && isFrozen(region.name, frozenLayers)) continue;
    regions[region.name] = { ...region, offset: floats };
    const length = aligned(size(region.shape));
    const last = ranges.at(-1);
    if (last && last.weights + last.floats === region.offset) {
      ranges[ranges.length - 1] = { ...last, floats: last.floats + length };
    } else ranges.push({ offset: floats, weights: region.offset, floats: length });
    floats += length;
    if (region.offset < table.decayed) decayed = floats;
    parameters += size(region.shape);
  }
  return {
    regions,
    floats,
    decayed,
    parameters,
    embeddings: frozenLayers === undefined,
    lowest: frozenLayers ?? 0,
    ranges,
  };
}

function loraTable(shape: EncoderShape, lora: Lora, frozenLayers: number): Trained {
  const table = parameterTable(shape);
  const regions: Record<string, Region> = {};
  let [floats, parameters] = [0, 0];
  for (const matrix of adaptedMatrices(shape, lora, frozenLayers)) {
    const [O = 0, I = 0] = present(table.regions[matrix], matrix).shape;
    const { a, b } = adapterRegions(matrix);
    for (const region of [
      { name: a, shape: [lora.rank, I] },
      { name: b, shape: [O, lora.rank] },
    ]) {
      regions[region.name] = { ...region, offset: floats };
      floats += aligned(size(region.shape));
      parameters += size(region.shape);
    }
  }
  return { regions, floats, decayed: floats, parameters, embeddings: false, lowest: frozenLayers, ranges: [], lora };
}

/** The regions of the matrices that LoRA adds to, layer by layer. */
function adaptedMatrices(shape: EncoderShape, { matrices }: Lora, frozenLayers: number): readonly string[] {
  const layers = shape.family === "static" ? 0 : shape.layers;
  return Array.from({ length: layers }, (_, i) => matrices.map((matrix) => `layer.${i}.${matrix}.weight`))
    .slice(frozenLayers)
    .flat();
}

/** The layout of what trains. Errors: {@link NothingTrains}. */
export function trainedTable(shape: EncoderShape, tuning: Tuning = {}): Trained {
  check(shape, tuning);
  const { lora, frozenLayers } = tuning;
  return lora ? loraTable(shape, lora, frozenLayers ?? 0) : frozenTable(shape, frozenLayers);
}

/**
 * LoRA's start as the reference implementation's (microsoft/LoRA, kaiming_uniform_ with a = √5): A uniform in ±1/√I, B zero. A
 * function of the seed alone.
 */
export function initialAdapters({ regions, floats }: Trained, seed: number): Float32Array<ArrayBuffer> {
  const arena = new Float32Array(floats);
  const numbers = random(seed, "LoRA");
  for (const { name, offset, shape } of Object.values(regions)) {
    if (!name.endsWith(".lora.a")) continue;
    const bound = 1 / Math.sqrt(shape[1] ?? 1);
    for (let i = 0; i < size(shape); i++) arena[offset + i] = (2 * numbers.next() - 1) * bound;
  }
  return arena;
}

/** W + alpha / rank · B · A, rows of W one by one. */
export function addAdapter(
  weights: Float32Array,
  arena: Float32Array,
  at: { readonly matrix: Region; readonly a: Region; readonly b: Region },
  lora: Lora,
): void {
  const { matrix, a, b } = at;
  const [O = 0, I = 0] = matrix.shape;
  const scale = lora.alpha / lora.rank;
  const row = new Float64Array(I);
  for (let o = 0; o < O; o++) {
    row.fill(0);
    for (let r = 0; r < lora.rank; r++) {
      const factor = scale * (arena[b.offset + o * lora.rank + r] ?? 0);
      const from = a.offset + r * I;
      for (let i = 0; i < I; i++) row[i] = (row[i] ?? 0) + factor * (arena[from + i] ?? 0);
    }
    const to = matrix.offset + o * I;
    for (let i = 0; i < I; i++) weights[to + i] = (weights[to + i] ?? 0) + (row[i] ?? 0);
  }
}

/** The encoder's weights where `arena` is what trained of it, and `base` what it was before. Neither is changed. */
export function withTrained(
  shape: EncoderShape,
  base: Float32Array<ArrayBuffer>,
  { tuning, weights: arena }: { readonly tuning?: Tuning | undefined; readonly weights: Float32Array<ArrayBuffer> },
): Float32Array<ArrayBuffer> {
  const trained = trainedTable(shape, tuning);
  const { regions } = parameterTable(shape);
  assert(arena.length === trained.floats, `${arena.length} numbers for ${trained.floats} that train`);
  const weights = base.slice();
  for (const range of trained.ranges)
    weights.set(arena.subarray(range.offset, range.offset + range.floats), range.weights);
  if (!trained.lora) return weights;
  for (const name of adaptedMatrices(shape, trained.lora, trained.lowest)) {
    const { a, b } = adapterRegions(name);
    const at = {
      matrix: present(regions[name], name),
      a: present(trained.regions[a], a),
      b: present(trained.regions[b], b),
    };
    addAdapter(weights, arena, at, trained.lora);
  }
  return weights;
}
