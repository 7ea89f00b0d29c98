import { expect, test } from "vitest";
import { parameterTable } from "../../src/encoder/parameters.ts";
import { pieces } from "../../src/train/webgpu/arenas.ts";
import { roundUp } from "../../src/train/webgpu/capacity.ts";
import { fits, grown } from "../../src/train/webgpu/plan.ts";
import { Serial } from "../../src/train/webgpu/serial.ts";

test("room is rounded up by at most a quarter beyond 256", () => {
  expect([1, 64, 65, 256, 257, 2500].map(roundUp)).toEqual([64, 64, 128, 256, 320, 2560]);
  for (let n = 257; n < 20_000; n += 97) expect(roundUp(n) / n).toBeLessThan(1.25);
});

test("a plan serves what it has room for, and its successor has room for both", () => {
  const first = grown(undefined, { T: 100, S: 3, B: 2, pairs: 8 });
  expect(first).toEqual({ T: 128, S: 64, B: 64, pairs: 64 });
  expect(fits(first, { T: 128, S: 64, B: 64, pairs: 64 })).toBe(true);
  for (const name of ["T", "S", "B", "pairs"] as const) {
    const need = { T: 1, S: 1, B: 1, pairs: 1, [name]: 129 };
    expect(fits(first, need)).toBe(false);
    expect(grown(first, need)).toEqual({ ...first, [name]: 192 });
  }
});

test("arenas larger than a binding are cut into pieces, decay into the right ones", () => {
  const table = parameterTable({
    family: "bert",
    layers: 1,
    hidden: 16,
    heads: 2,
    intermediate: 32,
    vocabulary: 50,
    positions: 16,
    types: 2,
    layerNormEpsilon: 1e-12,
  });
  // Only the buffer's identity matters here.
  const buffer = {} as GPUBuffer;
  const cut = pieces(
    table,
    { weight: buffer, gradient: buffer, firstMoment: buffer, secondMoment: buffer },
    1024 + 255,
  );
  expect(cut.reduce((sum, { weight }) => sum + weight.size, 0)).toBe(table.floats * 4);
  expect(cut.reduce((sum, { decayed }) => sum + decayed, 0)).toBe(table.decayed);
  cut.forEach(({ gradient, decayed }, i) => {
    expect(gradient.offset).toBe(i * 1024);
    expect(gradient.size).toBeLessThanOrEqual(1024);
    const rest = table.decayed - i * 256;
    expect(decayed).toBe(Math.min(Math.max(rest, 0), gradient.size / 4));
  });
});

test("serial work runs in order, and goes on after a failure", async () => {
  const serial = new Serial();
  const log: string[] = [];
  const slow = serial.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    log.push("slow");
    throw new Error("no");
  });
  const fast = serial.run(() => Promise.resolve(log.push("fast")));
  await expect(slow).rejects.toThrow("no");
  await fast;
  expect(log).toEqual(["slow", "fast"]);
});
