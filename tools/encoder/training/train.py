"""Contrastive training of the built-in encoders, from scratch, seeded and resumable.

    python3 train.py static DATA OUT
    python3 train.py start DATA OUT      (a wider bag with a larger vocabulary)
    python3 train.py small DATA OUT      (starts from OUT/start.safetensors)

DATA holds what prepare.ts wrote. OUT gets <name>.safetensors (float32), <name>.log.jsonl and, while it runs,
<name>.checkpoint.pt: started again, it goes on from there.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from data import Batch, Pool, Sizes, Task, Texts, batch, held_out_groups
from evaluate import ndcg
from models import Bert, Static
from safetensors import named, read, write
from vectors import first_vectors

SEED = 1


@dataclass(frozen=True)
class Recipe:
    """Of a round."""
    steps: int
    sizes: Sizes
    rate: float
    temperature: float
    tasks: tuple[Task, ...]
    """The learning rate of the token vectors, as a share of the others'. A BERT starts from vectors that are trained."""
    words: float = 1.0
    warmup: float = 0.05
    falling: float = 0.5
    decay: float = 0.01
    """Steps between looks at the held-out groups, and between checkpoints."""
    look: int = 500


TASKS = (
    Task("squad", "questions", ("squad",), 0.2, joined=0.3),
    Task("squad by article", "questions", ("squad",), 0.25, grouped=True),
    Task("medquad", "questions", ("medquad",), 0.06, joined=0.3),
    Task("medquad by topic", "questions", ("medquad",), 0.05, grouped=True),
    Task("medquad titles", "title", ("medquad",), 0.03),
    Task("cloze", "cloze", ("squad", "medquad"), 0.15),
    Task("cloze in novels", "cloze", ("eltec",), 0.03, grouped=True),
    Task("wikipedia", "questions", ("wikipedia",), 0.2, joined=0.3),
    Task("wikipedia by article", "questions", ("wikipedia",), 0.15, grouped=True),
    Task("cloze in wikipedia", "cloze", ("wikipedia",), 0.35, grouped=True),
    Task("pubmedqa", "questions", ("pubmedqa",), 0.02),
    Task("scitldr", "questions", ("scitldr",), 0.015),
    Task("cloze in abstracts", "cloze", ("pubmedqa", "scitldr"), 0.04),
    Task("wordnet", "title", ("wordnet",), 0.05, grouped=True),
)

BAG = Recipe(2000, Sizes(700, 256, 64, 0.1), 1e-3, 0.04, TASKS, look=1000)
RECIPES = {
    "static": BAG,
    "start": BAG,
    "small": Recipe(900, Sizes(128, 128, 64, 0.1), 3e-4, 0.04, TASKS, words=0.3, look=175),
}
"""Width of the vectors. 8,192 × 256 and more is too large a file for decoy-static, wherefore its vocabulary is smaller."""
WIDTH = {"static": 352, "start": 320, "small": 320}
LAYERS, HEADS, INNER, POSITIONS = 2, 5, 640, 512
"""Random vectors of this length are added to the first ones, so that tokens of like meaning can be told apart."""
SPREAD = 1.0


def new_model(name: str, texts: Texts, out: Path) -> torch.nn.Module:
    if name == "small":
        model = Bert(texts.vocabulary, WIDTH[name], LAYERS, HEADS, INNER, POSITIONS)
        model.start_from(read(out / "start.safetensors")["embedding.weight"])
        return model
    vectors, share = first_vectors(texts, WIDTH[name], SEED)
    noise = np.random.default_rng(SEED).standard_normal(vectors.shape)
    vectors = vectors + SPREAD * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # A token's weight in the bag: Arora et al., 2017.
    return Static((vectors * (1e-4 / (1e-4 + share))[:, None]).astype(np.float32))


def loss_of(model: torch.nn.Module, made: Batch, temperature: float) -> torch.Tensor:
    """Three quarters query to document, one quarter document to query (each document's first query)."""
    vectors = model(made.queries + made.documents)
    queries, documents = vectors[: len(made.queries)], vectors[len(made.queries) :]
    own = torch.tensor(made.own)
    scores = queries @ documents.T / temperature
    forward = F.cross_entropy(scores, own)
    first = torch.tensor([made.own.index(d) for d in range(len(made.documents))])
    back = scores.T
    others = own[None, :] == torch.arange(len(first))[:, None]
    others[torch.arange(len(first)), first] = False
    return 0.75 * forward + 0.25 * F.cross_entropy(back.masked_fill(others, -1e4), first)


