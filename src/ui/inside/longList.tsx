/**
 * A list of any length on the page's own scroll: only the rows within sight are drawn. One row at a time opens in place.
 * Arrow keys, Page Up and Down, Home and End go from row to row; the list is one stop of the Tab key.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { mostPixels, offsetOf, rangeOf, type Range, rowAt, type Rows } from "./longRows.ts";

export interface LongListProps {
  readonly label: string;
  readonly count: number;
  /** Of a closed row, in rem. */
  readonly rowHeight: number;
  readonly open: number | undefined;
  readonly toggle: (row: number) => void;
  /** Where the list is to begin, when it first is shown. */
  readonly target: number | undefined;
  readonly row: (row: number) => ComponentChildren;
  readonly detail: (row: number) => ComponentChildren;
}

/** Of the root's letters, so that rows grow with them. */
const pixels = (rem: number): number => rem * parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Room for what lies over the page at its ends: the bars of a phone. */
const margin = 80;

function useRows({ count, rowHeight, open }: LongListProps) {
  const [height] = useState(() => pixels(rowHeight));
  const [extra, setExtra] = useState(0);
  const shown = Math.min(count, Math.floor(mostPixels / height));
  const rows: Rows = { count: shown, height, open: open === undefined ? undefined : { row: open, extra } };
  return { rows, setExtra };
}

/** Follows the page's scroll. */
function useRange(list: { readonly current: HTMLElement | null }, rows: Rows) {
  const [range, setRange] = useState<Range>(() => rangeOf(rows, 0, 1000));
  const newest = useRef(rows);
  newest.current = rows;
  const look = (): void => {
    const top = list.current?.getBoundingClientRect().top ?? 0;
    const next = rangeOf(newest.current, -top, innerHeight - top);
    setRange((known) => (known.start === next.start && known.end === next.end ? known : next));
  };
  useLayoutEffect(look, [rows.count, rows.open?.row, rows.open?.extra]);
  useEffect(() => {
    let frame = 0;
    const onScroll = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", onScroll);
      removeEventListener("resize", onScroll);
    };
  }, []);
  // A list that became shorter is drawn before it is looked at again.
  return { start: Math.min(range.start, rows.count), end: Math.min(range.end, rows.count) };
}

/** How much higher the open row is, whenever that changes. `drawn`: the open row, while it is drawn. */
function useExtra(
  list: { readonly current: HTMLElement | null },
  drawn: number | undefined,
  height: number,
  setExtra: (extra: number) => void,
): void {
  useLayoutEffect(() => {
    const item = drawn === undefined ? undefined : list.current?.querySelector(":scope > .open");
    if (!item) return undefined;
    const measure = (): void => setExtra(Math.max(0, item.getBoundingClientRect().height - height));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(item);
    return () => observer.disconnect();
  }, [drawn]);
}

const steps: Readonly<Record<string, (row: number, page: number, count: number) => number>> = {
  ArrowDown: (row) => row + 1,
  ArrowUp: (row) => row - 1,
  PageDown: (row, page) => row + page,
  PageUp: (row, page) => row - page,
  Home: () => 0,
  End: (_row, _page, count) => count - 1,
};

type ListRef = { readonly current: HTMLElement | null };

const rowButton = (list: ListRef, at: number): HTMLElement | null | undefined =>
  list.current?.querySelector<HTMLElement>(`:scope > [data-row="${at}"] > button`);

/** Scrolls the page as little as it takes. */
function scrollToRow(list: ListRef, rows: Rows, at: number): void {
  const top = list.current?.getBoundingClientRect().top ?? 0;
  const from = top + offsetOf(rows, at);
  const below = from + rows.height + margin - innerHeight;
  if (from < margin) scrollBy(0, from - margin);
  else if (below > 0) scrollBy(0, below);
}

interface LongRowProps {
  readonly list: LongListProps;
  readonly at: number;
  /** Of a closed row, in px. */
  readonly height: number;
  /** Whether Tab stops here. */
  readonly stop: boolean;
  readonly focus: () => void;
  readonly press: () => void;
}

