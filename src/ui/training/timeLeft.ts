/** Time left as the run bar and the figures say it. */
import type { TimeLeft } from "../../app/estimate.ts";
import { duration } from "../parts/format.ts";

/** "about 3 min left", "at least 3 min left", "almost done". */
export function timeLeftWords({ seconds, atLeast }: TimeLeft): string {
  if (atLeast) return `at least ${duration(Math.max(1, seconds))} left`;
  return seconds < 1 ? "almost done" : `about ${duration(seconds)} left`;
}
