import { expect, test } from "vitest";
import type { Collection } from "../../src/domain/collection.ts";
import { documentText } from "../../src/domain/collection.ts";
import { parseConfig, type ConfigInput } from "../../src/domain/config.ts";
import { documentId, queryId, type DocumentId } from "../../src/domain/ids.ts";
import type { FoundNegative, WrittenNegative } from "../../src/domain/negative.ts";
import { mix, type Answer } from "../../src/negatives/mix.ts";
import { gatherPools, trainingPairs, type FoundBySource } from "../../src/negatives/pools.ts";

const judge = (query: string, document: string, grade = 1) => ({
  queryId: queryId(query),
  documentId: documentId(document),
  grade,
});
const written = (query: string, text: string, source: WrittenNegative["source"] = "synthetic"): WrittenNegative => ({
  queryId: queryId(query),
  source,
  title: "",
  text,
});
const found = (document: string, rank: number, source: FoundNegative["source"] = "bm25"): FoundNegative => ({
  source,
  documentId: documentId(document),
  score: 10 - rank,
  rank,
});

const collection: Collection = {
  name: "test",
  documents: ["a", "b", "c", "d", "e"].map((id) => ({ id: documentId(id), title: "", text: `text ${id}` })),
  queries: ["q1", "q2"].map((id) => ({ id: queryId(id), text: `query ${id}` })),
  judgements: {},
  negatives: [written("q1", "synthetic one")],
};
const mined: ReadonlyMap<string, FoundBySource> = new Map([
  ["q1", { bm25: [found("c", 1), found("d", 2), found("e", 3)] }],
  ["q2", { bm25: [found("d", 1), found("c", 2), found("a", 3)] }],
]);

interface Given {
  readonly negatives?: readonly WrittenNegative[];
  readonly mined?: ReadonlyMap<string, FoundBySource>;
  readonly answers?: readonly Answer[];
}

function rows(config: ConfigInput, given: Given = {}) {
  const parsed = parseConfig(config);
  const texts = new Map(collection.documents.map((document) => [document.id, documentText(document)]));
  const textOf = (id: DocumentId) => texts.get(id) ?? `text ${id}`;
  const answers = given.answers ?? [
    { queryId: queryId("q1"), text: "text a" },
    { queryId: queryId("q2"), text: "text b" },
  ];
  const queryIds = [...new Set(answers.map((answer) => answer.queryId))];
  const foundFor = given.mined ?? mined;
  const pools = gatherPools({
    queryIds,
    negatives: given.negatives ?? collection.negatives,
    found: new Map(queryIds.map((id) => [id, foundFor.get(id) ?? {}])),
    config: parsed,
    textOf,
  });
  const outcome = mix({ answers, pools, queryText: (id) => `query ${id}`, config: parsed });
  const { queries, documents, rows: made } = outcome.trainingSet;
  const read = made.map((row) => ({
    query: queries[row.query],
    positive: documents[row.positive],
    negatives: row.negatives.map((negative) => `${negative.source}: ${documents[negative.document]}`),
  }));
  return { ...outcome, texts: read };
}

/** "s" for each synthetic, "h" for each human, "f" for each other negative of every row. */
const kinds = ({ texts }: ReturnType<typeof rows>) =>
  texts.map(({ negatives }) =>
    negatives.map((text) => (text.startsWith("synthetic") ? "s" : text.startsWith("human") ? "h" : "f")).join(""),
  );

const hybrid: ConfigInput = {
  negatives: [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 2 },
  ],
};

test("hybrid: each row has its own synthetic and found negatives; a row that lacks one takes one more found", () => {
  const { texts, lackingSynthetic, short } = rows(hybrid);
  expect(texts).toEqual([
    { query: "query q1", positive: "text a", negatives: ["synthetic: synthetic one", "bm25: text c", "bm25: text d"] },
    { query: "query q2", positive: "text b", negatives: ["bm25: text d", "bm25: text c", "bm25: text a"] },
  ]);
  expect({ lackingSynthetic, short }).toEqual({ lackingSynthetic: 1, short: 0 });
});

test("found negatives carry the sampler's score and rank, written ones none", () => {
  const { trainingSet } = rows(hybrid);
  expect(trainingSet.rows[0]?.negatives).toEqual([
    { document: 1, source: "synthetic" },
    { document: 2, source: "bm25", score: 9, rank: 1 },
    { document: 3, source: "bm25", score: 8, rank: 2 },
  ]);
});

test("synthetic only: rows without one are left out", () => {
  expect(rows({ ...hybrid, mix: "synthetic" }).texts).toEqual([
    { query: "query q1", positive: "text a", negatives: ["synthetic: synthetic one"] },
  ]);
});

