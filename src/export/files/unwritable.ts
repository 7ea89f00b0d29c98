import { UserError } from "../../base/errors.ts";

/** An id or a name that the asked format cannot hold. */
export class Unwritable extends UserError {
  override readonly name = "Unwritable";
}

/** Foreign text for a message: whatever cannot be seen is escaped, and at most 60 characters are shown. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
