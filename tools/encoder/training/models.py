"""The two encoders in PyTorch: a bag of token vectors, and a BERT that starts as exactly that bag."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from data import CLS, SEP

"""Places of the width that keep a token's weight through LayerNorm (see Bert.start_from)."""
SINK = 2


class Static(nn.Module):
    def __init__(self, vectors: np.ndarray):
        super().__init__()
        self.word = nn.Embedding.from_pretrained(torch.from_numpy(vectors.copy()), freeze=False)

    def forward(self, lists: list[list[int]]) -> torch.Tensor:
        """(texts, width) unit vectors; the length of a sum does not matter, so it stands for the mean."""
        ids = torch.tensor([id for ids in lists for id in ids])
        offsets = torch.tensor(np.cumsum([0] + [len(ids) for ids in lists[:-1]]))
        return F.normalize(F.embedding_bag(ids, self.word.weight, offsets, mode="sum"), dim=-1)


class Block(nn.Module):
    """Post-LayerNorm (Devlin et al., 2019), exact GELU."""

    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.intermediate = nn.Linear(width, inner)
        self.inner_output = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None, rows: int) -> torch.Tensor:
        length, width = x.shape[0] // rows, x.shape[1]
        size = width // self.heads
        qkv = self.qkv(x).view(rows, length, 3, self.heads, size).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, rows * self.heads, length, size)
        scale = 1 / math.sqrt(size)
        scores = torch.bmm(q * scale, k.transpose(1, 2)) if mask is None else torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale)
        mixed = torch.bmm(scores.softmax(-1), v).view(rows, self.heads, length, size).transpose(1, 2)
        x = self.attention_norm(x + self.output(mixed.reshape(rows * length, width)))
        return self.norm(x + self.inner_output(F.gelu(self.intermediate(x))))


class Bert(nn.Module):
    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, inner: int, positions: int):
        super().__init__()
        self.word = nn.Embedding(vocabulary, width)
        self.position = nn.Embedding(positions, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.blocks = nn.ModuleList([Block(width, heads, inner) for _ in range(layers)])
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0, 0.7 / math.sqrt(parameter.shape[1]))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    @torch.no_grad()
    def start_from(self, vectors: np.ndarray) -> None:
        """Makes this the bag of `vectors` (V, width), bar the few directions of least variance.

        LayerNorm would make all tokens equally long, and how long its vector is says how much a token counts in a bag.
        So a token becomes [its vector, +s, −s] with s such that all rows are equally long: LayerNorm then changes
        nothing, and the last one cuts the two places of s off. The vectors are turned so that their sum over the width
        is 0, which is what LayerNorm subtracts. Blocks start as nothing: their output matrices are zero. [CLS] and
        [SEP], which a bag lacks, start as zero vectors.
        """
        width = self.word.weight.shape[1]
        useful = width - SINK
        turned = torch.linalg.svd(torch.from_numpy(vectors), full_matrices=False)
        rotated = torch.from_numpy(vectors) @ turned.Vh[: useful - 1].T
        ones = torch.ones(useful, 1) / math.sqrt(useful)
        basis = torch.linalg.qr(torch.cat([ones, torch.eye(useful)[:, : useful - 1]], 1)).Q[:, 1:]
        placed = rotated @ basis.T
        placed[[CLS, SEP]] = 0
        placed = placed / (placed.norm(dim=1).max() / 0.95)
        sink = ((1 - placed.square().sum(1, keepdim=True)) / 2).sqrt()
        self.word.weight.copy_(torch.cat([placed, sink, -sink], 1))
        # Positions stay out of it: what is learned on short texts then holds on long ones.
        self.position.weight.zero_()
        self.position.weight.requires_grad_(False)
        for block in self.blocks:
            block.output.weight.zero_()
            block.inner_output.weight.zero_()
        self.blocks[-1].norm.weight[useful:] = 0

    def forward(self, lists: list[list[int]]) -> torch.Tensor:
        """(texts, width) unit vectors. Texts of about the same length go through together."""
        order = sorted(range(len(lists)), key=lambda i: len(lists[i]))
        parts: list[torch.Tensor] = []
        at = 0
        while at < len(order):
            end = at + 1
            shortest = len(lists[order[at]]) + 2
            # A quarter of padding at the most, and about 8,000 places at a time.
            while end < len(order):
                longest = len(lists[order[end]]) + 2
                if longest > 1.34 * shortest + 4 or (end - at + 1) * longest > 8192:
                    break
                end += 1
            parts.append(self._together([lists[i] for i in order[at:end]]))
            at = end
        inverse = np.empty(len(order), np.int64)
        inverse[order] = np.arange(len(order))
        return torch.cat(parts)[torch.from_numpy(inverse)]

    def _together(self, lists: list[list[int]]) -> torch.Tensor:
        rows, length = len(lists), max(map(len, lists)) + 2
        ids = np.zeros((rows, length), np.int64)
        for row, own in enumerate(lists):
            ids[row, 0], ids[row, 1 : len(own) + 1], ids[row, len(own) + 1] = CLS, own, SEP
        ids = torch.from_numpy(ids)
        padding = ids.eq(0)
        mask = None
        if padding.any():
            mask = torch.zeros(rows, 1, 1, length).masked_fill(padding[:, None, None], -1e4)
            mask = mask.expand(rows, self.blocks[0].heads, length, length).reshape(-1, length, length)
        x = self.norm(self.word(ids) + self.position.weight[:length]).view(rows * length, -1)
        for block in self.blocks:
            x = block(x, mask, rows)
        weights = (~padding).float()
        weights = weights / weights.sum(1, keepdim=True)
        return F.normalize(torch.bmm(weights[:, None], x.view(rows, length, -1))[:, 0], dim=-1)
