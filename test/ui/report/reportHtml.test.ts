/** The report as a file: read by a parser of its own, its figures against those of the record. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/base/digest.ts";
import type { ReportInput } from "../../../src/app/report.ts";
import { headlineMetrics, systems } from "../../../src/domain/ranking.ts";
import { reportHtml } from "../../../src/ui/report/reportHtml.tsx";
import { all, parse, rowsOf, textOf, type Node } from "./parse.ts";
import { byHolm, comparisonInput, finishedRun, hostile, reported, runInput } from "./told.ts";

const found = (node: Node | undefined): Node => {
  if (!node) throw new Error("it is not there");
  return node;
};

/** By the start of its caption. */
const tableOf = (page: Node, caption: string): Node =>
  found(all(page, "table").find((table) => textOf(found(all(table, "caption")[0])).startsWith(caption)));

const listed = (page: Node): Map<string, string> =>
  new Map(
    all(page, "div").flatMap((line) => {
      const [name, value] = [all(line, "dt")[0], all(line, "dd")[0]];
      return name && value ? [[textOf(name), textOf(value)]] : [];
    }),
  );

const without: ReportInput = {
  ...runInput,
  kind: "run",
  told: {
    collection: undefined,
    encoderIdentity: undefined,
    run: { ...finishedRun("Run 1", { steps: 0 }), steps: [] },
  },
  changes: { better: 0, worse: 0, same: 0, gained: [], lost: [] },
};

describe.each([
  ["a run", runInput],
  ["a run of which little is left", without],
  ["a comparison", comparisonInput],
])("%s", (_, input) => {
  const html = reportHtml(input);
  const page = parse(html);

  it("has neither scripts nor anything that is fetched, and says so to the browser", () => {
    const elements = all(page);
    expect(elements.map(({ tag }) => tag)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:script|img|iframe|object|link|base|form|input|button)$/u)]),
    );
    for (const { attributes } of elements)
      for (const [name, value] of Object.entries(attributes)) {
        expect(name).not.toMatch(/^on|^src|^style$/u);
        if (name.endsWith("href")) expect(value).toMatch(/^#/u);
        expect(value).not.toMatch(/https?:|javascript:|url\(/u);
      }
    const policy = all(page, "meta").find(({ attributes }) => attributes["http-equiv"] === "Content-Security-Policy");
    expect(policy?.attributes["content"]).toBe("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    expect(html.indexOf("Content-Security-Policy")).toBeLessThan(html.indexOf("<title>"));
  });

  it("shows texts from files as texts", () => {
    expect(textOf(page)).toContain(hostile);
    expect(html).not.toContain("<script>");
    expect(html).not.toContain("<img");
  });

  it("names its parts: landmarks, one heading of the first level, ids that links lead to", () => {
    for (const tag of ["header", "nav", "main", "footer", "h1"]) expect(all(page, tag), tag).toHaveLength(1);
    const ids = all(page).flatMap(({ attributes: { id } }) => (id === undefined ? [] : [id]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const link of all(found(all(page, "nav")[0]), "a")) {
      const heading = all(page, "h2").find(({ attributes: { id } }) => `#${id}` === link.attributes["href"]);
      expect(textOf(found(heading)).startsWith(textOf(link)), textOf(link)).toBe(true);
    }
    for (const { attributes } of all(page, "a")) expect(ids).toContain(attributes["href"]?.slice(1));
    const labels = all(page).flatMap(({ attributes }) =>
      attributes["role"] === "region" ? [attributes["aria-label"]] : [],
    );
    expect(new Set(labels).size).toBe(labels.length);
  });

  it("gives every table a caption and every head a scope", () => {
    for (const table of all(page, "table")) {
      expect(all(table, "caption")).toHaveLength(1);
      for (const { attributes } of all(table, "th")) expect(attributes["scope"]).toMatch(/^(?:row|col)$/u);
    }
  });

  it("says of every drawing what it shows, and has the figures of every chart in a table after it", () => {
    const drawn = all(page, "svg").filter(({ attributes }) => attributes["aria-hidden"] !== "true");
    for (const svg of drawn) {
      const [title] = all(svg, "title");
      expect(svg.attributes["aria-labelledby"]).toBe(title?.attributes["id"]);
      expect(textOf(found(title))).not.toBe("");
    }
    const charts = all(page, "figure");
    for (const chart of charts) expect(textOf(found(all(chart, "desc")[0]))).toMatch(/\d/u);
    const order = all(page).filter(({ tag }) => tag === "figure" || tag === "table");
    for (const chart of charts) expect(order.slice(order.indexOf(chart)).some(({ tag }) => tag === "table")).toBe(true);
  });
});

