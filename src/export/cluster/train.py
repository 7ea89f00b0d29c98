# /// script
# requires-python = ">=3.10"
# dependencies = ["sentence-transformers[train]>=5.1", "pyarrow>=14"]
# ///
"""Trains this folder's encoder on this folder's rows, as recipe.json says.

    uv run train.py                                              one GPU, or the CPU
    torchrun --nproc-per-node 8 train.py                         the GPUs of one machine
    uv run train.py --check-first-step                           one loss, as JSON, beside the page's own
    python3 train.py --plain                                     PyTorch and numpy alone (BERT and static encoders)

Batches are those of the page: the same rows in the same order, whatever the number of processes. Each process encodes its
share of a batch's distinct texts, and the vectors of all are brought together before the loss; so the loss and the gradient are
those of one process. The trainer is sentence-transformers' own; the loss, the batches and the learning rate are the recipe's.
"""

import argparse
import json
import math
import os
import shutil
import struct
import sys
import unicodedata
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
FORMAT = 1
PATIENCE = timedelta(hours=6)  # the other processes wait while the first one measures
TOLERANCE = 1e-4  # between the page's first loss and this program's


def refuse(message):
    sys.exit(f"train.py: {message}")


# ---- The recipe --------------------------------------------------------------------------------------------------------------


def read_recipe():
    file = json.loads((HERE / "recipe.json").read_text("utf-8"))
    if file.get("format") != FORMAT:
        instead = "Take the train.py that came with it."
        refuse(f"recipe.json has format {file.get('format')}, this program reads format {FORMAT}. {instead}")
    problems = list(refusals(file["recipe"], file["keys"]))
    if problems:
        refuse("it cannot do all that recipe.json asks for.\n" + "\n".join(f"  {problem}" for problem in problems))
    return file


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def refusals(recipe, keys):
    """What of the recipe this program does not do: the table `keys` came with it, one entry a key."""
    for key, value in recipe.items():
        if key not in keys:
            yield f"{key}: there is no such key. Correct it or leave it out."
            continue
        use = keys[key]
        if "only" in use and value not in use["only"]:
            yield f"{key} = {compact(value)}: {use['otherwise']}."
        if "sources" in use:
            for request in value:
                if request["source"] not in use["sources"]:
                    yield f"{key}, source {compact(request['source'])}: {use['otherwise']}."


# ---- Rows, and which of them stand in each batch ---------------------------------------------------------------------------------


class Row:
    """One query, its answer and its own negatives; `query` is the query's number, since several rows may have one."""

    def __init__(self, cells):
        about = cells["provenance"]
        about = json.loads(about) if isinstance(about, str) else about
        self.anchor, self.positive, self.query, self.topic = cells["anchor"], cells["positive"], about["query"], about.get("topic")
        self.sources = [negative["source"] for negative in about["negatives"]]
        self.negatives = [cells[negative["column"]] for negative in about["negatives"]]

    def documents(self):
        return [self.positive, *self.negatives]


def read_rows():
    try:
        from pyarrow import parquet
    except ImportError:
        with (HERE / "data/train.jsonl").open(encoding="utf-8") as lines:
            return [Row(json.loads(line)) for line in lines]
    return [Row(cells) for cells in parquet.read_table(HERE / "data/train.parquet").to_pylist()]


MASK = 0xFFFFFFFF


def generator(seed, purpose):
    """The page's random numbers in [0, 1): sfc32 (Doty-Humphrey, PractRand), seeded by splitmix32 and an FNV-1a hash."""
    name = 0x811C9DC5
    for unit in purpose:
        name = ((name ^ ord(unit)) * 0x01000193) & MASK
    state = (seed & MASK) ^ name ^ ((seed >> 32) * 0x9E3779B9 & MASK)

    def splitmix():
        nonlocal state
        state = (state + 0x9E3779B9) & MASK
        z = ((state ^ state >> 16) * 0x21F0AAAD) & MASK
        z = ((z ^ z >> 15) * 0x735A2D97) & MASK
        return z ^ z >> 15

    a, b, c, d = splitmix(), splitmix(), splitmix(), 1

    def draw():
        nonlocal a, b, c, d
        t = (a + b + d) & MASK
        d = (d + 1) & MASK
        a, b, c = b ^ b >> 9, (c + (c << 3)) & MASK, ((c << 21 | c >> 11) + t) & MASK
        return t / 2**32

    for _ in range(12):
        draw()
    return draw


