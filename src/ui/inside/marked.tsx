/** Text with the words that were searched for marked, from shortly before the first of them. */
import { Fragment } from "preact";

/** Characters before the first found word. */
const lead = 40;

/** Where the wanted words stand in the text, merged where they overlap, in order. */
export function marksIn(text: string, wanted: readonly RegExp[]): (readonly [start: number, end: number])[] {
  const found = wanted
    .flatMap((word) => [...text.matchAll(new RegExp(word.source, "giu"))].slice(0, 50))
    .map(({ index, 0: match }) => [index, index + match.length] as const)
    .toSorted((a, b) => a[0] - b[0]);
  const marks: [number, number][] = [];
  for (const [start, end] of found) {
    const last = marks.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else marks.push([start, end]);
  }
  return marks;
}

interface MarkedProps {
  readonly text: string;
  readonly wanted: readonly RegExp[];
  /** At most so many characters are shown; all where left out. */
  readonly most?: number;
}

export function Marked({ text, wanted, most }: MarkedProps) {
  const first = most === undefined ? undefined : wanted.map((word) => text.search(word)).filter((at) => at >= 0);
  const earliest = first && first.length > 0 ? Math.min(...first) : 0;
  const start = most === undefined || earliest + lead < most ? 0 : text.indexOf(" ", earliest - lead) + 1;
  const shown = most === undefined ? text : text.slice(start, start + most);
  const marks = marksIn(shown, wanted);
  return (
    <>
      {start > 0 && "… "}
      {marks.map(([from, to], place) => (
        <Fragment key={from}>
          {shown.slice(marks[place - 1]?.[1] ?? 0, from)}
          <mark>{shown.slice(from, to)}</mark>
        </Fragment>
      ))}
      {shown.slice(marks.at(-1)?.[1] ?? 0)}
    </>
  );
}
