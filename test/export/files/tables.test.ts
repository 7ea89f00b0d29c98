import { expect, test } from "vitest";
import { documentId, queryId } from "../../../src/domain/ids.ts";
import { csvFile, type Cell } from "../../../src/export/files/csv.ts";
import { fileStem, toBlob } from "../../../src/export/files/file.ts";
import { trecQrels, trecRun } from "../../../src/export/files/trec.ts";
import { Unwritable } from "../../../src/export/files/unwritable.ts";
import { readRun } from "../../../src/retrieval/trec.ts";
import { textOf } from "./hostile.ts";

/** RFC 4180, section 2, written from its grammar: quoted cells with doubled quotation marks, CRLF between records. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    const [cell, end] = text[at] === '"' ? quotedCell(text, at + 1) : plainCell(text, at);
    at = end;
    rows.at(-1)?.push(cell);
    if (text[at] === ",") at++;
    else if (text.startsWith("\r\n", at)) {
      at += 2;
      if (at < text.length) rows.push([]);
    } else throw new Error(`neither a comma nor a line end at ${at}`);
  }
  return rows;
}

/** A cell from behind its first quotation mark, and where it ends. */
function quotedCell(text: string, start: number): [cell: string, end: number] {
  let cell = "";
  for (let at = start; at < text.length; at++) {
    if (text[at] !== '"') cell += text[at] ?? "";
    else if (text[at + 1] === '"') cell += text[at++] ?? "";
    else return [cell, at + 1];
  }
  throw new Error("a quoted cell has no end");
}

function plainCell(text: string, start: number): [cell: string, end: number] {
  let at = start;
  for (; at < text.length && text[at] !== "," && !text.startsWith("\r\n", at); at++) {
    if (/["\r\n]/u.test(text[at] ?? "")) throw new Error("a cell must be quoted");
  }
  return [text.slice(start, at), at];
}

const plain = [
  "a",
  "",
  "with, comma",
  'with "quotes"',
  "two\nlines",
  "two\r\nlines",
  " spaces ",
  "1e5",
  "a=b",
  "日本語 \u2028",
];

test("every text comes back as it was, by RFC 4180", async () => {
  const file = csvFile("t.csv", { columns: plain.map((_, i) => `c${i}`), rows: [plain, plain.toReversed()] });
  expect(parseCsv(await textOf(file)).slice(1)).toEqual([plain, plain.toReversed()]);
  expect(file.type).toContain("text/csv");
});

test.each([
  "=1+1",
  "+1",
  "-1",
  "@SUM(A1)",
  "\t=1",
  "\r=1",
  "\n=1",
  "\0=1",
  "  =1",
  "＝1",
  "＋1",
  "－1",
  "＠x",
  '=cmd|"/c calc"!A1',
  "-",
])("%j gets an apostrophe and quotation marks, in the head too", async (text) => {
  const csv = await textOf(csvFile("t.csv", { columns: [text], rows: [[text]] }));
  expect(parseCsv(csv)).toEqual([[`'${text}`], [`'${text}`]]);
  expect(csv.startsWith(`"'`)).toBe(true);
  const raw = await textOf(csvFile("t.csv", { columns: [text], rows: [[text]] }, { guard: false }));
  expect(parseCsv(raw)).toEqual([[text], [text]]);
});

test("numbers stay numbers, also below 0; what is missing is empty", async () => {
  const row: readonly Cell[] = [-0.5, 3, 1e-7, true, undefined, null, NaN, -Infinity];
  const csv = await textOf(csvFile("t.csv", { columns: ["x"], rows: [row] }));
  expect(parseCsv(csv)[1]).toEqual(["-0.5", "3", "1e-7", "true", "", "", "NaN", "'-Infinity"]);
});

const judgement = (query: string, document: string, grade: number) => ({
  queryId: queryId(query),
  documentId: documentId(document),
  grade,
});

test("TREC qrels: four columns", async () => {
  const file = trecQrels("qrels.test", [judgement("q1", "d1", 2), judgement("q1", "日本", 0)]);
  expect((await textOf(file)).split("\n").map((line) => line.split(" "))).toEqual([
    ["q1", "0", "d1", "2"],
    ["q1", "0", "日本", "0"],
    [""],
  ]);
});

test("TREC run: six columns, all digits of the score, and the run's own reader finds the same rankings", async () => {
  const rankings = [
    {
      queryId: queryId("q1"),
      hits: [
        { documentId: documentId("d9"), score: 0.1 + 0.2 },
        { documentId: documentId("d1"), score: -1e-9 },
      ],
    },
    { queryId: queryId("q2"), hits: [{ documentId: documentId("d2"), score: 7 }] },
    { queryId: queryId("q3"), hits: [] },
  ];
  const text = await textOf(trecRun("after.trec", rankings, { tag: "after" }));
  expect(text.split("\n").map((line) => line.split(" "))).toEqual([
    ["q1", "Q0", "d9", "1", "0.30000000000000004", "after"],
    ["q1", "Q0", "d1", "2", "-1e-9", "after"],
    ["q2", "Q0", "d2", "1", "7", "after"],
    [""],
  ]);
  expect(readRun(text)).toEqual(rankings.slice(0, 2));
  const cut = await textOf(trecRun("after.trec", rankings, { tag: "after", depth: 1 }));
  expect(cut.split("\n")).toHaveLength(3);
});

test.each(["a b", "a\tb", "a\nb", "", "a\u00a0b", "a\u0085b", "a\u001cb", "\ud800"])(
  "the id %j is refused in TREC files",
  (id) => {
    const run = (query: string, document: string) => [
      { queryId: queryId(query), hits: [{ documentId: documentId(document), score: 1 }] },
    ];
    expect(() => trecQrels("q", [judgement(id, "d", 1)])).toThrow(Unwritable);
    expect(() => trecQrels("q", [judgement("q", id, 1)])).toThrow(Unwritable);
    expect(() => trecRun("r", run(id, "d"), { tag: "t" })).toThrow(/BEIR/);
    expect(() => trecRun("r", run("q", id), { tag: "t" })).toThrow(Unwritable);
    expect(() => trecRun("r", run("q", "d"), { tag: id })).toThrow(Unwritable);
  },
);

test("a blob has every byte, though it is handed over in parts", async () => {
  const row = ["x".repeat(100_000)];
  const file = csvFile("t.csv", { columns: ["c"], rows: Array.from({ length: 120 }, () => row) });
  const blob = await toBlob(file);
  expect(blob.size).toBe(3 + 120 * 100_002);
  expect(await blob.text()).toBe(await textOf(file));
});

test.each([
  ["SciFact", "SciFact"],
  ["../../etc/passwd", "etc-passwd"],
  ["a/b\\c:d*e?", "a-b-c-d-e"],
  ["Fragen über Vögel", "Fragen-über-Vögel"],
  ["", "decoy"],
  ["...", "decoy"],
  ["\ud800", "decoy"],
])("the name %j is safe as %j", (name, stem) => expect(fileStem(name)).toBe(stem));
