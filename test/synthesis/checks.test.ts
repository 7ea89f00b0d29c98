import { describe, expect, test } from "vitest";
import { checkPassage } from "../../src/synthesis/checks.ts";
import { languageMismatch, latinLanguage } from "../../src/synthesis/language.ts";
import { containsRun, overlap, shinglesOf, unitsOf, wordCount } from "../../src/synthesis/overlap.ts";
import { repetitionIn } from "../../src/synthesis/repetition.ts";
import { cases, document } from "./fixtures.ts";

/** `count` words that occur nowhere else, in letters alone. */
function invented(prefix: string, count: number): string[] {
  const letter = (i: number) => String.fromCharCode(97 + i);
  return Array.from({ length: count }, (_, i) => prefix + letter(Math.floor(i / 26) % 26) + letter(i % 26));
}

const sentence = (words: readonly string[]) => `${words.join(" ")}.`;

interface Given {
  readonly query?: string;
  readonly positive: readonly string[];
  readonly passage: readonly string[];
  readonly similar?: readonly (readonly string[])[];
}

function flawsOf({ query = "zzz", positive, passage, similar = [] }: Given) {
  return checkPassage({
    query,
    positive: document(sentence(positive)),
    passage: { title: "", text: sentence(passage) },
    similar: similar.map((words, i) => document(sentence(words), "", `d${i}`)),
  }).map(({ flaw, text }) => `${flaw}: ${text}`);
}

describe("units and overlap", () => {
  test("words, numbers and apostrophes; single characters where words are not set apart", () => {
    expect(unitsOf("The bees’ wax,  3.9 mg — Bee's WAX!")).toEqual([
      "the",
      "bees",
      "wax",
      "3",
      "9",
      "mg",
      "bee's",
      "wax",
    ]);
    expect(unitsOf("ＢＥＥ ﬁsh")).toEqual(["bee", "fish"]);
    expect(unitsOf("青石桥is老ラーメン")).toEqual(["青", "石", "桥", "is", "老", "ラ", "ー", "メ", "ン"]);
    expect(wordCount(unitsOf("seven of them, and 青石桥建 too"))).toBe(7);
  });

  test("triples shared: 1 of 3 and 3, so 1/3, 1/3 and 1/5", () => {
    const [a, b] = ["a b c d e", "a b c x e"].map((text) => shinglesOf(text.split(" ")));
    expect(overlap(a ?? new Set(), b ?? new Set())).toEqual({ contained: 1 / 3, contains: 1 / 3, jaccard: 1 / 5 });
    expect(overlap(new Set(), new Set(["x"]))).toEqual({ contained: 0, contains: 0, jaccard: 0 });
  });

  test("a run is whole units", () => {
    expect(containsRun(["the", "cat", "sat"], ["cat", "sat"])).toBe(true);
    expect(containsRun(["the", "cats", "sat"], ["cat"])).toBe(false);
  });
});

describe("copies of the positive", () => {
  const positive = invented("p", 30);

  test("12 of 20 triples are a copy, 11 are not", () => {
    expect(flawsOf({ positive, passage: [...positive.slice(0, 14), ...invented("x", 8)] })).toEqual([
      "copiesPositive: Shares 60 % of its word triples with the positive.",
    ]);
    expect(flawsOf({ positive, passage: [...positive.slice(0, 13), ...invented("x", 9)] })).toEqual([]);
  });

  test("11 of 22 triples of both together are a copy, 10 of 23 are not", () => {
    const short = positive.slice(0, 16);
    expect(flawsOf({ positive: short, passage: [...short.slice(0, 13), ...invented("x", 8)] })).toEqual([
      "copiesPositive: Shares 58 % of its word triples with the positive.",
    ]);
    expect(flawsOf({ positive: short, passage: [...short.slice(0, 12), ...invented("x", 9)] })).toEqual([]);
  });

  test("8 of the positive's 10 triples inside a longer text are a copy, 7 are not", () => {
    const short = positive.slice(0, 12);
    expect(flawsOf({ positive: short, passage: [...short.slice(0, 10), ...invented("x", 40)] })).toEqual([
      "copiesPositive: Has 80 % of the positive's word triples.",
    ]);
    expect(flawsOf({ positive: short, passage: [...short.slice(0, 9), ...invented("x", 41)] })).toEqual([]);
  });

  test("its title counts as part of it", () => {
    const flaws = checkPassage({
      query: "zzz",
      positive: document(sentence(invented("p", 20)), invented("t", 20).join(" ")),
      passage: { title: "", text: sentence(invented("t", 20)) },
      similar: [],
    });
    expect(flaws.map(({ flaw }) => flaw)).toEqual(["copiesPositive"]);
  });
});

