import { expect, test } from "vitest";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import { describeLoss } from "../../src/domain/loss.ts";

test.each<readonly [ConfigInput, string]>([
  [{}, "InfoNCE, cosine / 0.05, with in-batch negatives (known answers left out)"],
  [{ mask: false, temperature: 0.1 }, "InfoNCE, cosine / 0.1, with in-batch negatives"],
  [{ symmetric: true, mask: false }, "InfoNCE, cosine / 0.05, symmetric, with in-batch negatives"],
  [{ inBatch: false, loss: "lambdaRank" }, "LambdaRank, cosine / 0.05"],
  [{ inBatch: false, loss: "marginMSE" }, "MarginMSE, cosine against the guide's"],
  [{ inBatch: false, loss: "marginMSE", marginScale: 2 }, "MarginMSE, cosine against 2 × the guide's"],
  [
    { inBatch: false, hardness: { on: "own" }, gist: { strategy: "relative", margin: 0.1 } },
    "InfoNCE, cosine / 0.05, GIST (relative margin 0.1), hardness 5 on own negatives",
  ],
  [
    { inBatch: false, entropy: {}, dimensions: [320, 64] },
    "InfoNCE, cosine / 0.05, entropy term 0.05 (τ 0.1), Matryoshka at 320, 64 dimensions",
  ],
])("%j", (config, words) => {
  expect(describeLoss(parseConfig(config))).toBe(words);
});

test("a recipe from before there was a choice is one of InfoNCE", () => {
  const { loss: _loss, marginScale: _scale, symmetric: _symmetric, ...older } = parseConfig({ inBatch: false });
  expect(describeLoss(older as ReturnType<typeof parseConfig>)).toBe("InfoNCE, cosine / 0.05");
});
