/** A passage that was written without JSON around it, between what the model says before and after. */
import { clean, templateMark } from "./clean.ts";
import { unitsOf, wordCount } from "./overlap.ts";
import { endsSentence } from "./repair.ts";
import { answerKeys } from "./schemas.ts";
import { taskTalk } from "./talk.ts";

/** Words that a line before the passage may have: "Here is the passage, at an intermediate level:". */
const longestPreamble = 30;
/** Words that make a passage: fewer are a remark. */
const fewestWords = 8;
/** Words of a line that can be a title. */
const longestTitle = 20;

/** The answer ends here, and the model went on by itself. */
const endOfTurn =
  /<[|｜](?:im_end|im_start|eot_id|end|endoftext|end▁of▁sentence|end_of_text)[|｜]>|<\/s>|<(?:eos|end_of_turn)>/iu;

const remark =
  /^\W{0,4}(?:note|explanation|reason|reasoning|rationale|why (?:this|it)|this (?:passage|document|text)|i hope|let me know|feel free|would you like|hinweis|erklärung|begründung|remarque|explication|nota|explicación|spiegazione|explicação|toelichting|uitleg|解释|說明|说明|注|説明|理由)(?![\p{L}])/iu;

const titled = /^\W{0,4}(?:title|titel|titre|título|titolo|标题|タイトル)\W{0,3}[:：]\s{0,4}/iu;

/** The reflection, written as lines with a label instead of JSON. */
const otherKey = new RegExp(
  String.raw`^\W{0,4}(?:${[answerKeys.positive, answerKeys.shares, answerKeys.lacks, answerKeys.draft, answerKeys.critique].join("|")})\W{0,3}[:：]`,
  "iu",
);

export interface Prose {
  readonly title: string;
  readonly text: string;
  /** The passage ended before the text did. */
  readonly ended: boolean;
}

const words = (text: string) => wordCount(unitsOf(text));

function withoutPreamble(paragraphs: readonly string[]): readonly string[] {
  const [first = "", ...rest] = paragraphs;
  const isPreamble = (/[:：]\W{0,4}$/u.test(first) || taskTalk(first) !== undefined) && words(first) <= longestPreamble;
  return rest.length > 0 && isPreamble ? rest : paragraphs;
}

function withoutRemarks(paragraphs: readonly string[]): readonly string[] {
  const end = paragraphs.findIndex((text, place) => place > 0 && (remark.test(text) || taskTalk(text) !== undefined));
  return end < 0 ? paragraphs : paragraphs.slice(0, end);
}

/** A line of its own that is marked as a title. */
function titleOf(line: string): string | undefined {
  if (words(line) > longestTitle) return undefined;
  if (titled.test(line)) return line.replace(titled, "");
  return /^#{1,6} \S|^\*\*[^*]{1,150}\*\*$/u.test(line.trim()) ? line : undefined;
}

/** The passage in an answer without JSON; undefined where there is nothing like one. */
export function readProse(answer: string): Prose | undefined {
  const turn = answer.split(endOfTurn).find((part) => part.replaceAll(templateMark, "").trim() !== "") ?? "";
  const lines = turn
    .split("\n")
    .map((line) => line.replaceAll(/```[a-z]{0,12}/giu, "").trim())
    .filter((line) => line !== "" && !otherKey.test(line));
  const told = withoutPreamble(lines);
  const title = titleOf(told[0] ?? "");
  const body = title === undefined || told.length < 2 ? told : told.slice(1);
  const kept = withoutRemarks(withoutPreamble(body));
  const text = kept.join("\n");
  const looksLikeIt = words(text) >= fewestWords && !/[{}]|"\s{0,3}:/.test(text) && endsSentence(clean(text).text);
  if (!looksLikeIt) return undefined;
  return {
    title: body === told ? "" : (title ?? ""),
    text,
    ended: kept.length < body.length || turn.trim() !== answer.trim(),
  };
}
