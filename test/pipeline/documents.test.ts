/** Runs on pairs made of the documents: what trains, what measures, and that no judgement has a part in the rows. */
import { describe, expect, test } from "vitest";
import { sentencesOf } from "../../src/data/documentPairs.ts";
import { TooFewDocuments } from "../../src/data/heldOut.ts";
import { documentText, type Collection, type Document } from "../../src/domain/collection.ts";
import type { ConfigInput } from "../../src/domain/config.ts";
import { documentId, queryId } from "../../src/domain/ids.ts";
import { heldOutSplit, type RunReport } from "../../src/domain/run.ts";
import type { TrainingSet } from "../../src/domain/training.ts";
import { NoPairs } from "../../src/pipeline/documents.ts";
import { NothingToDo, run, type RunInput } from "../../src/pipeline/run.ts";
import { random } from "../../src/base/random.ts";
import { input, productsOf, services, until, watched, whole } from "./support.ts";

const words = ["cat", "dog", "sat", "ran", "mat", "sea", "salt", "tide", "moon"];

/** Three sentences of its own words each, and a title that no other has. */
function numbered(i: number): Document {
  const source = random(i, "document");
  const some = (count: number) => Array.from({ length: count }, () => words[source.integer(words.length)]).join(" ");
  const sentence = (n: number) => `The ${some(4)} x${i}y${n} on ${some(2)}.`;
  return { id: documentId(`d${i}`), title: `${some(2)} n${i}`, text: [1, 2, 3].map(sentence).join(" ") };
}

/** The last two are near-copies of the first two. */
const documents = [
  ...Array.from({ length: 58 }, (_, i) => numbered(i)),
  ...[0, 1].map((i) => ({ ...numbered(i), id: documentId(`d${58 + i}`), title: `Another title c${i}` })),
];
const bare: Collection = { name: "bare", documents, queries: [], judgements: {}, negatives: [] };
const query = (i: number, text: string) => ({ id: queryId(`q${i}`), text });
const judged: Collection = {
  ...bare,
  queries: [0, 1, 2, 3].map((i) => query(i, `asked by a person ${words[i] ?? ""} ${words[i + 1] ?? ""}`)),
  judgements: {
    train: [{ queryId: queryId("q0"), documentId: documentId("d0"), grade: 1 }],
    test: [1, 2, 3].map((i) => ({ queryId: queryId(`q${i}`), documentId: documentId(`d${i}`), grade: 1 })),
  },
  negatives: [{ queryId: queryId("q0"), source: "synthetic", title: "", text: "written for q0" }],
};

const recipe: ConfigInput = {
  pairs: "documents",
  negatives: [{ source: "bm25", count: 2, first: 1, last: 60 }],
  batchSize: 8,
  steps: 2,
  learningRate: 2e-3,
  probes: 0,
};
const given = (collection: Collection, config: ConfigInput = {}, over: Partial<RunInput> = {}) =>
  input({ ...recipe, ...config }, { collection, ...over });

const setOf = ({ reports }: { readonly reports: readonly RunReport[] }): TrainingSet => {
  const { trainingSet } = productsOf(reports);
  if (!trainingSet) throw new Error("no training set");
  return trainingSet;
};
const byText = new Map(documents.map((document) => [documentText(document), document]));
/** The numbers of the documents with this sentence marker or title: "x12y3" is of document 12 and of its copy. */
const idIn = (text: string): string | undefined => /\bx(\d+)y/u.exec(text)?.[1];

describe("in a collection with judgements", () => {
  test("rows are titles with their texts and sentences with the rest; the evaluation is that of any run", async () => {
    const made = await whole(given(judged));
    const set = setOf(made);
    expect(set.rows).toHaveLength(120);
    const titles = new Map(documents.map(({ title, text }) => [title, text]));
    let kept = 0;
    for (const { query, positive } of set.rows) {
      const [asked, answer] = [set.queries[query] ?? "", set.documents[positive] ?? ""];
      if (titles.has(asked)) expect(answer).toBe(titles.get(asked));
      else {
        expect(idIn(answer)).toBe(idIn(asked));
        if (answer.includes(asked)) kept += 1;
        else expect(sentencesOf(answer).length).toBe(2);
      }
    }
    // A tenth of 60.
    expect(kept).toBeLessThan(20);
    expect(made.result.notes.join(" ")).toContain("60 of a title and its answer, 60 of a sentence and its answer");
    const usual = await whole(given(judged, { pairs: "queries" }));
    expect(made.result.split).toBe("test");
    expect(made.result.systems.before).toEqual(usual.result.systems.before);
    expect(made.result.systems.bm25).toEqual(usual.result.systems.bm25);
    expect(made.result.systems.after).not.toEqual(usual.result.systems.after);
    expect(made.result.leak).toMatchObject({ queries: 3, sharedDocument: 0, nearCopy: 0, madeOfDocuments: true });
  });

  test("a row's own document and its near-copies are never its negatives, before training or in it", async () => {
    const { by, log } = watched();
    const config = {
      negatives: [
        { source: "bm25", count: 5, last: 60 } as const,
        { source: "random", count: 40 } as const,
        { source: "ance", count: 1 } as const,
      ],
    };
    const made = await whole(given(judged, config), by);
    const set = setOf(made);
    const excluded = log.refresh[0]?.excluded ?? [];
    for (const [row, { query, positive, negatives }] of set.rows.entries()) {
      const own = idIn(set.documents[positive] ?? "") ?? "?";
      expect(negatives.length).toBeGreaterThan(20);
      for (const { document } of negatives) {
        const negative = byText.get(set.documents[document] ?? "");
        expect(negative, "a whole document of the collection").toBeDefined();
        expect(idIn(negative?.text ?? ""), set.queries[query]).not.toBe(own);
      }
      const alike = documents.flatMap(({ text }, place) => (idIn(text) === own ? [place] : []));
      expect(excluded[row]).toEqual(alike);
    }
  });

  test("other judgements, of whatever split, give the same rows", async () => {
    const rows = setOf(await whole(given(judged)));
    const moved = (judgements: Collection["judgements"][string] = []) =>
      judgements.map((one, i) => ({ ...one, documentId: documentId(`d${20 + i}`), grade: 2 }));
    const { train, test } = judged.judgements;
    const other = { ...judged, judgements: { train: [...moved(train), ...moved(test)], test: moved(test) } };
    const again = await whole(
      given(
        other,
        {},
        {
          verdicts: [
            { queryId: queryId("q0"), documentId: documentId("d3"), action: "relabel", reason: "", by: "judge" },
          ],
        },
      ),
    );
    expect(setOf(again)).toEqual(rows);
    expect(setOf(await whole(given(judged, { seed: 2 }))).queries).not.toEqual(rows.queries);
  });

  test("where the only split is divided, what is measured is what a run on judged queries measures", async () => {
    const { train = [], test: rest = [] } = judged.judgements;
    const one = { ...judged, judgements: { all: [...train, ...rest] } };
    const [made, usual] = [await whole(given(one)), await whole(given(one, { pairs: "queries" }))];
    expect(made.result.systems.before).toEqual(usual.result.systems.before);
    expect(made.result.notes.join(" ")).not.toContain("to train on");
    expect(setOf(made).rows).toHaveLength(120);
  });
});

