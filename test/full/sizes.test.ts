/** Heads of every size, every width and every depth, up to those of the encoders that people use. */
import { batchOf, shapeOf, sizesOf, transformers, type Case, type FamilyName, type Sizes } from "./case.ts";
import { matrix } from "./matrix.ts";

const short = [4, 1, 19, 33, 7];

/** Every other case is pooled by its first token and has in-batch negatives. */
function caseOf(family: FamilyName, sizes: Omit<Sizes, "longest">, index: number, lengths = short): Case {
  const odd = index % 2 === 1;
  const shape = shapeOf(family, { ...sizes, longest: Math.max(...lengths) });
  const batch = batchOf(lengths, { queries: 2, negatives: 2, inBatch: odd });
  return { name: `${family}, ${sizesOf(shape)}`, family, shape, pooling: odd ? "cls" : "mean", batch };
}

const attentions = ["bert", "mpnet", "modernbert"] as const;

matrix(
  "head sizes",
  [8, 16, 24, 32, 64, 96, 128].flatMap((headSize, i) =>
    attentions.map((family, k) => {
      const heads = headSize > 64 ? 1 : 3;
      return caseOf(family, { layers: 2, hidden: headSize * heads, heads }, i + k, [5, 1, 40, 70, 33]);
    }),
  ),
);

matrix(
  "widths",
  [32, 64, 128, 256, 384, 512, 768, 1024].flatMap((hidden, i) =>
    attentions
      .filter((family) => family === "bert" || hidden > 256)
      .map((family, k) =>
        caseOf(
          family,
          { layers: 1, hidden, heads: Math.ceil(hidden / 64) },
          i + k,
          hidden > 256 ? [4, 1, 14, 9] : short,
        ),
      ),
  ),
);

matrix(
  "depths",
  [1, 2, 6, 12, 24].flatMap((layers, i) =>
    transformers.map((family, k) => caseOf(family, { layers, hidden: 48, heads: 3 }, i + k)),
  ),
);

/** Layers, width and heads of all-MiniLM-L6, BGE-small, DistilBERT, BERT-base and BERT-large; the vocabulary is small. */
const known: readonly (readonly [FamilyName, number, number, number])[] = [
  ["bert", 6, 384, 12],
  ["bert", 12, 384, 12],
  ["distilbert", 6, 768, 12],
  ["bert", 12, 768, 12],
  ["bert", 24, 1024, 16],
];

matrix(
  "known encoders",
  known.map(([family, layers, hidden, heads], i) => caseOf(family, { layers, hidden, heads }, i, [3, 9, 6])),
);