def shuffled(items, draw):
    """Fisher and Yates."""
    items = list(items)
    for i in range(len(items) - 1, 0, -1):
        j = math.floor(draw() * (i + 1))
        items[i], items[j] = items[j], items[i]
    return items


def epoch_of(rows, recipe, epoch):
    """The batches of one epoch, as numbers of rows."""
    size, seed = recipe["batchSize"], recipe["seed"]

    def mixed(items, purpose):
        return shuffled(items, generator(seed, f"epoch {epoch}{purpose}")) if recipe["shuffle"] else list(items)

    def cut(numbers):
        return [numbers[i : i + size] for i in range(0, len(numbers), size)]

    if recipe["batches"] != "topics":
        return cut(mixed(range(len(rows)), ""))
    topics = {}
    for number, row in enumerate(rows):
        topics.setdefault(row.topic, []).append(number)
    batches = [batch for topic, numbers in topics.items() for batch in cut(mixed(numbers, f" topic {topic}"))]
    return mixed(batches, " batches")


def plan(rows, recipe, steps):
    """All batches of the training, and how many steps are made of them."""
    accumulate = recipe["accumulate"]
    asked = recipe.get("steps") if steps is None else steps
    first = epoch_of(rows, recipe, 0)
    count = math.ceil(recipe["epochs"] * len(first)) if asked is None else asked * accumulate
    batches, epoch = [], 0
    while len(batches) < count:
        batches += first if epoch == 0 else epoch_of(rows, recipe, epoch)
        epoch += 1
    return batches[:count], math.ceil(count / accumulate)


def learning_rate(step, steps, recipe):
    """As a share of the peak; `step` counts from 0."""
    rising = math.floor(steps * recipe["warmup"])
    if step < rising:
        return step / max(1, rising)
    progress = (step - rising) / max(1, steps - rising)
    return {"constant": 1, "linear": 1 - progress, "cosine": 0.5 * (1 + math.cos(math.pi * progress))}[recipe["schedule"]]


# ---- Batches and the loss ----------------------------------------------------------------------------------------------------------


class Numbers:
    """Distinct texts in first-seen order."""

    def __init__(self):
        self.at = {}

    def of(self, text):
        return self.at.setdefault(text, len(self.at))


