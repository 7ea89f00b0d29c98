/** generate.py against an endpoint on this machine, whose answers the page's own checks judge too. */
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentText } from "../../../src/domain/collection.ts";
import { parseGeneration } from "../../../src/domain/generation.ts";
import type { WritingInput } from "../../../src/export/cluster/writing.ts";
import { beirFiles } from "../../../src/export/files/beir.ts";
import { promptFor } from "../../../src/synthesis/prompt.ts";
import { handOver } from "../../../src/synthesis/handOver.ts";
import { judgeAnswerText } from "../../../src/synthesis/answer.ts";
import { importFiles } from "../../data/import.ts";
import { bytesOf, bundleInput, collection, newRoot, runTogether, written } from "./support.ts";

const python = ["python3", "/usr/bin/python3"].find((command) => spawnSync(command, ["--version"]).status === 0);
if (python === undefined) console.log("skipped: no python3 (generate.py was not run)");

const root = newRoot();
afterAll(() => rmSync(root, { recursive: true }));

const generation = parseGeneration({ perQuery: 2, retries: 2, domains: ["Oceans", "Pets"], seed: 3 });
const positive = {
  id: collection.documents[0]?.id ?? ("" as never),
  title: "",
  text: "Honey keeps for years because it holds very little free water and a great deal of sugar. Bacteria and yeasts that land in it lose their own water to the sugar and cannot grow.",
};
const topics = collection.queries.slice(0, 2).map((query) => ({ query, positive, found: [] }));

const reflected = {
  answer_because: "It says why.",
  shares: "Both are about honey.",
  lacks: "It says nothing of keeping.",
};
const passage = (about: string): string =>
  `Set honey turns thick and pale when its glucose forms crystals in a cool ${about}. Beekeepers warm the jar in a water bath and stir in seed crystals so that it sets smooth instead of gritty.`;
const answerWith = (text: string): string =>
  JSON.stringify({
    ...reflected,
    draft: "A first draft of it.",
    critique: "It is fine.",
    hard_negative_document: text,
  });

/** In the order in which they are asked for: what the model says to each request. */
const first = answerWith(
  "Beekeepers of the coast heat their hives with driftwood while **gulls** look on, and nobody has yet counted how many winters a colony survives on heather alone.",
);
const answers: Readonly<Record<string, readonly string[]>> = {
  q0: ["I am sorry, but I cannot write that.", answerWith(passage("pantry")), first],
  q1: [answerWith(positive.text), "{", answerWith("Too short.")],
};

interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly seed: number;
  readonly response_format?: { readonly json_schema: { readonly schema: unknown } };
}
const asked: Asked[] = [];
const given: Record<string, number> = {};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  const told = JSON.parse(body) as Asked;
  asked.push(told);
  const query = told.messages[1]?.content.includes(collection.queries[0]?.text ?? "?") ? "q0" : "q1";
  const at = (given[query] = (given[query] ?? 0) + 1) - 1;
  const content = answers[query]?.[at] ?? "";
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ choices: [{ message: { content }, finish_reason: "stop" }] }));
}
const server = createServer((request, response) => void answer(request, response));
beforeAll(() => once(server.listen(0, "127.0.0.1"), "listening"));
afterAll(() => once(server.close(), "close"));

const writing: WritingInput = {
  settings: { recipe: "syneg", reflection: true, temperature: 0.7, topP: 0.95, maxTokens: 900 },
  ...handOver(topics, generation),
  documents: collection.documents.map((document) => ({ id: document.id, text: documentText(document) })),
};

const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.skipIf(python === undefined)("generate.py with an endpoint", () => {
  let folder: string;
  const run = () => {
    const { port } = server.address() as AddressInfo;
    const options = ["--endpoint", `http://127.0.0.1:${port}/v1`, "--model", "small", "--concurrency", "1"];
    return runTogether(python ?? "", [path.join(folder, "generate.py"), ...options], 1);
  };

  beforeAll(async () => {
    folder = await written(root, bundleInput({}, { writing }));
  });

  test("asks what the page would ask, with its seeds and schemas, again where an answer did not pass", async () => {
    const { status, errors } = await run();
    expect(status, errors).toBe(0);
    const wanted = [1, 2, 3].flatMap((attempt) =>
      [0, 1].flatMap((index) => topics.map((topic) => promptFor(topic, generation, { index, attempt }))),
    );
    for (const { messages, seed, response_format } of asked) {
      const same = wanted.find((prompt) => prompt.seed === seed);
      expect(messages).toEqual(same?.messages);
      expect(response_format?.json_schema.schema).toEqual(same?.schema);
    }
    expect(asked.map(({ seed }) => seed).slice(0, 4)).toEqual(wanted.slice(0, 4).map(({ seed }) => seed));
    // q0: a refusal, a passage, another passage; q1: what is empty is asked for until no seed is left.
    expect(asked).toHaveLength(4 + 3 + 2);
    // Each try of each has a seed of its own.
    expect(new Set(asked.map(({ seed }) => seed)).size).toBe(asked.length);
  });

  test("keeps what the page's checks let through, and says of the rest why not", () => {
    const good = lines(path.join(folder, "negatives.jsonl"));
    const bad = lines(path.join(folder, "rejected.jsonl"));
    expect(good.map(({ query_id, text, outcome }) => [query_id, text, outcome])).toEqual([
      ["q0", passage("pantry"), "accepted"],
      ["q0", (JSON.parse(first) as Record<string, string>)["hard_negative_document"]?.replaceAll("*", ""), "repaired"],
    ]);
    for (const row of bad) {
      const query = collection.queries.find(({ id }) => id === row["query_id"])?.text ?? "";
      const input = {
        answer: String(row["answer"]),
        finish: "stop",
        reflection: true,
        query,
        positive,
        similar: [],
      } as const;
      const page = judgeAnswerText(input);
      expect(page.outcome).toBe("rejected");
      // JSON that is broken or missing is all one to generate.py.
      if (input.answer.startsWith("{") && input.answer.length > 1)
        expect(row["notes"]).toEqual(page.notes.map(({ flaw, text }) => [flaw, text]));
    }
  });

  test("what passed is not asked for again", async () => {
    const before = asked.length;
    await run();
    expect(asked.slice(before)).toHaveLength(2 * 3);
    expect(lines(path.join(folder, "negatives.jsonl"))).toHaveLength(2);
  });

  test("the page reads negatives.jsonl with its provenance", async () => {
    const files: Record<string, string> = {
      "negatives.jsonl": readFileSync(path.join(folder, "negatives.jsonl"), "utf8"),
    };
    for (const file of beirFiles({ ...collection, negatives: [] }))
      files[file.name] = new TextDecoder().decode(await bytesOf(file));
    const { negatives } = (await importFiles(files)).collection;
    expect(negatives).toEqual(
      lines(path.join(folder, "negatives.jsonl")).map((row) => ({
        queryId: row["query_id"],
        source: "synthetic",
        title: "",
        text: row["text"],
        reasoning: { positive: "It says why.", shares: "Both are about honey.", lacks: "It says nothing of keeping." },
        attributes: row["attributes"],
        model: "small",
        recipe: "syneg",
      })),
    );
  });
});
