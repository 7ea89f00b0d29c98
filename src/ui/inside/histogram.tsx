/** How many values are how large: bars side by side, with their table behind a disclosure. */
import { useId } from "preact/hooks";
import type { Distribution } from "../../app/browse.ts";
import { whole } from "../parts/format.ts";

const frame = { width: 320, height: 132, left: 4, right: 4, top: 18, bottom: 20 };

interface HistogramProps {
  readonly title: string;
  /** What is counted and what is measured of it: "documents", "words". */
  readonly noun: string;
  readonly unit: string;
  readonly distribution: Distribution;
}

const rounded = (value: number): string => (value < 10 && !Number.isInteger(value) ? value.toFixed(1) : whole(value));

type Bin = Distribution["bins"][number];

/** "20 to 39", "3", "500 and more". */
const binWords = ({ from, to }: Bin): string =>
  to === undefined ? `${whole(from)} and more` : to - from === 1 ? whole(from) : `${whole(from)} to ${whole(to - 1)}`;

export function Histogram({ title, noun, unit, distribution }: HistogramProps) {
  const { count, mean, median, least, most } = distribution;
  const figures = `${whole(count)} ${noun}: ${rounded(least)} to ${rounded(most)} ${unit}, median ${rounded(median)}, mean ${rounded(mean)}.`;
  return (
    <figure class="histogram">
      <figcaption>
        <strong>{title}</strong>
        <span class="quiet">{figures}</span>
      </figcaption>
      <Bars title={title} words={figures} bins={distribution.bins} />
      <BinTable noun={noun} unit={unit} bins={distribution.bins} />
    </figure>
  );
}

function Bars({
  title,
  words,
  bins,
}: {
  readonly title: string;
  readonly words: string;
  readonly bins: readonly Bin[];
}) {
  const id = useId();
  const highest = Math.max(1, ...bins.map(({ count }) => count));
  const inner = { width: frame.width - frame.left - frame.right, height: frame.height - frame.top - frame.bottom };
  const step = inner.width / bins.length;
  const bottom = frame.top + inner.height;
  const last = bins.at(-1);
  return (
    <svg
      viewBox={`0 0 ${frame.width} ${frame.height}`}
      role="img"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-words`}
    >
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-words`}>{words}</desc>
      {bins.map((bin, place) => {
        // What is there at all can be seen.
        const height = bin.count === 0 ? 0 : Math.max(1.5, (bin.count / highest) * inner.height);
        const gap = Math.min(2, step / 5);
        return (
          <g key={bin.from}>
            <rect x={frame.left + place * step + gap / 2} y={bottom - height} width={step - gap} height={height} />
            {bin.count === highest && (
              <text x={frame.left + (place + 0.5) * step} y={bottom - height - 5} text-anchor="middle">
                {whole(bin.count)}
              </text>
            )}
          </g>
        );
      })}
      <line x1={frame.left} x2={frame.width - frame.right} y1={bottom} y2={bottom} />
      <text x={frame.left} y={frame.height - 5}>
        {bins[0] && binWords(bins[0])}
      </text>
      {last && bins.length > 1 && (
        <text x={frame.width - frame.right} y={frame.height - 5} text-anchor="end">
          {binWords(last)}
        </text>
      )}
    </svg>
  );
}

interface BinTableProps {
  readonly noun: string;
  readonly unit: string;
  readonly bins: readonly Bin[];
}

function BinTable({ noun, unit, bins }: BinTableProps) {
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">{unit}</th>
            <th scope="col" class="number">
              {noun}
            </th>
          </tr>
        </thead>
        <tbody>
          {bins.map((bin) => (
            <tr key={bin.from}>
              <th scope="row">{binWords(bin)}</th>
              <td class="number">{whole(bin.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