it("is styled by what is in it alone", () => {
  for (const name of ["styles/tokens", "styles/base", "styles/figures", "report/report"]) {
    const css = readFileSync(new URL(`../../../src/ui/${name}.css`, import.meta.url), "utf8");
    expect(css, name).not.toMatch(/url\(|@import|<\//u);
  }
});

describe("of a run", () => {
  const page = parse(reportHtml(runInput));
  const { run } = runInput.kind === "run" ? runInput.told : reported(finishedRun("none"));
  const { result } = run;

  it("has the record's means and intervals, in the order of the systems", () => {
    const [, ...rows] = rowsOf(tableOf(page, "Means with their 95 % intervals"));
    expect(rows.map(([name]) => name)).toEqual(systems.map(({ words }) => words));
    const three = (value: number | undefined) => (value ?? Number.NaN).toFixed(3).replace(/^0/u, "");
    systems.forEach(({ name }, i) =>
      headlineMetrics.forEach((metric, column) => {
        const mean = result.systems[name]?.mean[metric];
        const figures = `${three(mean?.value)} ${three(mean?.low)}–${three(mean?.high)}`;
        expect(rows[i]?.[column + 1]).toContain(figures);
      }),
    );
  });

  it("has the record's p-values, and Holm's beside them", () => {
    const rows = rowsOf(tableOf(page, "Differences in nDCG@10"));
    const said = rows.map((cells) =>
      /p = ([\d.]+), by Holm p = ([\d.]+)/u
        .exec(cells[2] ?? "")
        ?.slice(1)
        .map(Number),
    );
    expect(said.map((pair) => pair?.[0])).toEqual([0.001, 0.011, 0.02, 0.2, 0.5, 0.9]);
    expect(said.map((pair) => pair?.[1])).toEqual(byHolm);
    expect(rows.map((cells) => cells[2]?.includes("(not by Holm)"))).toEqual([false, true, true, false, false, false]);
  });

  it("has the steps in a table: the first, the last, twelve in all, and what was not finite as such", () => {
    const [, ...rows] = rowsOf(tableOf(page, "12 of 40 steps"));
    expect(rows).toHaveLength(12);
    expect(rows[0]?.slice(0, 4)).toEqual(["1", "1.000", "1.000", "2.200"]);
    expect(rows.at(-1)?.slice(0, 2)).toEqual(["40", (run.steps.at(-1)?.loss ?? 0).toFixed(3)]);
    expect(rowsOf(tableOf(page, "nDCG@10 on dev"))).toEqual([
      ["After step", "nDCG@10", "Weights"],
      ["before training", ".400", ""],
      ["20", ".450", "kept"],
      ["40", ".440", ""],
    ]);
    for (const path of all(page, "path")) expect(path.attributes["d"]).not.toContain("NaN");
  });

  it("has the margins by tenths", () => {
    const rows = rowsOf(tableOf(page, "Margins in figures"));
    // Bins 9 and 12 of 20: from −.05 to 0 and from .1 to .15.
    expect(rows[0]?.slice(1)).toEqual([
      "below −.4",
      ...["−.4", "−.3", "−.2", "−.1", "0", ".1", ".2", ".3", ".4"].map((edge) => `from ${edge}`),
    ]);
    expect(rows[1]).toEqual(["Synthetic before", "0", "0", "0", "0", "16", "0", "48", "0", "0", "0"]);
    expect(textOf(tableOf(page, "Where the loss looks"))).toContain("25.0 % below 0");
  });

  it("says which queries changed, with what stood where", () => {
    const [first] = all(found(all(page, "ol")[0]), "li");
    const words = textOf(found(first)).replace(/\s+/gu, " ");
    expect(words).toContain(".000 → 1.000 +1.000");
    expect(words).toContain("The answer, rank 14 before, rank 1 after");
    expect(words).toContain("First afteran answer");
    // Cut between words.
    expect(words).toMatch(/Sun\.|the …|is …|nearest …|star …|to …/u);
    expect(words.length).toBeLessThan(800);
    expect(textOf(page)).toContain("21 queries got better, 2 worse, and 37 stayed as they were");
  });

  it("says once what stood first before and after", () => {
    if (runInput.kind !== "run") throw new Error("it is a comparison");
    const shown = { title: "Vega", text: "A star.", isAnswer: false };
    const lost = runInput.changes.lost.map((query) => ({ ...query, firstBefore: shown, firstAfter: { ...shown } }));
    const drawn = parse(reportHtml({ ...runInput, changes: { ...runInput.changes, gained: [], lost } }));
    const names = all(found(all(drawn, "ol")[0]), "dt").map(textOf);
    expect(names).toEqual(["The answer, rank 14 before, below 100 after", "First before and after"]);
  });

  it("has the recipe: what differs from the defaults, then all of it", () => {
    expect(rowsOf(tableOf(page, "What differs from the defaults"))).toEqual([
      ["Key", "Default", "This run"],
      ["batchSize", "16", "8"],
      ["seed", "1", "4"],
      ["queryPrefix", "not set", '"query: "'],
      ["best.every", "not set", "20"],
    ]);
    expect(JSON.parse(textOf(found(all(page, "pre")[0])))).toEqual(run.config);
  });

  it("has what it takes to see whether one has the same", () => {
    const facts = listed(page);
    expect(facts.get("Recipe")).toBe(digestOf(run.config));
    expect(facts.get("Documents")).toBe("722");
    expect(facts.get("Judgements")).toBe("train 240, dev 61, test 141");
    expect(facts.get("Seed of every random choice")).toBe("4");
    expect(facts.get("Engine")).toBe("CPU, 1 thread");
    expect(facts.get("Most memory")).toBe("84 MB");
    expect(textOf(page)).toContain(run.collectionDigest);
    expect(textOf(page)).toContain("feed".repeat(16));
  });
});

it("says what is not known where the collection is gone and nothing was trained", () => {
  const words = textOf(parse(reportHtml(without)));
  expect(words).toContain("not known: the collection was removed or replaced");
  expect(words).toContain("Nothing was trained");
});

describe("of several runs", () => {
  const page = parse(reportHtml(comparisonInput));

  it("has what differs and nothing else", () => {
    expect(rowsOf(tableOf(page, "Keys of the recipe first"))).toEqual([
      ["Key", "Run 7", "Run 8", "Run 9"],
      ["negatives.synthetic", "count 1", "not set", "count 1"],
      ["negatives.bm25", "count 4, first 1, last 20", "count 5, first 1, last 20", "count 4, first 1, last 20"],
      ["temperature", "0.05", "0.05", "0.02"],
      ["seed", "4", "4", "5"],
    ]);
  });

  it("tests runs on the same queries only, and says which are not", () => {
    const [row, ...others] = rowsOf(tableOf(page, "Against Run 7, the earliest"));
    expect(others).toEqual([]);
    expect(row?.[0]).toBe("Run 8");
    expect(row?.[2]).toContain("p = .300");
    // One test needs no correction.
    expect(row?.[2]).not.toContain("Holm");
    expect(textOf(page).replace(/\s+/gu, " ")).toContain("compared: Run 7, Run 8; Run 9.");
  });

  it("has each run's scores, and its recipe whole", () => {
    expect(rowsOf(tableOf(page, "The encoder alone")).map(([name]) => name)).toEqual([
      "Run",
      ...["Run 7", "Run 8", "Run 9"].map((name) => `${name}60 test queries`),
    ]);
    expect(all(page, "pre").map((pre) => JSON.parse(textOf(pre)).temperature)).toEqual([0.05, 0.05, 0.02]);
  });
});
