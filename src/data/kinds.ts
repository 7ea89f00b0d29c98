/** Tells files that are not text apart by their first bytes, so that a message can name what was given instead. */
// oxlint-disable no-control-regex -- file signatures are made of control characters
import type { Source } from "./source.ts";
import { headOf } from "./source.ts";
import { UnreadableCollection } from "./unreadable.ts";

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Start of the file in Latin-1, what that is, and what to do with it. */
const kinds: readonly (readonly [RegExp, string, string])[] = [
  [/^PK(\x03\x04|\x05\x06|\x07\x08)/, "a zip", "Unpack it, or give it alone"],
  [/^%PDF-/, "a PDF", "Take its text out into corpus.jsonl, one document a line"],
  [/^(\x89PNG|\xff\xd8\xff|GIF8[79]a|BM.{4}\0{4}|II\*\0|MM\0\*|RIFF.{4}WEBP)/s, "an image", "Only text can be read"],
  [/^(ID3[\x02-\x04]|fLaC\0|OggS|RIFF.{4}WAVE|.{4}ftyp|\x1aE\xdf\xa3)/s, "audio or video", "Only text can be read"],
  [
    /^PAR1[\0-\x08\x0b-\x1f\x80-\xff]/,
    "a Parquet file",
    "Write it as JSON lines, one row a line (pandas: to_json(lines=True, orient='records'))",
  ],
  [/^\x1f\x8b/, "a gzip file", "Unpack it (gunzip) and give what was in it"],
  [
    /^(7z\xbc\xaf|Rar!\x1a|BZh[1-9]1AY&SY|\xfd7zXZ|\x28\xb5\x2f\xfd|.{257}ustar)/s,
    "a packed archive",
    "Unpack it, or pack it as a zip",
  ],
  [/^\xd0\xcf\x11\xe0/, "an Office document", "Write its text as JSON lines, one document a line"],
  [/^SQLite format 3/, "an SQLite database", "Write its rows as JSON lines"],
  [/^ARROW1\0/, "an Arrow file", "Write its rows as JSON lines"],
  [/^(\xff\xfe|\xfe\xff)/, "UTF-16 text", "Save it as UTF-8"],
  [
    /^(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)/i,
    "a web page or XML",
    "If it was downloaded, the download may have failed: look into it",
  ],
  [/^version https:\/\/git-lfs/, "a Git LFS pointer, not the file itself", "Fetch the file (git lfs pull)"],
];

interface Kind {
  readonly name: string;
  readonly advice: string;
}

/** What the file is where that is not plain text; undefined where it may be text. */
export async function kindOf(source: Source): Promise<Kind | undefined> {
  const head = latin(await headOf(source, 512));
  const found = kinds.find(([start]) => start.test(head));
  return found && { name: found[1], advice: found[2] };
}

/** Errors: UnreadableCollection where the file is of a kind that is not text. */
export async function refuseOtherKinds(source: Source): Promise<void> {
  const kind = await kindOf(source);
  if (kind) throw new UnreadableCollection(`${source.path} is ${kind.name}, not lines of text. ${kind.advice}.`);
}