class Batch:
    """Who is compared with whom. `others` (B, D): how often a document of other rows counts as a negative of a query."""

    def __init__(self, rows, answers, recipe):
        queries, documents = Numbers(), Numbers()
        self.recipe = recipe
        self.query = torch.tensor([queries.of(row.anchor) for row in rows])
        self.positive = torch.tensor([documents.of(row.positive) for row in rows])
        own = [[documents.of(text) for text in row.negatives] for row in rows]
        written = [[source in ("synthetic", "human") for source in row.sources] for row in rows]
        width = max(1, max(map(len, own)))
        pad = lambda lists, filler: torch.tensor([[*items, *[filler] * (width - len(items))] for items in lists])
        self.own, self.is_own = pad(own, 0), pad([[True] * len(items) for items in own], False)
        self.written = pad(written, False)
        self.queries, self.documents = list(queries.at), list(documents.at)
        self.others = self.other_queries = None
        if recipe["inBatch"]:
            self.others = self.weights(rows, documents, answers)
        if recipe["symmetric"]:
            self.other_queries = self.query_weights(rows, queries, answers)

    def weights(self, rows, documents, answers):
        mask = self.recipe["mask"]
        counts = torch.zeros(len(documents.at))
        for row in rows:
            for text in row.documents():
                counts[documents.at[text]] += 1
        weights = (torch.ones_like(counts) if mask else counts).repeat(len(rows), 1)
        for b, row in enumerate(rows):
            for text in row.documents():
                weights[b, documents.at[text]] -= 0 if mask else 1
            for text in {*row.documents(), *answers[row.query]} if mask else ():
                if text in documents.at:
                    weights[b, documents.at[text]] = 0
        return weights

    def query_weights(self, rows, queries, answers):
        """Of a symmetric loss: the queries that a row's positive is compared with beside its own."""
        weights = torch.zeros(len(rows), len(queries.at))
        for b, row in enumerate(rows):
            for other in rows:
                at = queries.at[other.anchor]
                if not self.recipe["mask"]:
                    weights[b, at] += other is not row
                elif row.positive not in answers[other.query] and other.anchor != row.anchor:
                    weights[b, at] = 1
        return weights

    def loss(self, queries, documents):
        """The mean over the batch. `queries` and `documents`: vectors of `self.queries` and `self.documents`, of any length."""
        widths = self.recipe.get("dimensions") or [queries.shape[1]]
        units = lambda vectors, width: F.normalize(vectors[:, :width], dim=1)
        return sum(self.loss_on(units(queries, width), units(documents, width)) for width in widths) / len(widths)

    def loss_on(self, queries, documents):
        recipe, device = self.recipe, queries.device
        tau, hardness, entropy = recipe["temperature"], recipe.get("hardness"), recipe.get("entropy")
        own, positive, query = self.own.to(device), self.positive.to(device), self.query.to(device)
        is_own, written = self.is_own.to(device), self.written.to(device)
        cosines = queries[query] @ documents.T
        logits = cosines / tau
        # Harder negatives weigh more (arXiv 2503.04812, eq. 5): the second cosine is a constant.
        harder = cosines.detach() * hardness["alpha"] if hardness else torch.zeros_like(cosines)
        on = hardness["on"] if hardness else "none"
        own_harder = harder.gather(1, own) * (written if on == "written" else on != "none")
        target = logits.gather(1, positive[:, None])
        candidates = [target, (logits.gather(1, own) + own_harder).masked_fill(~is_own, -math.inf)]
        if self.others is not None:
            candidates.append(logits + harder * (on == "all") + self.others.to(device).log())
        losses = torch.logsumexp(torch.cat(candidates, 1), 1) - target[:, 0]
        if self.other_queries is not None:
            back = documents[positive] @ queries.T / tau
            others = back + self.other_queries.to(device).log()
            losses = torch.cat([losses, torch.logsumexp(torch.cat([target, others], 1), 1) - target[:, 0]])
        loss = losses.mean()
        return loss + self.entropy_of(queries[query], documents[own], is_own, written) if entropy else loss

    def entropy_of(self, queries, own, is_own, written):
        """CausalNeg's term (arXiv 2606.01304): query and found negatives are constants."""
        entropy = self.recipe["entropy"]
        vectors = torch.where(written[..., None], own, own.detach())
        logits = torch.einsum("bh,bkh->bk", queries.detach(), vectors) / entropy["temperature"]
        has = written.any(1)
        if not has.any():
            return logits.sum() * 0
        logits, is_own, written = logits[has], is_own[has], written[has]
        among = logits.masked_fill(~written, -math.inf).log_softmax(1)
        spread = -torch.where(written, among.exp() * among.masked_fill(~written, 0), 0).sum(1)
        share = torch.where(written, logits.masked_fill(~is_own, -math.inf).softmax(1), 0).sum(1)
        excess = share - written.sum(1) / is_own.sum(1)
        return entropy["weight"] * (excess.square() - spread).mean()


def answers_of(rows):
    answers = {}
    for row in rows:
        answers.setdefault(row.query, set()).add(row.positive)
    return answers


