/** Says what happens in a run: a line a stage, about ten lines a training, and what was noticed on the way. */
import type { Snapshot } from "../src/domain/diagnostics.ts";
import { isSystem } from "../src/domain/ranking.ts";
import type { RunProduct, RunReport } from "../src/domain/run.ts";
import type { StepReport } from "../src/domain/training.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function stepLine({ step, steps, loss, gradNorm, tokens, seconds }: StepReport): string | undefined {
  if (step !== 1 && step !== steps && step % Math.ceil(steps / 10) !== 0) return undefined;
  return `step ${step}/${steps}: loss ${loss.toFixed(4)}, gradient ${gradNorm.toFixed(3)}, ${Math.round(tokens / seconds)} tokens/s`;
}

/** Who the softmax gives its mass to, in percent, and what equal scores would give. */
function lookLine({ step, mass, expected, shortcut, embeddingVariance }: Snapshot): string {
  const even = new Map(Object.entries(expected));
  const sources = Object.entries(mass).map(
    ([source, share]) => `${source} ${percent(share)} (${percent(even.get(source) ?? 0)})`,
  );
  const probe = shortcut === undefined ? "" : `, origin shows ${shortcut.toFixed(3)}`;
  return `negatives after step ${step}: mass (expected) ${sources.join(", ")}; V_emb ${embeddingVariance.toPrecision(4)}${probe}`;
}

function productLine({ name, value }: RunProduct): string | undefined {
  // What a system measured is in the table at the end.
  if (isSystem(name)) return undefined;
  switch (name) {
    case "gate":
      return `gate: ${value.considered} considered, ${value.dropped} dropped, ${value.relabelled} relabelled`;
    case "snapshotBefore":
    case "snapshotAfter":
      return lookLine(value);
    case "variance":
      return `gradient variance over ${value.batches} batches: ${value.trace.toPrecision(4)} (squared mean ${value.meanSquared.toPrecision(4)})`;
    case "trainingSet":
    case "vectorsBefore":
    case "vectorsAfter":
      return undefined;
    default:
      return name satisfies never;
  }
}

/** The line for a report, if it needs one. */
export function narration(report: RunReport): string | undefined {
  switch (report.kind) {
    case "opened":
      return `encoder: ${report.card.name} on ${report.engine.kind} (${report.engine.device}) ${report.engine.note}`;
    case "finished":
      return `${report.stage}: ${report.seconds.toFixed(1)} s`;
    case "note":
      return `note: ${report.text}`;
    case "step":
      return stepLine(report.step);
    case "refreshed": {
      const { version, documents, seconds } = report.refreshed;
      return `ance: ${documents} documents encoded with the weights of step ${version} in ${seconds.toFixed(1)} s`;
    }
    case "dev": {
      const { step, score, seconds } = report.dev;
      return `dev after step ${step}: nDCG@10 ${score.toFixed(4)} (${seconds.toFixed(1)} s)`;
    }
    case "probe":
      return lookLine(report.snapshot);
    case "product":
      return productLine(report.product);
    case "started":
    case "progress":
    case "checkpoint":
      return undefined;
    default:
      return report satisfies never;
  }
}

export function narrate(report: RunReport): void {
  const line = narration(report);
  if (line !== undefined) console.log(line);
}
