import { afterEach, describe, expect, test, vi } from "vitest";
import {
  f32x4,
  hasRelaxed,
  hasSimd,
  i32,
  i32x4,
  instantiate,
  local,
  pageBytes,
  repeatWhile,
  v128,
  wasmFunction,
  wasmModule,
  type WasmFunction,
} from "../../src/base/wasm.ts";

afterEach(() => vi.unstubAllGlobals());

/** fill(address, end, float at): copies one float to all four lanes of every vector from `address` to `end`. */
const fill: WasmFunction = {
  name: "fill",
  parameters: ["i32", "i32", "i32"],
  locals: ["v128", "f32"],
  body: [
    ...local.get(2),
    ...v128.load32Splat(4),
    ...local.set(3),
    ...repeatWhile(
      [...local.get(0), ...i32.const(16), ...i32.add, ...local.tee(0), ...local.get(1), ...i32.ltU],
      [...local.get(0), ...local.get(3), ...v128.store(0)],
    ),
  ],
};

/** squares(address): x · x + x of the vector 16 bytes on, at `address`. */
const squares: WasmFunction = {
  name: "squares",
  parameters: ["i32"],
  locals: ["v128"],
  body: [
    ...[local.get(0), local.get(0), v128.load(16), local.tee(1)].flat(),
    ...[local.get(1), f32x4.mul, local.get(1), f32x4.add, v128.store(0)].flat(),
  ],
};

