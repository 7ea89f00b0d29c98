/** A static encoder as a graph: its tokens' vectors, and zeros for padding, so that their mean outside is the text's. */
import type { Builder, Name } from "./builder.ts";
import { cast, lookUpWords } from "./layers.ts";

/** (B, S, H) */
export function staticGraph(b: Builder, { ids, mask }: { ids: Name; mask: Name }): Name {
  const seen = b.node("Unsqueeze", [cast(b, mask, b.number), b.integers([-1])]);
  return b.node("Mul", [lookUpWords(b, "embeddings.word", ids), seen]);
}
