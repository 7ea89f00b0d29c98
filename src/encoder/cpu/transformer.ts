/** BERT on jax-js: texts in chunks, forward, loss, backward. */
import type { Pooling } from "../../domain/encoder.ts";
import type { ContrastiveBatch, PackedTexts } from "../../domain/engine.ts";
import { arrange, type Chunk } from "./arrange.ts";
import type { Jax } from "./backend.ts";
import { backward, compile, discard, forward, forwardBytes, infer, largestChunk, upload } from "./encoder.ts";
import type { Forward, Layout, Programs, Uploaded } from "./encoder.ts";
import { infoNce } from "./infonce.ts";
import type { Arena, Network, Target } from "./network.ts";
import { pool, poolBackward } from "./tokens.ts";

interface TransformerOptions {
  readonly layout: Layout;
  readonly pooling: Pooling;
  /** Bytes of activations kept from a step's forward pass; chunks beyond that are run forward a second time. */
  readonly keptBytes: number;
}

/** Holds compiled programs, and the weights as jax-js has them, until they change. */
export class Transformer implements Network {
  readonly #jax: Jax;
  readonly #options: TransformerOptions;
  readonly #programs: Programs;
  #uploaded: Uploaded | undefined;

  constructor(jax: Jax, options: TransformerOptions) {
    this.#jax = jax;
    this.#options = options;
    this.#programs = compile(jax, options.layout.shape);
  }

  async embed(weights: Arena, texts: PackedTexts): Promise<Arena> {
    const { layout, pooling } = this.#options;
    const embeddings = this.#emptyEmbeddings(texts);
    for (const chunk of arrange(texts, largestChunk(layout.shape))) {
      const y = await infer(this.#programs, this.#input(weights, texts), chunk);
      pool({ y, chunk }, pooling, embeddings, layout.shape.hidden);
    }
    return embeddings;
  }

  async differentiate(weights: Arena, batch: ContrastiveBatch, { temperature, gradient }: Target): Promise<number> {
    const { layout, pooling, keptBytes } = this.#options;
    const { hidden } = layout.shape;
    const input = this.#input(weights, batch.texts);
    const embeddings = this.#emptyEmbeddings(batch.texts);
    const passes: (Forward | Chunk)[] = [];
    let kept = 0;
    for (const chunk of arrange(batch.texts, largestChunk(layout.shape))) {
      kept += forwardBytes(layout, chunk);
      const pass = kept <= keptBytes ? await forward(this.#programs, input, chunk) : undefined;
      const y = pass ? pass.y : await infer(this.#programs, input, chunk);
      pool({ y, chunk }, pooling, embeddings, hidden);
      passes.push(pass ?? chunk);
    }
    const { loss, dEmbeddings } = infoNce(embeddings, hidden, batch, temperature);
    for (const waiting of passes) {
      const pass = "saved" in waiting ? waiting : await forward(this.#programs, input, waiting);
      const dy = poolBackward(pass, pooling, dEmbeddings, hidden);
      await backward(this.#programs, input, pass, { dy, gradient });
    }
    return loss;
  }

  weightsChanged(): void {
    if (this.#uploaded) discard(this.#jax, this.#uploaded);
    this.#uploaded = undefined;
  }

  dispose(): void {
    this.weightsChanged();
    this.#programs.dispose();
  }

  #input(weights: Arena, texts: PackedTexts) {
    const { layout } = this.#options;
    this.#uploaded ??= upload(this.#jax, weights, layout);
    return { weights, layout, uploaded: this.#uploaded, texts };
  }

  #emptyEmbeddings({ cuSeqlens }: PackedTexts): Arena {
    return new Float32Array((cuSeqlens.length - 1) * this.#options.layout.shape.hidden);
  }
}
