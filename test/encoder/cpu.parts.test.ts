/** The CPU engine's parts that stand alone: how texts become chunks, and its exp and Φ. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arrange, textOfPlace } from "../../src/encoder/cpu/arrange.ts";
import { loadBackend } from "../../src/encoder/cpu/backend.ts";
import { specialFunctions } from "../../src/encoder/cpu/functions.ts";
import { pack } from "../support/golden.ts";

const textsOf = (lengths: readonly number[]) => pack(lengths.map((length) => Array.from({ length }, () => 0)));

describe("arrange", () => {
  it("places every token of every text once, no text across rows", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 60 }), (lengths) => {
        const texts = textsOf(lengths);
        const placed = arrange(texts, 1536).flatMap((chunk) => {
          const rowOf = (place: number) => Math.floor(place / chunk.length);
          for (const { place, length } of chunk.texts) expect(rowOf(place)).toBe(rowOf(place + length - 1));
          const tokens = chunk.texts.reduce((sum, text) => sum + text.length, 0);
          expect(textOfPlace(chunk).filter((text) => text >= 0)).toHaveLength(tokens);
          expect(chunk.rows * chunk.length).toBeLessThanOrEqual(1536);
          expect(Math.max(...chunk.texts.map(({ place, length }) => place + length))).toBeLessThanOrEqual(
            chunk.rows * chunk.length,
          );
          return chunk.texts;
        });
        expect(placed.map(({ text }) => text).toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
        for (const { text, token, length } of placed) {
          expect(length).toBe(lengths[text]);
          expect(token).toBe(texts.cuSeqlens[text]);
        }
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it("makes few shapes, and little padding of many texts", () => {
    const shapes = new Set<string>();
    for (let size = 1; size <= 512; size += 3) {
      const lengths = Array.from({ length: 100 }, (_, i) => 1 + ((i * size * 7) % size));
      const chunks = arrange(textsOf(lengths), 3072);
      for (const { rows, length } of chunks) shapes.add(`${rows} × ${length}`);
      const places = chunks.reduce((sum, { rows, length }) => sum + rows * length, 0);
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      if (tokens > 5000) expect(tokens / places).toBeGreaterThan(0.65);
    }
    expect(shapes.size).toBeLessThan(60);
  });

  it("puts a short query beside others in one row", () => {
    const [chunk, ...rest] = arrange(textsOf([6, 100, 10, 11]), 3072);
    expect(rest).toEqual([]);
    expect([chunk?.rows, chunk?.length]).toEqual([1, 128]);
  });
});

/** By Simpson's rule. */
function normalCdf(x: number): number {
  const n = 2000;
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const inner = Array.from({ length: n - 1 }, (_, i) => (i % 2 === 0 ? 4 : 2) * density(((i + 1) * x) / n));
  return 0.5 + ((density(0) + density(x) + inner.reduce((a, b) => a + b, 0)) * x) / n / 3;
}

describe("special functions", () => {
  const points = Float32Array.from({ length: 401 }, (_, i) => (i - 200) / 20);

  it("knows Φ to 2e-7", async () => {
    const { jax } = await loadBackend();
    const values = await jax.jit(specialFunctions(jax).normalCdf)(jax.numpy.array(points)).data();
    points.forEach((x, i) => expect(Math.abs((values[i] ?? NaN) - normalCdf(x))).toBeLessThan(2e-7));
  });

  it("knows exp of −10 to 0 to 3e-6 of it, and takes it as nothing from −40 on", async () => {
    const { jax } = await loadBackend();
    const negative = points.map((x) => (x < -9.95 ? -1e9 : -Math.abs(x)));
    const values = await jax.jit(specialFunctions(jax).expOfNegative)(jax.numpy.array(negative)).data();
    negative.forEach((x, i) => {
      const value = values[i] ?? NaN;
      if (x < -40) expect(value).toBeLessThan(1e-17);
      else expect(Math.abs(value / Math.exp(x) - 1)).toBeLessThan(3e-6);
    });
  });
});
