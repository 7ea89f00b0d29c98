/** A closed row: what it is, where it belongs, its id. */
import { type Book, type BookList, documentOf, queryOf } from "../../app/browsing.ts";
import { counted } from "../parts/format.ts";
import { Marked } from "./marked.tsx";

export interface RowProps {
  readonly book: Book;
  readonly name: BookList;
  /** In the list of the collection. */
  readonly place: number;
  /** What was searched for. */
  readonly wanted: readonly RegExp[];
}

/** Of a text on a closed row. */
export const lineCharacters = 240;

export function RowLine(props: RowProps) {
  switch (props.name) {
    case "documents":
      return <DocumentLine {...props} />;
    case "queries":
      return <QueryLine {...props} />;
    case "judgements":
      return <JudgementLine {...props} />;
    default:
      return props.name satisfies never;
  }
}

interface LineProps {
  readonly head: string;
  readonly body: string;
  readonly id: string;
  readonly about: string;
  readonly wanted: readonly RegExp[];
}

function Line({ head, body, id, about, wanted }: LineProps) {
  return (
    <>
      <span class="long-text">
        {head !== "" && (
          <strong>
            <Marked text={head} wanted={wanted} most={lineCharacters} />
          </strong>
        )}
        <span class={head === "" ? "two-lines" : "one-line"}>
          <Marked text={body} wanted={wanted} most={lineCharacters} />
        </span>
      </span>
      <span class="long-about">
        <code>
          <Marked text={id} wanted={wanted} />
        </code>
        <span class="quiet">{about}</span>
      </span>
    </>
  );
}

function DocumentLine({ book, place, wanted }: RowProps) {
  const document = book.collection.documents[place];
  if (!document) return null;
  const judged = book.ofDocument.get(document.id)?.length ?? 0;
  const about = judged === 0 ? "not judged" : counted(judged, "judgement");
  return <Line head={document.title} body={document.text} id={document.id} about={about} wanted={wanted} />;
}

function QueryLine({ book, place, wanted }: RowProps) {
  const query = book.collection.queries[place];
  if (!query) return null;
  const judged = book.ofQuery.get(query.id) ?? [];
  const splits = [...new Set(judged.map((at) => book.judgements[at]?.split ?? ""))].join(", ");
  const answers = judged.filter((at) => (book.judgements[at]?.grade ?? 0) > 0).length;
  return (
    <Line head="" body={query.text} id={query.id} about={`${splits}, ${counted(answers, "answer")}`} wanted={wanted} />
  );
}

function JudgementLine({ book, place, wanted }: RowProps) {
  const judgement = book.judgements[place];
  if (!judgement) return null;
  const { queryId, documentId, grade, split } = judgement;
  const document = documentOf(book, documentId);
  return (
    <Line
      head={queryOf(book, queryId)?.text ?? queryId}
      body={document ? document.title || document.text : documentId}
      id={`${queryId} → ${documentId}`}
      about={`${split}, grade ${grade}`}
      wanted={wanted}
    />
  );
}
