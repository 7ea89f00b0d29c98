/**
 * What encoders are made of, as nodes. In int8 a product takes 8-bit numbers on both sides, as onnxruntime's quantize_dynamic makes
 * them: the layer's input by its own range, at run time, the weights by a scale for each output, and token vectors by one for each token.
 */
import type { Builder, Name } from "./builder.ts";
import { elementTypes, type ElementType } from "./proto.ts";
import {
  computed,
  rowScales,
  stored,
  storedSigned,
  storedTransposed,
  storedUnsigned,
  ZERO_POINT,
  type Rows,
} from "./weights.ts";

export const cast = (b: Builder, x: Name, type: ElementType): Name => b.node("Cast", [x], { to: elementTypes[type] });

/** A region of one row, or rows that stay as they are. */
const plain = (b: Builder, region: string, shape: readonly number[]): Name =>
  b.initializer(region, b.number, shape, () => stored(b.rows(region), b.number));

const vector = (b: Builder, region: string): Name => plain(b, region, [b.rows(region).columns]);

const scales = (b: Builder, region: string, source: Rows): Name =>
  b.initializer(`${region}.scale`, "float32", [source.rows], () =>
    computed(source.rows, () => rowScales(source), "float32"),
  );

/** The rows of a table that `ids` number. */
export function lookUp(b: Builder, region: string, ids: Name): Name {
  const { rows, columns } = b.rows(region);
  return b.node("Gather", [plain(b, region, [rows, columns]), ids], { axis: 0 });
}

/** {@link lookUp} in a table that is most of an encoder, in 8 bits where weights are. */
export function lookUpWords(b: Builder, region: string, ids: Name): Name {
  if (b.precision !== "int8") return lookUp(b, region, ids);
  const source = b.rows(region);
  const table = b.initializer(region, "int8", [source.rows, source.columns], () => storedSigned(source));
  const units = cast(b, b.node("Gather", [table, ids], { axis: 0 }), "float32");
  const worth = b.node("Gather", [scales(b, region, source), ids], { axis: 0 });
  return b.node("Mul", [units, b.node("Unsqueeze", [worth, b.integers([-1])])]);
}

/** x·Wᵀ in 8 bits. */
function product8(b: Builder, x: Name, region: string): Name {
  const source = b.rows(region);
  const weight = b.initializer(region, "uint8", [source.columns, source.rows], () => storedUnsigned(source));
  // Unsigned on both sides: with signed weights, processors with AVX2 only add pairs of products in 16 bits, which overflow.
  const zero = b.initializer("zero point", "uint8", [], () => ({ length: 1, make: () => [Uint8Array.of(ZERO_POINT)] }));
  const [units = "", worth = "", middle = ""] = b.nodes(3, "DynamicQuantizeLinear", [x]);
  const sums = cast(b, b.node("MatMulInteger", [units, weight, middle, zero]), "float32");
  return b.node("Mul", [sums, b.node("Mul", [worth, scales(b, region, source)])]);
}

function product(b: Builder, x: Name, region: string): Name {
  if (b.precision === "int8") return product8(b, x, region);
  const source = b.rows(region);
  const data = () => storedTransposed(source, b.number);
  return b.node("MatMul", [x, b.initializer(region, b.number, [source.columns, source.rows], data)]);
}

/** x·Wᵀ, and + b where there is a bias. `region`: of the weight and the bias, without their own names. */
export function linear(b: Builder, x: Name, region: string, { bias }: { readonly bias: boolean }): Name {
  const y = product(b, x, `${region}.weight`);
  return bias ? b.node("Add", [y, vector(b, `${region}.bias`)]) : y;
}

export interface NormOptions {
  readonly bias: boolean;
  readonly epsilon: number;
}

export function norm(b: Builder, x: Name, region: string, { bias, epsilon }: NormOptions): Name {
  const inputs = [x, vector(b, `${region}.weight`), ...(bias ? [vector(b, `${region}.bias`)] : [])];
  return b.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });
}

/** x/2 · (1 + erf(x/√2)); the operator for it came later than the others. */
export function gelu(b: Builder, x: Name): Name {
  const erf = b.node("Erf", [b.node("Div", [x, b.scalar(Math.SQRT2)])]);
  return b.node("Mul", [b.node("Mul", [x, b.node("Add", [erf, b.scalar(1)])]), b.scalar(0.5)]);
}

/** 0 to S − 1, for `ids` (B, S). */
export function places(b: Builder, ids: Name): Name {
  const length = b.node("Gather", [b.node("Shape", [ids]), b.integers(1)], { axis: 0 });
  return b.node("Range", [b.integers(0), length, b.integers(1)]);
}

/** (S, S): how far each key, a column, is behind each query, a row. */
export const distances = (b: Builder, at: Name): Name =>
  b.node("Sub", [b.node("Unsqueeze", [at, b.integers([0])]), b.node("Unsqueeze", [at, b.integers([1])])]);

/** (B, 1, 1, S): which keys are tokens of the text. */
export const visibleKeys = (b: Builder, mask: Name): Name =>
  b.node("Unsqueeze", [cast(b, mask, "bool"), b.integers([1, 2])]);

/**
 * The score of what a token does not see: the least that float16 has. No −∞, since where a token of padding sees nothing at all,
 * numbers have to come out that are none of 0·NaN when they are masked.
 */
const UNSEEN = -65504;

export interface Attention {
  /** (B, S, 3H) */
  readonly qkv: Name;
  readonly heads: number;
  /** H */
  readonly hidden: number;
  /** Which keys each query sees, to be broadcast to (B, N, S, S). */
  readonly visible: Name;
  /** Turns queries or keys, (B, N, S, D), by their places. */
  readonly turn?: (x: Name) => Name;
  /** Added to the scores. */
  readonly bias?: Name | undefined;
}

/** (B, S, H): softmax(q·kᵀ / √D)·v of each head. */
export function attention(b: Builder, { qkv, heads, hidden, visible, turn = (x) => x, bias }: Attention): Name {
  const D = hidden / heads;
  const parted = b.node("Reshape", [qkv, b.integers([0, 0, 3 * heads, D])]);
  const [q = "", k = "", v = ""] = b.nodes(3, "Split", [b.node("Transpose", [parted], { perm: [0, 2, 1, 3] })], {
    axis: 1,
  });
  const scaled = b.node("Mul", [turn(q), b.scalar(1 / Math.sqrt(D))]);
  const products = b.node("MatMul", [scaled, b.node("Transpose", [turn(k)], { perm: [0, 1, 3, 2] })]);
  const scores = bias === undefined ? products : b.node("Add", [products, bias]);
  const weights = b.node("Softmax", [b.node("Where", [visible, scores, b.scalar(UNSEEN)])], { axis: -1 });
  const context = b.node("Transpose", [b.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
  return b.node("Reshape", [context, b.integers([0, 0, hidden])]);
}
