/**
 * Words about the task in a passage that should be about the topic, in English, German, French, Spanish, Italian, Dutch,
 * Portuguese, Chinese and Japanese. Every pattern bounds its repetitions, so that no text makes one slow.
 */

import { quotable } from "./clean.ts";

const pattern = (...parts: readonly string[]) => new RegExp(parts.join("|"), "iu");

const document = String.raw`(?:document|passage|paragraph)`;
const documento = String.raw`(?:documento|pasaje|passaggio|passagem|párrafo|parágrafo|paragrafo)`;

interface Talk {
  readonly speaks: RegExp;
  /** Where the topic itself has this, the words are the topic's; without it, where the topic has the same words. */
  readonly unless?: RegExp;
}

export const talk: readonly Talk[] = [
  { speaks: /hard_negative|user_query|positive_(?:document|title)|answer_because/iu },
  { speaks: pattern(String.raw`\bhard[-_ ]?negativ\w{0,20}`, String.raw`\bnear[- ]miss ${document}`) },
  {
    speaks: pattern(
      String.raw`\b(?:positive|negative)(?:_| ?- ?| )(?:document|passage)s?\b`,
      String.raw`\bpositive_title\b`,
    ),
  },
  {
    speaks: pattern(
      String.raw`\buser[-_ ]query\b|\buser['’]s (?:search )?query\b`,
      String.raw`\b(?:given|provided|original) (?:search )?query\b`,
      String.raw`\bthe query (?:asks|is about|was|wants|mentions)\b`,
      String.raw`\b(?:not|n['’]t|fails? to|without)\b[^.]{0,40}\b(?:answer\w{0,3}|address\w{0,3}|relevant to|respond\w{0,3} to) (?:the|this|your) (?:\w{1,12} )?query\b`,
    ),
    unless: /\bquer(?:y|ies)\b/iu,
  },
  {
    speaks: pattern(
      String.raw`\b(?:this|the above) ${document} (?:does not|doesn['’]t|fails to|is not|isn['’]t)[^.]{0,60}\b(?:query|question|answer)`,
      String.raw`^\W{0,3}(?:this|the) passage (?:discusses|describes|explains|focuses|talks|is about|provides|mentions|covers|explores|outlines|highlights)\b`,
      String.raw`^\W{0,3}(?:this|the) (?:${document}|text|article) \w{3,12}s\b[^.]{0,160}\b(?:but|without|yet|although it) (?:it )?(?:does not|doesn['’]t|not|never|mention|answer|provid|giv|say|address)`,
      String.raw`\(?note: ?(?:this|the) (?:${document}|text)\b`,
      String.raw`\bbased on the (?:provided|given) (?:document|passage|text|example|query)`,
    ),
  },
  {
    speaks: pattern(
      String.raw`^\W{0,3}(?:(?:sure|certainly|of course|absolutely|okay|ok)[,.! ]{1,3})?here(?:['’]s| is| are) (?:an?|the|your|my|one|some)\b[^.:]{0,60}\b(?:${document}|negative|json|(?:revised|rewritten|final|edited) (?:version|text|draft))\b`,
      String.raw`^\W{0,3}(?:sure|certainly|absolutely)[,!] (?:i['’]|i |here|let)`,
      String.raw`^\W{0,3}i(?:['’]ve| have| will|['’]ll)? (?:written|created|generated|revised|rewritten|write|create|generate)\b[^.]{0,60}\b(?:${document}|negative)\b`,
      String.raw`^\W{0,3}(?:(?:okay|ok|alright|first|so|now)[,.]? )?(?:let me|let['’]s|i need to|i should|i must|we need to|my task)\b[^.]{0,120}\b(?:${document}|query|negative)\b`,
      String.raw`^\W{0,3}the user (?:wants|asks|is asking|asked|needs)(?: me| us| for)\b`,
      String.raw`^\W{0,3}please provide (?:me with )?(?:the|an?|your) (?:\w{1,12} )?(?:query|example|input)\b`,
      String.raw`\b(?:final|revised) (?:document|passage) ?:`,
    ),
  },
  {
    // German, Dutch
    speaks: pattern(
      String.raw`^\W{0,3}(?:gerne?[,!.] )?hier (?:ist|is|folgt) (?:ein\w{0,2}|der|die|das|het|een)\b[^.:]{0,50}\b(?:dokument|document|passage|negativ\w{0,3}|(?:text|tekst|abschnitt) ?:)`,
      String.raw`\bbeantwortet (?:die|diese) (?:such)?anfrage\b`,
      String.raw`\b(?:dieses dokument|diese passage|dieser (?:text|abschnitt))\b[^.]{0,20}\bbeantwortet\b[^.]{0,30}\bnicht\b`,
      String.raw`\b(?:positive|negative|schwierige|harte)[snr]? dokument`,
      String.raw`\b(?:deze|dit) (?:passage|tekst|document)\b[^.]{0,20}\bbeantwoordt\b[^.]{0,30}\bniet\b`,
      String.raw`\b(?:moeilijk|hard|positief) (?:negatief )?document\b`,
    ),
  },
  {
    // French, Spanish, Italian, Portuguese
    speaks: pattern(
      String.raw`^\W{0,3}(?:bien sûr[,!.] )?(?:voici|voilà) (?:une?|le|la|votre)\b[^.:]{0,50}\b(?:passage|document|négatif|texte ?:)`,
      String.raw`\bce (?:document|passage|texte) ne répond pas\b`,
      String.raw`\bdocuments? (?:négatif|positif)s?\b|\bnégatif difficile\b`,
      String.raw`^\W{0,3}(?:claro[,!.] )?(?:aquí (?:está|tienes|hay)|ecco|aqui está|segue) (?:una?|un|uma?|el|la|il|o)\b[^.:]{0,50}\b(?:${documento}|negativo|(?:texto|testo) ?:)`,
      String.raw`\b(?:este|esta|questo) (?:${documento}|texto|testo) (?:no|non|não) (?:responde|risponde)\b`,
      String.raw`\bdocumento (?:negativo|positivo)\b|\bnegativo difícil\b`,
    ),
  },
  {
    speaks: pattern(
      "(?:困难|难|硬)负(?:样本|例|文档)|负样本|正样本|负面文档|正面文档|正例文档|用户查询|用户的查询",
      "^.{0,6}(?:以下是|这是|这里是|下面是).{0,20}(?:文档|段落|[困难硬]{0,2}负)",
      "(?:本|该|这篇|此|这段)(?:文|文档|段落|文字)?(?:并)?(?:没有|未|不)(?:直接)?回答.{0,12}(?:查询|用户|提问)",
      "ハードネガティブ|負例|ネガティブ文書|ポジティブ文書|ユーザーのクエリ|ユーザークエリ",
      "^.{0,6}(?:以下は|こちらは).{0,40}(?:文書|パッセージ|ネガティブ)(?:です|:|：)",
      "この(?:文書|文章|パッセージ)は.{0,20}(?:質問|クエリ)に(?:は)?(?:答え|回答)",
    ),
  },
];

/** The words in a passage that speak of the task; undefined where there are none, or where the topic has them too. */
export function taskTalk(text: string, topic = ""): string | undefined {
  for (const { speaks, unless = speaks } of talk) {
    const found = speaks.exec(text)?.[0];
    if (found !== undefined && !unless.test(topic)) return quotable(found, 80);
  }
  return undefined;
}
