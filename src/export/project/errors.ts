import { UserError } from "../../base/errors.ts";

/** What was given is no project file, is damaged, or is made to do harm. Nothing was stored. */
export class UnreadableProject extends UserError {
  override readonly name = "UnreadableProject";
}

/** A project file of a later version of the page. Nothing was stored. */
export class NewerProject extends UserError {
  override readonly name = "NewerProject";
}

/** More than one file can hold. */
export class ProjectTooLarge extends UserError {
  override readonly name = "ProjectTooLarge";
}

/** What an import added could not all be taken away again. */
export class HalfImported extends UserError {
  override readonly name = "HalfImported";
}
