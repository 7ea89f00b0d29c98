/** The encoders that ship: whole, small enough, and at ease with any text. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { encoderFolder } from "../../experiments/files.ts";
import { shippedEncoders } from "../../src/app/shipped.ts";
import { openFolder } from "../../src/encoder/folder.ts";

const at = (key: string) => path.join("public/encoders", key);
const limits: Readonly<Record<string, number>> = { "decoy-small": 12_000_000, "decoy-static": 4_500_000 };

const hard: Readonly<Record<string, string>> = {
  "one word of a million letters": "a".repeat(1_000_000),
  "a million spaces": " ".repeat(1_000_000),
  "a million signs": "!?".repeat(500_000),
  "a million ideographs": "海".repeat(1_000_000),
  "other scripts": "Привет мир, γειά σου, שלום, مرحبا, नमस्ते, สวัสดี, こんにちは, 안녕하세요",
  emoji: "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇳🇴",
  "marks on one letter": `e${"\u0301".repeat(10_000)}`,
  "control characters": "\u0000\u0007\u200B\uFEFF\uFFFD",
  "lone halves of a pair": "\uD800 a \uDC00",
  nothing: "",
};

describe.each(shippedEncoders.map(({ key, files }) => ({ key, files })))("$key", ({ key, files }) => {
  const { card, tokenizer, weights } = openFolder(encoderFolder(at(key)));

  test("the page asks for exactly the files that are there, and they are small enough", () => {
    const there = readdirSync(at(key), { recursive: true, encoding: "utf8" })
      .map((file) => file.split(path.sep).join("/"))
      .filter((file) => statSync(path.join(at(key), file)).isFile());
    expect(there.toSorted()).toEqual([...files].toSorted());
    const bytes = there.reduce((sum, file) => sum + statSync(path.join(at(key), file)).size, 0);
    expect(bytes).toBeLessThanOrEqual(limits[key] ?? 0);
  });

  test("every weight is a number, and no table is empty", () => {
    expect(weights.every(Number.isFinite)).toBe(true);
    expect(weights.some((weight) => weight !== 0)).toBe(true);
    expect(card.shape.vocabulary).toBe(tokenizer.vocabulary);
  });

  test.each(Object.entries(hard))("encodes %s", (_, text) => {
    const ids = tokenizer.encode(text, 256);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids.length).toBeLessThanOrEqual(256);
    expect(ids.every((id) => id >= 0 && id < card.shape.vocabulary)).toBe(true);
  });

  test("its card gives its bars", () => {
    const words = readFileSync(path.join(at(key), "README.md"), "utf8");
    for (const word of ["SciFact", "SQuAD", "MedQuAD", "Near misses", "BM25", "licence"]) expect(words).toContain(word);
  });
});
