/** The curves of training, each with its figures as a table. */
import { runningMean } from "../../app/estimate.ts";
import type { RunRecord, RunResult } from "../../domain/run.ts";
import { bestLook, type DevReport } from "../../domain/training.ts";
import { DevChart } from "../parts/devChart.tsx";
import { counted, measure, whole } from "../parts/format.ts";
import { keep, StepChart } from "../parts/stepChart.tsx";
import { Ledger } from "./section.tsx";

/** Lines of a table: a person reads no more, and the chart has them all. */
const mostLines = 12;

/** The first, the last, and evenly what lies between. */
export function sample<Item>(items: readonly Item[], most = mostLines): Item[] {
  if (items.length <= most) return [...items];
  const places = Array.from({ length: most }, (_, i) => Math.round((i * (items.length - 1)) / (most - 1)));
  return places.flatMap((place) => items.slice(place, place + 1));
}

interface TrainingProps {
  readonly run: RunRecord;
  readonly result: RunResult;
}

export function Training({ run, result }: TrainingProps) {
  const looks = result.dev?.looks ?? [];
  const { steps } = run;
  if (steps.length === 0) return <p class="prose">Nothing was trained: this run only measured.</p>;
  return (
    <>
      <div class="charts">
        <StepChart steps={steps} name="Loss" of={({ loss }) => loss} thin="the loss of each step" />
        <StepChart
          steps={steps}
          name="Gradient norm"
          of={({ gradNorm }) => gradNorm}
          thin="the L2 norm of each step’s gradient, before clipping"
        />
      </div>
      <StepTable run={run} />
      <DevChart looks={looks} steps={result.steps} ended />
      {looks.length > 0 && <DevTable looks={looks} />}
      {result.refreshes.length > 0 && (
        <p class="prose">
          ANCE made its index {counted(result.refreshes.length, "time")}, with the weights after{" "}
          {result.refreshes.map(({ version }) => `step ${version}`).join(", ")}.
        </p>
      )}
    </>
  );
}

const rate = (value: number): string => value.toExponential(1).replace("-", "−");

export function StepTable({ run: { name, steps } }: { readonly run: RunRecord }) {
  const finite = steps.filter(({ loss }) => Number.isFinite(loss));
  const means = new Map(
    runningMean(
      finite.map(({ loss }) => loss),
      keep,
    ).map((mean, i) => [finite[i]?.step, mean]),
  );
  const lines = sample(steps);
  return (
    <Ledger label={`Steps of ${name}`}>
      <caption>{lines.length < steps.length ? `${lines.length} of ${whole(steps.length)} steps` : "Steps"}</caption>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Loss</th>
          <th scope="col">Running mean</th>
          <th scope="col">Gradient norm</th>
          <th scope="col">Learning rate</th>
          <th scope="col">Tokens</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(({ step, loss, gradNorm, learningRate, tokens }) => (
          <tr key={step}>
            <th scope="row">{whole(step)}</th>
            <td>{numberOf(loss)}</td>
            <td>{numberOf(means.get(step))}</td>
            <td>{numberOf(gradNorm)}</td>
            <td>{rate(learningRate)}</td>
            <td>{whole(tokens)}</td>
          </tr>
        ))}
      </tbody>
    </Ledger>
  );
}

/** A step whose loss or norm was not finite changed nothing. */
const numberOf = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? "not finite" : value.toFixed(3);

function DevTable({ looks }: { readonly looks: readonly DevReport[] }) {
  const best = bestLook(looks);
  const lines = sample(looks);
  // The kept one is always among them.
  const shown = best && !lines.includes(best) ? [...lines, best].toSorted((a, b) => a.step - b.step) : lines;
  return (
    <Ledger label="Looks at dev">
      <caption>nDCG@10 on dev</caption>
      <thead>
        <tr>
          <th scope="col">After step</th>
          <th scope="col">nDCG@10</th>
          <th scope="col">Weights</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((look) => (
          <tr key={look.step}>
            <th scope="row">{look.step === 0 ? "before training" : whole(look.step)}</th>
            <td>{measure(look.score)}</td>
            <td>{look === best ? "kept" : ""}</td>
          </tr>
        ))}
      </tbody>
    </Ledger>
  );
}
