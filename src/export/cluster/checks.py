"""The page's checks of what a language model answered, for answers that are JSON as it was asked for.

The page also mends broken JSON; here such an answer is turned down, and asked for once more with another seed. Patterns and word
lists are the page's own (writing.json); bounds and order are those of its src/synthesis/{answer,checks,clean,echo,language,overlap,
repetition,siblings}.ts, where the reasons for them stand.
"""

import json
import math
import re
import unicodedata
import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # "[[" in a class is a bracket in both languages


def percent(share):
    return f"{math.floor(100 * share + 0.5)} %"


def quotable(text, most):
    start = "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text[:most])
    return (start.rstrip() + "…" if len(text) > most else start).strip()


def start_of(text, most):
    return text[:most].strip()


def class_of(ranges):
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" if a < b else re.escape(chr(a)) for a, b in ranges)


def unreadable(character):
    """Control characters but for line ends and tabs, lone surrogates, non-characters, private use, the replacement character."""
    kind, code = unicodedata.category(character), ord(character)
    if kind == "Cc":
        return character not in "\t\n\r"
    return kind in ("Cs", "Co") or code == 0xFFFD or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def ends_sentence(text):
    return re.search(r"[.!?…。！？．؟।][\"'”’»）)\]」』*_]{0,4}\Z", text[-100:].rstrip()) is not None


def overlap(a, b):
    """(share of a in b, share of b in a, Jaccard)"""
    common = len(a & b)
    return (common / len(a), common / len(b), common / (len(a) + len(b) - common)) if common else (0, 0, 0)


def shingles(units, size=3):
    return {" ".join(units[i : i + size]) for i in range(len(units) - size + 1)}


def contains_run(outer, inner):
    return len(inner) > 0 and f" {' '.join(inner)} " in f" {' '.join(outer)} "


