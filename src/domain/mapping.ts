/** What the columns of a table mean, so that a table whose columns go by names of their own can be read. */

export const columnRoles = [
  "query",
  "positive",
  "negative",
  "documentId",
  "title",
  "text",
  "score",
  "split",
  "ignore",
] as const;
export type ColumnRole = (typeof columnRoles)[number];

export interface Column {
  readonly name: string;
  readonly role: ColumnRole;
}

export const delimiters = [",", ";", "\t", "|"] as const;
export type Delimiter = (typeof delimiters)[number];

/** How a file of separated values is cut into cells. */
export interface SeparatedForm {
  readonly delimiter: Delimiter;
  /** Whether the first line names the columns. */
  readonly header: boolean;
}

/** A list, not a record by name: names are the file's, `__proto__` among them. */
export interface Mapping {
  /** In the order of the file. */
  readonly columns: readonly Column[];
  /** Undefined where the file says itself what its cells are (JSON lines, Parquet). */
  readonly form?: SeparatedForm | undefined;
}

/** The start of a table, before it is read. */
export interface TablePreview extends Mapping {
  readonly path: string;
  /** "CSV", "TSV", "JSONL", "Parquet". */
  readonly format: string;
  /** At most 20, a cell at most 200 characters. */
  readonly rows: readonly (readonly string[])[];
  /** Whether the columns bear the usual names, so that nobody needs to say what they mean. */
  readonly recognised: boolean;
  /** What a person should know: the encoding, say. */
  readonly notes: readonly string[];
}

/** Roles that at most one column has. */
const single: readonly ColumnRole[] = ["query", "positive", "documentId", "title", "text", "score", "split"];

const roleWords: Readonly<Record<ColumnRole, string>> = {
  query: "the query",
  positive: "the positive",
  negative: "negatives",
  documentId: "the document id",
  title: "the title",
  text: "the text",
  score: "the score",
  split: "the split",
  ignore: "ignored",
};

function repeatedRole(columns: readonly Column[]): string | undefined {
  for (const role of single) {
    const names = columns.filter((column) => column.role === role).map(({ name }) => `“${name}”`);
    if (names.length > 1) return `${names.join(" and ")} are both ${roleWords[role]}. Keep one of them.`;
  }
  return undefined;
}

type Has = (role: ColumnRole) => boolean;

/** What stands against reading a table so; the first that holds is said. */
const clashes: readonly { readonly stands: (has: Has) => boolean; readonly words: string }[] = [
  {
    stands: (has) => !has("query") && !has("positive") && !has("text"),
    words: "No column is the query. Choose the query and its positive, or the text if these are documents alone.",
  },
  {
    stands: (has) => has("query") && has("text"),
    words:
      "There is a query and a text. Make the text the positive, or ignore one of them: a table holds either pairs or documents.",
  },
  {
    stands: (has) => has("query") && !has("positive"),
    words: "No column is the positive, the passage that answers the query. Choose it.",
  },
  {
    stands: (has) => has("positive") && !has("query"),
    words: "No column is the query. Choose the one that is searched with.",
  },
  {
    stands: (has) => !has("query") && (has("negative") || has("score") || has("split")),
    words: "Negatives, score and split belong to a query, and no column is the query. Choose it, or ignore them.",
  },
];

/** Why a table cannot be read so, in words; undefined where it can. */
export function mappingProblem(columns: readonly Column[]): string | undefined {
  const has: Has = (role) => columns.some((column) => column.role === role);
  const repeated = repeatedRole(columns);
  if (repeated !== undefined) return repeated;
  return clashes.find(({ stands }) => stands(has))?.words;
}

/** Of columns that can be read: queries with their positives, or documents alone. */
export const mappingKind = (columns: readonly Column[]): "pairs" | "documents" =>
  columns.some(({ role }) => role === "query") ? "pairs" : "documents";

/** "query from Frage, positive from Antwort". */
export function mappingWords(columns: readonly Column[]): string {
  const used = columns.filter(({ role, name }) => role !== "ignore" && role !== name);
  return used.map(({ role, name }) => `${roleWords[role].replace("the ", "")} from ${name.slice(0, 60)}`).join(", ");
}
