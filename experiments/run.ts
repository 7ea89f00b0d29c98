/**
 * The headless runner: the same stages as the page, in Node, so that a result can be reproduced and checked without a
 * browser.
 *
 *   npm run experiment -- [--data DIR|built-in] [--config FILE] --out DIR [--encoder DIR|built-in]
 *                         [--train FILE.jsonl] [--engine cpu|webgpu] [--seed N]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { finish } from "../src/base/channel.ts";
import { digestOf } from "../src/base/digest.ts";
import { isUserError, messageOf } from "../src/base/errors.ts";
import { createReader } from "../src/data/reader.ts";
import { InvalidConfig, parseConfig, type Config } from "../src/domain/config.ts";
import { encoderDigest, type EncoderFolder, type EngineKind } from "../src/domain/encoder.ts";
import type { Ranking, SystemName } from "../src/domain/ranking.ts";
import type { RunReport } from "../src/domain/run.ts";
import type { EncoderStages, ImportResult } from "../src/domain/stages.ts";
import type { StepReport, TrainingSet } from "../src/domain/training.ts";
import { modelCard } from "../src/export/card.ts";
import { run, type RunInput, type RunOutcome } from "../src/pipeline/run.ts";
import { createRetriever } from "../src/retrieval/service.ts";
import { createEncoder } from "../src/train/service.ts";
import { nodeEngines } from "./engines.ts";
import { BadArgument, collectionFiles, encoderFolder, trainingFile } from "./files.ts";
import { resultJson, trecRuns } from "./result.ts";

const USAGE = `usage: npm run experiment -- --out DIR [--data DIR|built-in] [--config FILE] [--encoder DIR|built-in]
                             [--train FILE.jsonl] [--engine cpu|webgpu] [--seed N]`;

const BUILT_IN = { data: "public/collection", encoder: "public/encoder" };

interface Arguments {
  readonly data: string;
  readonly encoder: string;
  readonly out: string;
  readonly config: string | undefined;
  readonly train: string | undefined;
  readonly engine: EngineKind;
  readonly seed: number | undefined;
}

function argumentsOf(args: readonly string[]): Arguments {
  const text = { type: "string" } as const;
  const options = { data: text, config: text, out: text, encoder: text, train: text, engine: text, seed: text };
  let values: Partial<Record<keyof typeof options, string>>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true }));
  } catch (error) {
    throw new BadArgument(`${messageOf(error)}\n${USAGE}`);
  }
  const { out, engine = "cpu", seed } = values;
  if (!out) throw new BadArgument(`--out is missing: the folder that the results go to.\n${USAGE}`);
  if (engine !== "cpu" && engine !== "webgpu") throw new BadArgument(`--engine is "${engine}"; it is cpu or webgpu.`);
  if (seed !== undefined && !/^\d+$/u.test(seed))
    throw new BadArgument(`--seed is "${seed}"; it is a whole number from 0 on.`);
  const builtIn = (value: string | undefined, key: "data" | "encoder") =>
    value === undefined || value === "built-in" ? BUILT_IN[key] : value;
  return {
    data: builtIn(values.data, "data"),
    encoder: builtIn(values.encoder, "encoder"),
    out,
    config: values.config,
    train: values.train,
    engine,
    seed: seed === undefined ? undefined : Number(seed),
  };
}

function configOf({ config, seed, train }: Arguments): Config {
  let given: unknown = {};
  try {
    if (config !== undefined) given = JSON.parse(readFileSync(config, "utf8"));
  } catch (error) {
    throw new InvalidConfig(`${config} could not be read as JSON: ${messageOf(error)}`);
  }
  const parsed = parseConfig(given);
  const inOrder = train !== undefined && !(typeof given === "object" && given !== null && "shuffle" in given);
  return { ...parsed, ...(seed !== undefined && { seed }), ...(inOrder && { shuffle: false }) };
}

async function readCollection(root: string, out: string): Promise<ImportResult> {
  const rejected: unknown[] = [];
  const files = collectionFiles(root);
  const result = await finish(createReader().read({ files }), (report) => {
    if (report.kind === "rejected") rejected.push(...report.rows);
  });
  if (result.summary.rejected > 0) {
    writeFileSync(path.join(out, "rejected.jsonl"), `${rejected.map((row) => JSON.stringify(row)).join("\n")}\n`);
    console.log(`${result.summary.rejected} rows of the data were rejected: see rejected.jsonl`);
  }
  return result;
}

/** Says what happens, a line a stage and about ten lines a training. */
function narrate(report: RunReport): void {
  if (report.kind === "opened")
    console.log(
      `encoder: ${report.card.name} on ${report.engine.kind} (${report.engine.device}) ${report.engine.note}`,
    );
  if (report.kind === "finished") console.log(`${report.stage}: ${report.seconds.toFixed(1)} s`);
  if (report.kind === "note") console.log(`note: ${report.text}`);
  if (report.kind !== "step") return;
  const { step, steps, loss, gradNorm, tokens, seconds } = report.step;
  if (step === 1 || step === steps || step % Math.ceil(steps / 10) === 0) {
    console.log(
      `step ${step}/${steps}: loss ${loss.toFixed(4)}, gradient ${gradNorm.toFixed(3)}, ${Math.round(tokens / seconds)} tokens/s`,
    );
  }
}

