"""The benchmark's work in PyTorch: the same shapes, lengths, token ids and weights (bench/numbers.ts), the same step.

    python3 bench/torch_step.py [--shapes 2x128,4x256] [--batches real,equal] [--queries 4] [--steps 1] [--turns 4]
                                [--device cpu|cuda] [--tf32]

Prints rows like those of `npm run bench -- --json FILE`, as JSON. Queries are padded to the longest of them, documents
likewise, as sentence-transformers does. Where sentence-transformers is installed its own model, pooling and loss are
timed too, after they were seen to give the same loss and gradient norm.
"""
import argparse
import json
import math
import statistics
import sys
import time

import torch
from torch.nn import functional as F

sys.dont_write_bytecode = True
from torch_work import made_up_batch, made_up_weights, padded, read

EPSILON, BATCHES = 1e-12, 2
TEMPERATURE, RATE, BETAS, DECAY, CLIP = 0.05, 1e-4, (0.9, 0.999), 0.01, 1.0


class Plain:
    """BERT by hand, on torch's own attention where it has one (2.0)."""

    name = "torch"

    def __init__(self, shape, device):
        self.shape = shape
        self.weights = {name: tensor.requires_grad_() for name, tensor in made_up_weights(shape, device).items()}

    def decayed(self):
        return [w for w in self.weights.values() if w.dim() == 2], [w for w in self.weights.values() if w.dim() == 1]

    def linear(self, at, x):
        return F.linear(x, self.weights[f"{at}.weight"], self.weights[f"{at}.bias"])

    def norm(self, at, x):
        return F.layer_norm(x, x.shape[-1:], self.weights[f"{at}.weight"], self.weights[f"{at}.bias"], EPSILON)

    def attention(self, qkv, mask):
        rows, length, _ = qkv.shape
        q, k, v = qkv.view(rows, length, 3, self.shape["heads"], -1).permute(2, 0, 3, 1, 4)
        seen = None if mask is None else mask[:, None, None, :]
        if hasattr(F, "scaled_dot_product_attention"):
            context = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            context = (scores if seen is None else scores.masked_fill(~seen, -math.inf)).softmax(-1) @ v
        return context.transpose(1, 2).reshape(rows, length, -1)

    def encode(self, ids, mask):
        tables = (self.weights[f"embeddings.{name}.weight"] for name in ("word", "position", "type"))
        word, position, kind = tables
        x = self.norm("embeddings.norm", F.embedding(ids, word) + position[: ids.shape[1]] + kind[0])
        for layer in range(self.shape["layers"]):
            at = f"layer.{layer}"
            context = self.linear(f"{at}.attention.output", self.attention(self.linear(f"{at}.attention.qkv", x), mask))
            x = self.norm(f"{at}.attention.norm", x + context)
            inner = self.linear(f"{at}.output", F.gelu(self.linear(f"{at}.intermediate", x)))
            x = self.norm(f"{at}.output.norm", x + inner)
        if mask is None:
            return F.normalize(x.mean(1), dim=-1)
        share = mask.to(x.dtype)[..., None]
        return F.normalize((x * share).sum(1) / share.sum(1), dim=-1)

    def loss(self, queries, documents):
        scores = self.encode(*queries) @ self.encode(*documents).T / TEMPERATURE
        return F.cross_entropy(scores, 2 * torch.arange(len(scores), device=scores.device))