# ---- Several processes ---------------------------------------------------------------------------------------------------------------


def world():
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def share(texts):
    """The texts that this process encodes: as many in each process, the first text again where they do not come out even."""
    rank, processes = world()
    return [texts[at] if at < len(texts) else texts[0] for at in range(rank, -(-len(texts) // processes) * processes, processes)]


def gathered(own, count):
    """The vectors of all processes in the order of the texts. Gradients are averaged over the processes afterwards; each has
    that of its own texts alone, so it is multiplied by their number here and the average is the whole batch's gradient."""
    rank, processes = world()
    if processes == 1:
        return own
    parts = [torch.empty_like(own) for _ in range(processes)]
    dist.all_gather(parts, own.detach().contiguous())
    if own.requires_grad:
        own.register_hook(lambda gradient: gradient * processes)
    parts[rank] = own
    return torch.stack(parts, 1).flatten(0, 1)[:count]


# ---- Token ids -----------------------------------------------------------------------------------------------------------------------


class WordPiece:
    """BERT's tokenizer, for where the package tokenizers is not installed."""

    def __init__(self, file):
        model, normalizer = file["model"], file.get("normalizer") or {}
        if model["type"] != "WordPiece" or normalizer.get("type", "BertNormalizer") != "BertNormalizer":
            known = "without the package tokenizers only BERT's is known. Install tokenizers."
            refuse(f"the encoder's tokenizer is a {model['type']}; {known}")
        self.vocabulary, self.unknown = model["vocab"], model.get("unk_token", "[UNK]")
        self.prefix, self.longest = model.get("continuing_subword_prefix", "##"), model.get("max_input_chars_per_word", 100)
        self.lower = normalizer.get("lowercase", True)
        accents = normalizer.get("strip_accents")
        self.strip = self.lower if accents is None else accents
        self.chinese = normalizer.get("handle_chinese_chars", True)

    def words(self, text):
        out = []
        for character in text:
            code, kind = ord(character), unicodedata.category(character)
            if code in (0, 0xFFFD) or (kind in ("Cc", "Cf") and character not in "\t\n\r"):
                continue
            if character in "\t\n\r" or kind == "Zs":
                out.append(" ")
            elif self.chinese and any(low <= code <= high for low, high in CHINESE):
                out.append(f" {character} ")
            else:
                out.append(character)
        text = "".join(out)
        if self.strip:
            text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        if self.lower:
            text = text.lower()
        marked = (f" {c} " if c.isascii() and c in PUNCTUATION or unicodedata.category(c)[0] == "P" else c for c in text)
        return "".join(marked).split()

    def pieces(self, word):
        if len(word) > self.longest:
            return [self.vocabulary[self.unknown]]
        ids, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = (self.prefix if start else "") + word[start:end]
                if piece in self.vocabulary:
                    break
            else:
                return [self.vocabulary[self.unknown]]
            ids.append(self.vocabulary[piece])
            start = end
        return ids

    def encode(self, text, most, special):
        ids = [id for word in self.words(text) for id in self.pieces(word)]
        if not special:
            return ids[:most]
        return [self.vocabulary["[CLS]"], *ids[: most - 2], self.vocabulary["[SEP]"]]


PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


def placed(folder, name):
    """At the folder's root, or in its first module that has it."""
    found = [path for path in (folder / name, *sorted(folder.glob(f"*/{name}"))) if path.exists()]
    return found[0] if found else refuse(f"encoder/ has no {name}. Unpack the bundle again, or put the encoder's whole folder there.")


class Texts:
    """Token ids as the page makes them: prefix, special tokens, cut to the recipe's length or the encoder's."""

    def __init__(self, folder, file):
        recipe, most = file["recipe"], file["encoder"]["maxTokens"]
        self.prefix = {"query": recipe["queryPrefix"], "document": recipe["documentPrefix"]}
        self.most = {"query": min(recipe["maxQueryTokens"], most), "document": min(recipe["maxDocumentTokens"], most)}
        self.special = file["encoder"]["family"] != "static"
        described = json.loads(placed(folder, "tokenizer.json").read_text("utf-8"))
        model = described["model"]
        vocabulary = model.get("vocab")
        named = vocabulary.get(model.get("unk_token")) if isinstance(vocabulary, dict) else model.get("unk_id")
        self.unknown = named or 0
        try:
            from tokenizers import Tokenizer

            self.tokenizer = Tokenizer.from_file(str(placed(folder, "tokenizer.json")))
            self.tokenizer.no_padding()
        except ImportError:
            self.tokenizer = WordPiece(described)

    def ids(self, texts, kind):
        """A text without any token is the unknown one: a mean of nothing has no direction."""
        texts, most = [self.prefix[kind] + text for text in texts], self.most[kind]
        if isinstance(self.tokenizer, WordPiece):
            lists = [self.tokenizer.encode(text, most, self.special) for text in texts]
        else:
            self.tokenizer.enable_truncation(most)
            lists = [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=self.special)]
        return [ids or [self.unknown] for ids in lists]

    def features(self, texts, kind):
        """What both kinds of models take: (texts, longest) ids and mask, or all ids with their offsets."""
        lists = self.ids(texts, kind)
        if not self.special:
            offsets = [sum(map(len, lists[:i])) for i in range(len(lists))]
            return {"input_ids": torch.tensor([id for ids in lists for id in ids]), "offsets": torch.tensor(offsets)}
        longest = max(map(len, lists))
        padded = lambda ids, filler: [*ids, *[filler] * (longest - len(ids))]
        ids = torch.tensor([padded(ids, 0) for ids in lists])
        return {"input_ids": ids, "attention_mask": torch.tensor([padded([1] * len(ids), 0) for ids in lists])}


# ---- An encoder in PyTorch alone --------------------------------------------------------------------------------------------------------


DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class Plain(torch.nn.Module):
    """BERT (Devlin et al., 2019: post-LayerNorm, exact GELU) or a table of token vectors, under the names of their file."""

    def __init__(self, folder, file):
        super().__init__()
        self.family, self.pooling = file["encoder"]["family"], file["recipe"]["pooling"]
        self.path = placed(folder, "model.safetensors")
        if self.family != "static":
            self.config = json.loads((folder / "config.json").read_text("utf-8"))
            kind = self.config["model_type"]
            if kind != "bert":
                instead = "Install sentence-transformers and leave --plain out."
                refuse(f"--plain has BERT and static encoders, and this is a {kind}. {instead}")
        if file["recipe"].get("dropout"):
            refuse("--plain has no dropout. Take dropout out of recipe.json, or install sentence-transformers and leave --plain out.")
        content = self.path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        self.tensors = {}
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] in DTYPES:
                start, end = (8 + length + at for at in entry["data_offsets"])
                flat = torch.frombuffer(bytearray(content[start:end]), dtype=DTYPES[entry["dtype"]])
                self.tensors[name] = torch.nn.Parameter(flat.float().reshape(entry["shape"]))
        self.start = "bert." if "bert.embeddings.word_embeddings.weight" in self.tensors else ""
        for at, value in enumerate(self.tensors.values()):
            self.register_parameter(f"p{at}", value)

    def forward(self, features):
        ids = features["input_ids"]
        if self.family == "static":
            (table,) = self.tensors.values()
            return F.embedding_bag(ids, table, features["offsets"], mode="mean")
        mask = features["attention_mask"]
        x = self.bert(ids, mask)
        if self.pooling == "cls":
            return x[:, 0]
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)

    def bert(self, ids, mask):
        get, config = lambda name: self.tensors[self.start + name], self.config
        epsilon = config.get("layer_norm_eps", 1e-12)
        norm = lambda x, name: F.layer_norm(x, x.shape[-1:], get(f"{name}.weight"), get(f"{name}.bias"), epsilon)
        linear = lambda x, name: F.linear(x, get(f"{name}.weight"), get(f"{name}.bias"))
        at = "embeddings"
        x = get(f"{at}.word_embeddings.weight")[ids] + get(f"{at}.position_embeddings.weight")[: ids.shape[1]]
        x = norm(x + get(f"{at}.token_type_embeddings.weight")[0], f"{at}.LayerNorm")
        heads = config["num_attention_heads"]
        hidden = torch.zeros_like(mask, dtype=x.dtype).masked_fill(mask == 0, torch.finfo(x.dtype).min)[:, None, None]
        split = lambda x: x.unflatten(-1, (heads, -1)).transpose(1, 2)
        for layer in range(config["num_hidden_layers"]):
            at = f"encoder.layer.{layer}"
            q, k, v = (split(linear(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value"))
            weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]) + hidden).softmax(-1)
            mixed = (weights @ v).transpose(1, 2).flatten(2)
            x = norm(x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            inner = F.gelu(linear(x, f"{at}.intermediate.dense"))
            x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x

    def save(self, folder):
        header, at, blobs = {}, 0, []
        for name, value in self.tensors.items():
            blob = value.detach().cpu().contiguous().numpy().tobytes()
            header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + len(blob)]}
            blobs.append(blob)
            at += len(blob)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        shutil.copytree(HERE / "encoder", folder, dirs_exist_ok=True)
        file = folder / self.path.relative_to(HERE / "encoder")
        file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


