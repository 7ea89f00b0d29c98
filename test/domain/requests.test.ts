import { describe, expect, it } from "vitest";
import {
  begun,
  emptyLedger,
  ended,
  measured,
  type Ledger,
  mostRows,
  purposeOf,
  type RequestRecord,
  totalsOf,
} from "../../src/domain/requests.ts";

const page = "https://decoy.example";
const model = "http://localhost:11434";
const noon = 1_000_000;

const record = (id: string, changes: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  at: noon,
  method: "POST",
  origin: model,
  path: "/v1/chat/completions",
  own: false,
  sent: undefined,
  received: undefined,
  outcome: { kind: "sent" },
  seen: "begun",
  ...changes,
});
const time = (changes: object = {}) => ({
  url: `${model}/v1/chat/completions`,
  at: noon + 5,
  received: 700,
  status: 200,
  ...changes,
});
const all = (records: readonly RequestRecord[]): Ledger => records.reduce(begun, emptyLedger);

describe("the sums of a host", () => {
  it("count what left the machine, and say what nobody counted", () => {
    const ledger = all([
      record("a", { sent: 300, received: 1000 }),
      record("b", { sent: 200 }),
      record("c"),
      record("d", { sent: 50_000, outcome: { kind: "refused" } }),
      record("e", { origin: page, own: true, method: "GET", sent: 0, outcome: { kind: "kept" } }),
    ]);
    expect(totalsOf(ledger)).toEqual([
      { origin: page, own: true, requests: 1, stayed: 1, sent: 0, uncounted: 0, received: 0, unmeasured: 0 },
      { origin: model, own: false, requests: 4, stayed: 1, sent: 500, uncounted: 1, received: 1000, unmeasured: 2 },
    ]);
  });

  it("keep what the list drops: of many rows only the newest are shown, and a busy host drops none of the other", () => {
    const many = Array.from({ length: mostRows + 40 }, (_, index) =>
      record(`m${index}`, { sent: 10, at: noon + index }),
    );
    const ledger = all([record("own", { origin: page, own: true, sent: 0 }), ...many]);
    expect(ledger.rows.filter(({ own }) => !own)).toHaveLength(mostRows);
    expect(ledger.rows.filter(({ own }) => own)).toHaveLength(1);
    expect(ledger.rows.at(-1)?.id).toBe(`m${mostRows + 39}`);
    const total = totalsOf(ledger).find(({ own }) => !own);
    expect([total?.requests, total?.sent]).toEqual([mostRows + 40, 10 * (mostRows + 40)]);
  });
});

describe("two accounts of one request", () => {
  it("become one row, whichever comes first", () => {
    const one = ended(begun(emptyLedger, record("a", { sent: 12 })), time(), page);
    const two = begun(ended(emptyLedger, time(), page), record("a", { sent: 12 }));
    for (const { rows } of [one, two])
      expect(rows).toMatchObject([{ id: "a", sent: 12, received: 700, outcome: { kind: "answered", status: 200 } }]);
  });

  it("go to the one that began nearest, where an address was asked twice, and each is used once", () => {
    let ledger = all([record("a"), record("b", { at: noon + 100 })]);
    ledger = ended(ledger, time({ at: noon + 98, received: 2 }), page);
    ledger = ended(ledger, time({ at: noon + 99, received: 1 }), page);
    expect(ledger.rows.map(({ id, received }) => [id, received])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  it("stay two where the address or the hour is another", () => {
    const ledger = begun(emptyLedger, record("a"));
    expect(ended(ledger, time({ url: `${model}/other` }), page).rows).toHaveLength(2);
    expect(ended(ledger, time({ at: noon + 60_000 }), page).rows).toHaveLength(2);
  });

  it("leave a refused or kept one what it is", () => {
    const ledger = ended(begun(emptyLedger, record("a", { outcome: { kind: "refused" } })), time(), page);
    expect(ledger.rows).toMatchObject([{ outcome: { kind: "refused" }, received: undefined }]);
  });
});

it("takes the bytes that the page counted itself, whether the browser tells of the end before or after", () => {
  const silent = time({ received: undefined });
  const counted = { url: silent.url, at: noon + 3, received: 55 };
  const before = ended(measured(begun(emptyLedger, record("a")), counted), silent, page);
  const after = measured(ended(begun(emptyLedger, record("a")), silent, page), counted);
  for (const { rows } of [before, after])
    expect(rows).toMatchObject([{ received: 55, outcome: { kind: "answered", status: 200 }, seen: "whole" }]);
  expect(measured(emptyLedger, counted)).toBe(emptyLedger);
});

it("adds the bytes of a body when they are counted, and takes nothing away that is known", () => {
  const answered = ended(begun(emptyLedger, record("a")), time(), page);
  const { rows } = begun(answered, record("a", { sent: 4321 }));
  expect(rows).toMatchObject([{ sent: 4321, received: 700, seen: "whole" }]);
});

it("without a service worker it lists what ended, says that nobody counted, and drops the query", () => {
  const { rows } = ended(emptyLedger, time({ url: "https://cas.hf.co/file?X-Signature=secret" }), page);
  expect(rows).toMatchObject([{ origin: "https://cas.hf.co", path: "/file", sent: undefined, own: false }]);
  expect(JSON.stringify(rows[0]?.path)).not.toContain("secret");
  expect(ended(emptyLedger, time({ url: "blob:https://decoy.example/1" }), page)).toBe(emptyLedger);
});

it.each([
  ["https://huggingface.co", "/a/b/resolve/main/model.onnx", "hub"],
  ["https://us.aws.cdn.hf.co", "/xet", "hub"],
  ["https://nothuggingface.co", "/", "other"],
  ["https://raw.githubusercontent.com", "/mlc-ai/model.wasm", "program"],
  [model, "/v1/chat/completions", "chat"],
] as const)("%s%s is for %s", (origin, path, purpose) => {
  expect(purposeOf(record("a", { origin, path }))).toBe(purpose);
});
