/** The service worker's decisions, with a scope of its own making; the real one is met in test/e2e/privacy.test.ts. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { Build, News } from "../../src/offline/contract.ts";
import { createOffline, type OfflineScope } from "../../src/offline/service.ts";
import { memoryCaches } from "../support/caches.ts";

const folder = "https://host.example/decoy/";
const files = { "index.html": "<one>", "card.md": "card" };
const build: Build = {
  version: "v1",
  files: Object.entries(files).map(([path, text]) => ({
    path,
    sha256: createHash("sha256").update(text).digest("hex"),
    bytes: text.length,
    late: false,
  })),
};
const elsewhere = "http://localhost:11434/v1/chat/completions";

function world(caches = memoryCaches()) {
  const news: News[] = [];
  const did: string[] = [];
  const pages = [folder];
  const scope: OfflineScope = {
    caches,
    fetch: async (input) => {
      const url = String(input instanceof Request ? input.url : input);
      did.push(`fetch ${url}`);
      return new Response(url === folder ? "<one>" : "card");
    },
    registration: {
      scope: folder,
      unregister: async () => did.push("unregister") > 0,
    },
    clients: {
      claim: async () => void did.push("claim"),
      matchAll: async () => pages.map((url) => ({ url })),
    },
    skipWaiting: async () => void did.push("skip waiting"),
  };
  return { service: createOffline(build, scope, (each) => news.push(each)), scope, news, did, pages, caches };
}

/** Until what a request carries was counted, and the switch read. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const question = () => new Request(elsewhere, { method: "POST", body: "äquator" });
const noted = (news: readonly News[]) => news.flatMap((each) => (each.kind === "request" ? [each.record] : []));
const navigation = (url: string) => Object.defineProperty(new Request(url), "mode", { value: "navigate" });

it("answers from what is kept and tells of it", async () => {
  const { service, news, did } = world();
  await service.install();
  did.length = 0;
  const answer = await service.answer(new Request(`${folder}card.md`));
  expect(await answer?.text()).toBe("card");
  expect(did).toEqual([]);
  expect(noted(news).at(-1)).toMatchObject({ path: "/decoy/card.md", own: true, sent: 0, outcome: { kind: "kept" } });
});

it("leaves a question to another host to the browser, with its bytes counted", async () => {
  const { service, news, did } = world();
  await settle();
  expect(service.answer(question())).toBeUndefined();
  await settle();
  // ä is two bytes in UTF-8.
  expect(noted(news).at(-1)).toMatchObject({ origin: "http://localhost:11434", own: false, sent: 8 });
  expect(did).toEqual([]);
});

it("just woken up, leads the question on to its own address once it has read that the switch is off", async () => {
  const { service, news } = world();
  const answer = await service.answer(question());
  expect([answer?.status, answer?.headers.get("location")]).toEqual([307, elsewhere]);
  await settle();
  expect(noted(news)).toMatchObject([{ sent: undefined }, { sent: 8 }]);
});

it("refuses it while the switch is on, and still after it was ended and woken up", async () => {
  const caches = memoryCaches();
  const first = world(caches);
  expect(await first.service.hear({ kind: "offline", on: true })).toBe(true);
  expect(first.news.at(-1)).toEqual({ kind: "offline", scope: folder, on: true });
  for (const { service, news, did } of [first, world(caches)]) {
    expect((await service.answer(question()))?.type).toBe("error");
    expect(noted(news)).toMatchObject([{ outcome: { kind: "refused" } }]);
    expect(did).toEqual([]);
  }
  await first.service.hear({ kind: "offline", on: false });
  expect((await world(caches).service.answer(question()))?.status).toBe(307);
});

it("with the switch on, a file of the page that is not kept is not fetched", async () => {
  const { service, did } = world();
  await service.hear({ kind: "offline", on: true });
  expect((await service.answer(new Request(`${folder}card.md`)))?.type).toBe("error");
  expect(did).toEqual([]);
});

it("takes care of a page of its own build, and of no other", async () => {
  const { service, did } = world();
  expect(await service.hear({ kind: "hello", version: "v0" })).toMatchObject({ version: "v1", offline: false });
  expect(did).toEqual([]);
  await service.hear({ kind: "hello", version: "v1" });
  expect(did).toEqual(["claim"]);
});

it("takes over where one page is open, and says how many are in the way where there are more", async () => {
  const { service, did, pages } = world();
  pages.push(folder, "https://host.example/other/");
  expect(await service.hear({ kind: "take over" })).toBe(1);
  expect(did).toEqual([]);
  pages.splice(1, 1);
  expect(await service.hear({ kind: "take over" })).toBe(0);
  expect(did).toEqual(["skip waiting"]);
});

it("gives up where the browser lost the page itself: it comes from the host, and the worker goes", async () => {
  const { service, did } = world();
  expect(await (await service.answer(navigation(folder)))?.text()).toBe("<one>");
  expect(did).toEqual(["unregister", `fetch ${folder}`]);
});

it("says why the page could not be kept", async () => {
  const { service, news, caches } = world();
  caches.room = 0;
  await expect(service.install()).rejects.toThrow("QuotaExceeded");
  expect(news.at(-1)).toEqual({ kind: "not kept", scope: folder, why: "QuotaExceeded" });
});
