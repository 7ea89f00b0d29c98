import { describe, expect, it, test } from "vitest";
import { random } from "../../src/base/random.ts";
import { marginEdges } from "../../src/domain/diagnostics.ts";
import type { NegativeSource } from "../../src/domain/negative.ts";
import type { TrainingRow, TrainingSet } from "../../src/domain/training.ts";
import { sampleRows, snapshot } from "../../src/negatives/diagnostics.ts";

const unit = (values: readonly number[]): Float32Array => {
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
};
/** `count` unit vectors, spread evenly over the sphere. */
function spread(count: number, dimensions: number, name: string): Float32Array[] {
  const source = random(11, name);
  return Array.from({ length: count }, () => unit(Array.from({ length: dimensions }, () => source.normal())));
}
const row = (query: number, positive: number, ...negatives: readonly [number, NegativeSource][]): TrainingRow => ({
  query,
  positive,
  negatives: negatives.map(([document, source]) => ({ document, source })),
});
interface Seen {
  readonly rows: readonly TrainingRow[];
  readonly queries: readonly Float32Array[];
  readonly documents: readonly Float32Array[];
  readonly temperature?: number;
}
const at = (vectors: readonly Float32Array[]) => (index: number) => vectors[index] ?? new Float32Array();
const look = ({ rows, queries, documents, temperature = 0.05 }: Seen) =>
  snapshot({ step: 7, rows, queryVector: at(queries), documentVector: at(documents), temperature, seed: 1 });

/** A found and a written negative a row, and one that another row has too. */
function usual(count: number, dimensions = 6): Seen {
  const rows = Array.from({ length: count }, (_, i) =>
    row(i, 4 * i, [4 * i + 1, "synthetic"], [4 * i + 2, "bm25"], [4 * ((i + 1) % count) + 3, "random"]),
  );
  return { rows, queries: spread(count, dimensions, "q"), documents: spread(4 * count, dimensions, "d") };
}

/** The loss of one row in float64, as the formula stands: −z₊ + log Σ exp z. */
function rowLoss(query: readonly number[], documents: readonly Float32Array[], temperature: number): number {
  const z = documents.map((d) => query.reduce((sum, value, k) => sum + value * (d[k] ?? 0), 0) / temperature);
  return Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - (z[0] ?? 0);
}

describe("sampleRows", () => {
  const set: TrainingSet = {
    queries: [],
    documents: [],
    rows: Array.from({ length: 50 }, (_, i) => row(i, i)),
  };

  it("takes different rows, in the set's order, the same for the same seed", () => {
    const sample = sampleRows(set, 20, 3);
    const picked = sample.map(({ query }) => query);
    expect(new Set(picked).size).toBe(20);
    expect(picked).toEqual(picked.toSorted((a, b) => a - b));
    expect(sampleRows(set, 20, 3)).toEqual(sample);
    expect(sampleRows(set, 20, 4)).not.toEqual(sample);
  });

  it("takes every row about as often", () => {
    const times = Array.from({ length: 50 }, () => 0);
    for (let seed = 0; seed < 400; seed++) {
      for (const { query } of sampleRows(set, 10, seed)) times[query] = (times[query] ?? 0) + 1;
    }
    // 80 expected, standard deviation 8.
    expect(Math.min(...times)).toBeGreaterThan(45);
    expect(Math.max(...times)).toBeLessThan(115);
  });

  it("takes all where there are no more", () => {
    expect(sampleRows(set, 50, 1)).toEqual(set.rows);
    expect(sampleRows(set, 64, 1)).toEqual(set.rows);
    expect(sampleRows({ ...set, rows: [] }, 64, 1)).toEqual([]);
  });
});

