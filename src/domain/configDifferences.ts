/** Where recipes differ, key by key, for reports. */
import { type Config, parseConfig } from "./config.ts";

/** A recipe that was stored by an older version of the page lacks keys that came since: those stand for their defaults. */
type Stored = Partial<Config>;

export interface ConfigDifference {
  /** As in the recipe, dotted where it has parts: "best.every"; of the negatives by source: "negatives.bm25". */
  readonly key: string;
  /** One for each recipe, in their order; undefined where it does not say. */
  readonly values: readonly (string | undefined)[];
}

/** Spaces at the ends of a text, or no text at all, are seen only in quotes. */
const textWords = (text: string): string => (text.trim() === text && text !== "" ? text : JSON.stringify(text));

function words(value: unknown): string {
  if (typeof value === "string") return textWords(value);
  if (Array.isArray(value)) return value.map(words).join(", ");
  return String(value);
}

const isParts = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

type Entry = readonly [key: string, value: string];

/** "count 4, first 1, last 20". */
function negativeEntry({ source, ...rest }: Config["negatives"][number]): Entry {
  const said = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${words(value)}`],
  );
  return [`negatives.${source}`, said.join(", ")];
}

function entriesOf(config: Stored): readonly Entry[] {
  const { negatives = [], ...others } = config;
  const rest = Object.entries(others).flatMap(([key, value]): readonly Entry[] => {
    if (value === undefined) return [];
    if (!isParts(value)) return [[key, words(value)]];
    return Object.entries(value).flatMap(([part, of]): Entry[] =>
      of === undefined ? [] : [[`${key}.${part}`, words(of)]],
    );
  });
  return [...negatives.map(negativeEntry), ...rest];
}

/** The keys that not all recipes agree on, in the order in which recipes name them. */
export function configDifferences(configs: readonly Stored[]): readonly ConfigDifference[] {
  const defaults = parseConfig({});
  const all = configs.map((config) => new Map(entriesOf({ ...defaults, ...config })));
  const keys = new Set(all.flatMap((entries) => [...entries.keys()]));
  return [...keys]
    .map((key) => ({ key, values: all.map((entries) => entries.get(key)) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** What a recipe says otherwise than the defaults: two values a key, the default first. */
export const differencesFromDefaults = (config: Stored): readonly ConfigDifference[] =>
  configDifferences([parseConfig({}), config]);
