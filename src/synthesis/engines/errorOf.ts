/** Inference libraries throw errors, strings and plain objects alike; over a port only an `Error` keeps its words. */

function words(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  if ("message" in thrown && typeof thrown.message === "string" && thrown.message !== "") return thrown.message;
  if ("error" in thrown) return words(thrown.error);
  try {
    return JSON.stringify(thrown);
  } catch {
    return "an error without words";
  }
}

/** "ContextWindowSizeExceededError: Prompt tokens …": a name that was glued to the words is taken off again. */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error && thrown.message !== "") return thrown;
  const text = words(thrown);
  const [, glued, rest] = /^([A-Z]\w*(?:Error|Exception)): ([\s\S]+)$/u.exec(text) ?? [];
  const named = typeof thrown === "object" && thrown !== null && "name" in thrown ? thrown.name : undefined;
  const name = glued ?? (typeof named === "string" ? named : "Error");
  return Object.assign(new Error(rest ?? (text === "" ? "an error without words" : text)), { name });
}