# ---- Training ----------------------------------------------------------------------------------------------------------------------------


class Training:
    """What both ways of training share: rows, batches, texts, loss."""

    def __init__(self, file, texts, steps):
        self.file, self.texts, self.recipe = file, texts, file["recipe"]
        self.rows = read_rows()
        self.answers = answers_of(self.rows)
        self.batches, self.steps = plan(self.rows, self.recipe, steps)
        known = (file.get("page") or {}).get("firstBatch")
        if known and self.recipe.get("batchSize") == len(known) and self.batches and self.batches[0] != known:
            print("note: the first batch has other rows than the page's; the recipe was changed", file=sys.stderr)

    def batch(self, number):
        return Batch([self.rows[row] for row in self.batches[number]], self.answers, self.recipe)

    def features(self, batch):
        return [self.texts.features(share(batch.queries), "query"), self.texts.features(share(batch.documents), "document")]

    def loss(self, encode, batch, features):
        queries, documents = (encode(part).float() for part in features)
        return batch.loss(gathered(queries, len(batch.queries)), gathered(documents, len(batch.documents)))

    def optimiser(self, model):
        """AdamW; matrices decay, vectors and biases do not."""
        decays = lambda name, value: value.dim() == 2 and "bias" not in name
        named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
        groups = [
            {"params": [value for name, value in named if decays(name, value)], "weight_decay": self.recipe["weightDecay"]},
            {"params": [value for name, value in named if not decays(name, value)], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.recipe["learningRate"], betas=(0.9, 0.999), eps=1e-8)
        return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: learning_rate(step, self.steps, self.recipe))


