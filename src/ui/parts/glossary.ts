/** One or two sentences for each word that a newcomer may not know. */
export const glossary = {
  decoy:
    "A hard negative: a passage that looks like the answer to a query and is not. An encoder that learns to rank it below the answer searches better.",
  synthetic:
    "Written for the training by a language model, with its reasoning: what the passage shares with the answer, and what it lacks.",
  BM25: "A ranking by shared words, weighted by how rare they are and how long the document is. It needs no training and is hard to beat.",
  encoder:
    "A small neural network that turns a text into a vector, so that texts about the same thing lie close together.",
  "BEIR folder":
    "corpus.jsonl with one document a line, queries.jsonl with one query a line, and qrels/*.tsv that say which document answers which query.",
  judgements:
    "Which document answers which query, and how well (qrels). They are split: train to learn from, test to measure with.",
  "nDCG@10":
    "How good the first ten results are, from 0 to 1: a relevant document counts more the higher it stands. The verdict rests on it.",
  "MRR@10":
    "One divided by the rank of the first relevant document, 0 if it is not among the first ten; the mean over queries.",
  "Recall@100": "The share of the relevant documents that are among the first hundred results.",
  interval:
    "A 95 % bootstrap interval: if other queries of the same kind had been asked, the mean would most likely lie in it. Short is sure.",
  RRF: "Reciprocal rank fusion with BM25: a document scores 1 / (60 + its rank) in each of the two lists (Cormack and others, 2009).",
  "z-scores":
    "Fusion with BM25 half and half: of each score the mean over all documents is taken away, and the rest divided by the standard deviation.",
  fusion:
    "One ranking of two: BM25’s and the encoder’s. By RRF the ranks are added up, by z-scores the scores, each set to the same scale.",
  "clean queries":
    "Training gives a query away if it shares a relevant document with a training query, or nearly repeats one: 7 of 10 words the same (Jaccard), punctuation counted. What is measured on the others, the clean ones, is not remembered.",
  "p-value":
    "From a paired randomisation test: how often a difference at least this large would come up if both systems were equally good.",
  Holm: "Of several tests one may come out by chance. Holm’s correction raises their p-values so that all of them together err one time in twenty at most (Holm, 1979).",
  "training pairs":
    "What is learned from: a query and its answer. Judged queries are best. Where there are few or none, titles and sentences of the documents stand in: each is to find the rest of its own document.",
  epoch: "One pass over all training queries.",
  "batch size": "How many queries are learned from in one step. More make steadier steps and need more memory.",
  side: "Queries alone: documents stay as they are, and so does an index of theirs. The run ends with two encoders, and takes far less work: documents are not encoded while it trains. With ADORE negatives and LambdaRank this is ADORE as its authors train.",
  "frozen layers":
    "The embeddings and so many of the lowest layers stay as they were: less to compute and to keep, and less is forgotten. 0: the embeddings alone.",
  LoRA: "Learns two thin matrices beside each large one, and leaves that as it is: a rank of 8 trains a few weights in a hundred. What they add counts alpha / rank times. It wants a learning rate some ten times higher, 2e-4 to 5e-4; where none is given, 2e-4. In the end they are added in: the encoder is as large as before.",
  dropout:
    "Sets this share of the numbers to zero in each training step, other ones each time, so that nothing relies on one of them. Fine-tuning for a few epochs often does without.",
  "token budget":
    "Batches end before their texts have more tokens than this, so that long texts make small batches, not large memory. The batch size still counts.",
  "gradient accumulation":
    "So many batches make one step: steadier steps at the memory of one batch. Passages of one batch are no negatives in another.",
  "tokens at once":
    "A batch with more tokens is encoded in parts, twice (GradCache): a large batch in little memory, with nearly the same result.",
  optimiser:
    "AdamW keeps two running means for every weight that trains. In 16 bits they take half the memory; rounding is random, so that nothing is lost on average.",
  precision:
    "In f16 the large matrix products of a training step multiply numbers of 16 bits and add up in 32, which some GPUs do faster; the result differs in its last digits. It needs a GPU that offers it (shader-f16): elsewhere training goes on in f32 and says so. Weights and all that is measured stay in 32 bits.",
  recomputing:
    "Keeps only what each layer starts from and computes the rest again when it is needed: much less memory, about a third more time.",
  "best on dev":
    "Queries of the dev split are searched now and then while the encoder trains, and before. The weights that did best (nDCG@10) are kept, not the last ones. Neither the training nor the test queries have a part in it.",
  patience: "So many looks in a row without a better one, and training ends: the best weights were before them.",
  "learning rate": "How far one step moves the weights. Too small learns nothing, too large forgets.",
  temperature:
    "τ: scores are divided by it before they are compared. Smaller makes the training care more about the nearest decoys.",
  "loss function":
    "What one step makes smaller. InfoNCE: how surprising the answer is among the passages. MarginMSE: how far the encoder’s margins are from the guide’s, times a factor. LambdaRank: pairs in the wrong order, weighted by the ranks they would exchange (as ADORE).",
  symmetric:
    "Half of the loss asks each answer for its query among the queries of the batch. It needs in-batch negatives.",
  hardness:
    "A negative’s share of the softmax grows with its score: α times the cosine is added, as a constant. 5 and 9 are usual.",
  "entropy term":
    "Keeps the encoder from telling written decoys by their origin: together they are to get no more and no less of the softmax than their number, and one as much as the other (CausalNeg). With one written decoy a query only the first acts.",
  GIST: "In each batch, passages that the guide scores above the answer (less the margin) are not used as negatives of that query: they may be answers that nobody marked.",
  Matryoshka:
    "The loss is taken on the first so many numbers of each vector, at each of these lengths, so that shortened vectors search well too. Search here uses whole vectors: name the full width as well.",
  "in-batch negatives":
    "The answers and decoys of the other queries in the batch count as negatives too: many more comparisons at no extra cost.",
  mix: "Hybrid gives every query its own share of synthetic and found negatives, as SyNeg does. Direct pools them over all queries. The other two use one kind alone, for comparison.",
  ratio:
    "How synthetic and found negatives are shared out. SyNeg reports about .7 without saying of what: these are the three readings that its text allows.",
  gate: "Leaves out negatives that score nearly as high as the answer by the guide: they may be answers that nobody marked.",
  guide:
    "The encoder that scores passages before training: for the gate, dense and SimANS negatives, GIST, and as MarginMSE’s teacher.",
  dense: "Passages whose vectors lie nearest to the query’s, by the guide.",
  SimANS:
    "Passages that score about as high as the answer, neither far better nor far worse, drawn with p ∝ exp(−a·(scale·(s − s⁺) ∓ b)²).",
  ANCE: "Searched again and again with the newest weights: what the encoder gets wrong now. Every search encodes the whole collection.",
  ADORE:
    "Searched at every step with the query as the encoder sees it at that step, in document vectors that stay as they were.",
  human: "Written by a person: under Decoys, Your own.",
  "topic batches":
    "Each batch takes queries of one cluster, so that the other queries’ passages are hard negatives too (TAS-B).",
  probes: "Looks at a fixed sample of rows during training: where the loss looks, how far decoys lie from the answer.",
  "gradient variance":
    "How much the gradient differs from batch to batch, measured once before training. 0 batches: not measured.",
  "loss mass":
    "The softmax of InfoNCE shares 100 % among answer and decoys. What a source gets beyond its share of the candidates is hard for the encoder.",
  margin:
    "Cosine with the answer less cosine with the decoy. Below zero the decoy scores higher: the encoder falls for it.",
  "source shortcut":
    "Whether a linear probe can tell written decoys from found ones by their vectors alone: .5 is chance, 1 always. If it can, the encoder may learn the origin instead of the answer.",
  "language model": "A model that writes text. Here it writes decoys: passages near the answer that do not answer.",
  "self-reflection":
    "The model first says what makes the answer the answer, drafts a near miss, and revises it, all in one answer (SyNeg).",
  attributes:
    "Domain, education level and length, drawn anew for each decoy so that they do not all sound alike (SyNeg).",
  "prompt recipe":
    "SyNeg asks for reflection, draft and revision. CausalNeg finds the boundary of the answer first, then rewrites a found passage so that it lies beyond it.",
  judge:
    "A language model that reads query, answer and passage and says whether the passage answers the query after all.",
  retries: "How often a useless answer is asked for again, each time with another seed.",
  "sampling temperature": "How freely the model chooses its words: 0 always takes the likeliest.",
  warmup: "The share of the steps over which the learning rate rises from zero.",
  "weight decay": "Pulls large weights gently towards zero in every step (AdamW).",
  clipping: "Shortens a gradient that is longer than this, so that one odd batch does no harm. 0 switches it off.",
  pooling: "How the vectors of a text's tokens become one: their mean, or that of the first token.",
  prefix: "Text that the encoder wants before every query or document, as it was trained with.",
  seed: "Start of every random choice. Same data, recipe and seed on the same machine: the same weights.",
  loss: "How surprised the encoder still is by the right answer (InfoNCE, in nats), or what another loss function gives. Lower is better, but only the results tell whether search got better.",
  "tokens/s": "Pieces of words read per second of training.",
  WebGPU: "The browser's way to compute on the graphics card.",
} as const;

export type GlossaryWord = keyof typeof glossary;
