import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyse } from "../../src/text/words.ts";

/** Each row is what Lucene 8.7's EnglishAnalyzer gave for the text. */
const asLucene: readonly (readonly [string, string])[] = [
  ["Don't stop the U.S.A. at 3.5 a:b 1,000 foo_bar _x_ __", "don't|stop|u.s.a|3.5|a:b|1,000|foo_bar|_x_"],
  ["10-K e.g., y2k .5 5. 3,a a,3 a.3 3.a 1:2 1'2 1;2 a;b 1_000", "10|k|e.g|y2k|5|5|3|3|3|3|1|2|1'2|1;2|b|1_000"],
  ["O'Neil's dogs’ dog's x’s IT'S it's 'tis rock'n'roll", "o'neil|dog|dog|x|ti|rock'n'rol"],
  ["IL‑6 α-synuclein TGF-β1 x² 5½ H2O2 CD4+ p<0.05 1e-5 C++", "il|6|α|synuclein|tgf|β1|x|5|h2o2|cd4|p|0.05|1e|5|c"],
  [
    "ÅNGSTRÖM naïve İstanbul ΣΑΣ cafe\u0301 co\u00ADop a\u200Bb a\u200Db",
    "ångström|naïv|istanbul|σασ|cafe\u0301|co\u00ADop|b|a\u200Db",
  ],
  ["日本語 カタカナ ひら 한국어 ภาษาไทย １２３", "日|本|語|カタカナ|ひ|ら|한국어|ภาษาไทย|１２３"],
  ["😀 a® ©2020 👩\u200D🚀 👍🏽 🇩🇪🇫🇷 x😀y", "😀|®|©|2020|👩\u200D🚀|👍🏽|🇩🇪|🇫🇷|x|😀|y"],
  ["131\u202F000", "131\u202F000"],
  ["relational conditional ponies caresses hopping hoping", "relat|condit|poni|caress|hop|hope"],
  ["generalizations oscillators archaeology possibly happily", "gener|oscil|archaeolog|possibl|happili"],
  ["sky skies agreed feed eed ies sses ox is as us", "sky|ski|agre|feed|eed|i|ss|ox|us"],
  ["a an and are as at be but by for if in into is it no not", ""],
  ["of on or such that the their then there these they this to was will with", ""],
  ["were his from have", "were|hi|from|have"],
];

describe("analyse", () => {
  it.each(asLucene)("agrees with Lucene on %j", (text, terms) => {
    expect(analyse(text).join("|")).toBe(terms);
  });

  it("gives nothing for an empty text, white space or punctuation", () => {
    for (const text of ["", " \n\t", "--- ... !?", "___ _ \u202F"]) expect(analyse(text)).toEqual([]);
  });

  it("keeps order and repetitions", () => {
    expect(analyse("Cats chase cats, dogs chase CATS")).toEqual(["cat", "chase", "cat", "dog", "chase", "cat"]);
  });

  it("gives for two lines the words of the one and then of the other, and the same when asked again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (first, second) => {
        const terms = analyse(`${first}\n${second}`);
        expect(terms).toEqual([...analyse(first), ...analyse(second)]);
        expect(terms).not.toContain("");
      }),
    );
  });

  it("reads on after more words than it remembers", () => {
    for (let i = 0; i < 70_000; i++) analyse(`word${i}s`);
    expect(analyse("word7s running")).toEqual(["word7", "run"]);
  });
});
