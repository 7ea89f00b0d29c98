/** Drafts: what a language model or a person wrote as a hard negative, with all that is known about how it came to be. */
import type { DocumentId, QueryId } from "./ids.ts";
import type { ProviderKind } from "./languageModel.ts";
import type { Reasoning, WrittenNegative } from "./negative.ts";

/** Why an answer was mended or turned down. The words for a person stand beside it. */
export type DraftFlaw =
  /** No JSON in it, or JSON cut off before the passage was whole. */
  | "unreadable"
  | "truncated"
  /** The schema or the instructions came back instead of a passage. */
  | "echo"
  | "refusal"
  /** The same words over and over. */
  | "repetition"
  | "empty"
  | "tooShort"
  | "tooLong"
  | "copiesPositive"
  | "copiesQuery"
  | "copiesDocument"
  | "otherLanguage"
  /** Speaks of the task, not of the topic: "Here is a hard negative …". */
  | "talksAboutTask"
  /** The model stalled, failed or was refused. */
  | "noAnswer"
  /** Mended only: JSON that needed repair, text around the JSON, a wrong key, control characters. */
  | "mendedJson"
  | "wrapped"
  | "wrongKey"
  | "cleaned";

export interface DraftNote {
  readonly flaw: DraftFlaw;
  /** One sentence with the figures: "Shares 93 % of its word triples with the positive." */
  readonly text: string;
}

/** What is to be done with a negative that may answer its query after all. */
export interface Verdict {
  readonly action: "keep" | "relabel" | "drop";
  readonly reason: string;
  /** "percentage 95 % by Built-in encoder", "judge Llama-3.2-1B-Instruct-q4f16_1-MLC", "person". */
  readonly by: string;
}

export interface Draft {
  /** SHA-256 of query, prompt, model and seed: asking the same again finds it here. */
  readonly key: string;
  readonly queryId: QueryId;
  /** The answer that the prompt showed. */
  readonly positiveId: DocumentId;
  readonly source: "synthetic" | "human";
  readonly outcome: "accepted" | "repaired" | "rejected";
  /** What was mended; where rejected, the reason first. */
  readonly notes: readonly DraftNote[];
  /** Empty where rejected and nothing could be read. */
  readonly title: string;
  readonly text: string;
  readonly reasoning?: Reasoning;
  /** SyNeg's attributes: domain, education level, length. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly provider: ProviderKind | "person";
  readonly model: string;
  /** "syneg", "syneg without reflection", "causalneg", … */
  readonly recipe: string;
  readonly seed: number;
  /** 1-based: which try this was. */
  readonly attempt: number;
  /** As the model gave it, at most 8,000 characters; "" where accepted as it was. */
  readonly answer: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Spent writing it. */
  readonly seconds: number;
  /** ISO 8601. */
  readonly createdAt: string;
  /** By the language-model judge. */
  readonly judged?: Verdict;
  readonly review?: {
    readonly decision: "accepted" | "rejected";
    /** The text as it was before a person changed it. */
    readonly before?: { readonly title: string; readonly text: string };
    readonly at: string;
  };
}

/** A verdict on a document of the collection as a negative of a query. */
export interface FoundVerdict extends Verdict {
  readonly queryId: QueryId;
  readonly documentId: DocumentId;
}

/** A person's word is the last; then the judge's; a draft nobody looked at counts as it came. */
export function standing(draft: Draft): Verdict["action"] {
  if (draft.outcome === "rejected" || draft.review?.decision === "rejected") return "drop";
  if (draft.review?.decision === "accepted") return "keep";
  return draft.judged?.action ?? "keep";
}

/** The drafts that a run trains against, as the mix takes them. */
export function negativesOf(drafts: readonly Draft[]): WrittenNegative[] {
  return drafts
    .filter((draft) => standing(draft) === "keep")
    .map(({ queryId, source, title, text, reasoning, attributes, model, recipe }) => ({
      queryId,
      source,
      title,
      text,
      ...(reasoning && { reasoning }),
      attributes,
      model,
      recipe,
    }));
}
