/** PyTorch's truth for the losses, read from test/fixtures/golden/losses.json (made by the make_losses.py beside it). */
import { readFileSync } from "node:fs";
import { parseConfig, type Config } from "../../src/domain/config.ts";
import type { StaticShape } from "../../src/domain/encoder.ts";
import type { ContrastiveBatch } from "../../src/domain/engine.ts";
import type { TrainingRow, TrainingSet } from "../../src/domain/training.ts";
import { contrastiveBatch } from "../../src/train/batch.ts";
import { staticWeights } from "./static.ts";

interface File {
  readonly hidden: number;
  readonly guideWidth: number;
  readonly table: readonly number[];
  readonly queries: readonly number[];
  readonly documents: readonly number[];
  readonly rows: readonly TrainingRow[];
  readonly batch: number;
  readonly guide: Readonly<Record<"queries" | "documents", readonly number[]>>;
  readonly cases: readonly {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly loss: number;
    readonly gradient: readonly number[];
  }[];
}

export interface GoldenLoss {
  readonly name: string;
  readonly config: Config;
  readonly batch: ContrastiveBatch;
  readonly loss: number;
  /** By the table. */
  readonly gradient: Float64Array;
}

const file = JSON.parse(
  readFileSync(new URL("../fixtures/golden/losses.json", import.meta.url), "utf8"),
) as unknown as File;

const vectors = (values: readonly number[]) => ({ dimensions: file.guideWidth, values: Float32Array.from(values) });

/** A text is its token's number. */
const data: TrainingSet = {
  queries: file.queries.map(String),
  documents: file.documents.map(String),
  rows: file.rows,
  guide: { queries: vectors(file.guide.queries), documents: vectors(file.guide.documents) },
};

const batchOf = (config: Config): ContrastiveBatch =>
  contrastiveBatch(data, data.rows.slice(0, file.batch), config, (text) => [Number(text)]);

export const goldenShape: StaticShape = {
  family: "static",
  hidden: file.hidden,
  vocabulary: file.table.length / file.hidden,
};

export const goldenTable = (): Float32Array<ArrayBuffer> => staticWeights(goldenShape, Float64Array.from(file.table));

export const goldenLosses: readonly GoldenLoss[] = file.cases.map(({ name, config: input, loss, gradient }) => {
  const config = parseConfig(input);
  return { name, config, batch: batchOf(config), loss, gradient: Float64Array.from(gradient) };
});
