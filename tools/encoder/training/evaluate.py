"""nDCG@10 of an encoder on training groups that were held out: what choices between recipes are made by."""

from __future__ import annotations

import numpy as np
import torch

from data import Texts, flat


@torch.no_grad()
def encode(model: torch.nn.Module, lists: list[list[int]]) -> torch.Tensor:
    order = sorted(range(len(lists)), key=lambda i: len(lists[i]))
    parts = [model([lists[i] for i in order[at : at + 512]]) for at in range(0, len(order), 512)]
    inverse = np.empty(len(order), np.int64)
    inverse[order] = np.arange(len(order))
    return torch.cat(parts)[torch.from_numpy(inverse)]


def ndcg(model: torch.nn.Module, texts: Texts, source: str, groups: set[int], longest: int) -> float:
    """Each question has one answer, its own document, so nDCG@10 is 1 / log2(1 + rank), and 0 below rank 10."""
    documents = [int(d) for d in texts.of(source) if int(texts.column["group"][d]) in groups]
    queries = [(i, q) for i, d in enumerate(documents) for q in range(texts.column["questions"][d])]
    bodies = [(texts.title(d) + flat(texts.sentences(d)))[:longest] for d in documents]
    asked = [texts.question(documents[i], q)[:62] for i, q in queries]
    was = model.training
    model.eval()
    scores = encode(model, asked) @ encode(model, bodies).T
    model.train(was)
    own = torch.tensor([i for i, _ in queries])
    rank = (scores > scores.gather(1, own[:, None])).sum(1) + 1
    return float(torch.where(rank <= 10, 1 / torch.log2(rank + 1.0), torch.zeros(())).mean())
