import { expect, test } from "vitest";
import { parseConfig } from "../../src/domain/config.ts";
import type { EncoderShape } from "../../src/domain/encoder.ts";
import type { RunResult } from "../../src/domain/run.ts";
import { modelCard } from "../../src/export/card.ts";
import { tinyShape } from "../support/encoder.ts";

const scores = { queryIds: ["q"], perQuery: {}, mean: {} };

/** The card of a run with an encoder of this shape. */
function cardOf(shape: EncoderShape): string {
  const result = {
    split: "test",
    systems: { bm25: scores, before: scores, after: scores },
    verdict: "Better.",
    leak: undefined,
    trainingRows: 4,
    steps: 3,
    tokens: 300,
    engine: { kind: "cpu", device: "1 thread", note: "" },
    encoder: { name: "mine|yours", shape, parameters: 123_456 },
  } as unknown as RunResult;
  return modelCard({ result, config: parseConfig({}), collectionName: "c", collectionDigest: "d" });
}

test("the card says what the encoder is built of, in the words of its family", () => {
  expect(cardOf({ ...tinyShape, layers: 2, hidden: 128 })).toContain("(2 layers, 128 wide, 123,456 parameters)");
  const card = cardOf({ family: "static", hidden: 256, vocabulary: 30_000 });
  expect(card).toContain("(static token vectors, 256 wide, 123,456 parameters)");
  expect(card).not.toMatch(/undefined|layers/u);
  expect(card).toContain("# mine yours, fine-tuned");
});