describe("integers, as the examples of LEB128 in the DWARF standard (version 5, 7.6) have them", () => {
  test.each([
    [2, [0x02]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [129, [0x81, 0x01]],
    [12857, [0xb9, 0x64]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("unsigned %i", (value, bytes) => expect(local.get(value).slice(1)).toEqual(bytes));

  test.each([
    [2, [0x02]],
    [-2, [0x7e]],
    [127, [0xff, 0x00]],
    [-127, [0x81, 0x7f]],
    [128, [0x80, 0x01]],
    [-128, [0x80, 0x7f]],
    [-129, [0xff, 0x7e]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])("signed %i", (value, bytes) => expect(i32.const(value).slice(1)).toEqual(bytes));
});

describe("modules", () => {
  test("the smallest one, byte by byte", () => {
    // prettier-ignore
    expect([...wasmModule([{ name: "f", parameters: ["i32"], locals: ["v128"], body: [] }])]).toEqual([
      0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
      1, 5, 1, 0x60, 1, 0x7f, 0,
      2, 16, 1, 4, ...Buffer.from("host"), 6, ...Buffer.from("memory"), 0x02, 0x00, 0,
      3, 2, 1, 0,
      7, 5, 1, 1, 0x66, 0x00, 0,
      10, 6, 1, 4, 1, 1, 0x7b, 0x0b,
    ]);
  });

  test("are valid, and not when an instruction lacks its operand", () => {
    expect(WebAssembly.validate(wasmModule([]))).toBe(true);
    expect(WebAssembly.validate(wasmModule([fill, squares]))).toBe(true);
    expect(WebAssembly.validate(wasmModule([fill, { ...squares, body: squares.body.slice(2) }]))).toBe(false);
  });

  test("run: a loop over addresses, floats in lanes, each function under its name", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const floats = new Float32Array(memory.buffer);
    expect(floats.byteLength).toBe(pageBytes);
    const run = instantiate(wasmModule([squares, fill]), memory);
    floats.set([7, -1.5], 100);
    run["fill"]?.(16, 64, 400);
    expect(Array.from(floats.subarray(0, 20))).toEqual([
      0,
      0,
      0,
      0,
      ...Array.from({ length: 12 }, () => -1.5),
      0,
      0,
      0,
      0,
    ]);
    floats.set([2, -3, 0.5, 1 + 2 ** -23], 4);
    run["squares"]?.(0);
    const square = Math.fround((1 + 2 ** -23) ** 2);
    expect(Array.from(floats.subarray(0, 4))).toEqual([6, 6, 0.75, Math.fround(square + 1 + 2 ** -23)]);
  });
});

/** What `code` makes of two vectors. */
function vectors(first: readonly number[], second: readonly number[], code: readonly number[]): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float32Array(memory.buffer);
  floats.set([...first, ...second]);
  const f = wasmFunction("f", { to: "i32" }, ({ to }) => [
    ...local.get(to),
    ...[i32.const(0), v128.load(0), i32.const(0), v128.load(16)].flat(),
    ...code,
    ...v128.store(0),
  ]);
  instantiate(wasmModule([f]), memory)["f"]?.(64);
  return floats.slice(16, 20);
}

test.each([
  ["sub", f32x4.sub, [-4, 3, 9, -2]],
  ["div", f32x4.div, [Math.fround(0.2), 2.5, -2, 0]],
  ["pmin", f32x4.pmin, [1, 2, -3, 0]],
  ["pmax", f32x4.pmax, [5, 5, 6, 2]],
  ["shuffle", v128.shuffle(1, 6, 7, 0), [5, -3, 2, 1]],
  ["sqrt", [...f32x4.mul, ...f32x4.sqrt], [Math.fround(Math.sqrt(5)), Math.fround(Math.sqrt(10)), NaN, 0]],
])("%s", (_, code, expected) => {
  expect(Array.from(vectors([1, 5, 6, 0], [5, 2, -3, 2], code))).toEqual(expected);
});

test("one lane is stored", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float32Array(memory.buffer);
  floats.set([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const f = wasmFunction("f", { to: "i32" }, ({ to }) =>
    [local.get(to), i32.const(0), v128.load(0), v128.store32(8)].flat(),
  );
  instantiate(wasmModule([f]), memory)["f"]?.(16);
  expect(Array.from(floats.subarray(0, 9))).toEqual([1, 2, 3, 4, 5, 6, 1, 8, 9]);
});

test("the smaller and the greater one of a number and what is none", () => {
  for (const code of [f32x4.pmin, f32x4.pmax]) {
    expect(Array.from(vectors([NaN, 1, NaN, 2], [1, NaN, NaN, 2], code))).toEqual([NaN, 1, NaN, 2]);
  }
});

test("a function with its parameters by name, its own locals, a float that is spread and a lane that is stored", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float32Array(memory.buffer);
  const bits = new Uint32Array(memory.buffer);
  const f = wasmFunction("f", { to: "i32", value: "f32" }, ({ to, value }, newLocal) => {
    const [unused, vector] = [newLocal("i32"), newLocal("v128")];
    expect([to, value, unused, vector]).toEqual([0, 1, 2, 3]);
    return [
      ...[local.get(value), f32x4.splat, local.set(vector)].flat(),
      ...[local.get(to), local.get(vector), v128.store(0)].flat(),
      ...[local.get(to), local.get(vector), i32.const(3), i32x4.shl, v128.store32(20)].flat(),
    ];
  });
  expect([f.parameters, f.locals]).toEqual([
    ["i32", "f32"],
    ["i32", "v128"],
  ]);
  instantiate(wasmModule([f]), memory)["f"]?.(16, 0.75);
  expect(Array.from(floats.subarray(3, 9))).toEqual([0, 0.75, 0.75, 0.75, 0.75, 0]);
  // 0x3f400000 is 0.75.
  expect(Array.from(bits.subarray(8, 11))).toEqual([0, (0x3f400000 << 3) >>> 0, 0]);
});

test("vector instructions are here, and not where WebAssembly has none or is switched off", () => {
  expect(hasSimd()).toBe(true);
  vi.stubGlobal("WebAssembly", { validate: () => false });
  expect([hasSimd(), hasRelaxed()]).toEqual([false, false]);
  vi.stubGlobal("WebAssembly", undefined);
  expect([hasSimd(), hasRelaxed()]).toEqual([false, false]);
});
