/** Whatever two things may be asked of the engines, some case asks for both. */
import { test } from "vitest";
import { batchOf, gigaflops, goRound, parametersOf, shapeOf, sizesOf, transformers, type Case } from "./case.ts";
import type { MemorySettings } from "../../src/domain/engine.ts";
import { matrix } from "./matrix.ts";
import { pairwise } from "./pairs.ts";

const all = process.env["DECOY_FULL"] === "all";

const factors = {
  family: transformers,
  headSize: [8, 16, 24, 32, 64, 96, 128],
  hidden: [32, 64, 96, 128, 192, 384, 768, 1024],
  layers: [1, 2, 6, 12, 24],
  tokens: ["1", "2–9", "1–64", "100–200", "512"],
  batch: ["1 × 2", "1 × 4", "2 × 3", "5 × 4", "16 × 2"],
  pooling: ["mean", "cls"],
  inBatch: [false, true],
  memory: ["at once", "in parts", "in parts and again"],
} as const;

/** Most of these batches have more tokens than that, and their longest texts too. */
const microTokens = 40;
const memories: Readonly<Record<Choice["memory"], MemorySettings>> = {
  "at once": {},
  "in parts": { microTokens },
  "in parts and again": { microTokens, recompute: true },
};

const lengths = {
  "1": [1],
  "2–9": [2, 9, 5, 3, 7],
  "1–64": [33, 1, 64, 17, 50, 8],
  "100–200": [100, 129, 200, 150],
  "512": [512, 511],
} as const;

type Choice = Parameters<Parameters<typeof pairwise<typeof factors>>[1]>[0];

function sizesAndLengths({ family, headSize, hidden, layers, tokens, batch }: Choice) {
  const [queries = 1, own = 1] = batch.split(" × ").map(Number);
  const longest = Math.max(...lengths[tokens]);
  const intermediate = hidden > 256 ? 2 * hidden : 4 * hidden;
  const shape = shapeOf(family, { layers, hidden, heads: hidden / headSize, longest, intermediate, window: 33 });
  return { shape, queries, negatives: own - 1, texts: queries * (1 + own) };
}

function caseOf(choice: Choice): Case {
  const { family, tokens, pooling, inBatch, memory } = choice;
  const { shape, queries, negatives } = sizesAndLengths(choice);
  const batch = batchOf(lengths[tokens], { queries, negatives, inBatch });
  const many = `${tokens} ${tokens === "1" ? "token" : "tokens"}, ${choice.batch}`;
  const name = `${family}, ${sizesOf(shape)}, ${many}, ${pooling}${inBatch ? ", in-batch" : ""}, ${memory}`;
  return { name, family, shape, pooling, batch, memory: memories[memory] };
}

/** What a case may be, so that all of them take minutes, or with DECOY_FULL=all hours. */
const most = all ? { gigaflops: 3000, parameters: 400e6 } : { gigaflops: 60, parameters: 30e6 };

/** In seconds, about; undefined for heads that do not divide the width, and for what is too large. */
function cost(choice: Choice): number | undefined {
  if (choice.hidden % choice.headSize !== 0) return undefined;
  const { shape, texts } = sizesAndLengths(choice);
  const work = gigaflops(shape, goRound(lengths[choice.tokens], texts));
  const parameters = parametersOf(shape);
  if (work > most.gigaflops || parameters > most.parameters) return undefined;
  return work / 3 + parameters / 4e6;
}

const { cases, missed } = pairwise(factors, cost);

matrix("pairs", cases.map(caseOf));

/** Of two sizes of which one does not divide the other, nobody can make an encoder. */
const impossible = (pair: string): boolean => {
  const [, headSize, hidden] = /^headSize (\d+), hidden (\d+)$/u.exec(pair) ?? [];
  return headSize !== undefined && Number(hidden) % Number(headSize) !== 0;
};

test.for(missed.filter((pair) => !impossible(pair)))("pairs: %s", (_, { skip }) => {
  skip("skipped: only with sizes that need minutes or much memory a case; DECOY_FULL=all runs more of them");
});