class SentenceTransformers:
    """A BertModel of transformers in a SentenceTransformer, with its MultipleNegativesRankingLoss."""

    name = "sentence-transformers"

    def __init__(self, shape, device):
        from sentence_transformers import SentenceTransformer, losses, models
        from transformers import BertConfig, BertModel

        class Bert(torch.nn.Module):
            def __init__(self, config):
                super().__init__()
                self.bert = BertModel(config, add_pooling_layer=False)

            def forward(self, features):
                out = self.bert(input_ids=features["input_ids"], attention_mask=features["attention_mask"])
                return features | {"token_embeddings": out[0]}

        config = BertConfig(
            vocab_size=shape["vocabulary"],
            hidden_size=shape["hidden"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            intermediate_size=shape["intermediate"],
            layer_norm_eps=EPSILON,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        bert = Bert(config)
        bert.bert.load_state_dict(huggingface_names(made_up_weights(shape, "cpu")), strict=False)
        self.model = SentenceTransformer(modules=[bert, models.Pooling(shape["hidden"], "mean")], device=device)
        self.criterion = losses.MultipleNegativesRankingLoss(self.model, scale=1 / TEMPERATURE)

    def decayed(self):
        parameters = list(self.model.parameters())
        return [p for p in parameters if p.dim() == 2], [p for p in parameters if p.dim() == 1]

    def encode(self, ids, mask):
        seen = torch.ones_like(ids) if mask is None else mask.long()
        output = self.model({"input_ids": ids, "attention_mask": seen})
        return F.normalize(output["sentence_embedding"], dim=-1)

    def loss(self, queries, documents):
        ids, mask = documents
        columns = [queries] + [(ids[i::2], None if mask is None else mask[i::2]) for i in (0, 1)]
        features = [
            {"input_ids": ids, "attention_mask": torch.ones_like(ids) if mask is None else mask.long()}
            for ids, mask in columns
        ]
        return self.criterion(features, None)


def huggingface_names(weights):
    parts = {
        "attention.output": "attention.output.dense",
        "attention.norm": "attention.output.LayerNorm",
        "intermediate": "intermediate.dense",
        "output": "output.dense",
        "output.norm": "output.LayerNorm",
    }
    tables = {"word": "word_embeddings", "position": "position_embeddings", "type": "token_type_embeddings"}
    names = {f"embeddings.{name}.weight": f"embeddings.{long}.weight" for name, long in tables.items()}
    result = {}
    for name, tensor in weights.items():
        *middle, kind = name.split(".")
        if middle[0] == "embeddings":
            result[names.get(name, f"embeddings.LayerNorm.{kind}")] = tensor
        elif name.endswith(f"qkv.{kind}"):
            for part, share in zip(("query", "key", "value"), tensor.chunk(3)):
                result[f"encoder.layer.{middle[1]}.attention.self.{part}.{kind}"] = share.clone()
        else:
            result[f"encoder.layer.{middle[1]}.{parts['.'.join(middle[2:])]}.{kind}"] = tensor
    return result


class Trainer:
    def __init__(self, model, device):
        self.model, self.device = model, device
        matrices, vectors = model.decayed()
        self.parameters = matrices + vectors
        groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
        fused = {"fused": True} if device == "cuda" else {}
        self.optimiser = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, eps=1e-8, **fused)

    def step(self, batch):
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.model.loss(*(padded(texts, self.device) for texts in batch))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimiser.step()
        return loss.detach(), norm

    @torch.no_grad()
    def encode(self, batch):
        return torch.cat([self.model.encode(*padded(texts, self.device)) for texts in batch]).cpu()


def seconds_of(call, batches, steps, first):
    """Of one call, when all results are there; batches take turns."""
    start = time.perf_counter()
    results = [call(batches[(first + i) % len(batches)]) for i in range(steps)]
    for result in results:
        for value in result:
            value.cpu()
    return (time.perf_counter() - start) / steps


def rows_of(trainer, cell, batches, options):
    texts = [sum(map(len, batch)) for batch in batches]
    tokens = [sum(len(text) for part in batch for text in part) for batch in batches]
    for what, call in (("step", trainer.step), ("encode", trainer.encode)):
        for batch in batches:
            call(batch)
        times = [seconds_of(call, batches, options.steps, turn * options.steps) for turn in range(options.turns)]
        yield cell | {
            "engine": trainer.model.name,
            "what": what,
            "seconds": statistics.median(times),
            "tokens": statistics.mean(tokens),
            "texts": statistics.mean(texts),
            "turns": options.turns,
            "layout": "padded, queries and documents apart" if cell["batch"] == "real" else "no padding",
        }


def close(a, b):
    return all(abs(a[key] - b[key]) <= 1e-3 * abs(b[key]) for key in ("loss", "gradNorm"))


def measure(cell, options, report):
    shape = read("shapes.json")[cell["shape"]]
    batches = [made_up_batch(cell["batch"], i, options.queries, shape["vocabulary"]) for i in range(BATCHES)]
    truth = None
    for kind in (Plain, SentenceTransformers):
        about = {"shape": cell["shape"], "batch": cell["batch"], "engine": kind.name}
        try:
            trainer = Trainer(kind(shape, options.device), options.device)
            loss, norm = trainer.step(batches[0])
        except Exception as error:  # A library that is missing or has changed is a reason, not an end.
            report["skipped"].append(about | {"reason": f"{type(error).__name__}: {error}"})
            continue
        outcome = {"loss": float(loss), "gradNorm": float(norm)}
        report["outcomes"].append(about | outcome)
        truth = truth or outcome
        if close(outcome, truth):
            report["rows"] += rows_of(trainer, cell, batches, options)
        else:
            report["skipped"].append(about | {"reason": "it computes something else than plain torch"})
        print(about, outcome, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="2x128,4x256,6x384,12x768")
    parser.add_argument("--batches", default="real,equal")
    parser.add_argument("--queries", type=int, default=4)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tf32", action="store_true", help="let CUDA multiply in TF32")
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = options.tf32
    cpu = f"processor, {torch.get_num_threads()} threads"
    device = torch.cuda.get_device_name() if options.device == "cuda" else cpu
    adapter = f"{device}, PyTorch {torch.__version__}{', TF32' if options.tf32 else ''}"
    report = {"adapter": adapter, "rows": [], "outcomes": [], "skipped": []}
    for shape in options.shapes.split(","):
        for batch in options.batches.split(","):
            measure({"shape": shape, "batch": batch, "adapter": adapter}, options, report)
    print(json.dumps(report, indent=2))


main()
