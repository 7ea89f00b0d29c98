/**
 * The headless runner: the same stages as the page, in Node, so that a result can be reproduced and checked without a
 * browser.
 *
 *   npm run experiment -- [--data DIR|built-in] [--config FILE] --out DIR [--encoder DIR|NAME]
 *                         [--guide DIR|NAME] [--train FILE.jsonl] [--engine cpu|webgpu] [--seed N]
 *   npm run experiment -- --grid FILE --out DIR …     many runs and a table: see grid.ts
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
import type { RunProducts } from "../src/domain/run.ts";
import type { EncoderStages, ImportResult } from "../src/domain/stages.ts";
import type { StepReport, TrainingSet } from "../src/domain/training.ts";
import { modelCard } from "../src/export/card.ts";
import { run, type RunInput, type RunOutcome, type Services } from "../src/pipeline/run.ts";
import { createRetriever } from "../src/retrieval/service.ts";
import { createEncoder } from "../src/train/service.ts";
import { nodeEngines } from "./engines.ts";
import { BadArgument, collectionFiles, encoderFolder, rootOf, shipped, trainingFile } from "./files.ts";
import { runGrid, type GridHost } from "./grid.ts";
import { asksForGrid } from "./gridFile.ts";
import { narrate } from "./narrate.ts";
import { nodeGpu } from "./node-gpu.ts";
import { resultJson, trecRuns } from "./result.ts";
import { resultTable } from "./resultTable.ts";

const USAGE = `usage: npm run experiment -- --out DIR [--data DIR|built-in] [--config FILE] [--encoder DIR|NAME]
                             [--guide DIR|NAME] [--train FILE.jsonl] [--engine cpu|webgpu] [--seed N]
       npm run experiment -- --grid FILE --out DIR [--seeds N] [--steps N] [--data …] [--encoder …] [--guide …] [--engine …]
NAME: decoy-small (the default) or decoy-static`;

interface Arguments {
  readonly data: string;
  readonly encoder: string;
  /** The starting encoder where there is none. */
  readonly guide: string | undefined;
  readonly out: string;
  readonly config: string | undefined;
  readonly train: string | undefined;
  readonly engine: EngineKind;
  readonly seed: number | undefined;
}

function argumentsOf(args: readonly string[]): Arguments {
  const text = { type: "string" } as const;
  const options = {
    data: text,
    config: text,
    out: text,
    encoder: text,
    guide: text,
    train: text,
    engine: text,
    seed: text,
  };
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
  return {
    data: rootOf(shipped.data, values.data),
    encoder: rootOf(shipped.encoder, values.encoder),
    guide: values.guide === undefined ? undefined : rootOf(shipped.encoder, values.guide),
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

interface Performed {
  readonly outcome: RunOutcome;
  /** What the run made or was given. */
  readonly products: RunProducts;
  /** The trained encoder is still open here. */
  readonly encoder: EncoderStages;
}

const nodeServices = (): Services => ({
  encoder: createEncoder(nodeEngines),
  retriever: createRetriever({
    openGpu: async () => (await import("../src/retrieval/gpuSearch.ts")).openGpuSearch(await nodeGpu()),
  }),
});

/** One run; `out` gets its steps. */
async function perform(services: Services, input: RunInput, out: string): Promise<Performed> {
  const steps: StepReport[] = [];
  let products: RunProducts = input.products ?? {};
  const outcome = await finish(run(services, input), (report) => {
    narrate(report);
    if (report.kind === "step") steps.push(report.step);
    if (report.kind === "product") products = { ...products, [report.product.name]: report.product.value };
  });
  writeFileSync(path.join(out, "train.jsonl"), steps.map((step) => `${JSON.stringify(step)}\n`).join(""));
  return { outcome, products, encoder: services.encoder };
}

async function exported(
  { encoder, outcome: { model, result } }: Performed,
  { config, collection }: RunInput,
  collectionDigest: string,
): Promise<EncoderFolder> {
  const readme = modelCard({ result, config, collectionName: collection.name, collectionDigest });
  const folder = await finish(encoder.export({ model, config, readme }));
  await finish(encoder.close({ model }));
  return folder;
}

/** The runs of a grid share one engine and leave no encoder. */
function gridHost(): GridHost {
  const services = nodeServices();
  return {
    shipped,
    readCollection,
    async perform(input, out) {
      const { encoder, ...performed } = await perform(services, input, out);
      await finish(encoder.close({ model: performed.outcome.model }));
      return performed;
    },
  };
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
  const guide = args.guide === undefined ? undefined : encoderFolder(args.guide);
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
    ...(guide && { guide }),
    ...(trainingSet && { trainingSet }),
  };
  const performed = await perform(nodeServices(), input, args.out);
  const { result } = performed.outcome;
  const runs = trecRuns(performed.products);
  for (const [file, content] of Object.entries(runs)) writeFileSync(path.join(args.out, file), content);
  writeModel(await exported(performed, input, summary.digest), path.join(args.out, "model"));
  const digests = {
    data: summary.digest,
    config: digestOf(config),
    encoder: await encoderDigest(folder),
    guide: guide ? await encoderDigest(guide) : null,
  };
  writeFileSync(
    path.join(args.out, "result.json"),
    `${JSON.stringify(resultJson(result, config, digests), undefined, 2)}\n`,
  );
  const table = resultTable(result);
  writeFileSync(path.join(args.out, "table.md"), table);
  console.log(table);
}

export async function main(args: readonly string[]): Promise<number> {
  try {
    if (asksForGrid(args)) return await runGrid(args, gridHost());
    await experiment(argumentsOf(args));
    return 0;
  } catch (error) {
    console.error(isUserError(error) ? error.message : error);
    return isUserError(error) ? 2 : 1;
  }
}
