/** Everything in one file, out and in. */
import { attempt } from "../../app/notices.ts";
import { openProject, saveProject, stopProject, type ImportedProject } from "../../app/project.ts";
import type { PickedFile } from "../../app/dependencies.ts";
import { useApp } from "../context.ts";
import { Checkbox } from "../parts/checkbox.tsx";
import { counted } from "../parts/format.ts";
import { Meter, progressWords } from "../parts/meter.tsx";
import { Picker } from "../parts/picker.tsx";

export function ProjectBox() {
  const app = useApp();
  const { work, opened } = app.project;
  return (
    <section aria-labelledby="project">
      <h2 id="project">Everything in one file</h2>
      <p class="prose">
        Your collections, decoys, encoders and runs: to move to another browser, or to keep in case this one clears its
        storage. Opening one adds what is new. What is here stays; of a decoy that was reviewed in both, the later
        review counts. Encoders of the hub are not in the file: a run names the commit that it started from, to be
        downloaded again.
      </p>
      {work.value ? <Working /> : <Buttons />}
      {opened.value && <Opened project={opened.value} />}
    </section>
  );
}

function Buttons() {
  const app = useApp();
  const { checkpoints } = app.project;
  const disabled = !app.projectsAllowed.value;
  const open = ([file]: readonly PickedFile[]): void => {
    if (file) void attempt(app, () => openProject(app, file));
  };
  return (
    <>
      <div class="buttons">
        <button type="button" disabled={disabled} onClick={() => void attempt(app, () => saveProject(app))}>
          Save everything
        </button>
        <Picker label="Open a project" accept=".zip" pick={open} disabled={disabled} />
      </div>
      <Checkbox
        label="With checkpoints: runs can go on and their encoders be downloaded, in a larger file"
        checked={checkpoints.value}
        disabled={disabled}
        change={(checked) => (checkpoints.value = checked)}
      />
    </>
  );
}

function Working() {
  const app = useApp();
  const work = app.project.work.value;
  if (!work) return null;
  const { kind, progress } = work;
  const saving = kind === "saving";
  const label = saving ? "Saving everything" : "Opening the project";
  return (
    <div class="drop">
      <p class="hidden" role="status">
        {label}
      </p>
      <p>
        {label}
        {progress && `, ${saving ? `${(progress.done / 1e6).toFixed(1)} MB so far` : progressWords(progress)}`}
      </p>
      <Meter label={label} progress={saving ? undefined : progress} />
      <button type="button" onClick={() => stopProject(app)}>
        Stop
      </button>
    </div>
  );
}

type Share = ImportedProject["collections"];
type Tally = ImportedProject["drafts"];

const shareWords = ({ added, there }: Share, one: string): string =>
  `${counted(added, one)} added, ${there} here already`;

function tallyWords({ added, updated, there, kept }: Tally, one: string): string {
  const more = [
    ...(updated > 0 ? [`${updated} brought up to date`] : []),
    ...(kept > 0 ? [`${kept} differ and stay as they are here`] : []),
  ];
  return [shareWords({ added, there }, one), ...more].join(", ");
}

/** Of what there was any of. */
function linesOf({ collections, encoders, runs, drafts, verdicts, notes }: ImportedProject): string[] {
  const renamed = runs.renamed > 0 ? `; ${runs.renamed} as another, since a different run has that id here` : "";
  const lines: readonly (readonly [Share & Partial<Tally>, string])[] = [
    [collections, shareWords(collections, "collection")],
    [encoders, shareWords(encoders, "encoder")],
    [runs, shareWords(runs, "run") + renamed],
    [drafts, tallyWords(drafts, "decoy")],
    [verdicts, tallyWords(verdicts, "verdict")],
  ];
  const any = lines.filter(([{ added, there, updated = 0, kept = 0 }]) => added + there + updated + kept > 0);
  return [...any.map(([, words]) => words), ...notes];
}

function Opened({ project }: { readonly project: ImportedProject }) {
  const lines = linesOf(project);
  return (
    <div role="status" data-testid="opened">
      <h3>The project is open</h3>
      <ul class="plain-list">
        {lines.length === 0 && <li>There was nothing in it.</li>}
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
