import { afterEach, describe, expect, it } from "vitest";
import { askToKeep, lookAtStored, type PrivacyHost, setOffline } from "../../src/app/privacy.ts";
import { isSwitchedOffline, SwitchedOffline, switchOffline } from "../../src/base/offline.ts";
import { huggingFace, jsonOf } from "../../src/hub/request.ts";
import { openEndpoint } from "../../src/synthesis/providers/endpoint.ts";
import { loadFailure } from "../../src/synthesis/providers/failures.ts";
import { emptyLedger, type HostTotal } from "../../src/domain/requests.ts";
import { receivedWords, sentWords, shortState, switchOffWhy } from "../../src/ui/privacy/words.ts";
import { caught, patiently, request } from "../support/requests.ts";
import { fakeApp } from "./fakes.ts";

afterEach(() => switchOffline(false));

const hostOf = (changes: Partial<PrivacyHost> = {}): PrivacyHost => ({
  setOffline: async () => undefined,
  stored: async () => ({ kinds: [{ kind: "database", bytes: 84 }], persistent: false }),
  keep: async () => false,
  ...changes,
});

describe("the switch", () => {
  it("is kept for the next visit", async () => {
    const settings = new Map<string, string>();
    const app = await fakeApp({ settings });
    app.privacy.host = hostOf();
    await setOffline(app, true);
    expect((await fakeApp({ settings })).privacy.offline.value).toBe(true);
    expect(isSwitchedOffline()).toBe(true);
    await setOffline(app, false);
    expect((await fakeApp({ settings })).privacy.offline.value).toBe(false);
  });

  it("stands for the page's own fetchers before the worker has heard of it, and until it has heard the contrary", async () => {
    const app = await fakeApp();
    const meanwhile: boolean[] = [];
    app.privacy.host = hostOf({ setOffline: async () => void meanwhile.push(isSwitchedOffline()) });
    await setOffline(app, true);
    await setOffline(app, false);
    expect(meanwhile).toEqual([true, true]);
    expect(isSwitchedOffline()).toBe(false);
  });

  it("stays on where the worker cannot be told that it is off", async () => {
    const app = await fakeApp();
    app.privacy.host = hostOf();
    await setOffline(app, true);
    app.privacy.host = hostOf({ setOffline: () => Promise.reject(new Error("no answer")) });
    await expect(setOffline(app, false)).rejects.toThrow("no answer");
    expect([app.privacy.offline.value, isSwitchedOffline()]).toEqual([true, true]);
  });
});

describe("while it is on", () => {
  const named = /Offline is switched on under Privacy/u;

  it("the hub is not asked, not once, and the words name the switch", async () => {
    switchOffline(true);
    let asked = 0;
    const fetch = () => Promise.resolve(new Response(`{"asked":${++asked}}`));
    const error = await caught(jsonOf({ ...huggingFace, fetch }, "https://huggingface.co/api", "a list"));
    expect(error).toBeInstanceOf(SwitchedOffline);
    expect(String(error)).toMatch(named);
    expect(asked).toBe(0);
  });

  it("an endpoint is not asked, and writing ends at once", async () => {
    switchOffline(true);
    let asked = 0;
    const fetch = () => Promise.reject(new Error(`asked ${++asked}`));
    const settings = {
      provider: "endpoint",
      url: "http://localhost:1/v1",
      model: "m",
      key: "",
      concurrency: 1,
    } as const;
    const error = await caught(openEndpoint(settings, { fetch }).complete(request(), patiently));
    expect(error).toMatchObject({ name: "ProviderRefused", message: expect.stringMatching(named) });
    expect(asked).toBe(0);
  });

  it("a model that is not whole on this machine says so, and other failures say what they did before", () => {
    const broken = new TypeError("Failed to fetch");
    expect(loadFailure(broken, "m").message).not.toMatch(named);
    switchOffline(true);
    expect(loadFailure(broken, "m").message).toMatch(named);
    expect(loadFailure(new Error("out of memory"), "m").message).not.toMatch(named);
  });
});

it("says how much is stored, and what the browser made of the wish to keep it", async () => {
  const app = await fakeApp();
  app.privacy.host = hostOf();
  await lookAtStored(app);
  expect(app.privacy.stored.value?.kinds).toEqual([{ kind: "database", bytes: 84 }]);
  await askToKeep(app);
  expect(app.privacy.keepRefused.value).toBe(true);
  const stored = async () => ({ kinds: [], persistent: true });
  app.privacy.host = hostOf({ keep: async () => true, stored });
  await askToKeep(app);
  expect([app.privacy.keepRefused.value, app.privacy.stored.value?.persistent]).toEqual([false, true]);
});

describe("words", () => {
  const total: HostTotal = {
    origin: "http://localhost:1",
    own: false,
    requests: 3,
    stayed: 1,
    sent: 4321,
    uncounted: 0,
    received: 0,
    unmeasured: 2,
  };

  it("never give a sum for what nobody counted", () => {
    expect([sentWords(total), receivedWords(total)]).toEqual(["4 kB", "not known"]);
    expect(sentWords({ ...total, uncounted: 1 })).toBe("at least 4 kB");
    expect(receivedWords({ ...total, received: 10, unmeasured: 1 })).toBe("at least 10 bytes");
  });

  it("say the state in the rail, and why the switch cannot be used", () => {
    expect(shortState(emptyLedger, false)).toBe("nothing sent");
    expect(shortState(emptyLedger, true)).toBe("offline");
    expect(switchOffWhy({ kind: "standing", since: 0 })).toBeUndefined();
    expect(switchOffWhy({ kind: "none", why: "This browser has none." })).toContain("This browser has none.");
  });
});