def moved(features, device):
    return {name: value.to(device) for name, value in features.items()}


def first_step(training, encode, device):
    if not training.batches:
        refuse("there is no row to train on, so there is no first step.")
    batch = training.batch(0)
    with torch.no_grad():
        loss = training.loss(encode, batch, [moved(part, device) for part in training.features(batch)]).item()
    known = (training.file.get("page") or {}).get("firstLoss")
    told = {"step": 1, "loss": loss, "rows": training.batches[0], "texts": len(batch.queries) + len(batch.documents)}
    print(json.dumps({**told, "page": known, "difference": None if known is None else abs(loss - known)}), flush=True)
    return known is None or abs(loss - known) <= TOLERANCE


def train_plain(training, model, device):
    rank, processes = world()
    optimiser, schedule = training.optimiser(model)
    accumulate, clip = training.recipe["accumulate"], training.recipe["clip"]
    for step in range(training.steps):
        numbers = range(step * accumulate, min((step + 1) * accumulate, len(training.batches)))
        optimiser.zero_grad()
        total = 0.0
        for number in numbers:
            batch = training.batch(number)
            loss = training.loss(model, batch, [moved(part, device) for part in training.features(batch)]) / len(numbers)
            loss.backward()
            total += loss.item()
        values = [value for value in model.parameters() if value.grad is not None]
        if processes > 1:
            for value in values:
                dist.all_reduce(value.grad)
                value.grad /= processes
        norm = torch.nn.utils.clip_grad_norm_(values, clip or math.inf).item()
        optimiser.step()
        schedule.step()
        if rank == 0:
            print(json.dumps({"step": step + 1, "steps": training.steps, "loss": total, "gradNorm": norm}), flush=True)


