/** Reads HTML as strictly as XML: every tag is closed in its turn, every attribute quoted. Enough for what one renderer writes. */
export interface Node {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Node | string)[];
}

const empty = new Set(["meta", "br"]);
const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'" };

const decode = (text: string): string =>
  text.replace(/&([a-z]+|#\d+);/gu, (whole, name: string) => entities[name] ?? whole);

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  const rest = text.replace(/\s+([\w:-]+)(?:="([^"]*)")?/gu, (_, name: string, value = "") => {
    found[name] = decode(value);
    return "";
  });
  if (rest.trim() !== "" && rest.trim() !== "/") throw new Error(`no attributes: ${text}`);
  return found;
}

/** Errors: where the tags do not nest. */
export function parse(html: string): Node {
  interface Open {
    readonly tag: string;
    readonly attributes: Record<string, string>;
    readonly children: (Node | string)[];
  }
  const root: Open = { tag: "#document", attributes: {}, children: [] };
  const stack = [root];
  const top = (): Open => stack.at(-1) ?? root;
  const source = html.replace(/^<!doctype html>\n/u, "");
  // The text of a style ends with its own closing tag only.
  for (const [token, style, close, tag, attributes] of source.matchAll(
    /<style>(?<style>[^]*?)<\/style>|<\/([a-z0-9]+)>|<([a-z0-9]+)((?:\s+[\w:-]+(?:="[^"]*")?)*\s*\/?)>|[^<]+|</giu,
  )) {
    if (style !== undefined) top().children.push({ tag: "style", attributes: {}, children: [style] });
    else if (close !== undefined) {
      const open = stack.pop();
      if (open?.tag !== close) throw new Error(`</${close}> closes <${open?.tag}>`);
    } else if (tag !== undefined) {
      const node: Open = { tag, attributes: attributesOf(attributes ?? ""), children: [] };
      top().children.push(node);
      if (!empty.has(tag)) stack.push(node);
    } else if (token === "<") throw new Error("a < that begins no tag");
    else top().children.push(decode(token));
  }
  if (stack.length !== 1) throw new Error(`<${top().tag}> is not closed`);
  return root;
}

export function all(node: Node, tag?: string): Node[] {
  return node.children.flatMap((child) => {
    if (typeof child === "string") return [];
    return [...(tag === undefined || child.tag === tag ? [child] : []), ...all(child, tag)];
  });
}

export const textOf = (node: Node): string =>
  node.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");

/** The rows of a table, each cell's text with its spaces drawn together. */
export const rowsOf = (table: Node): string[][] =>
  all(table, "tr").map((row) =>
    all(row)
      .filter(({ tag }) => tag === "th" || tag === "td")
      .map((cell) => textOf(cell).replace(/\s+/gu, " ").trim()),
  );