class Checks:
    def __init__(self, data):
        self.data, self.keys = data, data["keys"]
        compiled = lambda one: re.compile(one["source"], sum({"i": re.I, "m": re.M}[flag] for flag in one["flags"]))
        steps = lambda many: [(compiled(one), one["by"]) for one in many]
        self.talk = [(compiled(one["speaks"]), compiled(one["unless"])) for one in data["talk"]]
        self.refusals, self.description = compiled(data["refusals"]), compiled(data["echo"]["description"])
        cleaning = data["clean"]
        self.invisible, self.marks, self.label = (compiled(cleaning[name]) for name in ("invisible", "marks", "label"))
        self.count, self.quoted = compiled(cleaning["count"]), compiled(cleaning["quoted"])
        self.escapes, self.markup, self.entities = (steps(cleaning[name]) for name in ("escapes", "markup", "entities"))
        ranges = {name: class_of(of) for name, of in data["ranges"].items()}
        marks, single = ranges["marks"], ranges["unspaced"]
        self.joiner = re.compile(f"(?<![{ranges['joined']}])[\u200c\u200d]")
        word = f"(?:(?![{single}])[^\\W_][{marks}]*)+"
        self.unit = re.compile(f"[{single}][{marks}]*|{word}(?:['’]{word})*")
        self.single, self.southeast = re.compile(f"[{single}]"), re.compile(f"[{ranges['southeastAsian']}]")
        self.scripts = [(one["name"], re.compile(f"[{class_of(one['ranges'])}]")) for one in data["scripts"]]
        han = class_of([r for one in data["scripts"] if one["name"] in ("Han", "kana") for r in one["ranges"]])
        self.sentence_end = re.compile(f"[.!?。！？][\"'”’»）)\\]」』]{{0,3}}(?=\\s|[{han}])")
        self.signs = re.compile(f"(?:(?![{marks}])[\\W_]){{40,}}")
        self.words = {}
        for language, words in data["words"].items():
            for one in dict.fromkeys(words.split(" ")):
                self.words.setdefault(one, []).append(language)
        self.placeholders = set(data["echo"]["words"])
        self.instructions = shingles(self.units(data["echo"]["instructions"]))

    # ---- Units -------------------------------------------------------------------------------------------------------------

    def units(self, text):
        return self.unit.findall(unicodedata.normalize("NFKC", text[:100_000]).lower().replace("’", "'"))

    def word_count(self, units):
        count = 0.0
        for one in units:
            count += 0.25 if self.southeast.match(one) else 0.5 if self.single.match(one) else 1
        return math.floor(count + 0.5)

    def unspaced(self, units):
        return sum(1 for one in units if self.single.match(one)) > len(units) / 2

    # ---- The passage's own words --------------------------------------------------------------------------------------------

    def clean(self, text):
        """(text, what was taken out, whether it is spoilt)"""
        removed = []
        bad = sum(map(unreadable, text))
        hidden = len(self.invisible.findall(text)) + len(self.joiner.findall(text))
        rest = self.joiner.sub("", self.invisible.sub("", "".join(c for c in text if not unreadable(c))))
        if bad:
            removed.append(f"{bad} unreadable character{'' if bad == 1 else 's'}")
        if hidden:
            removed.append(f"{hidden} invisible character{'' if hidden == 1 else 's'}")

        def take(what, steps, once=False):
            nonlocal rest
            before = rest
            for pattern, by in steps:
                rest = pattern.sub(by, rest, count=1 if once else 0)
            if rest != before:
                removed.append(what)

        take("chat-template marks", [(self.marks, " ")])
        take("escapes", self.escapes)
        take("a label", [(self.label, "")], once=True)
        take("a word count", [(self.count, "")], once=True)
        take("Markdown", self.markup)
        take("quotation marks around it", [(self.quoted, r"\1")], once=True)
        take("HTML entities", self.entities)
        return re.sub(r"\s+", " ", rest).strip(), removed, bad >= 3 and bad > 0.02 * len(text)

    def speaks_of_task(self, text, topic=""):
        for speaks, unless in self.talk:
            found = speaks.search(text)
            if found and not unless.search(topic):
                return quotable(found[0], 80)
        return None

    def refuses(self, text):
        return self.refusals.search(re.sub(r"\s+", " ", text[:400]).strip()) is not None

    def is_echo(self, text):
        units, bare = self.units(text.replace("_", " ")), text.strip()
        if not units:
            return re.match(r"[<[{(]?\s{0,9}(?:\.{2,}|…)", bare) is not None
        if len(units) <= 14 and all(one in self.placeholders or one.isnumeric() for one in units):
            return True
        if re.match(r"(?:<[^<>]{1,200}>|\[[^[\]]{1,200}\]|\{\{?[^{}]{1,200}\}?\})\.{0,3}\Z", bare):
            return True
        if len(bare) < 300 and self.description.search(bare):
            return True
        return len(units) >= 10 and overlap(shingles(units), self.instructions)[0] >= 0.5

    def whole_sentences(self, text):
        """Without a last sentence that breaks off; None where too little is left."""
        if ends_sentence(text) or not (re.search(r"[,;:(\[{–—-]\Z", text) or self.ends_in_function_word(text)):
            return text
        ends = list(self.sentence_end.finditer(text))
        kept = text[: ends[-1].end()] if ends else ""
        return kept if len(kept) >= 0.5 * len(text) and self.word_count(self.units(kept)) >= 8 else None

    # ---- Language -----------------------------------------------------------------------------------------------------------

    def latin_language(self, text):
        words = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", text[:20_000])
        if len(words) < 15:
            return None
        votes = {}
        for word in words:
            for language in self.words.get(word.replace("’", "'"), ()):
                votes[language] = votes.get(language, 0) + 1
        ranked = sorted(votes.items(), key=lambda one: -one[1])
        if not ranked or ranked[0][1] < 0.18 * len(words):
            return None
        return ranked[0][0] if ranked[0][1] >= 1.3 * (ranked[1][1] if len(ranked) > 1 else 0) else None

    def ends_in_function_word(self, text):
        units = self.units(text[-60:])
        language = self.latin_language(text)
        return language is not None and bool(units) and language in self.words.get(units[-1], ())

    def letters(self, text):
        """How many, and the share of each script."""
        counts, total = {}, 0
        for letter in filter(str.isalpha, text[:20_000]):
            name = next((name for name, pattern in self.scripts if pattern.match(letter)), "another")
            counts[name] = counts.get(name, 0) + 1
            total += 1
        return total, {name: count / total for name, count in counts.items()}

    def language_mismatch(self, passage, positive):
        (ours, mine), (theirs, other) = self.letters(passage), self.letters(positive)
        if ours < 12 or theirs < 12:
            return None
        asian, asian_positive = east_asian(mine), east_asian(other)
        if asian and asian_positive and asian != asian_positive:
            return f"It is in {asian}, the positive in {asian_positive}."
        order = [name for name, _ in self.scripts] + ["another"]
        foreign = sorted((name for name in order if other.get(name, 0) < 0.02 and mine.get(name, 0) > 0), key=lambda name: -mine[name])
        share = sum(mine[name] for name in foreign)
        if share > 0.12 or len(foreign) > 2:
            return f"{percent(share)} of its letters are of scripts that the positive does not have ({', '.join(foreign[:3])})."
        expected = self.latin_language(positive)
        if expected is None:
            return None
        middle = len(passage) // 2
        found = (self.latin_language(part) for part in (passage, passage[:middle], passage[middle:]))
        stranger = next((language for language in found if language not in (None, expected)), None)
        return stranger and f"It is in {stranger}, the positive in {expected}."

    # ---- Repetition -----------------------------------------------------------------------------------------------------------

    def repetition(self, text):
        units = self.units(text)
        unspaced = self.unspaced(units)
        row = re.search(r"(\S)(?:\s?\1){29,}", text)
        if row:
            return f"Has “{row[1]}” {len(''.join(row[0].split()))} times in a row."
        signs = self.signs.search(text)
        if signs:
            return f"Has {len(signs[0])} signs in a row that are no letters: “{quotable(signs[0], 10)}”."
        loop = loop_in(units, 12 if unspaced else 4)
        if loop:
            return f"Says “{quotable(('' if unspaced else ' ').join(loop), 60)}” again and again."
        sentences = [self.units(sentence) for sentence in re.split(r"[.!?。！？\n]+", text)]
        sentences = [" ".join(one) for one in sentences if len(one) >= 4 * (2 if self.unspaced(one) else 1)]
        sentence, times = most_frequent(sentences)
        if times >= 3 and times * len(self.units(sentence)) >= 0.15 * len(units):
            return f"Has the same sentence {times} times: “{quotable(sentence, 60)}”."
        word, count = most_frequent(units)
        if len(units) >= 20 and count > 0.3 * len(units):
            return f"{percent(count / len(units))} of its words are “{quotable(word, 60)}”."
        if len(units) >= 40:
            distinct = len(shingles(units, 4)) / (len(units) - 3)
            if distinct < 0.5:
                return f"Only {percent(distinct)} of its runs of four words are distinct."
        return None

    # ---- Against query, positive and other documents ---------------------------------------------------------------------------

    def flaws(self, query, positive, text):
        """(flaw, words) for every reason why the passage cannot be a negative of the query, but for copies of other documents."""
        units = self.units(text)
        if not units:
            return [("empty", "The passage has no words.")]
        whole = f"{positive['title']} {positive['text']}".strip()
        told = positive["text"] or positive["title"]
        found = [
            ("unreadable", self.unwritten(text, whole, units)),
            ("talksAboutTask", self.task_words(text, f"{query}\n{whole}")),
            ("repetition", self.repetition(text)),
            ("copiesPositive", self.copies_positive(units, self.units(whole))),
            ("copiesQuery", self.copies_query(units, self.units(query))),
            ("otherLanguage", self.language_mismatch(text, told)),
            self.length(self.word_count(units), self.word_count(self.units(told))),
        ]
        return [(flaw, words) for flaw, words in found if words]

    def task_words(self, text, topic):
        words = self.speaks_of_task(text, topic)
        return words and f"Speaks of the task: “{words}”."

    def unwritten(self, text, theirs, units):
        share, run = letter_share(text), run_length(text)
        if share < 0.3 <= letter_share(theirs):
            return f"Only {percent(share)} of its characters are letters."
        if len(text) > 100 and run > 25 and not self.unspaced(units) and run_length(theirs) <= 25:
            return f"It has a space after every {math.floor(run + 0.5)} characters only."
        return None

    def copies_positive(self, units, whole):
        triples, theirs = shingles(units), shingles(whole)
        if len(triples) < 6 or len(theirs) < 6:
            same = contains_run(whole, units) or (len(whole) >= 8 and contains_run(units, whole))
            return "Has the same words as the positive." if same else None
        contained, contains, jaccard = overlap(triples, theirs)
        if contained >= 0.6 or jaccard >= 0.5:
            return f"Shares {percent(contained)} of its word triples with the positive."
        return f"Has {percent(contains)} of the positive's word triples." if contains >= 0.8 else None

    def copies_query(self, units, asked):
        length = self.word_count(asked)
        if length >= 4 and contains_run(units, asked):
            return f"Has the query's {length} words as they stand."
        jaccard = overlap(set(units), set(asked))[2]
        if self.word_count(units) <= 1.5 * length + 3 and jaccard >= 0.8:
            return f"Shares {percent(jaccard)} of all words with the query."
        return None

    def length(self, words, reference):
        compared = f"{words} words, the positive has {reference}"
        if words < 8:
            return "tooShort", f"{compared}; fewer than 8 are no passage."
        least = 0 if reference < 20 else 0.4 * min(reference, 400)
        if words < least:
            return "tooShort", f"{compared}; at least {math.ceil(least)} are wanted."
        most = max(2.5 * reference, 60) if reference < 20 else 2.5 * reference
        return "tooLong", f"{compared}; at most {math.floor(most)} are wanted." if words > most else None

    def like_sibling(self, text, earlier):
        """A decoy of the same query that says what an earlier one said."""
        units = self.units(text)
        triples = shingles(units)
        for sibling in earlier:
            theirs = self.units(sibling)
            contained, contains, _ = overlap(triples, shingles(theirs))
            if units == theirs or contained >= 0.7 or contains >= 0.7:
                return "Is, or nearly is, an earlier decoy of this query."
        return None

    def copied(self, passages, documents):
        """For each (text, id of the positive) which document it copies, in words, or None. One pass over the documents: the page looks
        at the five that share the most words, here at all of them."""
        triples = [shingles(self.units(text)) for text, _ in passages]
        holders, most = {}, [(0, None)] * len(passages)
        for at, own in enumerate(triples):
            for triple in own if len(own) >= 6 else ():
                holders.setdefault(triple, []).append(at)
        for document in documents:
            common = {}
            for triple in shingles(self.units(document["text"])):
                for at in holders.get(triple, ()):
                    common[at] = common.get(at, 0) + 1
            for at, count in common.items():
                share = count / len(triples[at])
                if share > most[at][0] and document["id"] != passages[at][1]:
                    most[at] = (share, document["id"])
        return [f"Shares {percent(share)} of its word triples with document {id}." if share >= 0.7 else None for share, id in most]

    # ---- An answer ----------------------------------------------------------------------------------------------------------------

    def judge(self, answer, finish, reflection, query, positive):
        """{"outcome": accepted | repaired | rejected, "notes": [[flaw, words]], "title", "text", "reasoning"?}"""
        read = self.read(answer, finish, reflection)
        if read["outcome"] == "rejected":
            return read
        if positive["title"] == "" and read["title"]:
            read["title"] = ""
            read["notes"].append(["cleaned", "Taken out: the title, since the positive has none."])
        flaws = [list(flaw) for flaw in self.flaws(query, positive, read["text"])]
        outcome = "rejected" if flaws else "repaired" if read["notes"] else "accepted"
        return {**read, "outcome": outcome, "notes": flaws + read["notes"]}

    def read(self, answer, finish, reflection):
        rejected = lambda flaw, words, title="", text="": {"outcome": "rejected", "notes": [[flaw, words]], "title": title, "text": text}
        if answer.strip() == "":
            return rejected("empty", "The answer is empty.")
        try:
            members = json.loads(answer[:100_000])
        except (ValueError, RecursionError):
            cut = finish == "length"
            return rejected("truncated" if cut else "unreadable", "The answer was cut off." if cut else "The answer is not JSON.")
        written = members.get(self.keys["passage"]) if isinstance(members, dict) else None
        if not isinstance(written, str):
            return rejected("unreadable", "The JSON has no passage under its key.")
        if re.match(r"\s*(?:none|null|undefined|n/?a|nan|-+)?\.?\s*\Z", written, re.I):
            return rejected("empty", "There is nothing in the answer's JSON.")
        if self.is_echo(written):
            return rejected("echo", "The schema or the instructions came back instead of a passage.")
        if re.match(r"\s{0,20}\{\s{0,20}\"", written):
            return rejected("unreadable", "There is JSON in the passage.")
        text, removed, spoilt = self.clean(written)
        title, taken = self.clean_title(self.text_under(members, "title"))
        if not self.units(text):
            return rejected("empty", "There is nothing in the passage.")
        if spoilt:
            return rejected("unreadable", f"The passage is spoilt: it has {removed[0] if removed else 'unreadable characters'}.")
        if self.refuses(text):
            return rejected("refusal", "The model refused.", title, text)
        if self.is_echo(text):
            return rejected("echo", "The instructions came back instead of a passage.", title, text)
        whole = self.whole_sentences(text)
        if whole is None:
            return rejected("truncated", "The passage breaks off in mid-sentence.", title, text)
        reasoning = {name: self.text_under(members, name) for name in ("positive", "shares", "lacks")}
        whole_reasoning = all(sentence and not self.is_echo(sentence) for sentence in reasoning.values())
        taken = list(dict.fromkeys(removed + taken + ([] if whole == text else ["a last sentence that breaks off"])))
        notes = [["wrongKey", "The reflection is missing or not whole."]] if reflection and not whole_reasoning else []
        if taken:
            notes.append(["cleaned", f"Taken out: {', '.join(taken)}."])
        read = {"outcome": "read", "notes": notes, "title": title, "text": whole}
        if whole_reasoning:
            read["reasoning"] = {name: start_of(self.clean(sentence)[0], 2000) for name, sentence in reasoning.items()}
        return read

    def text_under(self, members, name):
        value = members.get(self.keys[name])
        return value.strip() if isinstance(value, str) else ""

    def clean_title(self, written):
        text, removed, _ = self.clean(written)
        title = start_of(re.sub(r"^[\"'“”]+|[\"'“”]+\Z", "", text), 300)
        if title and (self.is_echo(title) or self.speaks_of_task(title)):
            return "", removed + ["a title that is none"]
        return title, removed


def letter_share(text):
    return sum(map(str.isalpha, text)) / max(1, sum(not c.isspace() for c in text))


def run_length(text):
    return len(text) / max(1, len(re.findall(r"\s+", text)))


def east_asian(share):
    both = share.get("Han", 0) + share.get("kana", 0)
    if both < 0.5:
        return None
    kana = share.get("kana", 0) / both
    return "Japanese" if kana >= 0.1 else "Chinese" if kana <= 0.02 else None


def most_frequent(items):
    """The first that reaches the highest count."""
    counts, best = {}, ("", 0)
    for item in items:
        counts[item] = counts.get(item, 0) + 1
        if counts[item] > best[1]:
            best = (item, counts[item])
    return best


def loop_in(units, shortest):
    """The first up to 40 units that follow themselves at least three times."""
    for period in range(1, 41):
        run = 0
        for i in range(period, len(units)):
            run = run + 1 if units[i] == units[i - period] else 0
            if run >= max(2 * period, shortest):
                return units[i - period + 1 : i + 1]
    return None
