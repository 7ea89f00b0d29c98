// oxlint-disable no-control-regex -- ASCII is a range that begins with control characters
/** How the bytes of a text file are to be read: by its byte order mark, else as UTF-8 unless that cannot be. */

export interface TextEncodingName {
  readonly name: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
  /** What to tell the person; undefined for UTF-8. */
  readonly note?: string;
}

const utf8: TextEncodingName = { name: "utf-8" };

/** Where text is mostly Latin, every second byte of UTF-16 is 0. A third of the bytes at one parity is proof enough. */
function zerosAt(head: Uint8Array, parity: 0 | 1): boolean {
  let zeros = 0;
  for (let at = parity; at < head.length; at += 2) if (head[at] === 0) zeros += 1;
  return zeros * 3 > head.length / 2;
}

const utf16 = (name: "utf-16le" | "utf-16be"): TextEncodingName => ({
  name,
  note: "The file is UTF-16 text, as some spreadsheets write it; it was read as that.",
});

/** `head`: the start of the file, cut anywhere. */
export function encodingOf(head: Uint8Array): TextEncodingName {
  if ((head[0] === 0xff && head[1] === 0xfe) || zerosAt(head, 1)) return utf16("utf-16le");
  if ((head[0] === 0xfe && head[1] === 0xff) || zerosAt(head, 0)) return utf16("utf-16be");
  const text = new TextDecoder().decode(head, { stream: true });
  const bad = text.split("\uFFFD").length - 1;
  // Of UTF-8 with a few spoilt rows most characters beyond ASCII are sound; of Latin-1 hardly any is.
  const sound = (text.match(/[^\0-\x7f]/gu)?.length ?? 0) - bad;
  if (bad <= sound) return utf8;
  return {
    name: "windows-1252",
    note: "The file is not UTF-8; it was read as Windows-1252 (Latin-1). If letters look wrong, save it as UTF-8.",
  };
}
