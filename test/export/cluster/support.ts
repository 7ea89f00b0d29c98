/** A run small enough for PyTorch to follow, and its bundle in a folder. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { planBatches } from "../../../src/data/batches.ts";
import type { Collection } from "../../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../../src/domain/config.ts";
import type { EncoderFolder } from "../../../src/domain/encoder.ts";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import type { NegativeSource } from "../../../src/domain/negative.ts";
import type { StepReport, TrainingSet } from "../../../src/domain/training.ts";
import { createCpuEngine } from "../../../src/encoder/cpu.ts";
import { openFolder } from "../../../src/encoder/folder.ts";
import { clusterFiles, type ClusterInput } from "../../../src/export/cluster/bundle.ts";
import type { DataFile } from "../../../src/export/files/file.ts";
import { tokenizeFor } from "../../../src/train/tokenize.ts";
import { train } from "../../../src/train/train.ts";
import { tinyEncoder } from "../../support/encoder.ts";
import { pythonEnv } from "../../support/python.ts";

const documents = [
  "The tide follows the moon.",
  "Salt stays when the sea dries on the mat!",
  "The dog ran; the cat sat.",
  "Moon over the sea, the salt sea",
  "A mat on the sea ran dry",
  "cat cat dog, tide & salt",
  "Ünrelated wörds: moonlight 42",
  "The dog sat on the moon",
  "the sea the sea the sea the sea the sea the sea the sea the sea the sea the sea the sea the sea the sea",
];
const queries = ["why tide", "what is salt", "who ran", "where sat the cat", "moon"];

/** [query, positive, ...[document, source]] */
const rows: readonly (readonly [number, number, ...(readonly [number, NegativeSource])[]])[] = [
  [0, 0, [3, "synthetic"], [5, "bm25"]],
  [1, 1, [4, "bm25"], [3, "synthetic"]],
  [2, 2, [7, "bm25"]],
  [3, 2, [7, "human"], [5, "synthetic"], [0, "dense"]],
  [4, 3],
  [0, 3, [6, "synthetic"], [8, "bm25"]],
  [1, 5, [8, "given"]],
];

export const trainingSet: TrainingSet = {
  queries,
  documents,
  rows: rows.map(([query, positive, ...negatives]) => ({
    query,
    positive,
    negatives: negatives.map(([document, source]) => ({ document, source })),
  })),
  topics: [0, 1, 0, 1, 0, 0, 1],
};

export const collection: Collection = {
  name: "Tides",
  documents: documents.map((text, i) => ({ id: documentId(`d${i}`), title: i === 3 ? "Seas" : "", text })),
  queries: queries.map((text, i) => ({ id: queryId(`q${i}`), text })),
  judgements: {
    train: [{ queryId: queryId("q0"), documentId: documentId("d0"), grade: 1 }],
    test: [
      { queryId: queryId("q2"), documentId: documentId("d2"), grade: 2 },
      { queryId: queryId("q2"), documentId: documentId("d7"), grade: 1 },
      { queryId: queryId("q4"), documentId: documentId("d3"), grade: 1 },
    ],
  },
  negatives: [],
};

/** What the page's CPU engine makes of the recipe. */
export async function pageSteps(
  input: ConfigInput,
  folder: EncoderFolder = tinyEncoder(),
): Promise<readonly StepReport[]> {
  const config = parseConfig(input);
  const engine = await createCpuEngine();
  const opened = openFolder(folder);
  const { shape, pooling } = opened.card;
  const model = await engine.createModel({ shape, pooling: config.pooling ?? pooling, weights: opened.weights });
  const steps: StepReport[] = [];
  const stage = train(model, {
    data: trainingSet,
    config,
    tokenize: tokenizeFor(opened, config),
    checkpointEvery: 1e6,
    ahead: 1,
    peakBytes: () => 0,
  });
  for await (const report of stage) if (report.kind === "step") steps.push(report.step);
  model.dispose();
  engine.dispose();
  return steps;
}

/** What a bundle of the recipe is made of. */
export type BundleInput = Omit<ClusterInput, "folder"> & { readonly folder: EncoderFolder };

export function bundleInput(input: ConfigInput, changes: Partial<BundleInput> = {}): BundleInput {
  const config = parseConfig(input);
  const folder = tinyEncoder();
  const { batchTokens: _, ...bySize } = config;
  return {
    run: { name: "a run", collection: "Tides", collectionSha256: "0".repeat(64), encoder: "tiny" },
    config,
    card: openFolder(folder).card,
    page: { firstBatch: planBatches(trainingSet.rows.length, bySize, trainingSet.topics).rows(0) },
    rows: { trainingSet, collection },
    folder,
    measured: { split: "test", collection, judgements: collection.judgements["test"] ?? [] },
    ...changes,
  };
}

export async function bytesOf(file: DataFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bundle in a folder of its own under `root`. */
export async function written(root: string, input: ClusterInput): Promise<string> {
  const folder = mkdtempSync(path.join(root, "bundle-"));
  for (const file of clusterFiles(input)) {
    const at = path.join(folder, file.name);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, await bytesOf(file));
  }
  return folder;
}

export const newRoot = (): string => mkdtempSync(path.join(os.tmpdir(), "decoy-cluster-"));

export interface Ran {
  readonly status: number | null;
  /** Each line of standard output that is JSON. */
  readonly lines: readonly unknown[];
  readonly errors: string;
}

export function runPython(python: string, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(python, args, { env: pythonEnv, encoding: "utf8", timeout: 120_000 });
  return { status, lines: jsonLines(stdout), errors: stderr };
}

const jsonLines = (text: string): readonly unknown[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): unknown => JSON.parse(line));

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** The program in several processes that find each other, as torchrun starts them; what the first one prints. */
export async function runTogether(python: string, args: readonly string[], processes: number): Promise<Ran> {
  const port = await freePort();
  const common = { ...pythonEnv, WORLD_SIZE: `${processes}`, MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}` };
  const started = Array.from({ length: processes }, (_, rank) => {
    const env = { ...common, RANK: `${rank}`, LOCAL_RANK: `${rank}` };
    const child = spawn(python, args, { env, timeout: 120_000 });
    const told = { out: "", errors: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (told.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (told.errors += text));
    return once(child, "close").then(([status]) => ({ ...told, status: status as number | null }));
  });
  const ended = await Promise.all(started);
  const status = ended.find((one) => one.status !== 0)?.status ?? 0;
  return { status, lines: jsonLines(ended[0]?.out ?? ""), errors: ended.map(({ errors }) => errors).join("") };
}

const each = `
import json, runpy, sys
folders, options = json.loads(sys.argv[1]), sys.argv[2:]
for folder in folders:
    print(json.dumps({"folder": folder}), flush=True)
    sys.argv = [folder + "/train.py", *options]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            print(json.dumps({"failed": str(end.code)}), flush=True)
`;

/** train.py of each folder, one after another in one process: PyTorch takes longer to load than these take to train. */
export function runEach(python: string, folders: readonly string[], options: readonly string[]): readonly Ran[] {
  const { status, lines, errors } = runPython(python, ["-c", each, JSON.stringify(folders), ...options]);
  const starts = lines.flatMap((line, at) => (line !== null && typeof line === "object" && "folder" in line ? at : []));
  return starts.map((start, i) => ({ status, errors, lines: lines.slice(start + 1, starts[i + 1]) }));
}
