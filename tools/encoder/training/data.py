"""Training texts as token ids, read from the files that prepare.ts wrote, and batches of them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PAD, UNK, CLS, SEP, MASK = range(5)
"""Share of the documents that are read with their title."""
TITLED = 0.9
COLUMNS = ("source", "group", "title", "first", "sentences", "asked", "questions")


class Texts:
    """All documents, memory-mapped. Document d's sentences are texts first[d] … first[d] + sentences[d] − 1."""

    def __init__(self, directory: Path):
        self.tokens = np.fromfile(directory / "tokens.u16", np.uint16)
        self.texts = np.fromfile(directory / "texts.i32", np.int32).reshape(-1, 2)
        table = np.fromfile(directory / "documents.i32", np.int32).reshape(-1, len(COLUMNS))
        self.column = {name: table[:, i] for i, name in enumerate(COLUMNS)}
        described = json.loads((directory / "sources.json").read_text())
        self.sources: list[str] = described["names"]
        self.vocabulary: int = described["vocabulary"]

    def __len__(self) -> int:
        return len(self.column["source"])

    def text(self, number: int) -> list[int]:
        start, end = self.texts[number]
        return self.tokens[start:end].tolist()

    def title(self, document: int) -> list[int]:
        number = self.column["title"][document]
        return [] if number < 0 else self.text(number)

    def sentences(self, document: int) -> list[list[int]]:
        first = self.column["first"][document]
        return [self.text(first + i) for i in range(self.column["sentences"][document])]

    def around(self, document: int, chance: random.Random) -> list[list[int]]:
        """The document's sentences and those of the one before or after it, if that is of the same group."""
        other = document + chance.choice((-1, 1))
        group = self.column["group"]
        if not 0 <= other < len(self) or group[other] != group[document]:
            return self.sentences(document)
        first, last = sorted((document, other))
        return self.sentences(first) + self.sentences(last)

    def question(self, document: int, number: int) -> list[int]:
        return self.text(self.column["asked"][document] + number)

    def of(self, source: str) -> np.ndarray:
        return np.flatnonzero(self.column["source"] == self.sources.index(source))


@dataclass(frozen=True)
class Batch:
    queries: list[list[int]]
    documents: list[list[int]]
    """own[q]: the document that answers query q."""
    own: list[int]


@dataclass(frozen=True)
class Task:
    """One way to make batches. kind: "questions" (each document with up to `most` of its own questions), "cloze" (a
    sentence against the rest of its document: Lee et al., 2019), "title" (a title against its text)."""

    name: str
    kind: str
    sources: tuple[str, ...]
    weight: float
    """Batches of documents of few groups, so that the other documents of a batch are hard negatives."""
    grouped: bool = False
    most: int = 3
    """Share of the documents that go on with the next one of their group: the answer is then a part of a longer text."""
    joined: float = 0.0


@dataclass(frozen=True)
class Sizes:
    documents: int
    """Most tokens of a document and of a query."""
    longest: int
    longest_query: int
    """Share of the tokens that are hidden (replaced by [MASK])."""
    hidden: float