function LongRow({ list: { count, open, row, detail }, at, height, stop, focus, press }: LongRowProps) {
  return (
    <li
      data-row={at}
      class={at === open ? "open" : ""}
      aria-posinset={at + 1}
      aria-setsize={count}
      style={at === open ? { minHeight: `${height}px` } : { height: `${height}px` }}
    >
      <button
        type="button"
        class="long-row"
        tabIndex={stop ? 0 : -1}
        aria-expanded={at === open}
        onFocus={focus}
        onClick={press}
        style={{ height: `${height}px` }}
      >
        {row(at)}
      </button>
      {at === open && <div class="long-detail">{detail(at)}</div>}
    </li>
  );
}

/** What a list longer than a browser can lay out leaves to the search. */
function Beyond({ shown, count }: { readonly shown: number; readonly count: number }) {
  if (shown >= count) return null;
  return (
    <p class="quiet">
      The list shows the first {shown.toLocaleString("en")} of {count.toLocaleString("en")}. Search to see the others.
    </p>
  );
}

/** After each drawing: focuses the row that waits for it, and leaves a pressed row where it stood. */
function useKeptPlace(
  buttonOf: (at: number) => HTMLElement | null | undefined,
  focus: { current: number | undefined },
  pressed: { current: { readonly row: number; readonly top: number } | undefined },
): void {
  useLayoutEffect(() => {
    if (focus.current !== undefined) {
      const button = buttonOf(focus.current);
      if (button) focus.current = undefined;
      button?.focus({ preventScroll: true });
    }
    const { current } = pressed;
    pressed.current = undefined;
    const now = current && buttonOf(current.row)?.getBoundingClientRect().top;
    if (current && now !== undefined) scrollBy(0, now - current.top);
  });
}

export function LongList(props: LongListProps) {
  const { label, open, toggle, target } = props;
  const list = useRef<HTMLUListElement>(null);
  const [active, setActive] = useState(target ?? 0);
  /** The row to be focused once it is drawn, and where the pressed row stood before others opened or closed. */
  const focus = useRef(target);
  const pressed = useRef<{ readonly row: number; readonly top: number } | undefined>(undefined);
  const { rows, setExtra } = useRows(props);
  const { start, end } = useRange(list, rows);
  useExtra(list, open !== undefined && open >= start && open < end ? open : undefined, rows.height, setExtra);

  const buttonOf = (at: number) => rowButton(list, at);
  useLayoutEffect(() => {
    if (target !== undefined) scrollToRow(list, rows, target);
  }, []);
  useKeptPlace(buttonOf, focus, pressed);

  function press(at: number): void {
    const top = buttonOf(at)?.getBoundingClientRect().top;
    if (top !== undefined) pressed.current = { row: at, top };
    setActive(at);
    toggle(at);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = steps[event.key];
    // Keys within an open row are its own.
    if (!step || !(event.target instanceof HTMLElement) || !event.target.matches(".long-list > li > button")) return;
    event.preventDefault();
    const page = Math.max(1, Math.floor(innerHeight / rows.height) - 2);
    const next = Math.min(rows.count - 1, Math.max(0, step(active, page, rows.count)));
    focus.current = next;
    setActive(next);
    scrollToRow(list, rows, next);
  }

  const stop = active >= start && active < end ? active : rowAt(rows, offsetOf(rows, Math.min(start + 6, end - 1)));
  return (
    <>
      <ul
        ref={list}
        role="list"
        aria-label={label}
        class="long-list"
        onKeyDown={onKeyDown}
        style={{
          paddingTop: `${offsetOf(rows, start)}px`,
          paddingBottom: `${offsetOf(rows, rows.count) - offsetOf(rows, end)}px`,
        }}
      >
        {Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i).map((at) => (
          <LongRow
            key={at}
            list={props}
            at={at}
            height={rows.height}
            stop={at === stop}
            focus={() => setActive(at)}
            press={() => press(at)}
          />
        ))}
      </ul>
      <Beyond shown={rows.count} count={props.count} />
    </>
  );
}
