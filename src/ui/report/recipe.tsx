/** The recipe: in words, what of it differs, and all of it to be run again. */
import type { Config } from "../../domain/config.ts";
import { type ConfigDifference, differencesFromDefaults } from "../../domain/configDifferences.ts";
import { describeLoss } from "../../domain/loss.ts";
import type { RunRecord } from "../../domain/run.ts";
import { describeBatches, describeBest, describeMemory, describeTuning } from "../../domain/tuning.ts";
import { type Fact, Facts } from "../parts/facts.tsx";
import { pairWords } from "../parts/words.ts";
import { Ledger } from "./section.tsx";

/** What each recipe says of each key that differs. */
interface DifferencesProps {
  readonly caption: string;
  /** One for each value of a difference. */
  readonly columns: readonly string[];
  readonly differences: readonly ConfigDifference[];
}

export function Differences({ caption, columns, differences }: DifferencesProps) {
  return (
    <Ledger label={caption}>
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Key</th>
          {columns.map((column, i) => (
            <th key={i} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {differences.map(({ key, values }) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            {values.map((value, i) => (
              <td key={i}>{value ?? <span class="quiet">not set</span>}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </Ledger>
  );
}

function inWords(config: Config): readonly Fact[] {
  const facts: readonly Fact[] = [
    ["Trained on", pairWords[config.pairs]],
    ["Trained", describeTuning(config)],
    ["Batches", describeBatches(config)],
    ["Loss", describeLoss(config)],
    ["Kept weights", describeBest(config) || "those after the last step"],
    ["To save memory", describeMemory(config)],
    ["Seed of every random choice", String(config.seed)],
  ];
  return facts.filter(([, value]) => value !== "");
}

export function Recipe({ run }: { readonly run: RunRecord }) {
  const differences = differencesFromDefaults(run.config);
  return (
    <>
      <Facts facts={inWords(run.config)} />
      {differences.length === 0 ? (
        <p class="prose">Every key has its default.</p>
      ) : (
        <Differences
          caption="What differs from the defaults"
          columns={["Default", "This run"]}
          differences={differences}
        />
      )}
      <h3>The whole recipe</h3>
      <RecipeText run={run} />
    </>
  );
}

export const RecipeText = ({ run }: { readonly run: RunRecord }) => (
  <pre>{JSON.stringify(run.config, undefined, 2)}</pre>
);