interface Performed {
  readonly outcome: RunOutcome;
  readonly model: EncoderFolder;
  readonly rankings: Readonly<Partial<Record<SystemName, readonly Ranking[]>>>;
}

async function perform(input: RunInput, digest: string, out: string): Promise<Performed> {
  const services = { encoder: createEncoder(nodeEngines), retriever: createRetriever() };
  const steps: StepReport[] = [];
  const rankings: Partial<Record<SystemName, readonly Ranking[]>> = {};
  const outcome = await finish(run(services, input), (report) => {
    narrate(report);
    if (report.kind === "step") steps.push(report.step);
    if (report.kind !== "product") return;
    const { name, value } = report.product;
    if (name === "bm25" || name === "before" || name === "after") rankings[name] = value.rankings;
  });
  writeFileSync(path.join(out, "train.jsonl"), steps.map((step) => `${JSON.stringify(step)}\n`).join(""));
  return { outcome, rankings, model: await exported(services.encoder, outcome, input, digest) };
}

async function exported(
  encoder: EncoderStages,
  { model, result }: RunOutcome,
  { config, collection }: RunInput,
  collectionDigest: string,
): Promise<EncoderFolder> {
  const readme = modelCard({ result, config, collectionName: collection.name, collectionDigest });
  const folder = await finish(encoder.export({ model, config, readme }));
  await finish(encoder.close({ model }));
  return folder;
}

function writeModel({ files }: EncoderFolder, root: string): void {
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), bytes);
  }
}

async function experiment(args: Arguments): Promise<void> {
  const config = configOf(args);
  const folder = encoderFolder(args.encoder);
  const trainingSet: TrainingSet | undefined = args.train === undefined ? undefined : trainingFile(args.train);
  mkdirSync(args.out, { recursive: true });
  const { collection, summary } = await readCollection(args.data, args.out);
  console.log(`${collection.name}: ${summary.documents} documents, ${summary.queries} queries`);
  const input: RunInput = {
    collection,
    folder,
    engine: args.engine,
    config,
    checkpointEvery: Infinity,
    ...(trainingSet && { trainingSet }),
  };
  const { outcome, model, rankings } = await perform(input, summary.digest, args.out);
  for (const [file, content] of Object.entries(trecRuns(rankings))) writeFileSync(path.join(args.out, file), content);
  writeModel(model, path.join(args.out, "model"));
  const digests = { data: summary.digest, config: digestOf(config), encoder: encoderDigest(folder) };
  writeFileSync(
    path.join(args.out, "result.json"),
    `${JSON.stringify(resultJson(outcome.result, config, digests), undefined, 2)}\n`,
  );
  console.log(outcome.result.verdict);
}

export async function main(args: readonly string[]): Promise<number> {
  try {
    await experiment(argumentsOf(args));
    return 0;
  } catch (error) {
    console.error(isUserError(error) ? error.message : error);
    return isUserError(error) ? 2 : 1;
  }
}