test("found only: no synthetic negative, none lacking, and as many negatives as hybrid has", () => {
  const { texts, lackingSynthetic } = rows({ ...hybrid, mix: "found" });
  expect(texts[0]?.negatives).toEqual(["bm25: text c", "bm25: text d", "bm25: text e"]);
  expect(lackingSynthetic).toBe(0);
});

test("negatives given with the data come first among the found", () => {
  const { texts } = rows(hybrid, { negatives: [written("q1", "given one", "given")] });
  expect(texts[0]?.negatives).toEqual(["given: given one", "bm25: text c", "bm25: text d"]);
});

test("the positive's own text is never a negative, and no text twice", () => {
  const { texts, short } = rows(hybrid, {
    negatives: [written("q1", "text a"), written("q1", "text c"), written("q2", "text d")],
  });
  expect(texts[0]?.negatives).toEqual(["synthetic: text c", "bm25: text d", "bm25: text e"]);
  expect(texts[1]?.negatives).toEqual(["synthetic: text d", "bm25: text c", "bm25: text a"]);
  expect(short).toBe(0);
});

test("says when there are too few", () => {
  expect(rows({ negatives: [{ source: "bm25", count: 9 }] }).short).toBe(2);
});

test("a query trains on the documents of its highest grade", () => {
  const pairs = trainingPairs([judge("q1", "a", 2), judge("q1", "b", 1), judge("q1", "c", 2), judge("q2", "d", 0)]);
  expect(pairs.map((pair) => pair.documentId)).toEqual(["a", "c"]);
});

test("a text that answers a query in another row is no negative of it", () => {
  const answers = ["text a", "text c"].map((text) => ({ queryId: queryId("q1"), text }));
  const { texts } = rows(hybrid, { answers });
  expect(texts.map(({ positive }) => positive)).toEqual(["text a", "text c"]);
  expect(texts.flatMap(({ negatives }) => negatives)).not.toContain("bm25: text c");
});

test("a row stands in the order of the recipe, and human decoys have a count of their own", () => {
  const { texts } = rows(
    {
      negatives: [
        { source: "bm25", count: 1 },
        { source: "human", count: 1 },
        { source: "dense", count: 1 },
        { source: "synthetic", count: 1 },
      ],
    },
    {
      negatives: [
        written("q1", "synthetic one"),
        written("q1", "human one", "human"),
        written("q1", "human two", "human"),
      ],
      mined: new Map([
        ["q1", { bm25: [found("c", 1)], dense: [found("c", 1, "dense"), found("d", 2, "dense")] }],
        ["q2", { bm25: [found("c", 1), found("d", 2)], dense: [found("d", 1, "dense"), found("e", 2, "dense")] }],
      ]),
    },
  );
  expect(texts.map(({ negatives }) => negatives)).toEqual([
    ["bm25: text c", "human: human one", "dense: text d", "synthetic: synthetic one"],
    // Two found ones more in place of the written ones: one of each source.
    ["bm25: text c", "bm25: text d", "dense: text e"],
  ]);
});

const many = Array.from({ length: 20 }, (_, i) => `p${i}`);
/** Twenty rows; query `p<i>` has `synthetics(i)` synthetic negatives and ten found ones. */
const data = (synthetics: (row: number) => number): Given => ({
  answers: many.map((name) => ({ queryId: queryId(name), text: `answer of ${name}` })),
  negatives: many.flatMap((name, i) =>
    Array.from({ length: synthetics(i) }, (_, k) => written(name, `synthetic ${k} of ${name}`)),
  ),
  mined: new Map(
    many.map((name) => [name, { bm25: Array.from({ length: 10 }, (_, k) => found(`${name}-${k}`, k + 1)) }]),
  ),
});
const four: ConfigInput = {
  negatives: [
    { source: "synthetic", count: 1 },
    { source: "bm25", count: 3 },
  ],
};
const count = (row: string, kind: string) => row.split(kind).length - 1;
const sum = (all: readonly string[], kind: string) => all.reduce((total, row) => total + count(row, kind), 0);

test("direct: the totals of hybrid, dealt so that some rows are all synthetic and some all found", () => {
  const given = data(() => 4);
  const [direct, plain] = [kinds(rows({ ...four, mix: "direct" }, given)), kinds(rows(four, given))];
  expect(plain).toEqual(many.map(() => "sfff"));
  // The budget of 20 fills five rows of four.
  expect(direct.toSorted()).toEqual([...Array(15).fill("ffff"), ...Array(5).fill("ssss")]);
  expect([sum(direct, "s"), sum(direct, "f")]).toEqual([sum(plain, "s"), sum(plain, "f")]);
});

