import { describe, expect, it } from "vitest";
import type { App } from "../../src/app/app.ts";
import { trainingRows, writtenRows } from "../../src/app/decoys.ts";
import { keepDraft, writtenNegatives } from "../../src/app/drafts.ts";
import { setGenerationFields } from "../../src/app/generationForm.ts";
import { judgeDrafts, judgeFound, suggestDomains } from "../../src/app/judging.ts";
import { memoryStore } from "../../src/app/memoryStore.ts";
import { keepOwn, ownDecoysOf, ownTopic, removeOwn, writeOwnFor } from "../../src/app/ownDecoys.ts";
import {
  acceptDraft,
  chooseFilter,
  editDraft,
  keepEdit,
  moveReview,
  rejectDraft,
  reviewCounts,
  reviewed,
  undoReview,
} from "../../src/app/review.ts";
import { startRun } from "../../src/app/run.ts";
import { topicsOf } from "../../src/app/topics.ts";
import { keepQueries, writeQueries } from "../../src/app/writeQueries.ts";
import { present } from "../../src/base/assert.ts";
import { queryId } from "../../src/domain/ids.ts";
import { collection, fakeApp, scripted, until } from "./fakes.ts";
import { asking, draftOf, fakeModel, neighbours } from "./fakeSynthesis.ts";

const now = (): Date => new Date(0);

/** An app with a stored draft for each of the four queries. */
async function withDrafts() {
  const model = fakeModel();
  const store = memoryStore(now);
  const { pipeline, log } = scripted([]);
  const app = await fakeApp({ synthesis: model.synthesis, neighbours, store, pipeline, collection: asking });
  await app.drafts.loaded;
  setGenerationFields(app, { provider: "endpoint", endpointModel: "small" });
  for (const topic of topicsOf(asking)) await keepDraft(app, app.collections.selected.value, draftOf(topic));
  return { app, model, store, inputs: log.inputs };
}

const keyShown = (app: App) => reviewed(app)?.draft.key;
const storedDrafts = ({ deps, collections }: App) => deps.store.listDrafts(collections.selected.value);

describe("review", () => {
  it("stores each decision at once and goes on to the next draft", async () => {
    const { app } = await withDrafts();
    expect(reviewed(app)).toMatchObject({ position: 0, total: 4, topic: { query: { text: "why q1" } } });
    await acceptDraft(app);
    expect((await storedDrafts(app))[0]).toMatchObject({ review: { decision: "accepted" } });
    expect(keyShown(app)).toBe("q2 0");
    await rejectDraft(app);
    expect((await storedDrafts(app))[1]).toMatchObject({ review: { decision: "rejected" } });
    expect(reviewed(app)).toMatchObject({ draft: { key: "q3 0" }, position: 0, total: 2 });
    expect(reviewCounts(app)).toEqual({ accepted: 1, rejected: 1, open: 2 });
  });

  it("takes decisions back, the last one first", async () => {
    const { app } = await withDrafts();
    await acceptDraft(app);
    await rejectDraft(app);
    await undoReview(app);
    expect(keyShown(app)).toBe("q2 0");
    await undoReview(app);
    expect(keyShown(app)).toBe("q1 0");
    expect((await storedDrafts(app)).map(({ review }) => review)).toEqual(Array(4).fill(undefined));
    await undoReview(app);
    expect(keyShown(app)).toBe("q1 0");
  });

  it("moves within its queue and shows what was decided too, where that is wanted", async () => {
    const { app } = await withDrafts();
    moveReview(app, -1);
    expect(keyShown(app)).toBe("q1 0");
    moveReview(app, 3);
    moveReview(app, 1);
    expect(keyShown(app)).toBe("q4 0");
    await acceptDraft(app);
    expect(keyShown(app)).toBe("q3 0");
    chooseFilter(app, "all");
    expect(reviewed(app)?.total).toBe(4);
    chooseFilter(app, "doubtful");
    expect(reviewed(app)).toBeUndefined();
  });

  it("keeps changed words as accepted, with the words from before, however often they change", async () => {
    const { app } = await withDrafts();
    for (const text of ["Better words.", "Best words."]) {
      chooseFilter(app, "all");
      app.review.current.value = "q1 0";
      editDraft(app);
      app.review.editing.value = { title: " New ", text };
      await keepEdit(app);
    }
    expect((await storedDrafts(app))[0]).toMatchObject({
      title: "New",
      text: "Best words.",
      review: { decision: "accepted", before: { title: "", text: "A decoy for why q1." } },
    });
    app.review.current.value = "q1 0";
    editDraft(app);
    app.review.editing.value = { title: "", text: "  " };
    await keepEdit(app);
    expect((await storedDrafts(app))[0]?.text).toBe("Best words.");
  });

  it("decides what a run gets", async () => {
    const { app, inputs, store } = await withDrafts();
    const id = app.collections.selected.value;
    await rejectDraft(app);
    const third = present((await storedDrafts(app))[2], "the third draft");
    const judged = { action: "relabel", reason: "It answers.", by: "judge small" } as const;
    await keepDraft(app, id, { ...third, title: "T", judged });
    const found = { queryId: queryId("q1"), documentId: present(asking.documents[1], "d2").id, ...judged };
    await store.putVerdicts(id, [found]);
    await startRun(app);
    expect(inputs[0]?.collection.negatives.map(({ text }) => text)).toEqual([
      "A decoy for why q2.",
      "A decoy for why q4.",
    ]);
    expect(inputs[0]).toMatchObject({
      positives: [{ queryId: "q3", text: "T A decoy for why q3." }],
      verdicts: [found],
    });
  });
});

