import { describe, expect, it } from "vitest";
import { addressOfFile, planOf } from "../../src/offline/plan.ts";

const scope = "https://host.example/sub/decoy/";
const paths = new Set(["index.html", "assets/run-1.js", "encoders/a b.json"]);
const plan = (url: string, offline = false, method = "GET") => planOf({ url, method }, { scope, paths, offline });

describe("with the switch off", () => {
  it.each([
    [scope, "index.html"],
    [`${scope}?lesson=1#train`, "index.html"],
    [`${scope}index.html`, "index.html"],
    [`${scope}assets/run-1.js`, "assets/run-1.js"],
    [`${scope}encoders/a%20b.json`, "encoders/a b.json"],
  ])("%s comes from what is kept", (url, path) => {
    expect(plan(url)).toEqual({ kind: "kept", path });
  });

  it.each([
    "https://host.example/sub/decoy",
    "https://host.example/sub/index.html",
    "https://host.example/sub/decoy2/index.html",
    `${scope}assets/run-2.js`,
    `${scope}%E0%A4%A`,
    "https://huggingface.co/sub/decoy/index.html",
    "http://localhost:11434/v1/chat/completions",
    "blob:https://host.example/1",
  ])("%s is left to the browser", (url) => {
    expect(plan(url)).toEqual({ kind: "leave" });
  });

  it("what is sent to the page's own address is no question for a file", () => {
    expect(plan(scope, false, "POST")).toEqual({ kind: "leave" });
  });
});

describe("with the switch on", () => {
  it.each(["https://huggingface.co/api", "http://127.0.0.1:11434/v1/chat/completions", `${scope}assets/run-2.js`])(
    "%s is refused",
    (url) => {
      expect(plan(url, true)).toEqual({ kind: "refuse" });
      expect(plan(url, true, "POST")).toEqual({ kind: "refuse" });
    },
  );

  it("the page's own files and what never leaves the machine are not", () => {
    expect(plan(scope, true).kind).toBe("kept");
    expect(plan("blob:https://host.example/1", true).kind).toBe("leave");
  });
});

it("asks the host for the folder, not for index.html, and for every other file by its path", () => {
  expect(addressOfFile("index.html", scope)).toBe(scope);
  expect(addressOfFile("encoders/a b.json", scope)).toBe(`${scope}encoders/a%20b.json`);
});
