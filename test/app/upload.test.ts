/** Sending to the hub, as the page does it: who is signed in, what is put together, when it goes. */
import { afterEach, expect, it } from "vitest";
import {
  addToExisting,
  getReady,
  putTogether,
  send,
  signInByToken,
  signOut,
  stopSending,
  tried,
} from "../../src/app/upload.ts";
import { leave, take, type UploadSubject } from "../../src/app/uploadState.ts";
import { UserError } from "../../src/base/errors.ts";
import type { SignInAnswer } from "../../src/hub/callback.ts";
import type { Outgoing, Uploads } from "../../src/hub/uploads.ts";
import { createUploads } from "../../src/hub/uploads.ts";
import { takingHub } from "../support/takingHub.ts";
import { fakeApp, settled, until } from "./fakes.ts";

const rows: UploadSubject = { kind: "rows", run: undefined };
const client = { id: "decoy", redirect: "https://decoy.example/signed-in.html" };

class Refused extends UserError {
  override readonly name: string;
  constructor(name: string) {
    super("the hub says no");
    this.name = name;
  }
}

/** Uploads that write down what is asked of them; `send` is the test's. */
async function page(more: Partial<Uploads> = {}) {
  const sent: Outgoing[] = [];
  const ears = new Set<(answer: SignInAnswer) => void>();
  let begun = 0;
  const uploads: Uploads = {
    client: () => Promise.resolve(client),
    begin: (of) => ({ url: `https://hub/${++begun}`, state: `s${begun}`, nonce: "n", verifier: "v", client: of }),
    listen(hear) {
      ears.add(hear);
      return () => ears.delete(hear);
    },
    finish: (_, { code }) => Promise.resolve({ name: "ada", limits: undefined, bearer: () => code ?? "" }),
    useToken: (token) => Promise.resolve({ name: "ada", limits: undefined, bearer: () => token }),
    suggest: (owner) => `${owner}/suggested`,
    async *send(outgoing) {
      sent.push(outgoing);
      yield { kind: "created" };
      return { url: "https://hub/ada/suggested", commit: undefined };
    },
    ...more,
  };
  const app = await fakeApp({ uploads });
  return { app, sent, ears, state: app.upload, say: (answer: SignInAnswer) => ears.forEach((hear) => hear(answer)) };
}

async function open(given: Awaited<ReturnType<typeof page>>): Promise<void> {
  expect(take(given.state, rows)).toBe(true);
  await getReady(given.app);
}

it("an answer to this attempt signs in; one to another does not, and the attempt stands", async () => {
  const given = await page();
  await open(given);
  given.say({ state: "s9", code: "forged" });
  await settled();
  expect(given.state.account.value).toBeUndefined();
  expect(given.state.attempt.value?.state).toBe("s1");
  given.say({ state: "s1", code: "good" });
  await until(() => given.state.account.value !== undefined);
  expect(given.state.account.value?.bearer()).toBe("good");
  expect(given.state.id.value).toBe("ada/suggested");
  expect(given.ears.size).toBe(0);
});

it("after a refusal there is another attempt: a state is good once", async () => {
  const given = await page({ finish: () => Promise.reject(new Refused("SignInFailed")) });
  await open(given);
  given.say({ state: "s1", error: "no" });
  await until(() => given.state.attempt.value?.state === "s2");
  expect(given.state.problem.value).toBe("the hub says no");
  expect(given.ears.size).toBe(1);
});

it("folded away, nothing listens and nothing is held", async () => {
  const given = await page();
  await open(given);
  leave(given.state);
  expect([given.ears.size, given.state.attempt.value, given.state.plan.value]).toEqual([0, undefined, undefined]);
});

it("what is listed is what is sent, private unless told, and nothing before it is asked for", async () => {
  const given = await page();
  await open(given);
  await signInByToken(given.app, "hf_x");
  await putTogether(given.app);
  const plan = given.state.plan.value;
  expect(plan?.files.map(({ path }) => path)).toEqual(["README.md", "train.parquet", "provenance.jsonl"]);
  expect(plan?.bytes).toBe(plan?.files.reduce((sum, { blob }) => sum + blob.size, 0));
  expect(given.sent).toEqual([]);
  await send(given.app);
  const [out] = given.sent;
  expect(out).toMatchObject({ target: { kind: "dataset", id: "ada/suggested", isPrivate: true }, existing: false });
  expect(out?.files).toBe(plan?.files);
  expect(given.state.done.value?.url).toBe("https://hub/ada/suggested");
  // It is there now: sent again it is meant for what is there.
  await send(given.app);
  expect(given.sent[1]?.existing).toBe(true);
});

