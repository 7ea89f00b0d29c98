/** What columns mean, by the names that such columns usually have. */
import type { Column, ColumnRole } from "../../domain/mapping.ts";

/** Lower case, letters and digits alone. The first role that fits a column is its guess. */
const usualNames: readonly (readonly [ColumnRole, RegExp])[] = [
  ["query", /^(query|queries|anchor|question|querytext|questiontext|search|searchquery|q|prompt|claim)$/],
  ["positive", /^(positives?|pos|answers?|positivepassages?|positivetext|relevant|response|context|goldpassage)$/],
  ["negative", /^(hard)?neg(ative)?(passage|text)?s?\d*$/],
  ["documentId", /^(id|doc(ument)?id|docno|corpusid|passageid|pid|did|docid|articleid)$/],
  ["title", /^(title|headline|heading|doctitle|documenttitle)$/],
  ["text", /^(text|body|content|passage|document|abstract|paragraph|doc|passagetext|documenttext)$/],
  ["score", /^(score|relevance|label|grade|rating|rel)$/],
  ["split", /^(split|set|fold|partition|subset)$/],
];

/** The names under which rows are known without anyone's help: those that JSON lines of pairs use. */
const plain = { query: /^(query|anchor|question)$/, positive: /^(positives?|pos|answer)$/ } as const;

const key = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

function roleOf(name: string): ColumnRole {
  return usualNames.find(([, names]) => names.test(key(name)))?.[0] ?? "ignore";
}

/** The first column of its kind keeps a role that only one may have. */
function withoutRepeats(columns: readonly Column[]): Column[] {
  return columns.map((column, place) => {
    const first = columns.findIndex(({ role }) => role === column.role);
    return column.role === "negative" || first === place ? column : { ...column, role: "ignore" };
  });
}

/** A role for each column, such that no role is given twice and pairs and documents are not mixed. */
export function guessRoles(names: readonly string[]): Column[] {
  const columns = withoutRepeats(names.map((name) => ({ name, role: roleOf(name) })));
  const has = (role: ColumnRole): boolean => columns.some((column) => column.role === role);
  const pairs = has("query");
  return columns.map((column) => {
    // Beside a query a text is what answers it; without one there is nothing that negatives and scores would belong to.
    if (pairs && column.role === "text") return { ...column, role: has("positive") ? "ignore" : "positive" };
    if (!pairs && ["positive", "negative", "score", "split"].includes(column.role))
      return { ...column, role: column.role === "positive" && !has("text") ? "text" : "ignore" };
    return column;
  });
}

/** Whether rows with these columns can be read without anyone saying what they mean. */
export function isRecognised(columns: readonly Column[]): boolean {
  const under = (role: ColumnRole): string | undefined => columns.find((column) => column.role === role)?.name;
  const [query, positive, text] = [under("query"), under("positive"), under("text")];
  if (query !== undefined && positive !== undefined) return plain.query.test(query) && plain.positive.test(positive);
  return query === undefined && text === "text" && (under("title") ?? under("documentId")) !== undefined;
}
