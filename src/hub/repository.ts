/** A repository on the hub that files go to: its name, whether it is there, and who can see it. */
import { UserError } from "../base/errors.ts";
import { RepositoryExists } from "./errors.ts";
import { field } from "./fields.ts";
import { ask, jsonBody, type Line } from "./send.ts";

export type RepositoryKind = "model" | "dataset";

export interface Target {
  readonly kind: RepositoryKind;
  /** "owner/name" */
  readonly id: string;
  readonly isPrivate: boolean;
}

/** What was given is no name of a repository. */
export class NotAName extends UserError {
  override readonly name = "NotAName";
}

const PART = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$/u;

/** The two parts of owner/name, by the hub's rules: 96 characters, no "--", no "..", no ".git" at the end. Errors: NotAName. */
export function partsOf(id: string): { readonly owner: string; readonly name: string } {
  const [owner = "", name = "", ...more] = id.split("/");
  const sound = [owner, name].every((part) => PART.test(part) && !/--|\.\.|\.git$/u.test(part));
  if (sound && more.length === 0) return { owner, name };
  throw new NotAName(
    `“${id.slice(0, 100)}” is not the name of a repository. Give owner/name: letters, digits, dots, single hyphens and underscores, at most 96 of them each.`,
  );
}

/** A text as the second part of a name. */
export function nameFrom(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9._]+/gu, "-")
    .replace(/\.{2,}/gu, ".")
    .slice(0, 90)
    .replace(/^[._-]+|[._-]+$/gu, "")
    .replace(/\.git$/u, "");
  return name === "" ? "decoy" : name;
}

/** What stands before the id in the addresses of a page and of its git. */
const folders = { model: "", dataset: "datasets/" } as const satisfies Record<RepositoryKind, string>;

export const pageOf = ({ hub: { base } }: Line, { kind, id }: Target): string => `${base}/${folders[kind]}${id}`;
export const gitOf = ({ kind, id }: Target): string => `/${folders[kind]}${id}.git`;
export const apiOf = ({ kind, id }: Target): string => `/api/${kind}s/${id}`;

const visibility = (isPrivate: boolean): string => (isPrivate ? "private" : "public");

/** Errors: RepositoryExists; those of {@link ask}. */
export async function createRepository(line: Line, { kind, id, isPrivate }: Target): Promise<void> {
  const { owner, name } = partsOf(id);
  const body = jsonBody({ type: kind, organization: owner, name, visibility: visibility(isPrivate) });
  try {
    await ask(line, { path: "/api/repos/create", what: `the wish to create ${id}`, body });
  } catch (error) {
    if (!(error instanceof RepositoryExists)) throw error;
    throw new RepositoryExists(
      `There is a ${kind} ${id} on the hub already, and nothing was sent. Choose another name, or send again to add these files to it; those of the same name are replaced there, in a new commit.`,
    );
  }
}

/**
 * Looks whether the repository that is there is as visible as was asked for: files sent for few must not end where all can
 * read them. Errors: RepositoryExists where it is not; those of {@link ask}.
 */
export async function checkExisting(line: Line, target: Target): Promise<void> {
  const { id, isPrivate } = target;
  const said = await ask(line, { path: apiOf(target), what: `the question who can see ${id}` });
  const found = field(said, "private");
  if (found === isPrivate) return;
  const how = typeof found === "boolean" ? visibility(found) : "of unknown visibility";
  throw new RepositoryExists(
    `${id} is ${how} on the hub, and you asked for ${visibility(isPrivate)}. Nothing was sent. Choose another name, or change who can see it on its page.`,
  );
}
