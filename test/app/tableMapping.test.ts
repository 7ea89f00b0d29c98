/** A table with names of its own: explained, read, explained again. */
import { expect, it } from "vitest";
import { discardDraft, previewFiles, readMapped, type Draft } from "../../src/app/collections.ts";
import { explainColumns, setForm, setRole } from "../../src/app/tableMapping.ts";
import { createReader } from "../../src/data/reader.ts";
import { fakeApp, imported } from "./fakes.ts";

const given = (path: string, text: string) => [{ path, blob: new Blob([text]) }];
const odd = given("a.csv", "Frage,Antwort\nq,p\nr,s\n");

const reader = createReader();

/** The built-in collection of the fake is no real one: all but a single file is read as the fake has it. */
const appWithReader = () =>
  fakeApp({
    reader: {
      ...reader,
      read: async function* (input) {
        return input.files.length === 1 ? yield* reader.read(input) : imported;
      },
    },
  });
type App = Awaited<ReturnType<typeof appWithReader>>;

function draftAs<State extends Draft["state"]>({ collections }: App, state: State): Extract<Draft, { state: State }> {
  const draft = collections.draft.value;
  expect(draft?.state).toBe(state);
  return draft as Extract<Draft, { state: State }>;
}

const rolesOf = (app: App) => draftAs(app, "mapping").columns.map(({ role }) => role);

it("asks what unknown columns mean, reads by the answer, and can be asked again", async () => {
  const app = await appWithReader();
  await previewFiles(app, odd);
  expect(rolesOf(app)).toEqual(["ignore", "ignore"]);
  setRole(app, 0, "query");
  setRole(app, 1, "positive");
  await readMapped(app);
  const read = draftAs(app, "read");
  expect(read.result.collection.queries.map(({ text }) => text)).toEqual(["q", "r"]);
  explainColumns(app);
  expect(rolesOf(app)).toEqual(["query", "positive"]);
  setRole(app, 0, "ignore");
  setRole(app, 1, "text");
  await readMapped(app);
  expect(draftAs(app, "read").result.summary).toMatchObject({ documents: 2, queries: 0 });
});

it("reads columns of usual names without a question, and lets them be explained all the same", async () => {
  const app = await appWithReader();
  await previewFiles(app, given("a.csv", "query,positive\nq,p\n"));
  expect(draftAs(app, "read").result.summary.queries).toBe(1);
  explainColumns(app);
  expect(rolesOf(app)).toEqual(["query", "positive"]);
});

it("cuts lines otherwise when told so, and guesses anew", async () => {
  const app = await appWithReader();
  await previewFiles(app, given("a.csv", "x|query;y,positive;z\nx|1;y,2;z\n"));
  await setForm(app, { delimiter: ";", header: true });
  expect(draftAs(app, "mapping").columns.map(({ name }) => name)).toEqual(["x|query", "y,positive", "z"]);
  await setForm(app, { delimiter: ";", header: false });
  expect(draftAs(app, "mapping").preview.rows).toHaveLength(2);
  expect(draftAs(app, "mapping").columns.map(({ name }) => name)).toEqual(["column 1", "column 2", "column 3"]);
});

it("goes back to the question where the answer cannot be, with the reason", async () => {
  const app = await appWithReader();
  await previewFiles(app, given("a.csv", "Frage,Antwort,Wert\nq,p,0\n"));
  setRole(app, 0, "query");
  setRole(app, 1, "positive");
  setRole(app, 2, "score");
  await expect(readMapped(app)).rejects.toThrow(/no score is above 0/u);
  expect(rolesOf(app)).toEqual(["query", "positive", "score"]);
});

it("forgets a table that was discarded meanwhile", async () => {
  const app = await appWithReader();
  await previewFiles(app, odd);
  const forming = setForm(app, { delimiter: ";", header: true });
  discardDraft(app);
  await forming;
  expect(app.collections.draft.value).toBeUndefined();
  const looking = previewFiles(app, odd);
  discardDraft(app);
  await looking;
  expect(app.collections.draft.value).toBeUndefined();
});

it("keeps the table that was brought meanwhile, when another one's lines come late", async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((open) => (go = open));
  const app = await fakeApp({
    reader: {
      preview: async function* (input) {
        if (input.form) await gate;
        return yield* reader.preview(input);
      },
    },
  });
  await previewFiles(app, odd);
  const late = setForm(app, { delimiter: ";", header: true });
  await previewFiles(app, given("b.csv", "Eins,Zwei\nq,p\n"));
  go();
  await late;
  expect(draftAs(app, "mapping").preview.path).toBe("b.csv");
});
