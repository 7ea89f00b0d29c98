/** Tables: separated values with their traps, and JSON lines under names of their own. */
import * as fc from "fast-check";
import Papa from "papaparse";
import { expect, test } from "vitest";
import { isProblem } from "../../src/data/problem.ts";
import { encodingOf } from "../../src/data/table/encoding.ts";
import { createRecords, longestRecord } from "../../src/data/table/records.ts";
import { UnreadableCollection } from "../../src/data/unreadable.ts";
import { importFiles, reasons, utf8 } from "./import.ts";
import { columnsOf, preview, readAs } from "./tables.ts";

const frage = { columns: columnsOf(["Frage", "query"], ["Antwort", "positive"]) };

/** As a program writes CSV: quotes around what needs them. */
const cell = (text: string, delimiter: string): string =>
  text.includes('"') || text.includes("\n") || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;

test("what was written as separated values is read back, whatever the pieces", () => {
  const text = fc.stringMatching(/^[a-c ,;"\n\t|é]{0,6}$/u);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(",", ";", "\t"),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      (rows, delimiter, size, lastBreak) => {
        const lines = rows.map((row) => row.map((text) => cell(text, delimiter)).join(delimiter));
        const file = lines.join("\n") + (lastBreak ? "\n" : "");
        const records = createRecords(Papa, delimiter);
        const found = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
          records.push(file.slice(i * size, (i + 1) * size), false),
        ).flat();
        found.push(...records.push("", true));
        expect(found.map(({ row }) => row)).toEqual(rows.map((row) => [...row]));
        let line = 1;
        for (const [place, given] of found.entries()) {
          expect(given.line).toBe(line);
          line += (lines[place] ?? "").split("\n").length;
        }
      },
    ),
  );
});

test("a quote that is never closed costs its line, with its number, and nothing after it", () => {
  const push = (delimiter: string, text: string) =>
    createRecords(Papa, delimiter)
      .push(text, true)
      .map(({ line, row }) => [line, isProblem(row) ? row.what : row]);
  expect(push(",", 'a,b\n"open,2\n3,4\n"x" y,5\n6,7\n')).toEqual([
    [1, ["a", "b"]],
    [2, "quotes do not match"],
    [3, ["3", "4"]],
    [4, "quotes do not match"],
    [5, ["6", "7"]],
  ]);
  // Tabs: quotes are letters there.
  expect(push("\t", '"a" b\tc\nd\te\n')).toEqual([
    [1, ['"a" b', "c"]],
    [2, ["d", "e"]],
  ]);
});

test("a record that is too long is left out, and what follows is read", () => {
  const records = createRecords(Papa, ",");
  const long = "x".repeat(longestRecord / 2);
  const found = [`a,b\n`, long, long, long, `,1\nc,d\n"open`, "\n"].flatMap((piece) => records.push(piece, false));
  found.push(...records.push("e,f\n", true));
  expect(found.map(({ line, row }) => [line, isProblem(row) ? row.what : row])).toEqual([
    [1, ["a", "b"]],
    [2, "line too long"],
    [3, ["c", "d"]],
    [4, "quotes do not match"],
    [5, ["e", "f"]],
  ]);
});

test("a CSV with names of its own, a byte order mark, quotes, breaks within cells and CRLF", async () => {
  const csv = '\uFEFFFrage,Antwort\r\n"What, then?","A ""quoted""\r\nanswer"\r\nWhy?,Because\r\n\r\n';
  const { collection, summary, rejected } = await readAs("fragen.csv", csv, frage);
  expect(collection.name).toBe("fragen");
  expect(collection.queries.map(({ text }) => text)).toEqual(["What, then?", "Why?"]);
  expect(collection.documents.map(({ text }) => text)).toEqual(['A "quoted"\nanswer', "Because"]);
  expect(collection.judgements).toEqual({
    all: [
      { queryId: "q1", documentId: "d1", grade: 1 },
      { queryId: "q2", documentId: "d2", grade: 1 },
    ],
  });
  expect(summary.format).toBe("CSV of pairs (query from Frage, positive from Antwort)");
  expect(rejected).toEqual([]);
});

test("ragged, empty and repeated rows are left out with their lines", async () => {
  const csv = 'Frage,Antwort\na,1\nb\nc,3,4\n"d\nd",5\n,6\ne,\na,1\nf,7\n';
  const read = await readAs("a.csv", csv, frage);
  expect(read.collection.queries.map(({ text }) => text)).toEqual(["a", "d\nd", "f"]);
  expect(reasons(read).map((reason) => reason.split(":").slice(0, 2).join(":"))).toEqual([
    "a.csv:3 wrong number of columns",
    "a.csv:4 wrong number of columns",
    "a.csv:7 empty query",
    "a.csv:8 no positive",
    "a.csv:9 repeated row",
  ]);
});