def sentence_transformer(file, device):
    """The folder's encoder with the recipe's pooling and dropout: none where the recipe has none, whatever config.json says."""
    from sentence_transformers import SentenceTransformer

    dropout = file["recipe"].get("dropout") or {"hidden": 0.0, "attention": 0.0}
    model = SentenceTransformer(str(HERE / "encoder"), device=str(device))
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout["attention" if "attention" in name and "output" not in name else "hidden"]
        for rate in ("dropout_prob", "attention_dropout"):
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, dropout["attention"])
    for number, module in enumerate(model):
        if type(module).__name__ == "Pooling":
            width = getattr(module, "word_embedding_dimension", None) or module.embedding_dimension
            model[number] = type(module)(width, pooling_mode=file["recipe"]["pooling"])
    return model


def train_with_trainer(training, model, options):
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    recipe = training.recipe

    class Loss(torch.nn.Module):
        """`labels` is the batch's number, which says everything else."""

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, features, labels):
            encode = lambda part: self.model(part)["sentence_embedding"]
            return training.loss(encode, training.batch(int(labels[0])), list(features))

    def collate(numbers):
        parts = zip(("query", "document"), training.features(training.batch(numbers[0])))
        named = {f"{kind}_{name}": value for kind, part in parts for name, value in part.items()}
        return {**named, "label": torch.tensor(numbers), "return_loss": True}

    class Trainer(SentenceTransformerTrainer):
        def get_train_dataloader(self):
            """Every process sees every batch and takes its share of the texts: nothing is dealt out here."""
            return torch.utils.data.DataLoader(range(len(training.batches)), batch_size=1, collate_fn=collate)

        def add_model_card_callback(self, *_):
            """It describes a data set of texts; here the loader gives batches."""

    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(options.out / "checkpoints"),
        max_steps=training.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=recipe["accumulate"],
        max_grad_norm=recipe["clip"],
        seed=recipe["seed"] % 2**32,
        bf16=options.bf16,
        logging_steps=1,
        save_strategy="steps" if options.save_steps else "no",
        save_steps=options.save_steps or 500,
        save_total_limit=2,
        report_to="none",
        ddp_timeout=int(PATIENCE.total_seconds()),
    )
    trainer = Trainer(model=model, args=arguments, loss=Loss(model), optimizers=training.optimiser(model))
    trainer.train(resume_from_checkpoint=options.resume)


# ---- Before and after ----------------------------------------------------------------------------------------------------------------------


def read_lines(path):
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_qrels(split):
    tsv, jsonl = (HERE / f"data/beir/qrels/{split}.{end}" for end in ("tsv", "jsonl"))
    if tsv.exists():
        cells = [line.split("\t") for line in tsv.read_text("utf-8").split("\n")[1:] if line]
    else:
        cells = [[line["query-id"], line["corpus-id"], line["score"]] for line in read_lines(jsonl)]
    grades = {}
    for query, document, grade in cells:
        grades.setdefault(query, {})[document] = float(grade)
    return {query: judged for query, judged in grades.items() if max(judged.values()) > 0}


