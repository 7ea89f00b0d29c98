/** The recipe's negatives as fields: how many from each source, and the constants of each. */
import { present } from "../base/assert.ts";
import { type Config, parseConfig } from "../domain/config.ts";
import type { NegativeRequest, RequestOf } from "../domain/configNegatives.ts";

type Source = NegativeRequest["source"];

/** In the order of a row. */
const sources = [
  "synthetic",
  "human",
  "bm25",
  "dense",
  "simans",
  "ance",
  "adore",
  "random",
] as const satisfies Source[];

/** Every source with its own defaults. */
const usual = parseConfig({ negatives: sources.map((source) => ({ source, count: 1 })) }).negatives;

function isOf<Wanted extends Source>(source: Wanted) {
  return (request: NegativeRequest): request is RequestOf<Wanted> => request.source === source;
}

/** Numbers are kept as typed, so that a half-typed one is neither lost nor corrected. */
export function sourceFields({ negatives }: Pick<Config, "negatives">) {
  const count = (source: Source): string => String(negatives.find(isOf(source))?.count ?? 0);
  const request = <Wanted extends Source>(source: Wanted) =>
    present([...negatives, ...usual].find(isOf(source)), source);
  const [bm25, dense, simans] = [request("bm25"), request("dense"), request("simans")];
  const [ance, adore] = [request("ance"), request("adore")];
  return {
    syntheticCount: count("synthetic"),
    syntheticRecipe: request("synthetic").recipe ?? "",
    humanCount: count("human"),
    bm25Count: count("bm25"),
    bm25First: String(bm25.first),
    bm25Last: String(bm25.last),
    denseCount: count("dense"),
    denseFirst: String(dense.first),
    denseLast: String(dense.last),
    simansCount: count("simans"),
    simansLast: String(simans.last),
    simansA: String(simans.a),
    simansB: String(simans.b),
    simansScale: String(simans.scale),
    simansSign: simans.sign,
    anceCount: count("ance"),
    anceFirst: String(ance.first),
    anceLast: String(ance.last),
    anceEvery: String(ance.every),
    adoreCount: count("adore"),
    adoreFirst: String(adore.first),
    adoreLast: String(adore.last),
    randomCount: count("random"),
  };
}

type SourceFields = Readonly<ReturnType<typeof sourceFields>>;

/** What is no number stays text, so that the recipe's own check names it. */
export function typedNumber(text: string): number | string {
  const value = Number(text.trim().replace(",", "."));
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

/** The requests as the recipe wants them; a source with the count 0 is left out. */
export function negativesInput(fields: SourceFields): unknown[] {
  const range = (first: string, last: string) => ({ first: typedNumber(first), last: typedNumber(last) });
  const constants: Readonly<Record<Source, Readonly<Record<string, unknown>>>> = {
    synthetic: fields.syntheticRecipe.trim() === "" ? {} : { recipe: fields.syntheticRecipe.trim() },
    human: {},
    bm25: range(fields.bm25First, fields.bm25Last),
    dense: range(fields.denseFirst, fields.denseLast),
    simans: {
      last: typedNumber(fields.simansLast),
      a: typedNumber(fields.simansA),
      b: typedNumber(fields.simansB),
      scale: typedNumber(fields.simansScale),
      sign: fields.simansSign,
    },
    ance: { ...range(fields.anceFirst, fields.anceLast), every: typedNumber(fields.anceEvery) },
    adore: range(fields.adoreFirst, fields.adoreLast),
    random: {},
  };
  return sources
    .map((source) => ({ source, count: typedNumber(fields[`${source}Count`]), ...constants[source] }))
    .filter(({ count }) => count !== 0);
}