test.each([
  [",", "CSV"],
  [";", "CSV with semicolons"],
  ["\t", "TSV"],
  ["|", "CSV with bars"],
])("the separator is seen: %j", async (delimiter, format) => {
  const rows = ["Frage", "Antwort", "x"].join(delimiter) + "\n" + ["was, wie", "so; so", "1"].join(delimiter) + "\n";
  const start = await preview("a.csv", delimiter === "," ? "Frage,Antwort,x\nwas,so; so,1\n" : rows);
  expect(start).toMatchObject({ format, form: { delimiter, header: true } });
  expect(start?.columns.map(({ name }) => name)).toEqual(["Frage", "Antwort", "x"]);
});

test("without a header the columns are numbered; with repeated names they are told apart", async () => {
  const start = await preview(
    "a.csv",
    "what is a tide,The moon pulls the sea.\nwhy is it cold,Frost comes at night.\n",
  );
  expect(start).toMatchObject({ form: { header: false }, recognised: false });
  expect(start?.columns.map(({ name }) => name)).toEqual(["column 1", "column 2"]);
  expect(start?.rows).toHaveLength(2);
  const named = await preview("b.csv", "query,neg,neg,\na,b,c,d\n");
  expect(named?.columns.map(({ name, role }) => [name, role])).toEqual([
    ["query", "query"],
    ["neg", "negative"],
    ["neg (2)", "negative"],
    ["column 4", "ignore"],
  ]);
});

const encoded = (text: string, bytes: 1 | 2, bigEndian = false): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(text.length * bytes);
  const view = new DataView(out.buffer);
  for (let i = 0; i < text.length; i++) {
    if (bytes === 1) out[i] = text.charCodeAt(i);
    else view.setUint16(2 * i, text.charCodeAt(i), !bigEndian);
  }
  return out;
};

test.each<[string, Uint8Array<ArrayBuffer>, RegExp | undefined]>([
  ["UTF-8", utf8("Frage;Antwort\nWo schläft er?;Im Süden\n"), undefined],
  ["UTF-16, little end first", encoded("\uFEFFFrage;Antwort\nWo schläft er?;Im Süden\n", 2), /UTF-16/],
  ["UTF-16, big end first", encoded("\uFEFFFrage;Antwort\nWo schläft er?;Im Süden\n", 2, true), /UTF-16/],
  ["UTF-16 without a mark", encoded("Frage;Antwort\nWo schläft er?;Im Süden\n", 2), /UTF-16/],
  ["Latin-1", encoded("Frage;Antwort\nWo schläft er?;Im Süden\n", 1), /not UTF-8.*Windows-1252/],
])("%s is read, and said where it is not UTF-8", async (_name, bytes, note) => {
  const start = await preview("a.csv", bytes);
  expect(start?.notes.join()).toMatch(note ?? /^$/u);
  const { collection } = await readAs("a.csv", bytes, frage);
  expect([collection.queries[0]?.text, collection.documents[0]?.text]).toEqual(["Wo schläft er?", "Im Süden"]);
});

test("one spoilt row among UTF-8 is left out, and the rest is not taken for Latin-1", async () => {
  const bytes = new Uint8Array([
    ...utf8("Frage,Antwort\nschläft,süd\nbär,öl\n"),
    0x66,
    0xe4,
    0x2c,
    0x67,
    0x0a,
    ...utf8("grün,blau\n"),
  ]);
  expect(encodingOf(bytes).name).toBe("utf-8");
  const read = await readAs("a.csv", bytes, frage);
  expect(read.collection.queries.map(({ text }) => text)).toEqual(["schläft", "bär", "grün"]);
  expect(reasons(read)).toEqual([expect.stringMatching(/^a\.csv:4 not UTF-8/u)]);
});

