import { expect, test } from "vitest";
import { queryId } from "../../../src/domain/ids.ts";
import { ModelFailed } from "../../../src/domain/languageModel.ts";
import { openRecorded } from "../../../src/synthesis/providers/recorded.ts";
import { patiently, request, unstopped } from "../../support/requests.ts";

const base = { source: "synthetic", title: "" } as const;
const recorded = [
  { ...base, queryId: queryId("q1"), text: "First." },
  { ...base, queryId: queryId("q2"), text: "Other." },
  {
    ...base,
    queryId: queryId("q1"),
    title: "T",
    text: "Second.",
    reasoning: { positive: "because", shares: "words", lacks: "the answer" },
  },
];

const about = (id: string, index: number) => request({ about: { queryId: id, index } });

test("gives back the negatives of a query in their order, in the form of an answer", async () => {
  const model = openRecorded(recorded);
  const first = await model.complete(about("q1", 0), patiently);
  expect(JSON.parse(first.text)).toEqual({ hard_negative_document: "First." });
  expect(first).toMatchObject({ finish: "stop", counted: false });
  const second = await model.complete(about("q1", 1), patiently);
  expect(Object.entries(JSON.parse(second.text) as object)).toEqual([
    ["answer_because", "because"],
    ["shares", "words"],
    ["lacks", "the answer"],
    ["title", "T"],
    ["hard_negative_document", "Second."],
  ]);
  expect(model.info).toMatchObject({ provider: "recorded", reproducible: true, leavesTab: false });
});

test.each([
  ["q1", 2, /no recorded answer 3 for query q1; it has 2/u],
  ["q9", 0, /no recorded answer 1 for query q9; it has 0/u],
])("where there is none, for %s at %i, it fails and says what there is", async (id, index, words) => {
  const failed = openRecorded(recorded).complete(about(id, index), patiently);
  await expect(failed).rejects.toThrow(ModelFailed);
  await expect(failed).rejects.toThrow(words);
});

test("a stop and a close are heard", async () => {
  const model = openRecorded(recorded);
  const stopped = AbortSignal.abort();
  await expect(model.complete(about("q1", 0), { signal: stopped, stallAfter: 1 })).rejects.toThrow(/stopped/u);
  await model.close();
  await model.close();
  await expect(model.complete(about("q1", 0), { signal: unstopped(), stallAfter: 1 })).rejects.toThrow(/closed/u);
});
