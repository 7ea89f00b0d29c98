import { describe, expect, it } from "vitest";
import { sharedWords } from "../../src/app/wordDiff.ts";

describe("words that two passages share", () => {
  const marked = (text: string, other: string): string =>
    sharedWords(text, other)
      .map(({ text, shared }) => (shared ? `[${text}]` : text))
      .join("");

  it("are marked in whatever order they stand, short ones only between others", () => {
    expect(marked("The moon pulls the sea up.", "Twice a day the Moon pulls the sea.")).toBe(
      "The [moon pulls] the sea up.",
    );
    expect(marked("A dog of the night", "the cat of salt, a night")).toBe("A dog of the [night]");
    expect(marked("Full moon in a tide", "a tide in the full moon")).toBe("[Full moon in a tide]");
    expect(marked("Größe zählt, Ebbe auch", "die größe der ebbe")).toBe("[Größe] zählt, [Ebbe] auch");
  });

  it("leave nothing out", () => {
    const text = "One, two — three! ";
    expect(
      sharedWords(text, "three two one")
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
    expect(sharedWords("", "x")).toEqual([]);
  });
});