describe("snapshot", () => {
  it("gives the softmax's mass by source, by hand", () => {
    // Cosines .8 (positive), .6 (synthetic), 0 (bm25), 0 (bm25); τ = .2: e⁴, e³, 1, 1.
    const documents = [unit([0.8, 0.6]), unit([0.6, -0.8]), unit([0, 1]), unit([0, -1])];
    const rows = [row(0, 0, [1, "synthetic"], [2, "bm25"], [3, "bm25"])];
    const seen = look({ rows, queries: [unit([1, 0])], documents, temperature: 0.2 });
    const total = Math.exp(4) + Math.exp(3) + 2;
    expect(seen.mass.positive).toBeCloseTo(Math.exp(4) / total, 6);
    expect(seen.mass.synthetic).toBeCloseTo(Math.exp(3) / total, 6);
    expect(seen.mass.bm25).toBeCloseTo(2 / total, 6);
    expect(seen.expected).toEqual({ positive: 0.25, synthetic: 0.25, bm25: 0.5 });
    expect(seen).toMatchObject({ step: 7, rows: 1, embeddingVariance: 0, shortcut: undefined });
  });

  it("takes the mean over rows, also of rows of different lengths", () => {
    const documents = [unit([1, 0]), unit([0, 1]), unit([0, 1])];
    const rows = [row(0, 0, [1, "bm25"]), row(0, 0, [1, "bm25"], [2, "synthetic"])];
    const seen = look({ rows, queries: [unit([1, 1])], documents });
    // All cosines are equal: mass is the candidates' share, ½ and ⅓ of each row.
    for (const shares of [seen.mass, seen.expected]) {
      expect(shares.positive).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
      expect(shares.bm25).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
      expect(shares.synthetic).toBeCloseTo(1 / 3 / 2, 12);
    }
  });

  it("has shares that sum to 1", () => {
    const seen = look(usual(9));
    for (const shares of [seen.mass, seen.expected]) {
      expect(Object.keys(shares).toSorted()).toEqual(["bm25", "positive", "random", "synthetic"]);
      expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  it("counts margins into their bins, what lies outside into the first and last", () => {
    // Against a positive of cosine 0 the margin is minus the negative's cosine.
    const margins = [-0.9, -0.475, -0.025, 0.025, 0.325, 0.475, 0.9];
    const documents = [unit([0, 1]), ...margins.map((m) => unit([-m, Math.sqrt(1 - m * m)]))];
    const rows = [row(0, 0, ...margins.map((_, i): [number, NegativeSource] => [i + 1, "dense"]))];
    const { dense, ...others } = look({ rows, queries: [unit([1, 0])], documents }).margins;
    expect(others).toEqual({});
    expect(dense?.count).toBe(7);
    expect(dense?.mean).toBeCloseTo(0.325 / 7, 6);
    const bins = dense?.histogram.flatMap((count, bin) => (count > 0 ? [[bin, count]] : []));
    expect(bins).toEqual([
      [0, 2],
      [9, 1],
      [10, 1],
      [16, 1],
      [19, 2],
    ]);
    expect(dense?.histogram).toHaveLength(marginEdges.length - 1);
  });

  it("puts a margin on an edge into the bin above it", () => {
    // The same vector as positive and negative: a margin of exactly 0.
    const seen = look({ rows: [row(0, 0, [0, "given"])], queries: [unit([1, 2])], documents: [unit([3, 1])] });
    expect(seen.margins.given?.histogram.indexOf(1)).toBe(marginEdges.indexOf(0));
  });

  it("gives V_emb of two rows by hand", () => {
    // Equal cosines: p = ½ each, so g = (d₋ − d₊) / 2τ. The rows' differences are (−1, 1) and (1, 1): with τ = .5 the
    // gradients themselves. Their mean is (0, 1), both lie 1 from it: (1 + 1) / (2 − 1).
    const documents = [unit([1, 0]), unit([0, 1]), unit([-1, 0])];
    const queries = [unit([1, 1]), unit([-1, 1])];
    const rows = [row(0, 0, [1, "bm25"]), row(1, 2, [1, "bm25"])];
    expect(look({ rows, queries, documents, temperature: 0.5 }).embeddingVariance).toBeCloseTo(2, 6);
  });

  it("has the V_emb of the loss's finite differences", () => {
    const seen = usual(8);
    const temperature = 0.1;
    const step = 1e-5;
    const gradients = seen.rows.map(({ query, positive, negatives }) => {
      const own = [positive, ...negatives.map(({ document }) => document)].map(at(seen.documents));
      const q = [...at(seen.queries)(query)];
      const moved = (k: number, by: number) => q.map((value, i) => (i === k ? value + by : value));
      return q.map(
        (_, k) => (rowLoss(moved(k, step), own, temperature) - rowLoss(moved(k, -step), own, temperature)) / (2 * step),
      );
    });
    const mean = gradients[0]?.map((_, k) => gradients.reduce((sum, g) => sum + (g[k] ?? 0), 0) / gradients.length);
    const squares = gradients.map((g) => g.reduce((sum, value, k) => sum + (value - (mean?.[k] ?? 0)) ** 2, 0));
    const truth = squares.reduce((sum, square) => sum + square, 0) / (gradients.length - 1);
    expect(look({ ...seen, temperature }).embeddingVariance / truth).toBeCloseTo(1, 7);
  });

  it("is finite where all vectors are one, however small the temperature", () => {
    const seen = usual(12);
    const same = unit([1, 2, 3, 4, 5, 6]);
    const all = { queries: seen.queries.map(() => same), documents: seen.documents.map(() => same) };
    const { shortcut, embeddingVariance, mass, margins } = look({ ...seen, ...all, temperature: 1e-4 });
    expect(shortcut).toBe(0.5);
    expect(embeddingVariance).toBe(0);
    expect(mass.synthetic).toBeCloseTo(0.25, 12);
    expect(margins.bm25?.mean).toBe(0);
    // Exponents of ±10⁴ would overflow if they were taken as they are.
    const far = look({ ...seen, temperature: 1e-4 });
    expect(Object.values(far.mass).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(Number.isFinite(far.embeddingVariance)).toBe(true);
  });

  it("has nothing to say of no rows", () => {
    expect(look({ rows: [], queries: [], documents: [] })).toEqual({
      step: 7,
      rows: 0,
      mass: {},
      expected: {},
      margins: {},
      embeddingVariance: 0,
      shortcut: undefined,
    });
  });

  it("probes written against found, each text once, and leaves out a text that is both", () => {
    // Written ones have a positive first coordinate, found ones a negative one, but for a text that stands as both.
    const documents = spread(60, 5, "side").map((vector, i) => {
      vector[0] = (i % 2 === 0 && i < 58 ? 1 : -1) * (0.3 + Math.abs(vector[0] ?? 0));
      return unit([...vector]);
    });
    const found: readonly NegativeSource[] = ["bm25", "dense", "simans", "ance", "adore", "random", "given"];
    const rows = Array.from({ length: 29 }, (_, i) =>
      row(
        i,
        59,
        [2 * i, i % 2 === 0 ? "synthetic" : "human"],
        [2 * i + 1, found[i % found.length] ?? "bm25"],
        [58, i % 2 === 0 ? "synthetic" : "bm25"],
        [1, "bm25"],
      ),
    );
    expect(look({ rows, queries: spread(29, 5, "q"), documents }).shortcut).toBe(1);
    // Nine written texts are too few, also where two rows share each.
    const few = rows.slice(0, 18).map(({ negatives: [first, second], ...rest }, i) => ({
      ...rest,
      negatives: [first, second].flatMap((one) => (one ? [{ ...one, document: one.document % 18 }] : [])),
      query: i,
    }));
    expect(look({ rows: few, queries: spread(29, 5, "q"), documents }).shortcut).toBeUndefined();
  });
});

test("the probe never sees negatives of a query that it is asked about", () => {
  // Each query has one kind of negatives, all nearly the same: a probe that had seen one would know the others by heart.
  const rows = Array.from({ length: 30 }, (_, i) =>
    row(i, 0, ...[0, 1, 2, 3].map((n): [number, NegativeSource] => [4 * i + n, i % 2 === 0 ? "synthetic" : "bm25"])),
  );
  const near = spread(30, 40, "near");
  const documents = rows.flatMap((_, i) => [1, 2, 3, 4].map((n) => unit([...at(near)(i)].map((v) => v + n / 1000))));
  expect(look({ rows, queries: near, documents }).shortcut).toBeLessThan(0.8);
});
