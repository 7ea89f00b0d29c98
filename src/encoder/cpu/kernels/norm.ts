/**
 * LayerNorm over rows (Ba et al., 2016). Rows are padded with zeros to whole vectors; `ones` is a row that has ones where
 * there are numbers and zeros in the padding, and `share` is 1 / numbers in a row.
 */
import { f32x4, v128, wasmFunction, type WasmFunction } from "../../../base/wasm.ts";
import {
  acrossLanes,
  add,
  advance,
  after,
  alongRow,
  bytes,
  divide,
  get,
  load,
  multiply,
  set,
  splat,
  spread,
  store,
  storeOne,
  subtract,
  times,
  type Constants,
} from "./code.ts";

/**
 * n = (x + other − mean) / deviation, kept for the way back with 1/deviation, and y = n·weight + bias. Rows of `other` are
 * otherRow apart: with otherRow = 0 one row is added to all. y may be x.
 */
export const normKernel = (constants: Constants): WasmFunction =>
  wasmFunction(
    "norm",
    // prettier-ignore
    { y: "i32", n: "i32", inverse: "i32", x: "i32", other: "i32", otherRow: "i32", weight: "i32", bias: "i32", ones: "i32", length: "i32", rows: "i32", share: "f32", epsilon: "f32" },
    ({ y, n, inverse, x, other, otherRow, weight, bias, ones, length, rows, share, epsilon }, local) => {
      const column = local("i32");
      const [value, mean, scale] = [local("v128"), local("v128"), local("v128")];
      const at = (pointer: number) => after(pointer, get(column));
      const variance = add(multiply(get(scale), splat(share)), splat(epsilon));
      return times(rows, [
        ...set(mean, v128.zero),
        ...alongRow(column, length, [
          ...set(value, add(load(at(x)), load(at(other)))),
          ...set(mean, add(get(mean), get(value))),
          ...store(at(n), get(value)),
        ]),
        ...acrossLanes(mean, add),
        ...set(mean, multiply(get(mean), splat(share))),
        ...set(scale, v128.zero),
        ...alongRow(column, length, [
          ...set(value, multiply(subtract(load(at(n)), get(mean)), load(at(ones)))),
          ...set(scale, add(get(scale), multiply(get(value), get(value)))),
          ...store(at(n), get(value)),
        ]),
        ...acrossLanes(scale, add),
        ...set(scale, divide(constants.of(1), [...variance, ...f32x4.sqrt])),
        ...storeOne(get(inverse), get(scale)),
        ...alongRow(column, length, [
          ...set(value, multiply(load(at(n)), get(scale))),
          ...store(at(n), get(value)),
          ...store(at(y), add(multiply(get(value), load(at(weight))), load(at(bias)))),
        ]),
        ...[x, n, y].flatMap((pointer) => advance(pointer, get(length))),
        ...advance(other, get(otherRow)),
        ...advance(inverse, bytes(4)),
      ]);
    },
  );

/** y = n·weight + bias: the norm's result once more. */
export const affineKernel = (): WasmFunction =>
  wasmFunction(
    "affine",
    { y: "i32", n: "i32", weight: "i32", bias: "i32", length: "i32", rows: "i32" },
    ({ y, n, weight, bias, length, rows }, local) => {
      const column = local("i32");
      const at = (pointer: number) => after(pointer, get(column));
      return times(rows, [
        ...alongRow(column, length, store(at(y), add(multiply(load(at(n)), load(at(weight))), load(at(bias))))),
        ...[y, n].flatMap((pointer) => advance(pointer, get(length))),
      ]);
    },
  );

/**
 * The way back: with g = dy·weight, dx = (g − mean(g) − n·mean(g·n)) / deviation; dweight and dbias are added to. dx may be dy.
 */
export const normBackwardKernel = (): WasmFunction =>
  wasmFunction(
    "normBackward",
    // prettier-ignore
    { dx: "i32", dweight: "i32", dbias: "i32", dy: "i32", n: "i32", inverse: "i32", weight: "i32", ones: "i32", length: "i32", rows: "i32", share: "f32" },
    ({ dx, dweight, dbias, dy, n, inverse, weight, ones, length, rows, share }, local) => {
      const column = local("i32");
      const [d, g, normal] = [local("v128"), local("v128"), local("v128")];
      const [mean, along, scale] = [local("v128"), local("v128"), local("v128")];
      const at = (pointer: number) => after(pointer, get(column));
      const rest = subtract(subtract(get(g), get(mean)), multiply(load(at(n)), get(along)));
      return times(rows, [
        ...[mean, along].flatMap((sum) => set(sum, v128.zero)),
        ...alongRow(column, length, [
          ...set(d, load(at(dy))),
          ...set(normal, load(at(n))),
          ...set(g, multiply(get(d), load(at(weight)))),
          ...set(mean, add(get(mean), get(g))),
          ...set(along, add(get(along), multiply(get(g), get(normal)))),
          ...store(at(dweight), add(load(at(dweight)), multiply(get(d), get(normal)))),
          ...store(at(dbias), add(load(at(dbias)), get(d))),
        ]),
        ...[mean, along].flatMap((sum) => [...acrossLanes(sum, add), ...set(sum, multiply(get(sum), splat(share)))]),
        ...set(scale, spread(get(inverse))),
        ...alongRow(column, length, [
          ...set(g, multiply(load(at(dy)), load(at(weight)))),
          ...store(at(dx), multiply(multiply(rest, get(scale)), load(at(ones)))),
        ]),
        ...[dx, dy, n].flatMap((pointer) => advance(pointer, get(length))),
        ...advance(inverse, bytes(4)),
      ]);
    },
  );
