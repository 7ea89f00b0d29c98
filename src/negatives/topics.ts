/**
 * Topics of queries, for batches that stay within one topic (TAS-B, Hofstätter et al., SIGIR 2021, arXiv 2104.06967, §3.2):
 * k-means over the query vectors of an encoder that is not trained further. The paper has 2,000 clusters for 400,000
 * queries and draws a batch of 32 from one of them.
 */
import { random } from "../base/random.ts";
import type { Vectors } from "../domain/encoder.ts";
import type { Progress } from "../domain/stages.ts";

/** Rounds of Lloyd's algorithm; it stops before where no query changes its cluster. */
const ROUNDS = 25;

/** Squared Euclidean distance between row `i` of `a` and row `j` of `b`. */
function distance(a: Vectors, i: number, b: Float64Array, j: number): number {
  const { dimensions, values } = a;
  let sum = 0;
  for (let d = 0; d < dimensions; d++) {
    const difference = (values[i * dimensions + d] ?? 0) - (b[j * dimensions + d] ?? 0);
    sum += difference * difference;
  }
  return sum;
}

/** Copies vector `from` to be centre `to`. */
function setCentre(centres: Float64Array, to: number, { dimensions, values }: Vectors, from: number): void {
  centres.set(values.subarray(from * dimensions, (from + 1) * dimensions), to * dimensions);
}

/** k-means++ (Arthur and Vassilvitskii, 2007): each next centre is a point drawn by its squared distance to the nearest one. */
function startingCentres(points: Vectors, count: number, clusters: number, seed: number): Float64Array {
  const source = random(seed, "topics");
  const centres = new Float64Array(clusters * points.dimensions);
  const nearest = new Float64Array(count).fill(Infinity);
  let chosen = source.integer(count);
  for (let c = 0; c < clusters; c++) {
    setCentre(centres, c, points, chosen);
    let total = 0;
    for (let i = 0; i < count; i++) total += nearest[i] = Math.min(nearest[i] ?? 0, distance(points, i, centres, c));
    let mark = source.next() * total;
    // Where rounding leaves the mark beyond the last point, or all points are centres already, the last one stays.
    for (chosen = 0; chosen < count - 1; chosen++) {
      mark -= nearest[chosen] ?? 0;
      if (mark < 0) break;
    }
  }
  return centres;
}

interface Assigned {
  readonly topics: Int32Array;
  /** Squared distance of each point to its centre. */
  readonly distances: Float64Array;
  readonly changed: boolean;
}

/** Each point to its nearest centre; the first of equally near ones. */
function assign(points: Vectors, centres: Float64Array, clusters: number, before: Int32Array): Assigned {
  const topics = new Int32Array(before.length);
  const distances = new Float64Array(before.length);
  let changed = false;
  for (let i = 0; i < topics.length; i++) {
    let [best, least] = [0, Infinity];
    for (let c = 0; c < clusters; c++) {
      const far = distance(points, i, centres, c);
      if (far < least) [best, least] = [c, far];
    }
    topics[i] = best;
    distances[i] = least;
    changed ||= best !== before[i];
  }
  return { topics, distances, changed };
}

/** Centres to the means of their points; one without points goes to the point farthest from its own centre. */
function moveCentres(points: Vectors, centres: Float64Array, { topics, distances }: Assigned): void {
  const { dimensions, values } = points;
  const clusters = centres.length / dimensions;
  const sizes = new Float64Array(clusters);
  const sums = new Float64Array(centres.length);
  topics.forEach((topic, i) => {
    sizes[topic] = (sizes[topic] ?? 0) + 1;
    for (let d = 0; d < dimensions; d++) {
      const at = topic * dimensions + d;
      sums[at] = (sums[at] ?? 0) + (values[i * dimensions + d] ?? 0);
    }
  });
  for (let c = 0; c < clusters; c++) {
    const size = sizes[c] ?? 0;
    if (size > 0)
      for (let d = 0; d < dimensions; d++) centres[c * dimensions + d] = (sums[c * dimensions + d] ?? 0) / size;
    else setCentre(centres, c, points, takeFarthest(distances));
  }
}

/** The first of the largest; it is not farthest any more afterwards, so that two empty clusters get different points. */
function takeFarthest(distances: Float64Array): number {
  let farthest = 0;
  distances.forEach((far, i) => {
    if (far > (distances[farthest] ?? 0)) farthest = i;
  });
  distances[farthest] = 0;
  return farthest;
}

/** Lloyd's algorithm from the given centres, (clusters, dimensions), which it moves: the cluster of each point. */
export function* refineTopics(points: Vectors, centres: Float64Array): Generator<Progress, number[], void> {
  const count = points.values.length / points.dimensions;
  const clusters = centres.length / points.dimensions;
  let assigned = assign(points, centres, clusters, new Int32Array(count).fill(-1));
  for (let round = 1; round <= ROUNDS && assigned.changed; round++) {
    moveCentres(points, centres, assigned);
    assigned = assign(points, centres, clusters, assigned.topics);
    yield { done: round, total: ROUNDS, unit: "steps" };
  }
  return [...assigned.topics];
}

/**
 * The cluster of each of the points, from 0 on; never more clusters than points. The same points and seed give the same
 * clusters.
 */
export function* clusterTopics(
  points: Vectors,
  { clusters, seed }: { readonly clusters: number; readonly seed: number },
): Generator<Progress, number[], void> {
  if (points.values.length === 0) return [];
  const count = points.values.length / points.dimensions;
  return yield* refineTopics(points, startingCentres(points, count, Math.min(clusters, count), seed));
}

/** Clusters for a set of rows: as many as the recipe asks for, but on average a batch's worth of rows in each. */
export const topicCount = (asked: number, rows: number, batchSize: number): number =>
  Math.max(1, Math.min(asked, Math.floor(rows / batchSize)));