it("a recorded answer that was rejected or changed is no negative of the collection either", () => {
  const [topic] = topicsOf(collection);
  const [own] = collection.negatives;
  const draft = draftOf(present(topic, "a topic"), { title: own?.title ?? "", text: own?.text ?? "" });
  const review = { decision: "rejected", at: "" } as const;
  expect(writtenNegatives(collection, [])).toEqual(collection.negatives);
  expect(writtenNegatives(collection, [draft])).toHaveLength(1);
  expect(writtenNegatives(collection, [{ ...draft, review }])).toEqual([]);
  const before = { title: draft.title, text: draft.text };
  const edited = { ...draft, text: "Other words.", review: { decision: "accepted", before, at: "" } } as const;
  expect(writtenNegatives(collection, [edited]).map(({ text }) => text)).toEqual(["Other words."]);
});

describe("the rows", () => {
  const [topic] = topicsOf(collection);
  const draft = draftOf(present(topic, "a topic"), {
    text: "Waves break.",
    reasoning: { positive: "p", shares: "s", lacks: "l" },
    review: { decision: "rejected", at: "" },
  });

  it("show drafts beside what came with the collection, those left out with the reason", () => {
    const useless = { ...draft, key: "x", outcome: "rejected", text: "I cannot." } as const;
    const [row] = writtenRows(collection, 0, { drafts: [draft, useless], verdicts: [] });
    expect(row?.decoys.map(({ text, verdict }) => [text, verdict?.action])).toEqual([
      ["A table lists times.", undefined],
      ["Waves break.", "drop"],
    ]);
  });

  it("of a run show score, rank, reasoning and the verdict on a found one", () => {
    const verdict = { action: "relabel", reason: "It says so.", by: "judge small" } as const;
    const verdicts = [
      { ...verdict, queryId: queryId("q1"), documentId: present(collection.documents[1], "d2").id },
      { ...verdict, queryId: queryId("other"), documentId: present(collection.documents[0], "d1").id },
    ];
    const set = {
      queries: ["why tides"],
      documents: ["Tides The moon pulls the sea.", "Waves break.", "Frost breaks pipes."],
      rows: [
        {
          query: 0,
          positive: 0,
          negatives: [
            { document: 1, source: "synthetic" },
            { document: 2, source: "bm25", score: 3.5, rank: 2 },
            { document: 0, source: "random" },
          ],
        },
      ],
    } as const;
    const [row] = trainingRows(set, collection, 0, { drafts: [draft], verdicts });
    expect(row).toMatchObject({
      queryId: "q1",
      decoys: [
        { reasoning: { lacks: "l" }, verdict: { action: "drop", by: "person" } },
        { score: 3.5, rank: 2, verdict: { action: "relabel" } },
        { verdict: undefined },
      ],
    });
  });
});

