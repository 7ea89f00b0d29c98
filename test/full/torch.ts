/** PyTorch's truth of a case, by the scripts in test/fixtures/golden, in a folder that is gone afterwards. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { EncoderShape } from "../../src/domain/encoder.ts";
import { mostTokens } from "../../src/domain/encoder.ts";
import { parameterTable, size } from "../../src/encoder/parameters.ts";
import { writeSafetensors } from "../../src/encoder/safetensors.ts";
import { goldenAt, type BatchFile, type Golden } from "../support/golden.ts";
import { python, pythonEnv as env } from "../support/python.ts";
import { rateOf, settings, steps, weightsOf, type Case, type FamilyName } from "./case.ts";

const scripts = {
  bert: ["golden"],
  distilbert: ["distilbert"],
  roberta: ["roberta", "--type", "roberta"],
  "xlm-roberta": ["roberta", "--type", "xlm-roberta"],
  mpnet: ["mpnet"],
  modernbert: ["modernbert"],
  static: ["golden", "--family", "static"],
} as const satisfies Record<FamilyName, readonly string[]>;

function argumentsOf(shape: EncoderShape): readonly string[] {
  if (shape.family === "static") return ["--hidden", `${shape.hidden}`, "--vocab", `${shape.vocabulary}`];
  const { layers, hidden, heads, intermediate, vocabulary: vocab } = shape;
  const longest = mostTokens(shape);
  const named = {
    layers,
    hidden,
    heads,
    intermediate,
    vocab,
    ...(shape.family === "bert" && shape.types === 2 ? { "max-positions": longest } : { longest }),
    ...(shape.family === "modernbert" && { window: 2 * shape.window }),
  };
  return Object.entries(named).flatMap(([name, value]) => [`--${name}`, `${value}`]);
}

function batchFile({ shape, batch, pooling }: Case): BatchFile & { readonly steps: number } {
  const { temperature, betas, epsilon: eps, weightDecay: weight_decay, clip } = settings;
  const optimiser = { lr: rateOf(shape), betas: [...betas] as [number, number], eps, weight_decay, clip };
  return { texts: batch.texts, groups: batch.groups, pooling, temperature, in_batch: batch.inBatch, steps, optimiser };
}

function modelFile({ shape }: Case, weights: Float32Array): Uint8Array {
  const named = parameterTable(shape).tensors.map(({ name, offset, shape: dimensions }) => {
    const values = weights.subarray(offset, offset + size(dimensions));
    return { name, shape: dimensions, values };
  });
  return writeSafetensors(named, "F32");
}

/** What PyTorch makes of the case in float64, from the same weights and token ids. */
export async function truthOf(given: Case): Promise<Golden> {
  const command = python();
  if (command === undefined) throw new Error("no PyTorch");
  const folder = mkdtempSync(path.join(os.tmpdir(), "decoy-truth-"));
  try {
    writeFileSync(path.join(folder, "model.safetensors"), modelFile(given, weightsOf(given)));
    writeFileSync(path.join(folder, "batch.json"), JSON.stringify(batchFile(given)));
    const [script, ...options] = scripts[given.family];
    const file = fileURLToPath(new URL(`../fixtures/golden/make_${script}.py`, import.meta.url));
    await promisify(execFile)(command, [file, folder, "--given", ...options, ...argumentsOf(given.shape)], { env });
    return goldenAt(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