def rate_at(step: int, recipe: Recipe) -> float:
    """Up on a line, level, and down on a line to 0 over the last `falling` of the steps (Hägele et al., 2024)."""
    done = step / recipe.steps
    return recipe.rate * min(done / recipe.warmup, 1, (1 - done) / recipe.falling)


class Run:
    def __init__(self, name: str, texts: Texts, out: Path, recipe: Recipe):
        self.name, self.texts, self.out, self.recipe = name, texts, out, recipe
        self.held = {source: held_out_groups(texts, source, count, 7) for source, count in (("squad", 20), ("medquad", 400))}
        held = set().union(*self.held.values())
        self.pools = [Pool(texts, task, held, SEED) for task in recipe.tasks]
        torch.manual_seed(SEED)
        self.checkpoint = out / f"{name}.checkpoint.pt"
        saved = torch.load(self.checkpoint) if self.checkpoint.exists() else None
        self.model = new_model(name, texts, out)
        words = [self.model.word.weight]
        matrices = [p for p in self.model.parameters() if p.dim() == 2 and p.requires_grad and p is not words[0]]
        vectors = [p for p in self.model.parameters() if p.dim() != 2]
        groups = [
            dict(params=words, weight_decay=recipe.decay, share=recipe.words),
            dict(params=matrices, weight_decay=recipe.decay, share=1.0),
            dict(params=vectors, weight_decay=0.0, share=1.0),
        ]
        self.optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=recipe.rate, betas=(0.9, 0.98), eps=1e-6)
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        if saved:
            self.model.load_state_dict(saved["model"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step, self.tokens, self.seconds = saved["step"], saved["tokens"], saved["seconds"]
            for pool, state in zip(self.pools, saved["pools"]):
                pool.restore(state)

    def save(self) -> None:
        state = dict(
            model=self.model.state_dict(),
            optimiser=self.optimiser.state_dict(),
            pools=[pool.state for pool in self.pools],
            step=self.step,
            tokens=self.tokens,
            seconds=self.seconds,
        )
        unfinished = self.checkpoint.with_suffix(".new")
        torch.save(state, unfinished)
        os.replace(unfinished, self.checkpoint)
        write(self.out / f"{self.name}.safetensors", named(self.model))

    def look(self, losses: dict[str, float]) -> None:
        squad = ndcg(self.model, self.texts, "squad", self.held["squad"], 256)
        medquad = ndcg(self.model, self.texts, "medquad", self.held["medquad"], 256)
        seen = dict(step=self.step, tokens=self.tokens, seconds=round(self.seconds), squad=squad, medquad=medquad, losses=losses)
        print(json.dumps(seen), flush=True)
        with (self.out / f"{self.name}.log.jsonl").open("a") as file:
            file.write(json.dumps(seen) + "\n")

    def train(self) -> None:
        losses: dict[str, float] = {}
        if self.step == 0:
            self.look(losses)
        steps = self.recipe.steps
        while self.step < steps:
            started = time.time()
            # The choices of a step depend on the seed and its number alone, so that a run can go on where it was.
            chance = random.Random(f"{SEED} {self.step}")
            pool = chance.choices(self.pools, [task.weight for task in self.recipe.tasks])[0]
            made = batch(pool, self.recipe.sizes, chance)
            for group in self.optimiser.param_groups:
                group["lr"] = group["share"] * rate_at(self.step, self.recipe)
            loss = loss_of(self.model, made, self.recipe.temperature)
            self.optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimiser.step()
            self.step += 1
            self.tokens += sum(map(len, made.queries)) + sum(map(len, made.documents))
            self.seconds += time.time() - started
            name, value = pool.task.name, round(loss.item(), 4)
            losses[name] = round(0.95 * losses.get(name, value) + 0.05 * value, 4)
            if self.step % self.recipe.look == 0 or self.step == steps:
                self.look(losses)
                self.save()
        (self.out / f"{self.name}.recipe.json").write_text(json.dumps(asdict(self.recipe), indent=1))


def main() -> None:
    name, data, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(os.cpu_count() or 1)
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    Run(name, Texts(data), out, RECIPES[name]).train()


if __name__ == "__main__":
    main()