describe("copies of the query", () => {
  const positive = invented("p", 30);
  const passage = invented("x", 20);

  test("four words as they stand, whatever their case and punctuation", () => {
    expect(flawsOf({ query: "Xab, xac — XAD xae?", positive, passage })).toEqual([
      "copiesQuery: Has the query's 4 words as they stand.",
    ]);
    expect(flawsOf({ query: "xab xac xad", positive, passage })).toEqual([]);
    expect(flawsOf({ query: "xab xac xae xad", positive, passage })).toEqual([]);
  });

  test("8 of 10 words and about as short; not where the passage is much longer", () => {
    const query = invented("x", 9).toReversed().join(" ");
    const short = { query, positive: invented("p", 15) };
    expect(flawsOf({ ...short, passage: [...invented("x", 8), "new"] })).toEqual([
      "copiesQuery: Shares 80 % of all words with the query.",
    ]);
    expect(flawsOf({ ...short, passage: [...invented("x", 7), "new", "old"] })).toEqual([]);
    expect(flawsOf({ ...short, passage: [...invented("x", 9), ...invented("x", 9)] })).toEqual([]);
  });
});

describe("copies of documents", () => {
  const positive = invented("p", 30);
  const found = invented("d", 30);

  test("14 of 20 triples are a copy, 13 are not; the nearest is named", () => {
    const copy = [...found.slice(0, 16), ...invented("x", 6)];
    expect(flawsOf({ positive, passage: copy, similar: [invented("e", 30), found] })).toEqual([
      "copiesDocument: Shares 70 % of its word triples with document d1.",
    ]);
    const less = [...found.slice(0, 15), ...invented("x", 7)];
    expect(flawsOf({ positive, passage: less, similar: [found] })).toEqual([]);
  });

  test("the positive among the documents is not told twice", () => {
    const same = document(sentence(positive));
    const flaws = checkPassage({
      query: "q",
      positive: same,
      passage: { title: "", text: same.text },
      similar: [same],
    });
    expect(flaws.map(({ flaw }) => flaw)).toEqual(["copiesPositive"]);
  });
});

describe("length", () => {
  test.each([
    { positive: 50, words: 20, flaws: [] },
    { positive: 50, words: 19, flaws: ["tooShort: 19 words, the positive has 50; at least 20 are wanted."] },
    { positive: 50, words: 125, flaws: [] },
    { positive: 50, words: 126, flaws: ["tooLong: 126 words, the positive has 50; at most 125 are wanted."] },
    { positive: 19, words: 8, flaws: [] },
    { positive: 20, words: 8, flaws: [] },
    { positive: 5, words: 7, flaws: ["tooShort: 7 words, the positive has 5; fewer than 8 are no passage."] },
    { positive: 5, words: 60, flaws: [] },
    { positive: 5, words: 61, flaws: ["tooLong: 61 words, the positive has 5; at most 60 are wanted."] },
    { positive: 600, words: 160, flaws: [] },
    { positive: 600, words: 159, flaws: ["tooShort: 159 words, the positive has 600; at least 160 are wanted."] },
  ])("$words words beside $positive", ({ positive, words, flaws }) => {
    expect(flawsOf({ positive: invented("p", positive), passage: invented("x", words) })).toEqual(flaws);
  });

  test("two Chinese characters count as a word", () => {
    const check = (characters: number) =>
      checkPassage({
        query: "桥",
        positive: document("青石桥一带每逢初五都有集市附近的村民挑着竹器和茶叶来卖。"),
        passage: { title: "", text: "岸边老茶馆保留木头长凳傍晚有人说书直到天黑才散去".slice(0, characters) },
        similar: [],
      }).map(({ flaw }) => flaw);
    expect([check(16), check(14)]).toEqual([[], ["tooShort"]]);
  });
});

