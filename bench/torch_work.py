"""What bench/torch_step.py computes on: the weights, token ids and lengths of bench/numbers.ts and bench/work.ts."""
import json
import math
import os

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
POSITIONS, TYPES, SPREAD, EQUAL = 512, 2, 1.5, 128


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


def seed_of(name):
    value = 0x811C9DC5
    for character in name:
        value = (value ^ ord(character)) * 0x01000193 & 0xFFFFFFFF
    return value


def uniform(name, count):
    """Number i of a name, in [0, 1): bench/numbers.ts."""
    value = np.uint32(seed_of(name)) + np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9)
    value = (value ^ value >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    value = (value ^ value >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return (value ^ value >> np.uint32(16)) / 2.0**32


def regions(shape):
    """Names and sizes of the parameters: src/encoder/parameters.ts."""
    hidden, inner = shape["hidden"], shape["intermediate"]
    sizes = {
        "embeddings.word.weight": (shape["vocabulary"], hidden),
        "embeddings.position.weight": (POSITIONS, hidden),
        "embeddings.type.weight": (TYPES, hidden),
        "embeddings.norm.weight": (hidden,),
        "embeddings.norm.bias": (hidden,),
    }
    for layer in range(shape["layers"]):
        at = f"layer.{layer}"
        linear = {"attention.qkv": (3 * hidden, hidden), "attention.output": (hidden, hidden)}
        linear |= {"intermediate": (inner, hidden), "output": (hidden, inner)}
        for name, size in linear.items():
            sizes |= {f"{at}.{name}.weight": size, f"{at}.{name}.bias": size[:1]}
        for name in ("attention.norm", "output.norm"):
            sizes |= {f"{at}.{name}.weight": (hidden,), f"{at}.{name}.bias": (hidden,)}
    return sizes


def made_up_weights(shape, device):
    weights = {}
    for name, size in regions(shape).items():
        # The tables' regions are named without "weight".
        seed = name.removesuffix(".weight") if len(size) == 2 and name.startswith("embeddings.") else name
        middle = 1 if name.endswith("norm.weight") else 0
        values = middle + SPREAD / math.sqrt(shape["hidden"]) * (2 * uniform(seed, math.prod(size)) - 1)
        weights[name] = torch.from_numpy(values.astype(np.float32).reshape(size)).to(device)
    return weights


def made_up_batch(kind, number, queries, vocabulary):
    """Token ids of the queries, and of each query's positive and negative: bench/work.ts."""
    rows = read("lengths.json")["rows"]
    taken = [rows[(number * queries + b) % len(rows)] if kind == "real" else [EQUAL] * 3 for b in range(queries)]
    lengths = [row[0] for row in taken] + [length for row in taken for length in row[1:]]
    ids = np.floor(vocabulary * uniform(f"{kind} {number}", sum(lengths)) ** 3).astype(np.int64)
    texts = np.split(ids, np.cumsum(lengths)[:-1])
    return texts[:queries], texts[queries:]


def padded(texts, device):
    """Ids (R, L) and mask (R, L), or no mask where no place is padding."""
    length = max(map(len, texts))
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.from_numpy(text)
        mask[row, : len(text)] = True
    return ids.to(device), None if mask.all() else mask.to(device)