test("splits, scores, titles, ids and negatives go where they belong", async () => {
  const columns = columnsOf(
    ["q", "query"],
    ["p", "positive"],
    ["t", "title"],
    ["i", "documentId"],
    ["s", "score"],
    ["set", "split"],
    ["n", "negative"],
    ["m", "negative"],
    ["rest", "ignore"],
  );
  const csv = [
    "q,p,t,i,s,set,n,m,rest",
    "a,A,Title,x1,2,train,N1,,z",
    'b,B,,x2,1,dev,"[""N1"", ""N2""]",N3,z',
    "b,C,,x3,0,dev,,,z",
    "c,D,,x1,1,,,,z",
    "d,E,,x5,.5,,,,z",
    "e,F,,x6,,,,,z",
  ].join("\n");
  const read = await readAs("a.csv", csv, { columns });
  const { collection } = read;
  expect(collection.documents).toEqual([
    { id: "x1", title: "Title", text: "A" },
    { id: "d2", title: "", text: "N1" },
    { id: "x2", title: "", text: "B" },
    { id: "d4", title: "", text: "N2" },
    { id: "d5", title: "", text: "N3" },
    { id: "x3", title: "", text: "C" },
    { id: "x6", title: "", text: "F" },
  ]);
  expect(collection.judgements).toEqual({
    // No split is said for the last.
    train: [
      { queryId: "q1", documentId: "x1", grade: 2 },
      { queryId: "q3", documentId: "x6", grade: 1 },
    ],
    dev: [
      { queryId: "q2", documentId: "x2", grade: 1 },
      { queryId: "q2", documentId: "x3", grade: 0 },
    ],
  });
  expect(collection.negatives.map(({ queryId, text }) => [queryId, text])).toEqual([
    ["q1", "N1"],
    ["q2", "N1"],
    ["q2", "N2"],
    ["q2", "N3"],
  ]);
  expect(reasons(read).map((reason) => reason.split(":").slice(0, 2).join(":"))).toEqual([
    "a.csv:5 document id has two texts",
    "a.csv:6 score is not a whole number",
  ]);
});

test("a passage that is an answer in one row is no negative in another, whatever says so", async () => {
  const columns = columnsOf(["q", "query"], ["p", "positive"], ["s", "score"], ["n", "negative"]);
  const read = await readAs("a.csv", "q,p,s,n\na,A,1,\na,A,0,\nb,B,0,\nb,B,1,\nc,C,1,D\nc,D,0,E\n", { columns });
  expect(
    Object.values(read.collection.judgements)
      .flat()
      .map(({ grade }) => grade),
  ).toEqual([1, 0, 1]);
  expect(reasons(read).map((reason) => reason.split(":").slice(0, 2).join(":"))).toEqual([
    "a.csv:3 negative is also positive",
    "a.csv:5 negative is also positive",
  ]);
});

test("scores of 0 alone are no answers, and that is said", async () => {
  const columns = columnsOf(["q", "query"], ["p", "positive"], ["s", "score"]);
  const reading = readAs("a.csv", "q,p,s\na,b,0\n", { columns });
  await expect(reading).rejects.toThrow(/no score is above 0/u);
  await expect(reading).rejects.toBeInstanceOf(UnreadableCollection);
});

test("usual names need nobody: CSV of pairs and of documents", async () => {
  const pairs = await importFiles({ "a.csv": "question,positive,neg\nq,p,n\n" });
  expect(pairs.summary).toMatchObject({
    format: "CSV of pairs (query from question, negatives from neg)",
    queries: 1,
    documents: 2,
    negatives: 1,
  });
  const documents = await importFiles({ "a.tsv": "id\ttitle\ttext\n7\tTides\tThe moon.\n8\t\t\n" });
  expect(documents.collection.documents).toEqual([{ id: "7", title: "Tides", text: "The moon." }]);
  expect(documents.summary).toMatchObject({ format: "TSV of documents (document id from id)", rejected: 1 });
});

test("JSON lines: usual names are recognised, others are mapped, `__proto__` is a name like any other", async () => {
  const usual = await preview("a.jsonl", '{"anchor": "q", "pos": ["p"], "extra": 1}\n');
  expect(usual?.recognised).toBe(true);
  const lines = '{"Frage": "q", "Antwort": {"title": "T", "text": "p"}, "__proto__": ["n1", "n2"]}\n{"Frage": "r"}\n';
  const start = await preview("a.jsonl", lines);
  expect(start).toMatchObject({ recognised: false, format: "JSONL" });
  expect(start?.columns.map(({ name }) => name)).toEqual(["Frage", "Antwort", "__proto__"]);
  expect(start?.rows[0]).toEqual(["q", '{"title":"T","text":"p"}', '["n1","n2"]']);
  const columns = columnsOf(["Frage", "query"], ["Antwort", "positive"], ["__proto__", "negative"]);
  const read = await readAs("a.jsonl", lines, { columns });
  expect(read.collection.documents.map(({ title, text }) => title + text)).toEqual(["Tp", "n1", "n2"]);
  expect(reasons(read)).toEqual([expect.stringMatching(/^a\.jsonl:2 no positive/u)]);
  expect(await preview("corpus.jsonl", '{"_id": "1", "text": "x"}\n')).toBeUndefined();
  expect(await preview("a.jsonl", '[{"query": "q"}]')).toBeUndefined();
});
