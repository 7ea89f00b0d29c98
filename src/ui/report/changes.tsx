/** The queries that changed most, with what stood where: what a figure means is seen here. */
import type { Passage, Shown, ToldChanges, ToldQuery } from "../../app/report.ts";
import { change, counted, measure, whole } from "../parts/format.ts";

/** Characters of a query and of a passage that are shown. */
const [longestQuery, longestPassage] = [400, 260];

/** Cut between words, with a mark where something is left out. */
function start(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const at = text.lastIndexOf(" ", longest);
  // Never in the middle of a character.
  return `${text.slice(0, at > 0 ? at : longest).replace(/[\uD800-\uDBFF]$/u, "")} …`;
}

export function Changes({ changes }: { readonly changes: ToldChanges }) {
  const { better, worse, same, gained, lost } = changes;
  return (
    <>
      <p class="prose">
        By nDCG@10, {counted(better, "query", "queries")} got better, {whole(worse)} worse, and {whole(same)} stayed as
        they were.
      </p>
      <QueryList title="Largest gains" of={better} queries={gained} />
      <QueryList title="Largest losses" of={worse} queries={lost} />
    </>
  );
}

interface QueryListProps {
  readonly title: string;
  /** How many there are in all. */
  readonly of: number;
  readonly queries: readonly ToldQuery[];
}

function QueryList({ title, of, queries }: QueryListProps) {
  if (queries.length === 0) return null;
  return (
    <>
      <h3>{queries.length < of ? `${title}: ${whole(queries.length)} of ${whole(of)}` : title}</h3>
      <ol class="told">
        {queries.map((query) => (
          <Told key={query.queryId} query={query} />
        ))}
      </ol>
    </>
  );
}

function Told({ query }: { readonly query: ToldQuery }) {
  const { queryId, text, before, after, answer, firstBefore, firstAfter } = query;
  return (
    <li>
      <p class="told-head">
        <strong dir="auto">{text === undefined ? `Query ${queryId}` : start(text, longestQuery)}</strong>
        <span class="told-figures">
          {measure(before)} → {measure(after)} <span class="quiet">{change(after - before)}</span>
        </span>
      </p>
      <dl>
        {answer && <Line name={`The answer, ${rankWords(answer.before, answer.after)}`} passage={answer} />}
        {firstOf(firstBefore, firstAfter).map(({ name, shown }) => (
          <Line key={name} name={name} passage={shown} isAnswer={shown.isAnswer} />
        ))}
      </dl>
    </li>
  );
}

const rank = (place: number | undefined): string => (place === undefined ? "below 100" : `rank ${whole(place)}`);

const rankWords = (before: number | undefined, after: number | undefined): string =>
  before === after ? `${rank(before)} before and after` : `${rank(before)} before, ${rank(after)} after`;

/** What stood first, once where training changed nothing about it. */
function firstOf(before: Shown | undefined, after: Shown | undefined) {
  const same = before && after && before.title === after.title && before.text === after.text;
  if (same) return [{ name: "First before and after", shown: before }];
  return [
    ...(before ? [{ name: "First before", shown: before }] : []),
    ...(after ? [{ name: "First after", shown: after }] : []),
  ];
}

interface LineProps {
  readonly name: string;
  readonly passage: Passage;
  /** Then it is not shown: the answer stands above. */
  readonly isAnswer?: boolean;
}

function Line({ name, passage: { title, text }, isAnswer = false }: LineProps) {
  return (
    <div>
      <dt>{name}</dt>
      {isAnswer ? (
        <dd class="quiet">an answer</dd>
      ) : (
        <dd dir="auto">
          {title !== "" && <strong>{start(title, longestQuery)} </strong>}
          {start(text, longestPassage)}
        </dd>
      )}
    </div>
  );
}
