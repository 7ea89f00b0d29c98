/** What a reasoning model wrote before its answer, where it wrote it into the answer. */
const THOUGHT = /^\s*<think>[\s\S]*?<\/think>\s*/u;

export const withoutThought = (text: string): string => text.replace(THOUGHT, "");
