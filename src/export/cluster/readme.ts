/** README.md of the bundle. */
import { refusedKeys } from "./keys.ts";
import type { ClusterRecipe } from "./recipe.ts";

export interface ReadmeInput {
  readonly recipe: ClusterRecipe;
  readonly rows: number;
  readonly encoderBytes: number;
  /** Decoys that generate.py asks for; 0: it is not in the bundle. */
  readonly requests: number;
  readonly judged?: number;
  readonly documents?: number;
}

const number = (value: number): string => value.toLocaleString("en");
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const contents = ({ recipe, rows, encoderBytes, requests, judged, documents }: ReadmeInput): string =>
  [
    "| file | what it is |",
    "|---|---|",
    `| data/train.parquet | ${number(rows)} rows: anchor, positive, the negatives, and as JSON where each comes from |`,
    "| data/train.jsonl | the same rows, for where nothing reads Parquet |",
    judged === undefined
      ? "| data/beir | not in this bundle: there was nothing to measure by |"
      : `| data/beir | ${number(documents ?? 0)} documents and ${number(judged)} judgements of the split “${recipe.evaluate?.split}”, as BEIR has them |`,
    `| encoder | the encoder that the run started from, ${megabytes(encoderBytes)} |`,
    "| recipe.json | the recipe with every default filled in, and what train.py does with each key |",
    "| train.py | trains, measures before and after, saves the folder |",
    requests > 0
      ? `| generate.py, requests.jsonl | asks for decoys: ${number(requests)} requests, as the page would ask them |\n| checks.py, writing.json, documents.jsonl | the page's checks of the answers, and the documents that none may copy |`
      : "| generate.py | not in this bundle: nothing was there to ask for, or the prompt recipe asks in two turns |",
  ].join("\n");

const commands = (requests: number): string => `One GPU (uv reads what train.py needs from its first lines):

    uv run train.py

The GPUs of one machine (after pip install "sentence-transformers[train]" pyarrow):

    torchrun --nproc-per-node 8 train.py

Several machines, the same command on each, N from 0 on:

    accelerate launch --multi_gpu --num_machines 4 --num_processes 32 --machine_rank N --main_process_ip HOST --main_process_port 29500 train.py
${
  requests > 0
    ? `
More decoys, with vLLM and Ray Data, on this machine or on the Ray cluster that it is part of:

    uv run generate.py --model Qwen/Qwen2.5-7B-Instruct

or by any endpoint that speaks OpenAI's protocol, with Python alone:

    python3 generate.py --endpoint http://localhost:8000/v1 --model NAME

What passes goes to negatives.jsonl: put it beside the collection's corpus.jsonl and queries.jsonl and open them in Decoy. The provider
“recorded” judges it there once more. Only answers that are JSON as asked for pass; the page mends others, generate.py asks again.
`
    : ""
}
Before a long run, whether the first loss is the page's (to 0.0001):

    uv run train.py --check-first-step
`;

const same = `The rows and their order, so also every batch: the program has the page's random numbers. Token ids, prefixes, lengths, pooling.
The loss with all that recipe.json marks as honoured, over the whole batch however many processes share it: each encodes a part of
the texts, the vectors are brought together, and the loss and its gradient are those of one process. AdamW (matrices decay,
vectors do not), clipping, warmup and schedule. nDCG@10 by trec_eval's formula.`;

const different = `The last bits: other hardware adds up in another order, and training carries that on. Dropout draws other numbers. Several
processes must get the same recipe; \`batchSize\` is that of all of them together. The texts of one batch are encoded at once,
so where memory is short lower \`batchSize\` or take more processes: what the recipe says of memory is not needed here. Where
nDCG@10 is measured, equal scores may be ordered otherwise, and only the encoder alone is measured. With --plain there are BERT and
static encoders only.

Decoy's own tests run train.py with --plain, in one process and in two, and generate.py with an endpoint. They do not run
sentence-transformers' trainer, vLLM and Ray Data, which are used as their documentation says: compare the first loss before you
rely on it.`;

function pageLine({ page }: ClusterRecipe): string {
  const { firstLoss, "ndcg@10": ndcg } = page;
  return [
    firstLoss === undefined ? "" : `The page's first step had a loss of ${firstLoss.toFixed(6)}.`,
    ndcg ? `It measured nDCG@10 ${ndcg.before.toFixed(4)} before and ${ndcg.after.toFixed(4)} after training.` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

function refusedPart({ recipe }: ClusterRecipe): string {
  const problems = refusedKeys(recipe);
  if (problems.length === 0) return "train.py does all that this recipe asks for.";
  return `**train.py stops until recipe.json is changed**; it does not do:\n\n${problems.map((each) => `- ${each}`).join("\n")}`;
}

export function clusterReadme(input: ReadmeInput): string {
  const { recipe, requests } = input;
  const { run } = recipe;
  return `# ${run.encoder} on ${run.collection}, continued

The run “${run.name}” of Decoy, ready for more than one machine. ${pageLine(recipe)}

${contents(input)}

${refusedPart(recipe)}

## Run it

${commands(requests)}
## What is the same as in the page

${same}

## What is not

${different}

## Licence

train.py and generate.py: Apache-2.0, as Decoy. The encoder has its own licence, the texts have that of their collection (SHA-256
${run.collectionSha256}), and what a language model writes is under its terms.
`;
}
