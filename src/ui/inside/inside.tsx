/** What the selected collection holds: its rows, its splits, its figures. */
import { useEffect } from "preact/hooks";
import type { DataView } from "../../app/browse.ts";
import { openBook } from "../../app/browsing.ts";
import { selectedRecord } from "../../app/collections.ts";
import { attempt } from "../../app/notices.ts";
import { useApp } from "../context.ts";
import { Mark } from "../parts/mark.tsx";
import { progressWords } from "../parts/meter.tsx";
import { Browser } from "./browser.tsx";
import { SplitsView } from "./splitsView.tsx";
import { StatisticsView } from "./statisticsView.tsx";

export function Inside() {
  const app = useApp();
  const { browse, collections } = app;
  const collection = collections.open.value?.collection;
  const id = collections.selected.value;
  useEffect(() => void attempt(app, () => openBook(app)), [collection]);
  const book = browse.book.value;
  const ready = collections.open.value?.id === id && book?.collection === collection;
  if (!book || !ready) {
    const progress = browse.progress.value;
    return (
      <p class="loading">
        <Mark size={32} drifting /> Reading {selectedRecord(collections)?.name ?? "the collection"}
        {progress && `, ${progressWords(progress)}`}
      </p>
    );
  }
  return <View view={browse.view.value} book={book} />;
}

function View({ view, book }: { readonly view: DataView; readonly book: Parameters<typeof Browser>[0]["book"] }) {
  switch (view) {
    case "documents":
    case "queries":
    case "judgements":
      return <Browser key={view} book={book} name={view} />;
    case "splits":
      return <SplitsView book={book} />;
    case "statistics":
      return <StatisticsView />;
    case "collections":
      return null;
    default:
      return view satisfies never;
  }
}
