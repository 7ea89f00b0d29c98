import { afterEach, describe, expect, test, vi } from "vitest";
import {
  f32x4,
  hasSimd,
  i32,
  instantiate,
  local,
  pageBytes,
  repeatWhile,
  v128,
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

test("vector instructions are here, and not where WebAssembly has none or is switched off", () => {
  expect(hasSimd()).toBe(true);
  vi.stubGlobal("WebAssembly", { validate: () => false });
  expect(hasSimd()).toBe(false);
  vi.stubGlobal("WebAssembly", undefined);
  expect(hasSimd()).toBe(false);
});
