/** The report as the text of one HTML file: no script, nothing asked for from anywhere, everything in it. */
import { renderToString } from "preact-render-to-string";
import type { ReportedRun, ReportInput } from "../../app/report.ts";
import { type GlossaryWord, glossary } from "../parts/glossary.ts";
import { Mark } from "../parts/mark.tsx";
import { type Paper, PaperContext, wordAnchor } from "../parts/paper.ts";
import base from "../styles/base.css?inline";
import figures from "../styles/figures.css?inline";
import tokens from "../styles/tokens.css?inline";
import { ComparisonReport } from "./comparisonReport.tsx";
import { Moment } from "./provenance.tsx";
import paperStyle from "./report.css?inline";
import { RunReport, runTitle } from "./runReport.tsx";
import { Section } from "./section.tsx";

/** A browser that opens the file runs nothing and fetches nothing, whatever a document's text may say. */
const securityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const styles = [tokens, base, figures, paperStyle].join("\n");

/** Where it is the same. */
function collectionWords(told: readonly ReportedRun[]): string {
  const [name, other] = new Set(told.map(({ run }) => run.collectionName));
  return name !== undefined && other === undefined ? ` on ${name}` : "";
}

function titleOf(input: ReportInput): string {
  switch (input.kind) {
    case "run":
      return runTitle(input.told.run);
    case "comparison":
      return `${input.told.length} runs compared${collectionWords(input.told)}`;
    default:
      return input satisfies never;
  }
}

interface Place {
  readonly id: string;
  readonly title: string;
}

/** Where the list of contents leads: the sections in their order. */
function placesOf(input: ReportInput): readonly Place[] {
  switch (input.kind) {
    case "run":
      return [
        { id: "verdict", title: "Verdict" },
        { id: "scores", title: "Scores" },
        { id: "queries", title: "Query by query" },
        { id: "training", title: "Training" },
        { id: "decoys", title: "Decoys" },
        { id: "data", title: "Data and encoder" },
        { id: "recipe", title: "Recipe" },
        { id: "machine", title: "Machine and time" },
        { id: "digests", title: "Digests" },
      ];
    case "comparison":
      return [
        { id: "differences", title: "What differs" },
        { id: "scores", title: "Scores" },
        { id: "tests", title: "Paired tests" },
        ...input.told.map(({ run }, i) => ({ id: `run-${i + 1}`, title: run.name })),
      ];
    default:
      return input satisfies never;
  }
}

/** Errors: none; texts from files are escaped by the renderer. */
export function reportHtml(input: ReportInput): string {
  const paper: Paper = { words: new Set() };
  // First, since it says which words there are to explain.
  const body = renderToString(
    <PaperContext.Provider value={paper}>
      {input.kind === "run" ? <RunReport input={input} /> : <ComparisonReport input={input} />}
    </PaperContext.Provider>,
  );
  const words = renderToString(<Words words={paper.words} />);
  return `<!doctype html>\n${renderToString(<Shell input={input} body={body + words} />)}\n`;
}

/** `body` is HTML that the renderer made. */
function Shell({ input, body }: { readonly input: ReportInput; readonly body: string }) {
  const title = titleOf(input);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={securityPolicy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="Decoy" />
        <title>{`${title} – Decoy`}</title>
        <style dangerouslySetInnerHTML={{ __html: styles }} />
      </head>
      <body>
        <header>
          <p class="made">
            <Mark size={28} />{" "}
            <span>
              Decoy, report of <Moment iso={input.madeAt} />
            </span>
          </p>
          <h1 dir="auto">{title}</h1>
        </header>
        <nav aria-label="Contents">
          <ul>
            {[...placesOf(input), { id: "words", title: "Words" }].map(({ id, title }) => (
              <li key={id}>
                <a href={`#${id}`}>{title}</a>
              </li>
            ))}
          </ul>
        </nav>
        <main dangerouslySetInnerHTML={{ __html: body }} />
        <footer class="quiet">
          Decoy fine-tunes text encoders in the browser. Means are over queries, as trec_eval computes them; intervals
          are bootstrapped, tests are paired randomisation tests.
        </footer>
      </body>
    </html>
  );
}

function Words({ words }: { readonly words: ReadonlySet<GlossaryWord> }) {
  const used = [...words].toSorted((a, b) => a.localeCompare(b, "en"));
  return (
    <Section id="words" title="Words">
      <dl class="words">
        {used.map((word) => (
          <div key={word} id={wordAnchor(word)}>
            <dt>{word}</dt>
            <dd>{glossary[word]}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
