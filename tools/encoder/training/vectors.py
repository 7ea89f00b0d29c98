"""First token vectors: positive pointwise mutual information of tokens near each other, and its largest singular vectors
(Levy and Goldberg, 2014; randomised SVD: Halko et al., 2011)."""

from __future__ import annotations

import numpy as np

from data import Texts

WINDOW = 6
BLOCK = 2_000_000
"""Context counts to this power (Levy et al., 2015)."""
SMOOTHING = 0.75


def stream(texts: Texts, every: dict[str, int]) -> np.ndarray:
    """Token ids of the documents, −1 between texts; of a source in `every`, only each so many documents."""
    parts: list[np.ndarray] = []
    gap = np.full(WINDOW, -1, np.int32)
    for source in texts.sources:
        for d in texts.of(source)[:: every.get(source, 1)]:
            first, count = texts.column["first"][d], texts.column["sentences"][d]
            asked, questions = texts.column["asked"][d], texts.column["questions"][d]
            if count:
                start, end = texts.texts[first][0], texts.texts[first + count - 1][1]
                parts += [texts.tokens[start:end].astype(np.int32), gap]
            for q in range(asked, asked + questions):
                start, end = texts.texts[q]
                parts += [texts.tokens[start:end].astype(np.int32), gap]
    return np.concatenate(parts)


def counts_of(ids: np.ndarray, size: int) -> np.ndarray:
    """(V, V) how often two tokens stand within the window, each weighed by 1 over the distance."""
    counts = np.zeros(size * size, np.float32)
    for distance in range(1, WINDOW + 1):
        for at in range(0, len(ids) - distance, BLOCK):
            left = ids[at : min(at + BLOCK, len(ids) - distance)]
            right = ids[at + distance : at + distance + len(left)]
            both = (left >= 0) & (right >= 0)
            pairs, times = np.unique(left[both].astype(np.int64) * size + right[both], return_counts=True)
            counts[pairs] += times / distance
    square = counts.reshape(size, size)
    return square + square.T


def svd_vectors(counts: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """(V, dimensions) U·√S of the PPMI matrix."""
    rows = counts.sum(1) + 1e-6
    context = rows**SMOOTHING
    context /= context.sum()
    ppmi = np.log(np.maximum(counts, 1e-9) / (rows[:, None] * context[None]))
    ppmi[counts <= 0] = 0
    np.maximum(ppmi, 0, out=ppmi)
    chance = np.random.default_rng(seed)
    sample = ppmi @ chance.standard_normal((len(ppmi), dimensions + 44)).astype(np.float32)
    for _ in range(3):
        sample = np.linalg.qr(ppmi @ (ppmi.T @ np.linalg.qr(sample)[0]))[0]
    u, s, _ = np.linalg.svd(sample.T @ ppmi, full_matrices=False)
    return ((sample @ u)[:, :dimensions] * np.sqrt(s[:dimensions])).astype(np.float32)


def first_vectors(texts: Texts, dimensions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(V, dimensions) unit vectors, and (V) each token's share of the text."""
    ids = stream(texts, {"eltec": 4})
    share = np.bincount(ids[ids >= 0], minlength=texts.vocabulary).astype(np.float64)
    vectors = svd_vectors(counts_of(ids, texts.vocabulary), dimensions, seed)
    vectors -= vectors.mean(0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
    return vectors, share / share.sum()
