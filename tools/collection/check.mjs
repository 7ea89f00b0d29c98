// Checks the built-in collection before it is shipped.
// A mistake here would silently turn into a wrong number on the page, so every
// rule the data card promises has a test of its own.
//   node tools/collection/check.mjs [DIR=public/collection]
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const DIR = process.argv[2] ?? "public/collection";
const SPLITS = ["train", "dev", "test"];
const MIN_WORDS = 40;
const MAX_WORDS = 120;
// At .7 two texts share so many words that one is an edit of the other.
const NEAR = 0.7;
const MIN_PASSAGES = 600;
/** Fewest queries a split. */
const SIZES = { train: 240, dev: 60, test: 140 };
/** Negatives of each training query, by the recipe that they were written by. */
const RECIPES = { "syneg-1": 3, "syneg-1-no-reflection": 1, "syneg-1-no-attributes": 1 };
const LEVELS = ["Foundational", "Intermediate"];
const PASSAGE_ID = /^(sci|claim|lib|hist)-[a-z]+-\d+$/;
const QUERY_ID = /^q-(sci|claim|lib|hist)-[a-z]+-[a-z]$/;

const problems = [];
const problem = (text) => problems.push(text);

const isText = (value) => typeof value === "string" && value.trim() !== "" && value === value.trim();

/** The words of a text, in lower case; hyphens and apostrophes inside a word keep it whole. */
function words(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’.,-][\p{L}\p{N}]+)*/gu) ?? [];
}

const wordSet = (text) => new Set(words(text));

/** Shared words over all words of two sets: 1 for the same set, 0 for none in common. */
function jaccard(a, b) {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared += 1;
  const all = a.size + b.size - shared;
  return all === 0 ? 0 : shared / all;
}

const familyOf = (id) => id.replace(/^q-/, "").replace(/-[^-]+$/, "");

/** The text of a file, or an empty one with a problem noted, so that later checks still run. */
function read(name) {
  const path = join(DIR, name);
  if (existsSync(path)) return readFileSync(path, "utf8");
  problem(`${name}: missing`);
  return "";
}

function readLines(name) {
  const rows = [];
  read(name)
    .split("\n")
    .forEach((line, index) => {
      if (line === "") return;
      try {
        const value = JSON.parse(line);
        if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("not an object");
        rows.push(value);
      } catch (error) {
        problem(`${name}:${index + 1}: not a JSON object (${error.message})`);
      }
    });
  return rows;
}

function readQrels(split) {
  const name = `qrels/${split}.tsv`;
  const lines = read(name)
    .split("\n")
    .filter((line) => line !== "");
  // The header is part of the layout: loaders skip one line without looking at it.
  if (lines.length > 0 && lines[0] !== "query-id\tcorpus-id\tscore") problem(`${name}: wrong header`);
  const rows = [];
  lines.slice(1).forEach((line, index) => {
    const cells = line.split("\t");
    if (cells.length !== 3) problem(`${name}:${index + 2}: ${cells.length} columns, not 3`);
    else rows.push({ query: cells[0], doc: cells[1], score: cells[2], at: `${name}:${index + 2}` });
  });
  return rows;
}

/** A field set that is too small breaks readers; one that is too large is usually a typing error. */
function checkFields(row, fields, at) {
  for (const field of fields) if (!isText(row[field])) problem(`${at}: "${field}" is missing, empty or padded`);
  for (const field of Object.keys(row)) if (!fields.includes(field)) problem(`${at}: unknown field "${field}"`);
}

function checkLength(text, at) {
  if (!isText(text)) return;
  const count = words(text).length;
  if (count < MIN_WORDS || count > MAX_WORDS) problem(`${at}: ${count} words, not ${MIN_WORDS} to ${MAX_WORDS}`);
}

/** Rows by id; the first of two equal ids is kept, the second is reported. */
function indexById(rows, name, pattern) {
  const byId = new Map();
  for (const row of rows) {
    if (!isText(row._id)) continue;
    if (!pattern.test(row._id)) problem(`${name}: id "${row._id}" has the wrong form`);
    if (byId.has(row._id)) problem(`${name}: id "${row._id}" is used twice`);
    else byId.set(row._id, row);
  }
  return byId;
}