test("no words, and hardly any letters", () => {
  const check = (text: string) =>
    checkPassage({
      query: "q",
      positive: document("Twelve of them stood there."),
      passage: { title: "t", text },
      similar: [],
    });
  expect(check(" — … ").map(({ flaw }) => flaw)).toEqual(["empty"]);
  expect(check("1 2 3 4 5 6 7 8 9 ten")).toEqual([
    { flaw: "unreadable", text: "Only 25 % of its characters are letters." },
  ]);
});

test("words run together", () => {
  const check = (letters: number) =>
    checkPassage({
      query: "q",
      positive: document("The post office stands beside the old mill."),
      passage: {
        title: "",
        text: Array.from({ length: 9 }, (_, i) => "abcdefghi".charAt(i).repeat(letters)).join(" "),
      },
      similar: [],
    });
  // Nine words of 27 letters and eight spaces are 251 characters: 31 a space.
  expect(check(27)).toEqual([{ flaw: "unreadable", text: "It has a space after every 31 characters only." }]);
  expect(check(12)).toEqual([]);
});

describe("the task is spoken of", () => {
  const check = (query: string, text: string) =>
    checkPassage({ query, positive: document(sentence(invented("p", 20))), passage: { title: "", text }, similar: [] })
      .map(({ flaw }) => flaw)
      .includes("talksAboutTask");
  const text = "Mining hard negatives with an old checkpoint makes them stale, and refreshing the index is costly.";

  test("unless it is the topic", () => {
    expect(check("why does my dough not rise", text)).toBe(true);
    expect(check("how are hard negatives mined", text)).toBe(false);
  });
});

describe("repetition", () => {
  test.each([
    ["no no no no no", true],
    ["no no no no", false],
    ["one two one two one two", true],
    ["one two one two three", false],
    [`It was ${".".repeat(30)} late`, true],
    [`It was ${"a".repeat(30)} late`, true],
    [`It was ${"a".repeat(29)} late`, false],
    [`It was ${". ".repeat(18)} late`, false],
    [`It was ${"[{".repeat(20)} late`, true],
    [sentence([...invented("a", 20), ...invented("b", 15), ...invented("b", 15), ...invented("b", 15)]), true],
    [sentence([...invented("a", 20), ...invented("b", 15), ...invented("b", 15)]), false],
    ["The cat sat down. A dog came. The cat sat down. Then it rained. The cat sat down.", true],
    ["The cat sat down. A dog came. The cat sat down. Then it rained and rained.", false],
  ])("%s: %s", (text, repeats) => {
    expect(repetitionIn(text) !== undefined).toBe(repeats);
  });

  test("one word of three in ten is too much from twenty words on", () => {
    const text = (times: number, of: number) => {
      const others = invented("a", of - times);
      return Array.from({ length: of }, (_, i) => (i % 3 === 0 && i / 3 < times ? "fish" : others.pop())).join(" ");
    };
    expect(repetitionIn(text(7, 21))).toBe("33 % of its words are “fish”.");
    expect(repetitionIn(text(6, 21))).toBeUndefined();
    expect(repetitionIn(text(6, 18))).toBeUndefined();
  });

  test("runs of four: 16 distinct of 37 are too few, 24 are not", () => {
    // Blocks in an order that is no loop: what counts is the set of runs.
    const [a, b, c] = ["k", "l", "m"].map((prefix) => invented(prefix, 5));
    const blocks = (...order: (string[] | undefined)[]) => order.flatMap((block) => block ?? []);
    const text = blocks(a, b, b, a, a, b, b, a);
    const runs = new Set(text.map((_, i) => text.slice(i, i + 4).join(" ")).slice(0, -3));
    // Two in each block, three over each border: 2 · 2 + 4 · 3.
    expect([text.length, runs.size]).toEqual([40, 16]);
    expect(repetitionIn(text.join(" "))).toBe("Only 43 % of its runs of four words are distinct.");
    expect(repetitionIn(blocks(a, b, c, b, a, c, a, b).join(" "))).toBeUndefined();
  });
});