describe("in a collection without judgements", () => {
  test("documents are held out: not trained on, and searched without what asks for them", async () => {
    const { by, log } = watched();
    const made = await whole(given(bare), by);
    const { result } = made;
    const set = setOf(made);
    expect(result.split).toBe(heldOutSplit);
    expect(result.systems.after.queryIds).toHaveLength(20);
    expect(set.rows).toHaveLength(80);
    expect(result.verdict).toMatch(/ on 20 made-up queries for held-out documents\.$/u);
    expect(result.notes.join(" ")).toContain("Measured with 20 documents that are not trained on.");
    const asked = log.encoded.find(({ kind, texts }) => kind === "query" && texts.length === 20)?.texts ?? [];
    const searched = log.encoded.find(({ kind, texts }) => kind === "document" && texts.length === 60)?.texts ?? [];
    expect(asked).toHaveLength(20);
    for (const text of asked) expect(searched.some((document) => document.includes(text))).toBe(false);
    // Every document is there, 20 of them shortened.
    expect(searched.filter((text) => byText.has(text))).toHaveLength(40);
    const held = new Set(searched.filter((text) => !byText.has(text)).map(idIn));
    for (const { query, positive } of set.rows) {
      expect(held).not.toContain(idIn(set.documents[positive] ?? ""));
      expect(asked).not.toContain(set.queries[query]);
    }
    // The few words make some of the sentences alike.
    const { nearCopy = 0, clean } = result.leak ?? {};
    expect(result.leak).toMatchObject({ queries: 20, sharedDocument: 0, clean: 20 - nearCopy, madeOfDocuments: true });
    expect(nearCopy).toBeGreaterThan(0);
    expect(result.clean?.verdict).toContain(`on ${clean} clean made-up queries for held-out documents.`);
  });

  test("what is measured does not depend on which pairs are trained on", async () => {
    const [titles, cloze] = [
      await whole(given(bare, { pairs: "titles" })),
      await whole(given(bare, { pairs: "cloze" })),
    ];
    expect(titles.result.systems.before).toEqual(cloze.result.systems.before);
    expect([setOf(titles).rows.length, setOf(cloze).rows.length]).toEqual([40, 40]);
    const only = await whole(given(bare, { steps: 0 }));
    expect(only.result.systems.before).toEqual(cloze.result.systems.before);
    const other = await whole(given(bare, { steps: 0, seed: 2 }));
    expect(other.result.systems.before.queryIds).not.toEqual(only.result.systems.before.queryIds);
  });

  test("broken off after any product and resumed, the run ends as one that was not", async () => {
    const config = { negatives: [{ source: "bm25", count: 1 } as const, { source: "ance", count: 1 } as const] };
    const unbroken = await whole(given(bare, config));
    for (const name of ["trainingSet", "before", "vectorsAfter"]) {
      const stop = (report: RunReport) => report.kind === "product" && report.product.name === name;
      const { products, checkpoint } = await until(run(services(), given(bare, config)), stop);
      const resumed = await whole(given(bare, config, { products, ...(checkpoint && { checkpoint }) }));
      expect(setOf(resumed)).toEqual(setOf(unbroken));
      expect(resumed.weights).toEqual(unbroken.weights);
      expect(resumed.result.systems).toEqual(unbroken.result.systems);
      expect(resumed.result.leak).toEqual(unbroken.result.leak);
    }
  });

  test("errors say what to do", async () => {
    const refused = (collection: Collection, config: ConfigInput) => expect(whole(given(collection, config))).rejects;
    await refused(bare, { pairs: "queries" }).toThrow(NothingToDo);
    await refused(bare, { pairs: "queries" }).toThrow(/Set "pairs" to "documents"/u);
    await refused({ ...bare, documents: documents.slice(0, 30) }, {}).toThrow(TooFewDocuments);
    const untitled = { ...bare, documents: documents.map((document) => ({ ...document, title: "" })) };
    await refused(untitled, { pairs: "titles" }).toThrow(NoPairs);
    await refused(untitled, { pairs: "titles" }).toThrow(/40 of 40 documents gave no pair .*: 40 have no title\./u);
  });
});
