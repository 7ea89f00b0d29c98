import { UserError } from "../base/errors.ts";

/** What was given cannot be read as a collection at all. The message names the file and what to do. */
export class UnreadableCollection extends UserError {
  override readonly name = "UnreadableCollection";
}
