/** What is wrong with a row, as a value. */

const mark: unique symbol = Symbol("problem");

export interface Problem {
  readonly [mark]: true;
  /** The kind of mistake, the same words for every row that has it: "not valid JSON". */
  readonly what: string;
  /** This row's own numbers and names, and what to do. */
  readonly detail: string;
}

export const problem = (what: string, detail: string): Problem => ({ [mark]: true, what, detail });

/** The mark is a symbol, which nothing that was parsed from a file can have. */
export const isProblem = (value: unknown): value is Problem =>
  typeof value === "object" && value !== null && mark in value;

export const reasonOf = ({ what, detail }: Problem): string => `${what}: ${detail}`;