function checkCorpus(rows) {
  rows.forEach((row) => {
    const at = `corpus.jsonl ${row._id}`;
    checkFields(row, ["_id", "title", "text"], at);
    checkLength(row.text, at);
  });
  if (rows.length < MIN_PASSAGES) problem(`corpus.jsonl: ${rows.length} passages, fewer than ${MIN_PASSAGES}`);
  const byId = indexById(rows, "corpus.jsonl", PASSAGE_ID);
  checkPassagePairs([...byId.values()].filter((row) => isText(row.text)));
  return byId;
}

/** Two near-equal passages would make one of them an unjudged answer. */
function checkPassagePairs(rows) {
  const sets = rows.map((row) => wordSet(row.text));
  for (let i = 0; i < rows.length; i += 1) {
    for (let j = i + 1; j < rows.length; j += 1) {
      if (jaccard(sets[i], sets[j]) >= NEAR) problem(`corpus.jsonl: ${rows[i]._id} and ${rows[j]._id} are near copies`);
    }
  }
}

function checkQueries(rows) {
  rows.forEach((row) => checkFields(row, ["_id", "text"], `queries.jsonl ${row._id}`));
  const byId = indexById(rows, "queries.jsonl", QUERY_ID);
  const seen = new Map();
  for (const row of byId.values()) {
    if (!isText(row.text)) continue;
    const key = words(row.text).join(" ");
    if (seen.has(key)) problem(`queries.jsonl: ${row._id} repeats ${seen.get(key)}`);
    else seen.set(key, row._id);
  }
  return byId;
}

/** Checks the rows of one split and returns query -> (passage -> score). */
function checkQrels(split, rows, queries, corpus) {
  const judged = new Map();
  for (const { query, doc, score, at } of rows) {
    if (!queries.has(query)) problem(`${at}: unknown query "${query}"`);
    if (!corpus.has(doc)) problem(`${at}: unknown passage "${doc}"`);
    if (!["0", "1", "2"].includes(score)) problem(`${at}: score "${score}", not 0, 1 or 2`);
    if (!judged.has(query)) judged.set(query, new Map());
    if (judged.get(query).has(doc)) problem(`${at}: ${query} and ${doc} are judged twice`);
    judged.get(query).set(doc, Number(score));
  }
  for (const [query, docs] of judged) {
    if (![...docs.values()].includes(2)) problem(`qrels/${split}.tsv: ${query} has no passage of score 2`);
  }
  if (judged.size < SIZES[split]) problem(`qrels/${split}.tsv: ${judged.size} queries, fewer than ${SIZES[split]}`);
  return judged;
}

/** Every query belongs to exactly one split, and no split shares a passage or family with another. */
function checkSplits(judged, queries) {
  for (const id of queries.keys()) {
    const homes = SPLITS.filter((split) => judged[split].has(id));
    if (homes.length === 0) problem(`queries.jsonl: ${id} is in no split`);
    if (homes.length > 1) problem(`qrels: ${id} is in ${homes.join(" and ")}`);
  }
  for (const [a, b] of [
    ["train", "dev"],
    ["train", "test"],
    ["dev", "test"],
  ]) {
    const docsOf = (split) =>
      new Set(
        [...judged[split].values()].flatMap((docs) => [...docs].filter(([, score]) => score > 0).map(([doc]) => doc)),
      );
    const familiesOf = (split) => new Set([...judged[split].keys()].map(familyOf));
    const [docs, families] = [docsOf(b), familiesOf(b)];
    for (const doc of docsOf(a)) if (docs.has(doc)) problem(`qrels: ${a} and ${b} share the passage ${doc}`);
    for (const family of familiesOf(a))
      if (families.has(family)) problem(`qrels: ${a} and ${b} share the family ${family}`);
  }
}

/** A test query that only rewords a training query would measure memory. */
function checkQueryCopies(judged, queries) {
  const known = (split) => [...judged[split].keys()].filter((id) => isText(queries.get(id)?.text));
  for (const train of known("train")) {
    const set = wordSet(queries.get(train).text);
    for (const held of [...known("dev"), ...known("test")]) {
      if (train !== held && jaccard(set, wordSet(queries.get(held).text)) >= NEAR) {
        problem(`queries.jsonl: ${held} is a near copy of the training query ${train}`);
      }
    }
  }
}

