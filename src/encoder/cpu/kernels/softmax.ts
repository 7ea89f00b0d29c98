/**
 * Softmax over rows of scores, in place. Of each row its highest score and 1/Σexp are kept, two floats, so that the way back
 * makes the same weights from the same scores without another reduction. A row is `length` bytes, whole vectors; what is
 * padding must be so low that its exp counts for nothing.
 */
import { v128, wasmFunction, type WasmFunction } from "../../../base/wasm.ts";
import {
  acrossLanes,
  add,
  advance,
  after,
  alongRow,
  bytes,
  divide,
  get,
  higher,
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
import { functionsOf } from "./functions.ts";

/** x → softmax(scale·x) */
export const softmaxKernel = (constants: Constants): WasmFunction =>
  wasmFunction(
    "softmax",
    { x: "i32", kept: "i32", length: "i32", rows: "i32", scale: "f32" },
    ({ x, kept, length, rows, scale }, local) => {
      const column = local("i32");
      const [value, highest, sum] = [local("v128"), local("v128"), local("v128")];
      const { expOfNegative } = functionsOf(constants, local);
      const at = after(x, get(column));
      return times(rows, [
        ...set(highest, load(get(x))),
        ...alongRow(column, length, set(highest, higher(get(highest), load(at)))),
        ...acrossLanes(highest, higher),
        ...set(highest, multiply(get(highest), splat(scale))),
        ...set(sum, v128.zero),
        ...alongRow(column, length, [
          ...set(value, expOfNegative(subtract(multiply(load(at), splat(scale)), get(highest)))),
          ...set(sum, add(get(sum), get(value))),
          ...store(at, get(value)),
        ]),
        ...acrossLanes(sum, add),
        ...set(sum, divide(constants.of(1), get(sum))),
        ...alongRow(column, length, store(at, multiply(load(at), get(sum)))),
        ...storeOne(get(kept), get(highest)),
        ...storeOne(get(kept), get(sum), 4),
        ...advance(x, get(length)),
        ...advance(kept, bytes(8)),
      ]);
    },
  );

/** x → p = softmax(scale·x), and d, the gradient of p → that of x: scale·p∘(d − Σ p∘d). */
export const softmaxBackwardKernel = (constants: Constants): WasmFunction =>
  wasmFunction(
    "softmaxBackward",
    { x: "i32", d: "i32", kept: "i32", length: "i32", rows: "i32", scale: "f32" },
    ({ x, d, kept, length, rows, scale }, local) => {
      const column = local("i32");
      const [weight, highest, share, along] = [local("v128"), local("v128"), local("v128"), local("v128")];
      const { expOfNegative } = functionsOf(constants, local);
      const at = (pointer: number) => after(pointer, get(column));
      const exponent = subtract(multiply(load(at(x)), splat(scale)), get(highest));
      return times(rows, [
        ...set(highest, spread(get(kept))),
        ...set(share, spread(get(kept), 4)),
        ...set(along, v128.zero),
        ...alongRow(column, length, [
          ...set(weight, multiply(expOfNegative(exponent), get(share))),
          ...set(along, add(get(along), multiply(get(weight), load(at(d))))),
          ...store(at(x), get(weight)),
        ]),
        ...acrossLanes(along, add),
        ...alongRow(
          column,
          length,
          store(at(d), multiply(multiply(load(at(x)), subtract(load(at(d)), get(along))), splat(scale))),
        ),
        ...[x, d].flatMap((pointer) => advance(pointer, get(length))),
        ...advance(kept, bytes(8)),
      ]);
    },
  );
