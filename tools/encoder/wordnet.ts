/** Open English WordNet as its YAML files hold it: a set of synonyms is a title, its definition and examples are the text. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { SourceDocument } from "./sources.ts";

const unquoted = (value: string): string => value.replace(/^(["'])(.*)\1$/su, "$2").replaceAll("''", "'");

/** Lists of one synset by their names; the files use no other YAML than two levels of keys, lists and folded lines. */
function listsOf(block: string): ReadonlyMap<string, string[]> {
  const lists = new Map<string, string[]>();
  let own: string[] = [];
  for (const line of block.split("\n")) {
    const key = /^ {2}(\w+):/u.exec(line)?.[1];
    if (key !== undefined) lists.set(key, (own = []));
    else if (line.startsWith("  - ")) own.push(line.slice(4));
    else if (own.length > 0) own[own.length - 1] = `${own.at(-1)} ${line.trim()}`;
  }
  return new Map([...lists].map(([name, values]) => [name, values.map((value) => unquoted(value.trim()))]));
}

export async function* synsets(directory: string): AsyncGenerator<SourceDocument> {
  for (const file of readdirSync(directory).toSorted()) {
    if (!/^(?:noun|verb|adj|adv)\..*\.yaml$/u.test(file)) continue;
    for (const block of readFileSync(path.join(directory, file), "utf8")
      .split(/^\d{8}-\w:$/mu)
      .slice(1)) {
      const lists = listsOf(block);
      const examples = (lists.get("example") ?? []).filter((example) => !example.startsWith("source:"));
      const text = [...(lists.get("definition") ?? []), ...examples].join(". ");
      yield { group: file, title: (lists.get("members") ?? []).join(", "), text, questions: [] };
    }
  }
}
