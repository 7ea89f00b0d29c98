/** Signing in to the hub: what goes out, what is refused, and where the token is afterwards. */
import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import { isUserError } from "../../src/base/errors.ts";
import { answerIn, answerOf, type SignInAnswer } from "../../src/hub/callback.ts";
import { accountOf, beginSignIn, challengeOf, finishSignIn } from "../../src/hub/oauth.ts";
import { takingHub, type TakingOptions } from "../support/takingHub.ts";

const client = { id: "https://decoy.example/hub.json", redirect: "https://decoy.example/a/b/signed-in.html" };
const secrets = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function hubFor(options?: TakingOptions) {
  const server = await takingHub(options);
  open.push(server);
  return { server, line: { hub: server.hub, fetch: globalThis.fetch } };
}

/** As a browser in another tab: follows the hub back to the redirect, and reads what stands there. */
async function allowed(url: string): Promise<SignInAnswer> {
  const response = await fetch(url, { redirect: "manual" });
  const answer = answerIn(response.headers.get("location") ?? "");
  if (!answer) throw new Error("the hub led nowhere");
  return answer;
}

const thrown = async (act: Promise<unknown>): Promise<Error> =>
  act.then(
    () => new Error("nothing was thrown"),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );

test("the challenge is that of RFC 7636, appendix B", () => {
  expect(challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  );
});

test("code for token: the hub checks the verifier, the client and the redirect, and the person is named", async () => {
  const { server, line } = await hubFor({ user: "ada" });
  const attempt = beginSignIn(line.hub.base, client, secrets);
  const token = await finishSignIn(line, attempt, await allowed(attempt.url));
  expect(server.tokens.has(token)).toBe(true);
  expect((await accountOf(line, token)).name).toBe("ada");
  expect(server.scopes).toEqual(["openid profile contribute-repos"]);
});

test("neither the address nor any other request gives the verifier away, and each attempt has its own secrets", async () => {
  const { server, line } = await hubFor();
  const [one, two] = [beginSignIn(line.hub.base, client, secrets), beginSignIn(line.hub.base, client, secrets)];
  expect(one.url).not.toContain(one.verifier);
  expect(one.verifier).toMatch(/^[\w-]{43}$/u);
  expect(new Set([one.state, two.state, one.nonce, two.nonce, one.verifier, two.verifier]).size).toBe(6);
  await finishSignIn(line, one, await allowed(one.url));
  const told = server.asked.filter(({ body }) => body.includes(one.verifier)).map(({ path }) => path);
  expect(told).toEqual(["/oauth/token"]);
});

test("a code for another state is not exchanged", async () => {
  const { server, line } = await hubFor();
  const attempt = beginSignIn(line.hub.base, client, secrets);
  const answer = await allowed(attempt.url);
  const error = await thrown(finishSignIn(line, attempt, { ...answer, state: "forged" }));
  expect(error).toMatchObject({ name: "SignInFailed", forPerson: true });
  expect(server.asked.some(({ path }) => path === "/oauth/token")).toBe(false);
});

test.each<[string, Partial<{ verifier: string; client: typeof client }>]>([
  ["verifier", { verifier: "x".repeat(43) }],
  ["client", { client: { ...client, id: "another" } }],
  ["redirect", { client: { ...client, redirect: "https://elsewhere.example/" } }],
])("the hub refuses a code with another %s, and what it says is said", async (_, other) => {
  const { server, line } = await hubFor();
  const attempt = beginSignIn(line.hub.base, client, secrets);
  const error = await thrown(finishSignIn(line, { ...attempt, ...other }, await allowed(attempt.url)));
  expect(isUserError(error)).toBe(true);
  expect(error.message).toContain("the code does not fit");
  expect([...server.tokens]).toEqual([]);
});

test("a code is not tried twice", async () => {
  const { server, line } = await hubFor({ fault: ({ path }) => (path === "/oauth/token" ? "cut" : undefined) });
  const attempt = beginSignIn(line.hub.base, client, secrets);
  expect(await thrown(finishSignIn(line, attempt, await allowed(attempt.url)))).toMatchObject({
    name: "HubUnreachable",
  });
  expect(server.asked.filter(({ path }) => path === "/oauth/token")).toHaveLength(1);
});

test("an ID token with another nonce is refused", async () => {
  const { line } = await hubFor({ nonce: "replayed" });
  const attempt = beginSignIn(line.hub.base, client, secrets);
  const error = await thrown(finishSignIn(line, attempt, await allowed(attempt.url)));
  expect(error.message).toContain("nonce");
});

test("who says no is told so, in the hub's words", async () => {
  const { line } = await hubFor();
  const attempt = beginSignIn(line.hub.base, client, secrets);
  const address = `${client.redirect}?error=access_denied&error_description=The+person+said+no&state=${attempt.state}`;
  const answer = answerIn(address);
  const error = await thrown(finishSignIn(line, attempt, answer ?? { state: "" }));
  expect(error.message).toContain("The person said no");
});

test("the token shows in nothing that an account is turned into", async () => {
  const { line } = await hubFor({ tokens: ["hf_canary"], role: "write" });
  const account = await accountOf(line, "hf_canary");
  expect(account.limits).toBeUndefined();
  for (const text of [JSON.stringify(account), inspect(account, { depth: 9 }), JSON.stringify(Object.entries(account))])
    expect(text).not.toContain("hf_canary");
  expect(() => structuredClone(account)).toThrow();
});

test("a token that is wrong, and one that may only read", async () => {
  const { line } = await hubFor({ tokens: ["hf_reads"], role: "read" });
  const error = await thrown(accountOf(line, "hf_wrong"));
  expect(error).toMatchObject({ name: "SignInFailed", forPerson: true });
  expect(error.message).not.toContain("hf_wrong");
  expect((await accountOf(line, "hf_reads")).limits).toContain("may only read");
});

test.each([
  [undefined],
  [null],
  [7],
  ["state"],
  [{}],
  [{ state: 1, code: "a" }],
  [{ state: "a" }],
  [{ state: "a", code: {} }],
])("%j over the channel is no answer", (message) => {
  expect(answerOf(message)).toBeUndefined();
});
