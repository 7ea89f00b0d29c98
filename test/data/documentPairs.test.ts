import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makePairs, sentencePair, sentencesOf, titlePair, type MadePairs } from "../../src/data/documentPairs.ts";
import { random } from "../../src/base/random.ts";
import { documentText, type Document } from "../../src/domain/collection.ts";
import type { PairSource } from "../../src/domain/configTraining.ts";
import { documentId } from "../../src/domain/ids.ts";

const document = (id: number, title: string, text: string): Document => ({ id: documentId(`d${id}`), title, text });

const tides =
  "The Moon pulls the sea towards itself. Twice a day the water rises on the coast. Sailors know this well.";
const whole = [
  "The Moon pulls the sea towards itself.",
  "Twice a day the water rises on the coast.",
  "Sailors know this well.",
];

function made(documents: readonly Document[], source: PairSource, seed = 1): MadePairs {
  const work = makePairs(documents, source, seed);
  let result = work.next();
  while (!result.done) result = work.next();
  return result.value;
}

describe("a title and its text", () => {
  test("the title is the query, and its text without it the answer", () => {
    expect(titlePair(document(1, " Tides ", tides))).toEqual({
      kind: "title",
      query: "Tides",
      rest: { title: "", text: tides },
    });
  });

  test("a first line that is the title again is no part of the answer, a sentence that begins with it is", () => {
    expect(titlePair(document(1, "High water", `HIGH  water\n${tides}`))).toMatchObject({ rest: { text: tides } });
    const begins = `The Moon pulls. ${tides}`;
    expect(titlePair(document(1, "The Moon", begins))).toMatchObject({ rest: { text: begins } });
  });

  test("without a title, or without text to speak of, there is none", () => {
    expect(titlePair(document(1, " ", tides))).toBe("noTitle");
    expect(titlePair(document(1, "§ 12.", tides))).toBe("noTitle");
    expect(titlePair(document(1, "Tides", "See the chapter on the Moon."))).toBe("shortRest");
  });
});

describe("a sentence and the rest", () => {
  test("sentences, with all of the text", () => {
    expect(sentencesOf(tides).map(({ text }) => text)).toEqual(whole);
    expect(sentencesOf("海水每天涨落两次。这是月球的引力。").map(({ text }) => text)).toEqual([
      "海水每天涨落两次。",
      "这是月球的引力。",
    ]);
  });

  test("any sentence may be drawn; the rest keeps the title and every other sentence", () => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const pair = sentencePair(document(1, "Tides", tides), random(seed), 0);
      if (typeof pair === "string") throw new Error(pair);
      drawn.add(pair.query);
      const others = whole.filter((sentence) => sentence !== pair.query);
      expect(documentText(pair.rest)).toBe(`Tides ${others.join(" ")}`);
    }
    expect(drawn).toEqual(new Set(whole));
  });

  test("in a tenth of the cases the sentence stays", () => {
    let stays = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const pair = sentencePair(document(1, "Tides", tides), random(seed));
      if (typeof pair === "string") throw new Error(pair);
      if (pair.rest.text === tides) stays += 1;
      else expect(pair.rest.text).not.toContain(pair.query);
    }
    // 200 expected; five standard deviations are 67.
    expect(Math.abs(stays - 200)).toBeLessThan(67);
  });

  test("there must be two sentences, one of them of some length, and something must be left", () => {
    expect(sentencePair(document(1, "Tides", whole[0] ?? ""), random(1))).toBe("fewSentences");
    expect(sentencePair(document(1, "", "Yes. No. Perhaps. Well. Never. Always. Often. Seldom."), random(1))).toBe(
      "fewSentences",
    );
    expect(sentencePair(document(1, "", "The Moon pulls the sea towards itself. So it does."), random(1))).toBe(
      "shortRest",
    );
  });
});

describe("the pairs of a collection", () => {
  const documents = [
    document(1, "Tides", tides),
    document(2, "", `${tides} It is so.`),
    document(3, "tides", `Neap tides are lower than others. They come at half moon, a week later.`),
    document(4, "Fog", "Fog."),
  ];

  test("one query a distinct title, with every document that has it; the rest is counted", () => {
    const { queries, pairs, made: count, lacking } = made(documents, "titles");
    expect(queries).toEqual([{ id: "title-d1", text: "Tides" }]);
    expect(pairs).toEqual([
      { queryId: "title-d1", documentId: "d1", text: tides },
      { queryId: "title-d1", documentId: "d3", text: documents[2]?.text },
    ]);
    expect([...count]).toEqual([["title", 2]]);
    expect(lacking).toEqual(
      new Map([
        [
          "title",
          new Map([
            ["noTitle", 1],
            ["shortRest", 1],
          ]),
        ],
      ]),
    );
  });

  test("both kinds are the two together, document by document", () => {
    const both = made(documents, "documents");
    const [titles, cloze] = [made(documents, "titles"), made(documents, "cloze")];
    expect(both.pairs.map(({ queryId }) => queryId)).toEqual([
      "title-d1",
      "sentence-d1",
      "sentence-d2",
      "title-d1",
      "sentence-d3",
    ]);
    expect(both.pairs.filter(({ queryId }) => queryId.startsWith("title"))).toEqual(titles.pairs);
    expect(both.pairs.filter(({ queryId }) => queryId.startsWith("sentence"))).toEqual(cloze.pairs);
    expect(cloze.lacking.get("sentence")).toEqual(new Map([["fewSentences", 1]]));
    expect(made(documents, "queries").pairs).toEqual([]);
  });

  test("a pair depends on its document and the seed alone", () => {
    const first = made(documents, "cloze", 7);
    expect(made(documents, "cloze", 7)).toEqual(first);
    expect(made(documents.toReversed(), "cloze", 7).pairs.toReversed()).toEqual(first.pairs);
    const others = Array.from({ length: 20 }, (_, seed) => made(documents, "cloze", seed).pairs);
    expect(others.some((pairs) => JSON.stringify(pairs) !== JSON.stringify(first.pairs))).toBe(true);
  });

  test("whatever the documents are, every answer is a part of its own document that is long enough", () => {
    const words = fc.lorem({ maxCount: 6, mode: "sentences" });
    const rows = fc.array(fc.tuple(fc.oneof(words, fc.constant("")), fc.oneof(words, fc.string())), { maxLength: 8 });
    fc.assert(
      fc.property(rows, fc.nat(), (texts, seed) => {
        const all = texts.map(([title, text], i) => document(i, title, text));
        const { pairs, queries, made: count, lacking } = made(all, "documents", seed);
        const ids = new Set(queries.map(({ id }) => id));
        expect(ids.size).toBe(queries.length);
        for (const { queryId, documentId: id, text } of pairs) {
          expect(ids).toContain(queryId);
          expect(text.length).toBeGreaterThanOrEqual(40);
          const own = all.find((one) => one.id === id);
          const letters = (of: string) => of.replace(/\s+/gu, "").length;
          expect(letters(text)).toBeLessThanOrEqual(letters(documentText(own ?? { title: "", text: "" })));
        }
        for (const kind of ["title", "sentence"] as const) {
          const lack = [...(lacking.get(kind)?.values() ?? [])].reduce((sum, n) => sum + n, 0);
          expect((count.get(kind) ?? 0) + lack).toBe(all.length);
        }
      }),
      { numRuns: 200 },
    );
  });
});