it("a name that is taken is not written to until that is said", async () => {
  const given = await page({
    // oxlint-disable-next-line require-yield
    async *send({ existing }) {
      if (!existing) throw new Refused("RepositoryExists");
      return { url: "", commit: undefined };
    },
  });
  await open(given);
  await signInByToken(given.app, "hf_x");
  await putTogether(given.app);
  await tried(given.app, () => send(given.app));
  expect([given.state.taken.value, given.state.problem.value]).toEqual(["dataset ada/suggested", "the hub says no"]);
  addToExisting(given.app, "dataset ada/suggested", true);
  await tried(given.app, () => send(given.app));
  expect(given.state.done.value).toBeDefined();
});

it("a sign-in that ended is signed out, and the words for it stay", async () => {
  const given = await page({
    // oxlint-disable-next-line require-yield
    async *send() {
      throw new Refused("SignInFailed");
    },
  });
  await open(given);
  await signInByToken(given.app, "hf_x");
  await putTogether(given.app);
  await tried(given.app, () => send(given.app));
  await until(() => given.state.account.value === undefined && given.state.attempt.value !== undefined);
  expect(given.state.problem.value).toBe("the hub says no");
  expect(given.state.plan.value).toBeDefined();
});

it("stopped, it ends without a word; while it goes on nothing else is taken up", async () => {
  const given = await page({
    // oxlint-disable-next-line require-yield
    async *send({ signal }) {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      return { url: "", commit: undefined };
    },
  });
  await open(given);
  await signInByToken(given.app, "hf_x");
  await putTogether(given.app);
  const sending = tried(given.app, () => send(given.app));
  await until(() => given.state.session.stop !== undefined);
  expect(take(given.state, { kind: "rows", run: undefined })).toBe(false);
  stopSending(given.app);
  await sending;
  expect([given.state.problem.value, given.state.progress.value, given.state.done.value]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it("signing out drops the account and stops what is under way", async () => {
  const given = await page();
  await open(given);
  await signInByToken(given.app, "hf_x");
  await signOut(given.app);
  expect(given.state.account.value).toBeUndefined();
  expect(given.state.attempt.value).toBeDefined();
});

it("the token is in nothing of the page that can be written out", async () => {
  const given = await page();
  await open(given);
  await signInByToken(given.app, "hf_canary");
  const values = Object.values(given.state).map((each: unknown) =>
    typeof each === "object" && each !== null && "value" in each ? each.value : each,
  );
  expect(JSON.stringify(values)).toContain("ada");
  expect(JSON.stringify(values)).not.toContain("hf_canary");
});

const hubs: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of hubs.splice(0)) await each.close();
});

it.each([
  [{ client_id: "" }, undefined],
  [{}, undefined],
  [{ client_id: "x", redirect_uris: ["https://elsewhere.example/signed-in.html"] }, undefined],
  [{ client_id: "x", redirect_uris: [] }, "x"],
  [{ client_id: "x", redirect_uris: ["https://decoy.example/a/signed-in.html"] }, "x"],
])("hub.json %j registers %s", async (file, id) => {
  const server = await takingHub();
  hubs.push(server);
  const asked: string[] = [];
  const uploads = createUploads({
    hub: server.hub,
    fetch: (url) => {
      asked.push(url instanceof Request ? url.url : url.toString());
      return Promise.resolve(Response.json(file));
    },
    put: () => Promise.reject(new Error("not part of the test")),
    secrets: (bytes) => new Uint8Array(bytes),
    page: "https://decoy.example/a/",
  });
  expect((await uploads.client())?.id).toBe(id);
  expect(asked).toEqual(["https://decoy.example/a/hub.json"]);
});

it("the other tab is heard over the channel, until that ends", async () => {
  const uploads = createUploads({
    hub: { base: "https://hub.example", silence: 1, waits: [] },
    fetch: globalThis.fetch,
    put: () => Promise.reject(new Error("not part of the test")),
    secrets: (bytes) => new Uint8Array(bytes),
    page: "https://decoy.example/",
  });
  const heard: SignInAnswer[] = [];
  const end = uploads.listen((answer) => void heard.push(answer));
  const other = new BroadcastChannel("decoy-sign-in");
  other.postMessage({ nonsense: true });
  other.postMessage({ state: "s", code: "c" });
  await until(() => heard.length > 0);
  end();
  other.postMessage({ state: "t", code: "d" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  other.close();
  expect(heard).toEqual([{ state: "s", code: "c" }]);
});
