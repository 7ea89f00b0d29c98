/** checks.py against the page's own verdicts, and its patterns against the page's. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { documentText } from "../../../src/domain/collection.ts";
import { parseGeneration } from "../../../src/domain/generation.ts";
import { handOver, pythonPattern } from "../../../src/synthesis/handOver.ts";
import { cases, inputOf, judge, type Case } from "../../synthesis/fixtures.ts";

const python = ["python3", "/usr/bin/python3"].find((command) => spawnSync(command, ["--version"]).status === 0);
if (python === undefined) console.log("skipped: no python3 (checks.py was not run)");

const folder = fileURLToPath(new URL("../../../src/export/cluster", import.meta.url));
const program = `
import json, sys
sys.path.insert(0, sys.argv[1])
from checks import Checks
told = json.load(sys.stdin)
checks = Checks(told["checks"])
out = []
for case in told["cases"]:
    judged = checks.judge(case["answer"], case["finish"], case["reflection"], case["query"], case["positive"])
    copied = checks.copied([(judged["text"], "p")], case["similar"])[0] if judged["outcome"] != "rejected" else None
    out.append({**judged, "outcome": "rejected", "notes": [["copiesDocument", copied]]} if copied else judged)
print(json.dumps(out))
`;

interface Judged {
  readonly outcome: string;
  readonly notes: readonly (readonly [string, string])[];
  readonly title: string;
  readonly text: string;
  readonly reasoning?: unknown;
}

function judged(given: readonly Case[]): readonly Judged[] {
  const told = given.map((one) => {
    const { positive, similar, ...input } = inputOf(one);
    const documents = similar.map((document) => ({ id: document.id, text: documentText(document) }));
    return { ...input, positive, similar: documents };
  });
  const { checks } = handOver([], parseGeneration({}));
  const { stdout, stderr, status } = spawnSync(python ?? "", ["-c", program, folder], {
    input: JSON.stringify({ checks, cases: told }),
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 2 ** 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as readonly Judged[];
}

/** An answer as it was asked for: one object, and the passage as text under its key, with no JSON in it. */
function isAsAsked({ answer }: Case): boolean {
  try {
    const value: unknown = JSON.parse(answer);
    const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
    const passage: unknown = members.find(([key]) => key === "hard_negative_document")?.[1];
    return typeof passage === "string" && !passage.startsWith('{"');
  } catch {
    return false;
  }
}

test.skipIf(python === undefined)("answers that are as asked for get the page's verdict, word for word", () => {
  const asked = cases.filter(isAsAsked);
  expect(asked.length).toBeGreaterThan(100);
  const verdicts = judged(asked);
  for (const [i, one] of asked.entries()) {
    const { outcome, notes, title, text, reasoning } = judge(one);
    const wanted = { outcome, notes: notes.map(({ flaw, text }) => [flaw, text]), title, text };
    expect(verdicts[i], one.name).toEqual({ ...wanted, ...(reasoning && { reasoning }) });
  }
});

test.skipIf(python === undefined)("no other answer is let through that the page turns down", () => {
  const others = cases.filter((one) => !isAsAsked(one));
  for (const [i, { outcome }] of judged(others).entries()) {
    const one = others[i];
    if (one && outcome !== "rejected") expect(judge(one).outcome, one.name).not.toBe("rejected");
  }
});

test.skipIf(python === undefined)("a pattern finds in Python what it finds here", () => {
  const pairs: readonly (readonly [RegExp, string])[] = [
    [/\bna\b/u, "naïve"],
    [/\bna\b/u, "nab"],
    [/^\W{0,3}é/u, "«é"],
    [/\wx/u, "ßx"],
    [/[\w-]{3}$/u, "a-ü"],
    [/[\w ]+y$/iu, "X y"],
    [/x$/u, "x\n"],
    [/x$/mu, "x\ny"],
    [/^y/mu, "x\ny"],
    [/[\u{200B}\u{E0000}-\u{E007F}]/u, "a\u{E0041}"],
    [/<[|｜][^<>|｜\n]{1,4}[|｜]>/iu, "<｜End｜>"],
    [/(?<!\w)__(\S)__(?!\w)/u, "ü__a__"],
  ];
  const told = pairs.map(([pattern, text]) => ({ ...pythonPattern(pattern), text }));
  const found = spawnSync(
    python ?? "",
    [
      "-c",
      "import json, re, sys\nprint(json.dumps([bool(re.search(o['source'], o['text'], sum({'i': re.I, 'm': re.M}[f] for f in o['flags']))) for o in json.load(sys.stdin)]))",
    ],
    { input: JSON.stringify(told), encoding: "utf8" },
  );
  expect(found.stderr).toBe("");
  expect(JSON.parse(found.stdout)).toEqual(pairs.map(([pattern, text]) => pattern.test(text)));
});

test("a pattern with a property of characters is refused: it has no counterpart", () => {
  expect(() => pythonPattern(/\p{L}/u)).toThrow(/no counterpart/u);
});
