/** All kernels in one module; each is described where it is written. Addresses and lengths are in bytes. */
import { wasmModule } from "../../../base/wasm.ts";
import { constantPool } from "./code.ts";
import { affineKernel, normBackwardKernel, normKernel } from "./norm.ts";
import { gegluBackwardKernel, gegluKernel, geluBackwardKernel, geluKernel, sumRowsKernel } from "./pointwise.ts";
import { gatherKernel, multiplyKernel, transposeKernel } from "./product.ts";
import { softmaxBackwardKernel, softmaxKernel } from "./softmax.ts";

type At = number;

export interface Kernels {
  // prettier-ignore
  multiply(a: At, aRow: number, aStep: number, aTile: number, b: At, bEnd: At, c: At, cRow: number, from: At, fromRow: number, tiles: number): void;
  gather(to: At, toStep: number, from: At, fromStep: number, rows: number): void;
  transpose(to: At, toStep: number, first: At, second: At, third: At, fourth: At, quads: number): void;
  gelu(y: At, x: At, end: At): void;
  geluBackward(y: At, d: At, x: At, end: At): void;
  geglu(y: At, x: At, g: At, end: At): void;
  gegluBackward(y: At, d: At, dg: At, x: At, g: At, end: At): void;
  sumRows(sums: At, x: At, length: number, rows: number): void;
  // prettier-ignore
  norm(y: At, n: At, inverse: At, x: At, other: At, otherRow: number, weight: At, bias: At, ones: At, length: number, rows: number, share: number, epsilon: number): void;
  affine(y: At, n: At, weight: At, bias: At, length: number, rows: number): void;
  // prettier-ignore
  normBackward(dx: At, dweight: At, dbias: At, dy: At, n: At, inverse: At, weight: At, ones: At, length: number, rows: number, share: number): void;
  softmax(x: At, kept: At, length: number, rows: number, scale: number): void;
  softmaxBackward(x: At, d: At, kept: At, length: number, rows: number, scale: number): void;
}

/** The module, and what must lie at the start of its memory; `fused` asks for Relaxed SIMD. */
export function kernelModule(fused: boolean): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly constants: readonly number[];
} {
  const constants = constantPool();
  const bytes = wasmModule([
    multiplyKernel(fused),
    gatherKernel(),
    transposeKernel(),
    geluKernel(constants),
    geluBackwardKernel(constants),
    gegluKernel(constants),
    gegluBackwardKernel(constants),
    sumRowsKernel(),
    normKernel(constants),
    affineKernel(),
    normBackwardKernel(),
    softmaxKernel(constants),
    softmaxBackwardKernel(constants),
  ]);
  return { bytes, constants: constants.values };
}
