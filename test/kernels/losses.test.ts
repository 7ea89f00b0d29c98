/** Each loss on given scores against the float64 reference, whose derivatives are differences of its values. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { queriesWithWritten, type LossSettings } from "../../src/domain/engine.ts";
import type { Dispatch } from "../../src/gpu/pass.ts";
import type { Slice } from "../../src/gpu/slice.ts";
import type { Counts } from "../../src/kernels/counts.ts";
import { entropy } from "../../src/kernels/entropy/entropy.ts";
import { infonce } from "../../src/kernels/infonce/infonce.ts";
import { lambdaRank } from "../../src/kernels/lambdarank/lambdarank.ts";
import { marginMse } from "../../src/kernels/marginmse/marginmse.ts";
import { at, fill } from "../reference/at.ts";
import { entropyTerm, lossOfScores, type Scored } from "../reference/losses.ts";
import { differences, error, kernelBench, normals, type Bench } from "../support/kernels.ts";
import { listsOf } from "../support/lists.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await kernelBench();
}, 120_000);
afterAll(() => {
  bench.gpu.dispose();
});

type At = (name: string) => Slice;
const tensors = (slice: At) => ({
  score: slice("score"),
  offsets: slice("offsets"),
  roles: slice("roles"),
  targets: slice("targets"),
  withWritten: slice("withWritten"),
  loss: slice("loss"),
  coefficient: slice("coefficient"),
});
const whole = { share: 1, adds: false };

interface Case {
  readonly settings: LossSettings;
  readonly dispatch: (slice: At) => Dispatch<Counts>;
}
const cases: Readonly<Record<string, Case>> = {
  infonce: {
    settings: { temperature: 0.05 },
    dispatch: (slice) => infonce(tensors(slice), { temperature: 0.05, hardness: 0, ...whole }),
  },
  "infonce with hardness": {
    settings: { temperature: 0.2, hardness: 9 },
    dispatch: (slice) => infonce(tensors(slice), { temperature: 0.2, hardness: 9, ...whole }),
  },
  marginmse: {
    settings: { temperature: 1, loss: "marginMSE" },
    dispatch: (slice) => marginMse(tensors(slice), whole),
  },
  lambdarank: {
    settings: { temperature: 0.1, loss: "lambdaRank" },
    dispatch: (slice) => lambdaRank(tensors(slice), { temperature: 0.1, ...whole }),
  },
};

/** Cosines, of which some are equal. */
const cosines = (pairs: number): Float64Array =>
  normals(pairs, "scores", 0.4).map((s, p) => Math.fround(p % 5 === 4 ? 0.25 : Math.max(-1, Math.min(1, s))));

/** Scores, lists, and each query of them as the reference takes it. */
function givenOf(lengths: readonly number[]) {
  const lists = listsOf(lengths, 3);
  const score = cosines(lists.candidates.length);
  const queryAt = (b: number, moved: Float64Array): Scored => {
    const [from, to] = [at(lists.offsets, b), at(lists.offsets, b + 1)];
    return {
      scores: moved.slice(from, to),
      constant: score.slice(from, to),
      roles: lists.roles.slice(from, to),
      targets: lists.targets.slice(from, to),
    };
  };
  return { lists, score, queryAt, B: lengths.length };
}
type Given = ReturnType<typeof givenOf>;

function run({ lists, score, B }: Given, dispatches: (slice: At) => readonly Dispatch<Counts>[], ready = {}) {
  const { offsets, roles, targets } = lists;
  const withWritten = Int32Array.of(queriesWithWritten(lists));
  const outputs = Object.entries({ loss: B, coefficient: 2 * score.length });
  return bench.run({
    counts: { B },
    inputs: { score, offsets, roles, targets, withWritten, ...ready },
    outputs: Object.fromEntries(outputs.filter(([name]) => !(name in ready))),
    dispatches,
  });
}

/** Each of the pair's two sides. */
const sides = (coefficient: Float32Array | undefined, side: 0 | 1) => coefficient?.filter((_, i) => i % 2 === side);

// A lone positive, a workgroup's worth and one more, ranks beyond 200.
const sizes = [
  [2, 1, 7],
  [64, 65, 3],
  [205, 66],
];

describe.each(Object.entries(cases))("%s", (_, { settings, dispatch }) => {
  test.each(sizes.map((lengths) => [lengths]))("lists of %j", async (lengths) => {
    const given = givenOf(lengths);
    const out = await run(given, (slice) => [dispatch(slice)]);
    const losses = (moved: Float64Array) => fill(given.B, (b) => lossOfScores(given.queryAt(b, moved), settings));
    const truth = losses(given.score);
    const gradient = differences(losses, given.score, new Float64Array(given.B).fill(1 / given.B));
    expect(error(out["loss"], truth)).toBeLessThan(1e-5);
    for (const side of [0, 1] as const) expect(error(sides(out["coefficient"], side), gradient)).toBeLessThan(1e-5);
  });

  test("a lone positive has neither loss nor gradient", async () => {
    const { loss, coefficient } = await run(givenOf([1]), (slice) => [dispatch(slice)]);
    expect([...(loss ?? []), ...(coefficient ?? [])].map(Math.abs)).toEqual([0, 0, 0]);
  });
});

test.each(sizes.map((lengths) => [lengths]))("entropy on lists of %j", async (lengths) => {
  const given = givenOf(lengths);
  const { B, score, lists, queryAt } = given;
  const before = { loss: normals(B, "loss"), coefficient: normals(2 * score.length, "coefficient") };
  const settings = { temperature: 0.2, weight: 0.3, share: 0.5 };
  const out = await run(given, (slice) => [entropy(tensors(slice), settings)], before);
  const terms = (moved: Float64Array) => fill(B, (b) => entropyTerm(queryAt(b, moved), 0.2) ?? 0);
  const scale = (settings.weight * settings.share) / queriesWithWritten(lists);
  const more = differences(terms, score, new Float64Array(B).fill(scale));
  expect(more.some((d) => Math.abs(d) > 1e-3)).toBe(true);
  // Queries without a written negative stay as they are; of the others the loss is a mean over all B.
  const truth = terms(score).map((term, b) => at(before.loss, b) + scale * B * term);
  expect(error(out["loss"], truth)).toBeLessThan(1e-5);
  const coefficient = before.coefficient.map((value, i) => (i % 2 === 1 ? value + at(more, (i - 1) / 2) : value));
  expect(error(out["coefficient"], coefficient)).toBeLessThan(1e-5);
});

test("a share of a loss, added to what is there", async () => {
  const given = givenOf([5, 2]);
  const part = { share: 0.25, adds: true };
  const loss = Float64Array.of(10, 20);
  for (const [name, dispatch] of Object.entries<Case["dispatch"]>({
    infonce: (slice) => infonce(tensors(slice), { temperature: 0.05, hardness: 0, ...part }),
    marginmse: (slice) => marginMse(tensors(slice), part),
    lambdarank: (slice) => lambdaRank(tensors(slice), { temperature: 0.1, ...part }),
  })) {
    const alone = await run(given, (slice) => [cases[name]?.dispatch(slice) ?? dispatch(slice)]);
    const out = await run(given, (slice) => [dispatch(slice)], { loss });
    const quarter = (values: Float32Array | undefined) => Float64Array.from(values ?? [], (value) => value / 4);
    expect(
      error(
        out["loss"],
        quarter(alone["loss"]).map((value, b) => value + (loss[b] ?? NaN)),
      ),
      name,
    ).toBeLessThan(1e-6);
    expect(error(out["coefficient"], quarter(alone["coefficient"])), name).toBeLessThan(1e-6);
  }
});