@torch.no_grad()
def vectors_of(texts, kind, training, encode, device):
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    out = [None] * len(texts)
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        features = moved(training.texts.features([texts[at] for at in part], kind), device)
        for at, vector in zip(part, F.normalize(encode(features).float(), dim=1).cpu()):
            out[at] = vector
    return torch.stack(out)


def ndcg(ranked, judged, depth=10):
    """Linear gain, log2 discount, the ideal over all judged documents (trec_eval's ndcg_cut)."""
    gain = lambda grades: sum(max(grade, 0) / math.log2(at + 2) for at, grade in enumerate(grades[:depth]))
    return gain([judged.get(document, 0) for document in ranked]) / gain(sorted(judged.values(), reverse=True))


def evaluate(training, encode, device):
    """Mean nDCG@10 of exact search; None where the bundle has no judgements."""
    split = training.file["evaluate"]["split"] if training.file.get("evaluate") else None
    if split is None:
        return None
    qrels = read_qrels(split)
    folder = HERE / "data/beir"
    corpus = [(line["_id"], f"{line.get('title', '')} {line['text']}".strip()) for line in read_lines(folder / "corpus.jsonl")]
    queries = [(line["_id"], line["text"]) for line in read_lines(folder / "queries.jsonl") if line["_id"] in qrels]
    documents = vectors_of([text for _, text in corpus], "document", training, encode, device)
    asked = vectors_of([text for _, text in queries], "query", training, encode, device)
    total = 0.0
    for (query, _), vector in zip(queries, asked):
        best = (documents @ vector).topk(min(10, len(corpus))).indices.tolist()
        total += ndcg([corpus[at][0] for at in best], qrels[query])
    return total / len(queries)


# ---- The program -----------------------------------------------------------------------------------------------------------------------------


def options_of():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plain", action="store_true", help="PyTorch alone, without sentence-transformers")
    parser.add_argument("--check-first-step", action="store_true", help="print the first step's loss as JSON and end")
    parser.add_argument("--steps", type=int, help="optimiser steps, in place of the recipe's")
    parser.add_argument("--out", type=Path, default=HERE / "trained", help="where the trained encoder goes")
    parser.add_argument("--save-steps", type=int, help="a checkpoint every so many steps, the last two kept (not with --plain)")
    parser.add_argument("--resume", action="store_true", default=None, help="go on from the last checkpoint (not with --plain)")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 where it helps; losses are then no longer the page's to 1e-4")
    parser.add_argument("--no-evaluation", action="store_true", help="do not measure before and after")
    return parser.parse_args()


def main():
    options = options_of()
    file = read_recipe()
    if "WORLD_SIZE" not in os.environ:
        # One process takes one GPU: on several, the trainer would deal the texts out by itself.
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    local = int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if options.plain:
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
        model = Plain(HERE / "encoder", file).to(device)
        encode = model
    else:
        try:
            model = sentence_transformer(file, device)
        except ImportError as error:
            refuse(f"{error}. Install sentence-transformers (uv run train.py does), or run with --plain.")
        encode = lambda features: model(dict(features))["sentence_embedding"]
    torch.manual_seed(file["recipe"]["seed"] % 2**63)
    training = Training(file, Texts(HERE / "encoder", file), options.steps)
    if options.check_first_step:
        model.eval()
        return 0 if first_step(training, encode, device) else 1
    first = int(os.environ.get("RANK", 0)) == 0
    measure = lambda: evaluate(training, encode, device) if first and not options.no_evaluation else None
    model.eval()
    before = measure()
    model.train()
    if options.plain:
        train_plain(training, model, device)
    else:
        train_with_trainer(training, model, options)
    model.eval()
    if first:
        after = measure()
        model.save(options.out) if options.plain else model.save_pretrained(str(options.out))
        page = (file.get("page") or {}).get("ndcg@10")
        print(json.dumps({"ndcg@10": {"before": before, "after": after}, "page": page, "saved": str(options.out)}), flush=True)
    if world()[1] > 1:
        dist.barrier()
        dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