describe("a person's own decoys", () => {
  it("are kept when they pass the checks, and the recipe comes to take them", async () => {
    const { app, inputs } = await withDrafts();
    writeOwnFor(app, queryId("q2"));
    expect(app.decoys.view.value).toBe("own");
    app.own.text.value = " Tides in a teacup. ";
    await keepOwn(app);
    expect(ownDecoysOf(app, present(ownTopic(app), "the topic"))).toMatchObject([
      { source: "human", text: "Tides in a teacup.", queryId: "q2" },
    ]);
    expect(app.own.text.value).toBe("");
    expect(app.recipe.fields.value.humanCount).toBe("1");
    await startRun(app);
    expect(inputs[0]?.collection.negatives.filter(({ source }) => source === "human")).toHaveLength(1);
  });

  it("stay in the form with the reason when they do not", async () => {
    const { app } = await withDrafts();
    app.own.text.value = "The moon pulls the sea.";
    await keepOwn(app);
    expect(app.own.refused.value?.notes).toMatchObject([{ flaw: "copiesPositive" }]);
    expect(app.own.text.value).toBe("The moon pulls the sea.");
    expect(await storedDrafts(app)).toHaveLength(4);
  });

  it("can be removed, and brought back", async () => {
    const { app } = await withDrafts();
    app.own.text.value = "Tides in a teacup.";
    await keepOwn(app);
    const topic = present(ownTopic(app), "the topic");
    await removeOwn(app, present(ownDecoysOf(app, topic)[0], "the decoy"));
    expect(ownDecoysOf(app, topic)).toEqual([]);
    expect(await storedDrafts(app)).toHaveLength(4);
    app.notices.value.at(-1)?.action?.act();
    await until(() => ownDecoysOf(app, topic).length === 1);
    expect(await storedDrafts(app)).toHaveLength(5);
  });
});

describe("the judge", () => {
  it("looks at the drafts that nobody has looked at, and its word is stored", async () => {
    const { app, model } = await withDrafts();
    await acceptDraft(app);
    await judgeDrafts(app);
    expect(model.log.judged).toEqual(["A decoy for why q2.", "A decoy for why q3.", "A decoy for why q4."]);
    const actions = (await storedDrafts(app)).map(({ judged }) => judged?.action);
    expect(actions).toEqual([undefined, "relabel", "keep", "keep"]);
    expect(model.log.closed).toBe(1);
    chooseFilter(app, "doubtful");
    expect(reviewed(app)).toMatchObject({ draft: { key: "q2 0" }, total: 1 });
    await judgeDrafts(app);
    expect(model.log.judged).toHaveLength(3);
  });

  it("looks at found passages that are no answers, each once", async () => {
    const { app, model, store } = await withDrafts();
    await judgeFound(app, 3);
    expect(model.log.judged).toEqual(Array(4).fill("Frost breaks pipes."));
    const verdicts = await store.listVerdicts(app.collections.selected.value);
    expect(verdicts).toHaveLength(4);
    expect(verdicts[0]).toMatchObject({ queryId: "q1", documentId: "d2", action: "relabel" });
    expect(app.drafts.verdicts.value).toEqual(verdicts);
    await judgeFound(app, 3);
    expect(model.log.judged).toHaveLength(4);
  });

  it("cannot be a set of recorded answers", async () => {
    const { app, model } = await withDrafts();
    setGenerationFields(app, { provider: "recorded" });
    await judgeDrafts(app);
    expect(model.log.opened).toEqual([]);
  });
});

it("puts the domains that a model sees into the form", async () => {
  const { app } = await withDrafts();
  await suggestDomains(app);
  expect(app.generation.form.fields.value.domains).toBe("Tides\nFrost");
});

describe("written queries", () => {
  const long = "Long enough to be asked about, with some words to spare.";
  const documents = asking.documents.map((document) => ({ ...document, text: `${document.text} ${long}` }));

  it("become a collection of their own", async () => {
    const model = fakeModel();
    const store = memoryStore(now);
    const only = { ...neighbours };
    only.searchText = async function* ({ queries }) {
      const [best] = documents;
      const hits = best ? [{ documentId: best.id, score: 1 }] : [];
      return queries.map(({ id }) => ({ queryId: id, hits }));
    };
    const bare = { ...asking, documents, judgements: {} };
    const app = await fakeApp({ synthesis: model.synthesis, neighbours: only, store, collection: bare });
    setGenerationFields(app, { provider: "endpoint", endpointModel: "small" });
    await writeQueries(app);
    expect(app.queries.written.value).toHaveLength(2);
    expect(app.queries.written.value.filter(({ kept }) => kept)).toHaveLength(1);
    expect(await store.listCollections()).toEqual([]);
    await keepQueries(app);
    const [record] = await store.listCollections();
    expect(record).toMatchObject({ name: "Tiny with written queries", documents: 2, queries: 1 });
    const stored = await store.readCollection(present(record, "the collection").id);
    expect(stored.queries.map(({ text }) => text)).toEqual(["what about d1"]);
    expect(stored.judgements["train"]).toEqual([{ queryId: stored.queries[0]?.id, documentId: "d1", grade: 1 }]);
    expect(app.collections.selected.value).toBe(record?.id);
    expect(app.queries.written.value).toEqual([]);
  });
});