describe("language", () => {
  const byLanguage = new Map(
    cases
      .filter(({ name }) => /^good reflective answer: (?:honey|de|fr|es|it|nl|pt|zh|ja|ru)$/.test(name))
      .map(({ name, positive, answer }) => {
        const { hard_negative_document: passage } = JSON.parse(answer) as { hard_negative_document: string };
        return [name.slice("good reflective answer: ".length), { positive, passage }] as const;
      }),
  );
  const pairs = [...byLanguage.keys()].flatMap((one) => [...byLanguage.keys()].map((other) => [one, other] as const));

  test("ten of them are there", () => {
    expect(byLanguage.size).toBe(10);
  });

  test.each(pairs)("a passage in %s for a positive in %s", (one, other) => {
    const mismatch = languageMismatch(byLanguage.get(one)?.passage ?? "", byLanguage.get(other)?.positive ?? "");
    expect(mismatch === undefined).toBe(one === other);
  });

  test("letters of other scripts: up to an eighth, and of two scripts at most", () => {
    const english = "x".repeat(88);
    const mismatch = (text: string) => languageMismatch(text, "There were ninety letters of one kind in it.");
    expect(mismatch(`${english} ${"я".repeat(12)}`)).toBeUndefined();
    expect(mismatch(`${english} ${"я".repeat(13)}`)).toBe(
      "13 % of its letters are of scripts that the positive does not have (Cyrillic).",
    );
    expect(mismatch(`${english} я λ`)).toBeUndefined();
    expect(mismatch(`${english} я λ 字`)).toMatch(/^3 % of its letters .*(?:Cyrillic|Greek|Han)/);
  });

  test("what cannot be told is no flaw", () => {
    expect(
      latinLanguage("Los Angeles, San Diego, El Paso, La Jolla, Del Mar, Los Gatos, San Mateo, La Mesa"),
    ).toBeUndefined();
    // Spanish and Portuguese have these words both.
    expect(latinLanguage("de que se para com como más mais de que se para de que se para")).toBeUndefined();
    expect(languageMismatch("42 °C", "Die Temperatur ist hoch.")).toBeUndefined();
    // Swedish is not among the languages that are known.
    const swedish =
      "Snön knarrar när det är kallt, och ju kallare det är desto högre låter det under stövlarna i skogen.";
    expect(
      languageMismatch(swedish, "Fyren byggdes av granit som bröts på udden, och tre familjer bodde där."),
    ).toBeUndefined();
  });
});

test("good passages on other topics pass, but for their length", () => {
  const good = cases.filter(({ name }) =>
    /^good reflective answer: (?:honey|light|yeast|tram|cocoa|owl|kayak|moss)$/.test(name),
  );
  const passages = good.map(
    ({ answer }) => (JSON.parse(answer) as { hard_negative_document: string }).hard_negative_document,
  );
  const flaws = good.flatMap(({ query, positive }) =>
    passages.flatMap((text) =>
      checkPassage({ query, positive: document(positive), passage: { title: "", text }, similar: [] }),
    ),
  );
  expect([good.length, flaws]).toEqual([8, []]);
});
