/** The loss of a step as passes: scores, what becomes of them, and the way back to the vectors. */
import { assert } from "../../base/assert.ts";
import { queriesWithWritten, type ContrastiveBatch, type LossSettings } from "../../domain/engine.ts";
import { rooms, type At, type Sizes } from "../../encoder/webgpu/tensors.ts";
import type { Rooms } from "../../gpu/arena.ts";
import type { Dispatch } from "../../gpu/pass.ts";
import type { Slice } from "../../gpu/slice.ts";
import type { Counts } from "../../kernels/counts.ts";
import { entropy } from "../../kernels/entropy/entropy.ts";
import { infonce } from "../../kernels/infonce/infonce.ts";
import { lambdaRank } from "../../kernels/lambdarank/lambdarank.ts";
import type { LossTensors, Part } from "../../kernels/losses.ts";
import { marginMse } from "../../kernels/marginmse/marginmse.ts";
import { prefixBackward, prefixForward } from "../../kernels/prefix/prefix.ts";
import { scoresBackward, scoresForward } from "../../kernels/scores/scores.ts";
import { textsOf, touchingPairs } from "./pairs.ts";

type Passes = readonly Dispatch<Counts>[];

/** Vectors, queries, and candidates of all queries together. */
export interface PairCapacity {
  readonly S: number;
  readonly B: number;
  readonly pairs: number;
}

/** What a batch's lists take in the index. */
export const pairSizes = ({ S, B, pairs }: PairCapacity, { loss }: LossSettings): Sizes => ({
  queries: B,
  offsets: B + 1,
  candidates: pairs,
  roles: pairs,
  targets: loss === "marginMSE" ? pairs : 0,
  withWritten: 1,
  "touching.offsets": S + 1,
  "touching.sides": 2 * pairs,
  "touching.others": 2 * pairs,
});

/** By the names of {@link pairSizes}; what a batch has nothing to say of is left out. */
export function describePairs(
  batch: ContrastiveBatch,
  { loss, hardness, entropy }: LossSettings,
  vectors = textsOf(batch),
): Readonly<Record<string, Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>> {
  const { queries, offsets, candidates, roles, targets } = batch;
  assert(roles || (!hardness && !entropy), "the candidates have no roles");
  assert(targets || loss !== "marginMSE", "the candidates have no targets");
  const touching = touchingPairs(batch, vectors);
  return {
    queries,
    offsets,
    candidates,
    ...(roles && { roles }),
    ...(targets && loss === "marginMSE" && { targets }),
    ...(entropy && { withWritten: Int32Array.of(queriesWithWritten(batch)) }),
    "touching.offsets": touching.offsets,
    "touching.sides": touching.sides,
    "touching.others": touching.others,
  };
}

/** As in encoder/webgpu no kernel reads and writes one bank: the vectors are in 1, their gradient in 3. */
const banks: Sizes = { score: 4, loss: 2, coefficient: 2, prefix: 0, "prefix.norm": 0, "d.prefix": 4 };

export function lossRooms({ S, B, pairs }: PairCapacity, { dimensions }: LossSettings): Rooms {
  const widest = S * Math.max(0, ...(dimensions ?? []));
  return rooms(
    {
      score: pairs,
      loss: B,
      coefficient: 2 * pairs,
      ...(dimensions && { prefix: widest, "prefix.norm": S, "d.prefix": widest }),
    },
    (name) => banks[name] ?? 0,
  );
}

interface Tensors {
  readonly index: At;
  readonly activation: At;
}

function lossAndDerivatives({ index, activation }: Tensors, settings: LossSettings, part: Part): Passes {
  const { temperature, hardness = 0, loss = "infonce" } = settings;
  const at: LossTensors = {
    loss: activation("loss"),
    coefficient: activation("coefficient"),
    score: activation("score"),
    offsets: index("offsets"),
  };
  switch (loss) {
    case "infonce": {
      const withRoles = { ...at, roles: index("roles") };
      const term = settings.entropy && { ...settings.entropy, share: part.share };
      return [
        infonce(withRoles, { temperature, hardness, ...part }),
        ...(term ? [entropy({ ...withRoles, withWritten: index("withWritten") }, term)] : []),
      ];
    }
    case "marginMSE":
      return [marginMse({ ...at, targets: index("targets") }, part)];
    case "lambdaRank":
      return [lambdaRank(at, { temperature, ...part })];
    default:
      return loss satisfies never;
  }
}

interface Vectors {
  /** (S, H) unit vectors, and their gradient. */
  readonly embedding: Slice;
  readonly dembedding: Slice;
  readonly H: number;
}

/** From vectors to losses and the gradient by the vectors. */
function lossOn(tensors: Tensors, { embedding, dembedding, H }: Vectors, settings: LossSettings, part: Part): Passes {
  const { index, activation } = tensors;
  const lists = { queries: index("queries"), offsets: index("offsets"), candidates: index("candidates") };
  const touching = {
    offsets: index("touching.offsets"),
    sides: index("touching.sides"),
    others: index("touching.others"),
  };
  return [
    scoresForward({ score: activation("score"), embedding, ...lists }, { H }),
    ...lossAndDerivatives(tensors, settings, part),
    scoresBackward({ dembedding, embedding, coefficient: activation("coefficient"), touching }, { H }),
  ];
}

/** From `embedding` (S, H) of the activations to `loss` (B) and `d.embedding` (S, H); of prefixes their mean. */
export function lossPasses(tensors: Tensors, H: number, settings: LossSettings): Passes {
  const { activation } = tensors;
  const [embedding, dembedding] = [activation("embedding"), activation("d.embedding")];
  const { dimensions } = settings;
  if (!dimensions) return lossOn(tensors, { embedding, dembedding, H }, settings, { share: 1, adds: false });
  const [y, norm, dy] = [activation("prefix"), activation("prefix.norm"), activation("d.prefix")];
  return dimensions.flatMap((W, i) => {
    assert(W <= H, `a prefix of ${W} of ${H} dimensions`);
    const part = { share: 1 / dimensions.length, adds: i > 0 };
    return [
      prefixForward({ y, norm, x: embedding }, { H, W }),
      ...lossOn(tensors, { embedding: y, dembedding: dy, H: W }, settings, part),
      prefixBackward({ dx: dembedding, y, norm, dy }, { H, W, adds: i > 0 }),
    ];
  });
}
