/** An open row: its whole text and what belongs to it, each a way to its own row. */
import type { ComponentChildren } from "preact";
import { type Book, documentOf, queryOf, showRow } from "../../app/browsing.ts";
import type { Document, Judgement } from "../../domain/collection.ts";
import { useApp } from "../context.ts";
import { Badge } from "../parts/badge.tsx";
import { counted, whole } from "../parts/format.ts";
import { Passage } from "../parts/passage.tsx";
import { Marked } from "./marked.tsx";
import { lineCharacters, type RowProps } from "./rowLine.tsx";

/** Longer documents are rare, and slow to draw. */
const mostCharacters = 20_000;
const mostLinks = 50;

export function RowDetail(props: RowProps) {
  switch (props.name) {
    case "documents":
      return <DocumentDetail {...props} />;
    case "queries":
      return <QueryDetail {...props} />;
    case "judgements":
      return <JudgementDetail {...props} />;
    default:
      return props.name satisfies never;
  }
}

function Text({ document, wanted }: { readonly document: Document; readonly wanted: readonly RegExp[] }) {
  const { text } = document;
  return (
    <>
      <p class="passage prose">
        <Marked text={text.slice(0, mostCharacters)} wanted={wanted} />
      </p>
      {text.length > mostCharacters && (
        <p class="quiet">
          The first {whole(mostCharacters)} of {whole(text.length)} characters.
        </p>
      )}
    </>
  );
}

interface LinksProps<Item> {
  readonly title: string;
  readonly items: readonly Item[];
  readonly link: (item: Item) => ComponentChildren;
}

function Links<Item>({ title, items, link }: LinksProps<Item>) {
  if (items.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="links">
        {items.slice(0, mostLinks).map((item, place) => (
          <li key={place}>{link(item)}</li>
        ))}
      </ul>
      {items.length > mostLinks && <p class="quiet">The first {mostLinks}.</p>}
    </>
  );
}

const gradeWords = ({ grade }: Judgement): string => (grade > 0 ? `grade ${grade}` : "judged, no answer");

function DocumentLink({ book, judgement }: { readonly book: Book; readonly judgement: Judgement & { split: string } }) {
  const app = useApp();
  const document = documentOf(book, judgement.documentId);
  const place = book.documents.get(judgement.documentId);
  return (
    <>
      <button
        type="button"
        class="plain"
        disabled={place === undefined}
        onClick={() => place !== undefined && showRow(app, "documents", place)}
      >
        {document ? document.title || document.text.slice(0, 120) : judgement.documentId}
      </button>{" "}
      <span class="quiet">
        {judgement.split}, {gradeWords(judgement)}, <code>{judgement.documentId}</code>
      </span>
    </>
  );
}

function QueryLink({ book, judgement }: { readonly book: Book; readonly judgement: Judgement & { split: string } }) {
  const app = useApp();
  const place = book.queries.get(judgement.queryId);
  return (
    <>
      <button
        type="button"
        class="plain"
        disabled={place === undefined}
        onClick={() => place !== undefined && showRow(app, "queries", place)}
      >
        {queryOf(book, judgement.queryId)?.text ?? judgement.queryId}
      </button>{" "}
      <span class="quiet">
        {judgement.split}, {gradeWords(judgement)}, <code>{judgement.queryId}</code>
      </span>
    </>
  );
}

function DocumentDetail({ book, place, wanted }: RowProps) {
  const document = book.collection.documents[place];
  if (!document) return null;
  const judged = (book.ofDocument.get(document.id) ?? []).flatMap((at) => book.judgements[at] ?? []);
  return (
    <>
      <Text document={document} wanted={wanted} />
      <Links
        title={`Judged for ${counted(judged.length, "query", "queries")}`}
        items={judged}
        link={(judgement) => <QueryLink book={book} judgement={judgement} />}
      />
    </>
  );
}

function QueryDetail({ book, place }: RowProps) {
  const query = book.collection.queries[place];
  if (!query) return null;
  const judged = (book.ofQuery.get(query.id) ?? []).flatMap((at) => book.judgements[at] ?? []);
  const negatives = book.negatives.get(query.id) ?? [];
  return (
    <>
      {query.text.length > lineCharacters && <p class="passage prose">{query.text}</p>}
      <Links
        title={counted(judged.length, "judged document")}
        items={judged}
        link={(judgement) => <DocumentLink book={book} judgement={judgement} />}
      />
      <Links
        title={`${counted(negatives.length, "decoy")} came with the collection`}
        items={negatives}
        link={(negative) => (
          <>
            <Badge source={negative.source} />
            <Passage passage={negative} />
          </>
        )}
      />
    </>
  );
}

function JudgementDetail({ book, place, wanted }: RowProps) {
  const judgement = book.judgements[place];
  if (!judgement) return null;
  const document = documentOf(book, judgement.documentId);
  return (
    <>
      <p>
        Query: <QueryLink book={book} judgement={judgement} />
      </p>
      <p>
        Document: <DocumentLink book={book} judgement={judgement} />
      </p>
      {document && <Text document={document} wanted={wanted} />}
    </>
  );
}
