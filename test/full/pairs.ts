/** Cases of several factors of which any two values of any two factors meet in one case at the least. */
import { random } from "../../src/base/random.ts";

type Factors = Readonly<Record<string, readonly unknown[]>>;
type Choice<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] };

/** How many whole choices are drawn for each case; the best is taken. */
const DRAWS = 300;

/**
 * Greedy, from draws of a seeded generator: the case that is worth most, until nothing that may meet is left, or no draw has
 * any of it. `cost` is what a case costs, in the worth of meetings; undefined for what may not be. `missed` says which pairs of
 * values never met, as "layers 24, hidden 1024".
 */
export function pairwise<F extends Factors>(factors: F, cost: (choice: Choice<F>) => number | undefined) {
  const source = random(11, "pairs");
  const names = Object.keys(factors);
  const label = (name: string, value: unknown) => `${name} ${String(value)}`;
  const meetings = (choice: Choice<F>) =>
    names.flatMap((one, i) =>
      names.slice(i + 1).map((two) => `${label(one, choice[one])}, ${label(two, choice[two])}`),
    );
  const left = new Set(
    names.flatMap((one, i) =>
      names
        .slice(i + 1)
        .flatMap((two) =>
          (factors[one] ?? []).flatMap((a) => (factors[two] ?? []).map((b) => `${label(one, a)}, ${label(two, b)}`)),
        ),
    ),
  );
  const drawn = () =>
    Object.fromEntries(
      names.map((name) => [name, (factors[name] ?? [])[source.integer(factors[name]?.length ?? 0)]]),
    ) as Choice<F>;
  const worth = (choice: Choice<F>): number => {
    const price = cost(choice);
    if (price === undefined) return 0;
    const found = meetings(choice).filter((pair) => left.has(pair)).length;
    return found === 0 ? 0 : found / (1 + price);
  };
  const cases: Choice<F>[] = [];
  // Many rounds of draws in a row without anything new: what is left cannot be.
  for (let barren = 0; left.size > 0 && barren < 20;) {
    const draws = Array.from({ length: DRAWS }, drawn).map((choice) => ({ choice, worth: worth(choice) }));
    const best = draws.reduce((most, draw) => (draw.worth > most.worth ? draw : most));
    if (best.worth === 0) {
      barren++;
      continue;
    }
    barren = 0;
    for (const pair of meetings(best.choice)) left.delete(pair);
    cases.push(best.choice);
  }
  return { cases, missed: [...left] };
}
