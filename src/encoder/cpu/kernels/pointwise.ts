/** GELU, x·Φ(x) (Hendrycks and Gimpel, 2016), and what else takes a matrix number by number. */
import { wasmFunction, type WasmFunction } from "../../../base/wasm.ts";
import {
  add,
  advance,
  after,
  alongRow,
  bytes,
  get,
  load,
  multiply,
  set,
  store,
  times,
  upTo,
  vectorBytes,
  type Constants,
} from "./code.ts";
import { functionsOf } from "./functions.ts";

/** y = x·Φ(x), from x to `end`. */
export const geluKernel = (constants: Constants): WasmFunction =>
  wasmFunction("gelu", { y: "i32", x: "i32", end: "i32" }, ({ y, x, end }, local) => {
    const value = local("v128");
    const { normalCdf } = functionsOf(constants, local);
    return upTo(x, end, [
      ...set(value, load(get(x))),
      ...store(get(y), multiply(get(value), normalCdf(get(value)))),
      ...[x, y].flatMap((pointer) => advance(pointer, bytes(vectorBytes))),
    ]);
  });

/** y = x·Φ(x) once more, and d times its derivative, Φ(x) + x·φ(x), in place; φ is the standard normal density. */
export const geluBackwardKernel = (constants: Constants): WasmFunction =>
  wasmFunction("geluBackward", { y: "i32", d: "i32", x: "i32", end: "i32" }, ({ y, d, x, end }, local) => {
    const [value, gate, slope] = [local("v128"), local("v128"), local("v128")];
    const { normalCdf, expOfNegative } = functionsOf(constants, local);
    const exponent = multiply(multiply(get(value), get(value)), constants.of(-1 / 2));
    const weighted = multiply(get(value), constants.of(1 / Math.sqrt(2 * Math.PI)));
    return upTo(x, end, [
      ...set(value, load(get(x))),
      ...set(gate, normalCdf(get(value))),
      ...store(get(y), multiply(get(value), get(gate))),
      ...set(slope, expOfNegative(exponent)),
      ...set(slope, add(get(gate), multiply(weighted, get(slope)))),
      ...store(get(d), multiply(load(get(d)), get(slope))),
      ...[x, y, d].flatMap((pointer) => advance(pointer, bytes(vectorBytes))),
    ]);
  });

/** y = x·Φ(x)·g (GeGLU: Shazeer, 2020), from x to `end`. */
export const gegluKernel = (constants: Constants): WasmFunction =>
  wasmFunction("geglu", { y: "i32", x: "i32", g: "i32", end: "i32" }, ({ y, x, g, end }, local) => {
    const value = local("v128");
    const { normalCdf } = functionsOf(constants, local);
    return upTo(x, end, [
      ...set(value, load(get(x))),
      ...store(get(y), multiply(multiply(get(value), normalCdf(get(value))), load(get(g)))),
      ...[x, y, g].flatMap((pointer) => advance(pointer, bytes(vectorBytes))),
    ]);
  });

/** y = x·Φ(x)·g once more; d, the gradient of y, becomes that of x, and dg is that of g. */
export const gegluBackwardKernel = (constants: Constants): WasmFunction =>
  wasmFunction(
    "gegluBackward",
    { y: "i32", d: "i32", dg: "i32", x: "i32", g: "i32", end: "i32" },
    ({ y, d, dg, x, g, end }, local) => {
      const [value, share, active, slope] = [local("v128"), local("v128"), local("v128"), local("v128")];
      const { normalCdf, expOfNegative } = functionsOf(constants, local);
      const exponent = multiply(multiply(get(value), get(value)), constants.of(-1 / 2));
      const weighted = multiply(get(value), constants.of(1 / Math.sqrt(2 * Math.PI)));
      return upTo(x, end, [
        ...set(value, load(get(x))),
        ...set(share, normalCdf(get(value))),
        ...set(active, multiply(get(value), get(share))),
        ...store(get(y), multiply(get(active), load(get(g)))),
        ...store(get(dg), multiply(get(active), load(get(d)))),
        ...set(slope, expOfNegative(exponent)),
        ...set(slope, add(get(share), multiply(weighted, get(slope)))),
        ...store(get(d), multiply(multiply(load(get(d)), load(get(g))), get(slope))),
        ...[x, y, g, d, dg].flatMap((pointer) => advance(pointer, bytes(vectorBytes))),
      ]);
    },
  );

/** sums += the sum of the rows of x, each of `length` bytes. */
export const sumRowsKernel = (): WasmFunction =>
  wasmFunction("sumRows", { sums: "i32", x: "i32", length: "i32", rows: "i32" }, ({ sums, x, length, rows }, local) => {
    const column = local("i32");
    const [sum, value] = [after(sums, get(column)), after(x, get(column))];
    return times(rows, [
      ...alongRow(column, length, store(sum, add(load(sum), load(value)))),
      ...advance(x, get(length)),
    ]);
  });