/** The reflection and the attributes, where the recipe has them, and only there. */
function checkProvenance({ recipe, reasoning, attributes }, at) {
  if (recipe === "syneg-1-no-reflection") {
    if (reasoning) problem(`${at}: a reasoning, though the recipe has no reflection`);
  } else checkFields(reasoning ?? {}, ["positive", "shares", "lacks"], `${at} reasoning`);
  if (recipe === "syneg-1-no-attributes") {
    if (attributes) problem(`${at}: attributes, though the recipe has none`);
    return;
  }
  checkFields(attributes ?? {}, ["domain", "level", "length"], `${at} attributes`);
  if (!LEVELS.includes(attributes?.level)) problem(`${at}: level "${attributes?.level}" is not known`);
}

function checkNegativeSchema(row, at) {
  checkFields(
    { queryId: row.queryId, title: row.title, text: row.text, model: row.model, recipe: row.recipe },
    ["queryId", "title", "text", "model", "recipe"],
    at,
  );
  const known = ["queryId", "title", "text", "reasoning", "attributes", "model", "recipe"];
  for (const field of Object.keys(row)) if (!known.includes(field)) problem(`${at}: unknown field "${field}"`);
  if (!(row.recipe in RECIPES)) problem(`${at}: recipe "${row.recipe}" is not known`);
  checkProvenance(row, at);
  checkLength(row.text, at);
}

/** So many of each recipe for each training query, and none for a held-out query. */
function checkNegativeCounts(rows, train) {
  const key = (id, recipe) => `${id} ${recipe}`;
  const counts = new Map();
  for (const { queryId, recipe } of rows) counts.set(key(queryId, recipe), (counts.get(key(queryId, recipe)) ?? 0) + 1);
  for (const id of train.keys()) {
    for (const [recipe, wanted] of Object.entries(RECIPES)) {
      const count = counts.get(key(id, recipe)) ?? 0;
      if (count !== wanted) problem(`negatives.jsonl: ${id} has ${count} negatives of ${recipe}, not ${wanted}`);
    }
  }
  for (const { queryId } of rows)
    if (!train.has(queryId)) problem(`negatives.jsonl: ${queryId} is not a training query`);
}

/** A negative close to a passage is no negative of its own; close to the positive, it is an answer. */
function checkNegativeCopies(rows, corpus, train) {
  const passages = [...corpus.values()].filter((row) => isText(row.text));
  const sets = passages.map((row) => wordSet(row.text));
  const texts = rows.filter((row) => isText(row.text));
  const own = texts.map((row) => wordSet(row.text));
  texts.forEach((row, i) => {
    const positives = train.get(row.queryId) ?? new Map();
    passages.forEach((passage, j) => {
      if (jaccard(own[i], sets[j]) < NEAR) return;
      const kind = positives.has(passage._id) ? "its positive" : "the passage";
      problem(`negatives.jsonl: the negative of ${row.queryId} is a near copy of ${kind} ${passage._id}`);
    });
    for (let j = i + 1; j < texts.length; j += 1) {
      if (jaccard(own[i], own[j]) >= NEAR)
        problem(`negatives.jsonl: ${row.queryId} and ${texts[j].queryId} are near copies`);
    }
  });
}

function checkNegatives(rows, corpus, train) {
  rows.forEach((row) => checkNegativeSchema(row, `negatives.jsonl ${row.queryId}`));
  checkNegativeCounts(rows, train);
  checkNegativeCopies(rows, corpus, train);
}

function checkMeta() {
  let meta = {};
  try {
    meta = JSON.parse(read("meta.json") || "{}");
  } catch (error) {
    problem(`meta.json: not JSON (${error.message})`);
  }
  checkFields(meta, ["name", "language", "licence", "description"], "meta.json");
}

function main() {
  const corpusRows = readLines("corpus.jsonl");
  const queryRows = readLines("queries.jsonl");
  const negatives = readLines("negatives.jsonl");
  const corpus = checkCorpus(corpusRows);
  const queries = checkQueries(queryRows);
  const judged = {};
  let judgements = 0;
  for (const split of SPLITS) {
    const rows = readQrels(split);
    judgements += rows.length;
    judged[split] = checkQrels(split, rows, queries, corpus);
  }
  checkSplits(judged, queries);
  checkQueryCopies(judged, queries);
  checkNegatives(negatives, corpus, judged.train);
  checkMeta();
  if (!isText(read("card.md").trim())) problem("card.md: empty");
  for (const text of problems) console.log(text);
  const sizes = SPLITS.map((split) => `${judged[split].size} ${split}`).join(", ");
  console.log(
    `${corpusRows.length} passages, ${queryRows.length} queries (${sizes}), ${judgements} judgements, ` +
      `${negatives.length} negatives, ${problems.length} problems`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main();