class Pool:
    """Documents of a task in a seeded order, epoch after epoch. `state` is all that a later session needs."""

    def __init__(self, texts: Texts, task: Task, held_out: set[int], seed: int):
        self.texts, self.task, self.seed = texts, task, seed
        column = texts.column
        usable = np.concatenate([texts.of(source) for source in task.sources])
        enough = {
            "questions": column["questions"] > 0,
            "cloze": column["sentences"] >= 2,
            "title": (column["title"] >= 0) & (column["sentences"] >= 1),
        }[task.kind]
        self.documents = np.array([d for d in usable if enough[d] and column["group"][d] not in held_out])
        self.state = {"epoch": -1, "at": 0}
        self.order: list[tuple[int, tuple[int, ...]]] = []

    def restore(self, state: dict[str, int]) -> None:
        self.state = dict(state)
        if state["epoch"] >= 0:
            self.order = self._ordered(state["epoch"])

    def take(self, count: int) -> list[tuple[int, tuple[int, ...]]]:
        """(document, its questions) for `count` documents; the few at the end of an epoch are passed over."""
        if self.state["epoch"] < 0 or self.state["at"] + count > len(self.order):
            self.state = {"epoch": self.state["epoch"] + 1, "at": 0}
            self.order = self._ordered(self.state["epoch"])
        at = self.state["at"]
        self.state["at"] = at + count
        return self.order[at : at + count]

    def _ordered(self, epoch: int) -> list[tuple[int, tuple[int, ...]]]:
        chance = random.Random(f"{self.seed} {self.task.name} {epoch}")
        items = [item for d in self.documents for item in self._items(int(d), chance)]
        chance.shuffle(items)
        if not self.task.grouped:
            return items
        groups: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        for item in items:
            groups.setdefault(int(self.texts.column["group"][item[0]]), []).append(item)
        stretches = [own[i : i + 16] for own in groups.values() for i in range(0, len(own), 16)]
        chance.shuffle(stretches)
        return [item for stretch in stretches for item in stretch]

    def _items(self, document: int, chance: random.Random) -> list[tuple[int, tuple[int, ...]]]:
        if self.task.kind != "questions":
            return [(document, ())]
        questions = list(range(self.texts.column["questions"][document]))
        chance.shuffle(questions)
        return [(document, tuple(questions[i : i + self.task.most])) for i in range(0, len(questions), self.task.most)]


def hide(ids: list[int], share: float, chance: random.Random) -> list[int]:
    return [MASK if chance.random() < share else id for id in ids] if share else ids


def flat(parts: list[list[int]]) -> list[int]:
    return [id for part in parts for id in part]


def cloze(sentences: list[list[int]], chance: random.Random) -> tuple[list[int], list[int]] | None:
    """A sentence, at times a part of it, and the others; a quarter of the time it stays among them."""
    at = chance.randrange(len(sentences))
    query = sentences[at]
    if len(query) < 6:
        return None
    if len(query) > 12 and chance.random() < 0.4:
        length = chance.randrange(6, len(query))
        start = chance.randrange(0, len(query) - length + 1)
        query = query[start : start + length]
    kept = chance.random() < 0.25
    # A window around the sentence: what is near it is about the same thing.
    start = max(0, at - chance.randrange(0, 6))
    body = flat([s for i, s in enumerate(sentences[start:], start) if i != at or kept])
    return (query, body) if len(body) >= 8 else None


def batch(pool: Pool, sizes: Sizes, chance: random.Random) -> Batch:
    queries: list[list[int]] = []
    documents: list[list[int]] = []
    own: list[int] = []
    texts = pool.texts
    seen: set[int] = set()
    for document, questions in pool.take(sizes.documents):
        if document in seen:
            continue
        seen.add(document)
        title, sentences = texts.title(document), texts.sentences(document)
        if pool.task.kind == "cloze":
            pair = cloze(sentences, chance)
            if pair is None:
                continue
            asked, body = [pair[0]], pair[1]
        elif pool.task.kind == "title":
            asked, body, title = [title], flat(sentences), []
        else:
            asked, body = [texts.question(document, q) for q in questions], flat(sentences)
            if pool.task.joined and chance.random() < pool.task.joined:
                body = flat(texts.around(document, chance))
        titled = title + body if title and chance.random() < TITLED else body
        for query in asked:
            queries.append(hide(query[: sizes.longest_query], sizes.hidden, chance))
            own.append(len(documents))
        documents.append(hide(titled[: sizes.longest], sizes.hidden, chance))
    return Batch(queries, documents, own)


def held_out_groups(texts: Texts, source: str, count: int, seed: int) -> set[int]:
    """Groups that no training batch sees: what choices between recipes are made by."""
    groups = sorted({int(g) for g in texts.column["group"][texts.of(source)]})
    return set(random.Random(f"{seed} {source}").sample(groups, count))
