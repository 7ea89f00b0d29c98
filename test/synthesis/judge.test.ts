import { expect, test, vi } from "vitest";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { ModelFailed, ModelStalled, ProviderRefused } from "../../src/domain/languageModel.ts";
import type { JudgeInput, JudgeReport } from "../../src/domain/synthesis.ts";
import { judge } from "../../src/synthesis/judge.ts";
import { scriptedModel } from "../support/scriptedModel.ts";

const item = (i: number): JudgeInput["items"][number] => ({
  query: { id: queryId(`q${i}`), text: `why is the sea salt, ${i}` },
  positive: { id: documentId(`d${i}`), title: "", text: "Rivers carry salt to the sea." },
  passage: { title: "", text: `The tide rises twice a day, ${i}.` },
});
const items = (count: number) => Array.from({ length: count }, (_, i) => item(i));
const says = (answers: unknown, reason: unknown = "It tells of tides.") => JSON.stringify({ reason, answers });

async function judged(input: Pick<JudgeInput, "items" | "model"> & Partial<JudgeInput>) {
  const reports: JudgeReport[] = [];
  for await (const report of judge({ signal: new AbortController().signal, ...input })) reports.push(report);
  return reports;
}

test("an answer is relabelled, a part of one dropped, and what does not answer stays", async () => {
  const model = scriptedModel([says("yes"), says("partly"), says("no")], { id: "Judge-1B" });
  const by = "judge Judge-1B";
  expect(await judged({ items: items(3), model })).toEqual([
    { item: 0, verdict: { action: "relabel", reason: "Answers the query: yes. It tells of tides.", by } },
    { item: 1, verdict: { action: "drop", reason: "Answers the query: partly. It tells of tides.", by } },
    { item: 2, verdict: { action: "keep", reason: "Answers the query: no. It tells of tides.", by } },
  ]);
  expect(model.requests[2]?.messages.at(-1)?.content).toContain("twice a day, 2");
});

test.each([
  ["in other words", says("Yes."), "relabel"],
  ["as a truth value", says(true), "relabel"],
  ["in capitals", says("PARTLY"), "drop"],
  ["inside other text", `Let me see.\n\`\`\`json\n${says("no")}\n\`\`\``, "keep"],
  ["without a reason", '{"answers": "yes"}', "relabel"],
  ["with a reason that is none", says("yes", { deep: [1] }), "relabel"],
  ["after another object", `{"query": "why"} ${says("partly")}`, "drop"],
])("reads a verdict %s", async (_, answer, action) => {
  const model = scriptedModel([answer]);
  expect(await judged({ items: items(1), model })).toMatchObject([{ verdict: { action } }]);
  expect(model.requests.length).toBe(1);
});

test("control characters and endless reasons do not come through", async () => {
  const [report] = await judged({
    items: items(1),
    model: scriptedModel([says("yes", `Line\n\u0000\u001b[31m two ${"on and on ".repeat(200)}`)]),
  });
  expect(report?.verdict.reason).toMatch(/^Answers the query: yes\. Line \[31m two on and on/);
  expect(report?.verdict.reason.length).toBeLessThanOrEqual(400);
});

test("an answer that cannot be read is asked for once more, with room to differ", async () => {
  const model = scriptedModel(["Hm.", says("yes")]);
  expect(await judged({ items: items(1), model })).toMatchObject([{ verdict: { action: "relabel" } }]);
  const [first, second] = model.requests;
  expect([first?.temperature, second?.seed === first?.seed]).toEqual([0, false]);
  expect(second?.temperature).toBeGreaterThan(0);
});

test.each([
  ["prose", "Yes, it answers the query."],
  ["the schema", '{"type":"object","properties":{"answers":{"enum":["yes","partly","no"]}}}'],
  ["another word", says("maybe")],
  ["all words", says(["yes", "no"])],
  ["an inherited member", '{"__proto__":{"answers":"yes"}}'],
  ["nothing", ""],
  ["brackets without end", "[{".repeat(50_000)],
])("two unusable answers keep the passage and say so: %s", async (_, answer) => {
  const model = scriptedModel([answer]);
  const [report] = await judged({ items: items(1), model });
  expect(report?.verdict).toMatchObject({ action: "keep", by: "judge scripted" });
  expect(report?.verdict.reason).toContain("Kept unjudged: no verdict in 2 tries.");
  expect(model.requests.length).toBe(2);
});

test("a failed request is tried again; five in a row end it; a refusal ends it at once", async () => {
  const stalled = new ModelStalled("No token for 60 seconds.");
  const once = scriptedModel([stalled, says("no")]);
  expect(await judged({ items: items(1), model: once })).toMatchObject([{ verdict: { action: "keep" } }]);
  const dead = scriptedModel([new ModelFailed("Out of memory.")]);
  const stage = judge({ items: items(9), model: dead, signal: new AbortController().signal });
  const reports: JudgeReport[] = [];
  await expect(
    (async () => {
      for await (const report of stage) reports.push(report);
    })(),
  ).rejects.toMatchObject({ name: "ModelFailed", message: expect.stringContaining("Out of memory.") as string });
  expect(reports.map(({ verdict }) => verdict.reason)).toEqual(
    [1, 2].map(() => "Kept unjudged: no verdict in 2 tries. Out of memory."),
  );
  expect(dead.requests.length).toBe(5);
  const refused = new ProviderRefused("No key.");
  const model = scriptedModel([refused]);
  await expect(judged({ items: items(3), model })).rejects.toBe(refused);
  expect(model.requests.length).toBe(1);
});

test("several at once, each report with its item, in the order in which they are done", async () => {
  const model = scriptedModel(
    async ({ about }) => {
      if (about.queryId === "q0") await vi.waitFor(() => expect(model.requests.length).toBe(6));
      return says(about.queryId === "q4" ? "yes" : "no");
    },
    { concurrency: 2 },
  );
  const reports = await judged({ items: items(6), model });
  expect(reports.map(({ item }) => item).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(reports[0]?.item).toBe(1);
  expect(reports.filter(({ verdict }) => verdict.action === "relabel")).toMatchObject([{ item: 4 }]);
  expect(model.most()).toBe(2);
});

test("a stop ends the answer under way, and a pause holds the next request back", async () => {
  const stop = new AbortController();
  const hanging = scriptedModel(["hang"]);
  const waiting = judged({ items: items(2), model: hanging, signal: stop.signal });
  await vi.waitFor(() => expect(hanging.underWay()).toBe(1));
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  expect(hanging.underWay()).toBe(0);

  const model = scriptedModel([says("no")]);
  const stage = judge({ items: items(3), model, signal: new AbortController().signal });
  await stage.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(model.requests.length).toBe(1);
  await stage.return();
});
