/**
 * Answers of a model that will not write the passage, in English, German, French, Spanish, Italian, Dutch, Portuguese, Chinese
 * and Japanese. A person in a forum is sorry and cannot do things too: what tells the model is that it cannot write or
 * help. Every pattern bounds its repetitions, so that no text makes one slow.
 */

/** Within one sentence. */
const soon = "[^.!?。]{0,60}";

const english = {
  sorry: String.raw`(?:(?:i['’]m|i am) (?:very |so |really )?(?:sorry|afraid)|sorry|my apologies|i apologi[sz]e|apologies|unfortunately)`,
  not: String.raw`(?:can['’]?t|cannot|can not|won['’]?t|will not|(?:['’]m|am) (?:not able|unable)|(?:must|have to) (?:decline|refuse)|do(?: not|n['’]t) (?:have|feel))`,
  help: String.raw`\b(?:help|assist|provide|create|generate|write|produce|fulfil|fulfill|comply|complete|do that|do this|answer|continue|discuss|decline|access|enough information|comfortable)\b`,
  model: String.raw`(?:ai|a\.i\.|artificial intelligence|(?:large )?language model)(?: language)?(?: model| assistant| chatbot| system)?`,
};
const german = {
  not: String.raw`\b(?:nicht|kein\w{0,2})\b`,
  help: "(?:helfen|unterstützen|erstellen|schreiben|verfassen|erzeugen|generieren|beantworten|bereitstellen|nachkommen|erfüllen)",
};
const french = "(?:aider|fournir|créer|générer|rédiger|écrire|produire|répondre|accéder|satisfaire|donner suite)";
const spanish = "(?:ayudar|proporcionar|crear|generar|escribir|redactar|cumplir|responder|ofrecer|realizar|completar)";
const italian = "(?:aiutar|fornir|crear|generar|scriver|produrre|risponder|soddisfar|completar)";
const dutch = "(?:helpen|maken|schrijven|genereren|geven|voldoen|opstellen|beantwoorden)";
const portuguese = "(?:ajudar|fornecer|criar|gerar|escrever|redigir|responder|cumprir|atender|completar)";

export const refusals = new RegExp(
  [
    String.raw`^\W{0,3}(?:${english.sorry}[,.!:;]? {0,2}(?:but )?(?:as an? [\w ]{1,40}, ?)?)?(?:i|we) ?${english.not}${soon}${english.help}`,
    String.raw`^\W{0,3}${english.sorry}[,.!]? {0,2}(?:but )?(?:i |that['’]s ${soon}i )(?:can['’]?t|cannot|won['’]?t)[^.!?]{0,20}[.!]?$`,
    String.raw`^[^.]{0,60}\bas an? ${english.model}, ?(?:i|my|it)\b`,
    String.raw`\bi(?:['’]m| am) (?:just |only )?an? ${english.model}\b`,
    String.raw`\bagainst my (?:programming|guidelines|policies|policy|training)\b`,
    // German
    String.raw`^\W{0,3}(?:(?:es )?tut mir (?:sehr )?leid|entschuldigung|leider)${soon}${german.not}${soon}${german.help}`,
    String.raw`^\W{0,3}ich (?:kann|werde|darf) ${soon}${german.not} ${soon}${german.help}`,
    String.raw`\bals (?:eine? )?(?:ki|künstliche intelligenz|sprachmodell|ki-modell|ki-assistent\w{0,2})\b[^.]{0,30}\bich\b`,
    // French
    String.raw`^\W{0,3}(?:(?:je suis (?:vraiment )?désolée?|désolée?|je regrette|malheureusement)[,.]? (?:mais )?)?je ne (?:peux|puis|suis)${soon}${french}`,
    String.raw`\ben tant qu(?:['’]ia|['’]intelligence artificielle|e modèle de langage|['’]assistant ia)\b`,
    // Spanish
    String.raw`^\W{0,3}(?:(?:lo siento|lo lamento|disculpa|perdón|lamentablemente)[,.]? (?:mucho, )?(?:pero )?)?no (?:puedo|me es posible|estoy)${soon}${spanish}`,
    String.raw`\bcomo (?:una )?(?:ia|inteligencia artificial|modelo de lenguaje|asistente de ia), ?(?:no|yo|mi)\b`,
    // Italian
    String.raw`^\W{0,3}(?:(?:mi dispiace|spiacente|purtroppo|mi scuso)[,.]? (?:ma )?)?non (?:posso|sono|mi è)${soon}${italian}`,
    String.raw`\b(?:come|in quanto) (?:un['’])?(?:ia|intelligenza artificiale|modello linguistico|assistente ia), ?(?:non|io|mi)\b`,
    // Dutch
    String.raw`^\W{0,3}(?:(?:het spijt me|sorry|helaas)[,.]? (?:maar )?)?(?:ik kan|kan ik|ik ben) ${soon}\b(?:niet|geen)\b${soon}${dutch}`,
    String.raw`\bals (?:een )?(?:ai|ai-model|taalmodel|ai-assistent)\b[^.]{0,20}\bik\b`,
    // Portuguese
    String.raw`^\W{0,3}(?:(?:desculpe|sinto muito|lamento|infelizmente|peço desculpas?)[,.]? (?:mas )?)?(?:eu )?não (?:posso|consigo|me é possível|estou)${soon}${portuguese}`,
    String.raw`\bcomo (?:uma? )?(?:ia|inteligência artificial|modelo de linguagem|assistente de ia), ?(?:não|eu|meu)`,
    // Chinese
    "^.{0,3}(?:(?:(?:很|非常)?抱歉|对不起|對不起|不好意思)[,,。!]?)?我?(?:无法|不能|無法)(?:直接|为您|帮您|協助您)?(?:提供|生成|创建|撰写|编写|帮助|协助|回答|满足|完成|继续|創建|撰寫|幫助|協助|回答)",
    "作为(?:一个|一名)?(?:人工智能|AI|语言模型|大型语言模型|AI助手)[,,]我?|作為(?:一個)?(?:人工智能|AI|語言模型)[,,]我?",
    // Japanese
    "^.{0,3}(?:申し訳(?:ありません|ございません)|すみません|ごめんなさい).{0,40}(?:作成|生成|提供|手伝い|答え|回答|支援|書く).{0,12}(?:できません|出来ません|できかねます|いたしかねます)",
    "(?:AI|人工知能|言語モデル)(?:アシスタント)?として、?(?:私|お|その)",
  ].join("|"),
  "iu",
);

/** Only at the start: what comes later in a passage is the passage's. */
export function refuses(text: string): boolean {
  return refusals.test(text.slice(0, 400).replaceAll(/\s+/g, " ").trim());
}