test("direct: which rows are all synthetic is the seed's choice", () => {
  const place = (seed: number) =>
    kinds(
      rows(
        { ...four, mix: "direct", seed },
        data(() => 4),
      ),
    );
  expect(place(1)).toEqual(place(1));
  expect(place(1)).not.toEqual(place(2));
});

test("direct: with uneven stocks the totals still are those of hybrid", () => {
  const given = data((i) => i % 4);
  const [direct, plain] = [kinds(rows({ ...four, mix: "direct" }, given)), kinds(rows(four, given))];
  expect(sum(plain, "s")).toBe(15);
  expect(sum(direct, "s")).toBe(15);
  expect(direct.every((row) => row.length === 4)).toBe(true);
});

test("direct equals hybrid where no query has more synthetic negatives than hybrid takes, and says how many it could take", () => {
  const given = data((i) => i % 2);
  const [direct, plain] = [rows({ ...four, mix: "direct" }, given), rows(four, given)];
  expect(direct.texts).toEqual(plain.texts);
  expect(direct.mostSynthetic).toBe(1);
});

test.each(["hybrid", "direct", "synthetic", "found"] as const)(
  "%s: every row has the sum of the recipe's counts",
  (how) => {
    expect(
      kinds(
        rows(
          { ...four, mix: how },
          data(() => 6),
        ),
      ).map((row) => row.length),
    ).toEqual(many.map(() => 4));
  },
);

test("ratio, instances: exactly that share of the rows get theirs, the others found ones", () => {
  const made = kinds(
    rows(
      { ...four, ratio: { reading: "instances", value: 0.7 } },
      data(() => 1),
    ),
  );
  expect(made.filter((row) => row === "sfff")).toHaveLength(14);
  expect(made.filter((row) => row === "ffff")).toHaveLength(6);
});

test("ratio, per found one: R = 1 halves the row; R = 1/3 of four is one", () => {
  const made = (value: number) =>
    kinds(
      rows(
        { ...four, ratio: { reading: "perFound", value } },
        data(() => 4),
      ),
    );
  expect(new Set(made(1))).toEqual(new Set(["ssff"]));
  expect(new Set(made(1 / 3))).toEqual(new Set(["sfff"]));
});

test("ratio, share: 4 · .7 = 2.8 a row is two or three, 56 over twenty rows", () => {
  const made = kinds(
    rows(
      { ...four, ratio: { reading: "share", value: 0.7 } },
      data(() => 4),
    ),
  );
  expect(new Set(made)).toEqual(new Set(["sssf", "ssff"]));
  expect(sum(made, "s")).toBe(56);
});

test("ratio: a row that lacks synthetic negatives takes found ones, and rows that have enough are dealt the more", () => {
  // Ten rows have four, ten have none: 20 · 2.5 = 50 wanted, three for those that have them and two for the others.
  const outcome = rows(
    { ...four, ratio: { reading: "share", value: 0.625 } },
    data((i) => (i < 10 ? 4 : 0)),
  );
  expect(kinds(outcome)).toEqual(many.map((_, i) => (i < 10 ? "sssf" : "ffff")));
  expect(outcome).toMatchObject({ lackingSynthetic: 10, synthetic: 30, others: 50 });
});

test("ratio: what found sources ask for is scaled in proportion", () => {
  const mined = new Map(
    many.map((name) => [
      name,
      {
        bm25: Array.from({ length: 9 }, (_, k) => found(`${name}-b${k}`, k + 1)),
        random: Array.from({ length: 9 }, (_, k) => found(`${name}-r${k}`, k + 1, "random")),
      },
    ]),
  );
  const { texts } = rows(
    {
      negatives: [
        { source: "synthetic", count: 2 },
        { source: "bm25", count: 4 },
        { source: "random", count: 2 },
      ],
      ratio: { reading: "share", value: 0.625 },
    },
    { ...data(() => 5), mined },
  );
  const sources = texts[0]?.negatives.map((text) => text.split(":")[0]);
  expect(sources).toEqual([...Array(5).fill("synthetic"), "bm25", "bm25", "random"]);
});

test("what is searched during training takes no place in the row before it", () => {
  const outcome = rows({
    negatives: [
      { source: "synthetic", count: 1 },
      { source: "ance", count: 2 },
    ],
  });
  expect(outcome.texts.map(({ negatives }) => negatives)).toEqual([["synthetic: synthetic one"], []]);
  expect(outcome.short).toBe(1);
});
