import { expect, test } from "vitest";
import { choiceKey, tune, type Contest, type Timer } from "../../src/gpu/tuner.ts";

const contestants = ["plain", "staged", "quads"];
const small: Contest = { name: "forward 64→64", kind: "forward", contestants };
const large: Contest = { name: "forward 256→256", kind: "forward", contestants };
const other: Contest = { name: "weight 64→64", kind: "weight", contestants };

/** A clock that only running moves on: `cost` milliseconds a run, `compile` for getting ready. */
function fakeTimer(cost: (contest: string, contestant: string, run: number) => number, compile = 0) {
  let clock = 0;
  const runs: string[] = [];
  const timer: Timer = {
    prepare(_, contestant) {
      clock += compile;
      return Promise.resolve(contestant !== "broken");
    },
    run({ name }, contestant, times) {
      const spent = times * cost(name, contestant, runs.filter((run) => run === `${name} ${contestant}`).length);
      runs.push(`${name} ${contestant}`);
      clock += spent;
      return Promise.resolve(spent);
    },
    now: () => clock,
  };
  const count = (contest: Contest, contestant: string) =>
    runs.filter((run) => run === `${contest.name} ${contestant}`).length;
  return { timer, count };
}

const costs: Record<string, number> = { plain: 2, staged: 1, quads: 9, broken: 0.1 };
const costOf = (_: string, contestant: string) => costs[contestant] ?? NaN;

test("the fastest wins, the hopeless one runs once and in no later contest of its kind", async () => {
  const { timer, count } = fakeTimer(costOf);
  const winners = await tune({ contests: [small, large, other], choices: new Map(), key: "gpu", timer });
  expect([...winners.values()]).toEqual(["staged", "staged", "staged"]);
  expect(count(small, "staged")).toBe(5);
  expect(count(small, "quads")).toBe(1);
  expect(count(large, "quads")).toBe(0);
  expect(count(large, "plain")).toBeGreaterThan(0);
  expect(count(other, "quads")).toBe(1);
});

test("what is remembered is not measured again, on this device and with these kernels only", async () => {
  const choices = new Map([[choiceKey("gpu", small), "quads"]]);
  const { timer, count } = fakeTimer(costOf);
  const winners = await tune({ contests: [small, large], choices, key: "gpu", timer });
  expect(winners.get(small.name)).toBe("quads");
  expect(count(small, "plain")).toBe(0);
  expect(choices.get(choiceKey("gpu", large))).toBe("staged");
  const elsewhere = await tune({ contests: [small], choices, key: "other gpu", timer });
  expect(elsewhere.get(small.name)).toBe("staged");
});

test("a choice that there is no more is made anew", async () => {
  const choices = new Map([[choiceKey("gpu", small), "by hand"]]);
  const winners = await tune({ contests: [small], choices, key: "gpu", timer: fakeTimer(costOf).timer });
  expect(winners.get(small.name)).toBe("staged");
  expect(choices.get(choiceKey("gpu", small))).toBe("staged");
});

test("after the budget the rest follow the winner of their kind, or the default, and nothing is remembered of them", async () => {
  const choices = new Map<string, string>();
  const { timer, count } = fakeTimer(costOf, 20);
  const winners = await tune({ contests: [small, large, other], choices, key: "gpu", timer, budget: 50 });
  expect([...winners.values()]).toEqual(["staged", "staged", "plain"]);
  expect([...choices.keys()]).toEqual([choiceKey("gpu", small)]);
  expect(count(large, "staged") + count(other, "plain")).toBe(0);
});

test("the default stays where another is faster by no more than noise", async () => {
  const { timer } = fakeTimer((_, contestant) => (contestant === "plain" ? 2 : 1.95));
  expect((await tune({ contests: [small], choices: new Map(), key: "gpu", timer })).get(small.name)).toBe("plain");
});

test("one slow run in five does not count", async () => {
  const { timer } = fakeTimer((_, contestant, run) => (costs[contestant] ?? NaN) + (run === 2 ? 30 : 0));
  expect((await tune({ contests: [small], choices: new Map(), key: "gpu", timer })).get(small.name)).toBe("staged");
});

test("short work is repeated until it can be timed", async () => {
  const times: number[] = [];
  const { timer } = fakeTimer(() => 0.5);
  const run: Timer["run"] = (contest, contestant, n) => {
    times.push(n);
    return timer.run(contest, contestant, n);
  };
  await tune({ contests: [small], choices: new Map(), key: "gpu", timer: { ...timer, run } });
  expect(times.slice(0, 3)).toEqual([1, 1, 6]);
  expect(Math.max(...times)).toBe(6);
});

test("what does not compile or gives something else is left out, the default stands if all are", async () => {
  const with_ = { ...small, contestants: ["plain", "broken"] };
  const { timer, count } = fakeTimer(costOf);
  expect((await tune({ contests: [with_], choices: new Map(), key: "gpu", timer })).get(small.name)).toBe("plain");
  expect(count(with_, "broken")).toBe(0);
  const none = { ...timer, prepare: () => Promise.resolve(false) };
  expect((await tune({ contests: [small], choices: new Map(), key: "gpu", timer: none })).get(small.name)).toBe(
    "plain",
  );
});
