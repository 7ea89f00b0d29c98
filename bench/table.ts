/** A report as text. */
import type { Check, Leak, Profile, Ratio, Report, Row } from "./report.ts";

type Line = readonly string[];

/** Columns as wide as their widest cell; all but the first few words flush right. */
function columns(head: Line, lines: readonly Line[], words: number): string {
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0)));
  const text = (line: Line) =>
    line
      .map((cell, i) => (i < words ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [head, ...lines].map(text).join("\n");
}

const figure = (value: number, digits = 3): string => (Number.isFinite(value) ? value.toPrecision(digits) : "–");
const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(0)} %` : "–");
const mebibytes = (bytes: number | undefined): string => (bytes === undefined ? "–" : (bytes / 2 ** 20).toFixed(1));

function rowsTable(rows: readonly Row[], best: number): string {
  const head = [
    "shape",
    "batch",
    "what",
    "engine",
    "layout",
    "seconds",
    "tokens/s",
    "texts/s",
    "GFLOP/s",
    "of matmul",
    "script",
    "MiB",
    "submits",
  ];
  const lines = rows.map((row) => [
    row.shape,
    row.batch,
    row.what,
    row.engine,
    row.layout,
    figure(row.seconds),
    figure(row.tokens / row.seconds),
    figure(row.texts / row.seconds),
    figure(row.flopsPerSecond / 1e9),
    percent(row.flopsPerSecond / best),
    percent((row.scripting ?? NaN) / (row.alone ?? NaN)),
    mebibytes(row.peakBytes),
    String(row.submits ?? "–"),
  ]);
  return columns(head, lines, 5);
}

const ratioLine = ({ shape, batch, what, peer, median, least, largest }: Ratio): string =>
  `${shape} ${batch} ${what}: ${median.toFixed(2)} × ${peer}'s time (turns ${least.toFixed(2)} to ${largest.toFixed(2)})`;

const checkLine = ({ shape, batch, engine, loss, gradNorm, embedding, agrees }: Check): string =>
  `${shape} ${batch} ${engine}: ${agrees ? "agrees" : "DISAGREES"}; loss ${loss.toExponential(1)}, ` +
  `gradient norm ${gradNorm.toExponential(1)}, vectors ${embedding.toExponential(1)}`;

const leakLine = ({ engine, shape, steps, heapBytes, gpuBytes }: Leak): string =>
  `${engine} ${shape}, after step 10 and after ${steps}: heap ${heapBytes.map(mebibytes).join(" and ")} MiB, ` +
  `GPU buffers ${gpuBytes.map(mebibytes).join(" and ")} MiB`;

function profileText({ shape, batch, tokens, wall, gpu, kernels }: Profile): string {
  const lines = kernels.map(({ name, milliseconds, dispatches }) => [
    name.slice(0, 60),
    milliseconds.toFixed(1),
    percent(milliseconds / 1000 / gpu),
    String(dispatches),
  ]);
  const head = `${shape} ${batch}, ${tokens} tokens: ${figure(wall)} s by the clock, ${figure(gpu)} s in kernels`;
  return `${head}\n${columns(["kernel", "ms", "share", "dispatches"], lines, 1)}`;
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`\n${title}\n${lines.join("\n")}`];

export function reportText(report: Report): string {
  const [best] = report.matmul;
  return [
    `${report.adapter}, ${report.host}`,
    ...section(
      "Matrix products, float32",
      report.matmul.map(({ by, size, flopsPerSecond }) => `${by}: ${figure(flopsPerSecond / 1e9)} GFLOP/s at ${size}`),
    ),
    ...section("Largest relative differences from our engine", report.checks.map(checkLine)),
    ...(report.rows.length > 0 ? [`\n${rowsTable(report.rows, best?.flopsPerSecond ?? NaN)}`] : []),
    ...section("Ours over theirs, turn by turn", report.ratios.map(ratioLine)),
    ...section(
      "Left out",
      report.skipped.map(({ shape, batch, engine, reason }) => `${shape} ${batch} ${engine}: ${reason}`),
    ),
    ...section("Memory", report.leaks.map(leakLine)),
    ...section("Where a step's time goes", report.profiles.map(profileText)),
  ].join("\n");
}
