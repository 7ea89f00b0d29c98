"""Float32 tensors in safetensors' format (huggingface.co/docs/safetensors), under the names that Hugging Face's models use."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from models import Bert, Static


def write(path: Path, tensors: dict[str, np.ndarray]) -> None:
    header, at = {}, 0
    for name, values in tensors.items():
        header[name] = dict(dtype="F32", shape=list(values.shape), data_offsets=[at, at + values.nbytes])
        at += values.nbytes
    described = json.dumps(header).encode()
    described += b" " * (-len(described) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(described)) + described)
        for values in tensors.values():
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def read(path: Path) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(content[8 + length + start : 8 + length + end], "<f4").reshape(entry["shape"])
    return tensors


def named(model: Static | Bert) -> dict[str, np.ndarray]:
    """StaticEmbedding's or BertModel's names. Bert has no token types here: their table is zero."""
    if isinstance(model, Static):
        return {"embedding.weight": model.word.weight.detach().numpy()}
    tensors: dict[str, np.ndarray] = {}

    def affine(name: str, layer) -> None:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = layer.weight.detach().numpy(), layer.bias.detach().numpy()

    word = model.word.weight.detach().numpy()
    tensors["embeddings.word_embeddings.weight"] = word
    tensors["embeddings.position_embeddings.weight"] = model.position.weight.detach().numpy()
    tensors["embeddings.token_type_embeddings.weight"] = np.zeros((2, word.shape[1]), np.float32)
    affine("embeddings.LayerNorm", model.norm)
    for i, block in enumerate(model.blocks):
        at = f"encoder.layer.{i}"
        weights, biases = np.split(block.qkv.weight.detach().numpy(), 3), np.split(block.qkv.bias.detach().numpy(), 3)
        for part, weight, bias in zip(("query", "key", "value"), weights, biases):
            tensors[f"{at}.attention.self.{part}.weight"], tensors[f"{at}.attention.self.{part}.bias"] = weight, bias
        affine(f"{at}.attention.output.dense", block.output)
        affine(f"{at}.attention.output.LayerNorm", block.attention_norm)
        affine(f"{at}.intermediate.dense", block.intermediate)
        affine(f"{at}.output.dense", block.inner_output)
        affine(f"{at}.output.LayerNorm", block.norm)
    return tensors
