/** What a run leaves where only queries were trained: two encoders, and a word on which is for what. */
import type { EncoderFolder } from "../domain/encoder.ts";

const README = `Two encoders that belong together: only queries were trained. Encode queries with the one in the folder
"queries" and documents with the one in "documents", which is as it was before training. Their vectors are compared with
each other by inner product.
`;

/** Both folders in one, and `readme` beside them. */
export function twoSides(queries: EncoderFolder, documents: EncoderFolder, readme = README): EncoderFolder {
  const under = (side: string, { files }: EncoderFolder) =>
    Object.entries(files).map(([path, bytes]) => [`${side}/${path}`, bytes] as const);
  return {
    name: queries.name,
    files: {
      "README.md": new TextEncoder().encode(readme),
      ...Object.fromEntries([...under("queries", queries), ...under("documents", documents)]),
    },
  };
}
