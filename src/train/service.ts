/** The encoder thread's stages over an engine: open, encode, train, measure the gradient, restore, export, close. */
import { assert } from "../base/assert.ts";
import { transfer } from "../base/channel.ts";
import { messageOf, UserError } from "../base/errors.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type { EncoderCard, EngineChoice, EngineInfo, EngineKind, Pooling } from "../domain/encoder.ts";
import type { Engine, Model } from "../domain/engine.ts";
import type { EncoderStages, ModelHandle, Progress } from "../domain/stages.ts";
import { openFolder, writeFolder, type OpenFolder } from "../encoder/folder.ts";
import type { Tokenize } from "./batch.ts";
import { encode } from "./encode.ts";
import { train } from "./train.ts";
import { gradientVariance } from "./variance.ts";

/** The recipe asks for a pooling that the encoder does not have. */
export class PoolingNotPossible extends UserError {
  override readonly name = "PoolingNotPossible";
}

/** The recipe asks for a loss on more dimensions than the encoder's vectors have. */
export class DimensionsNotPossible extends UserError {
  override readonly name = "DimensionsNotPossible";
}

/** How each engine is started; a factory throws where its engine cannot run. */
export type EngineFactories = Readonly<Record<EngineKind, () => Promise<Engine>>>;

interface Opened {
  readonly folder: OpenFolder;
  readonly engine: Engine;
  /** Weights outlive the engine's model, which is made anew when the recipe changes the pooling. */
  model: Model;
  pooling: Pooling;
}

const SOFTWARE_NOTE =
  "WebGPU is here only in software, where the CPU engine is several times faster, so the CPU engine is used. Choose WebGPU under Train to use it all the same.";

/** Starts the engine that was chosen; "auto" takes WebGPU where it runs on hardware, and says why where it does not. */
async function startEngine(
  choice: EngineChoice,
  factories: EngineFactories,
): Promise<{ readonly engine: Engine; readonly note: string }> {
  if (choice !== "auto") return { engine: await factories[choice](), note: "" };
  try {
    const engine = await factories.webgpu();
    if (!engine.info.device.includes("software")) return { engine, note: "" };
    engine.dispose();
    return { engine: await factories.cpu(), note: SOFTWARE_NOTE };
  } catch (error) {
    const note = `WebGPU could not be used, so the CPU engine is: slower, with the same results. ${messageOf(error)}`;
    return { engine: await factories.cpu(), note };
  }
}

function checkPooling({ name, shape }: EncoderCard, wanted: Pooling): void {
  if (shape.family !== "static" || wanted === "mean") return;
  throw new PoolingNotPossible(
    `The recipe asks for pooling "${wanted}", but ${name} is a static encoder: its vector is the mean of its tokens' vectors. ` +
      "Set pooling to mean or leave it to the encoder, or choose another encoder.",
  );
}

function checkDimensions({ name, shape }: EncoderCard, { dimensions = [] }: TrainingConfig): void {
  const wide = dimensions.filter((dimension) => dimension > shape.hidden);
  if (wide.length === 0) return;
  throw new DimensionsNotPossible(
    `The recipe asks for a loss on ${wide.join(", ")} dimensions, but the vectors of ${name} have ${shape.hidden}. ` +
      `Let no entry of "dimensions" be more than ${shape.hidden}, or choose another encoder.`,
  );
}

/** What is put before a text and how long it may be: the recipe's word, else the encoder's. */
function tokenizeFor({ card, tokenizer }: OpenFolder, config: TrainingConfig): Tokenize {
  const prefix = {
    query: config.queryPrefix ?? card.queryPrefix,
    document: config.documentPrefix ?? card.documentPrefix,
  };
  const most = {
    query: Math.min(config.maxQueryTokens, card.maxTokens),
    document: Math.min(config.maxDocumentTokens, card.maxTokens),
  };
  return (text, kind) => tokenizer.encode(prefix[kind] + text, most[kind]);
}

/** Remembers the ids of texts: every epoch asks for the same ones. */
function remembering(tokenize: Tokenize): Tokenize {
  const known = { query: new Map<string, readonly number[]>(), document: new Map<string, readonly number[]>() };
  return (text, kind) => {
    const found = known[kind].get(text);
    if (found) return found;
    const ids = tokenize(text, kind);
    known[kind].set(text, ids);
    return ids;
  };
}

/** Ids of many texts, with a report now and then so that a stop can arrive in between. */
async function* tokenizeAll(
  texts: readonly string[],
  kind: "query" | "document",
  tokenize: Tokenize,
): AsyncGenerator<Progress, number[][], void> {
  const ids: number[][] = [];
  for (const text of texts) {
    ids.push([...tokenize(text, kind)]);
    if (ids.length % 200 === 0) yield { done: 0, total: texts.length, unit: "texts" };
  }
  return ids;
}

class EncoderSession {
  readonly #factories: EngineFactories;
  readonly #engines = new Map<EngineChoice, Promise<{ readonly engine: Engine; readonly note: string }>>();
  readonly #opened = new Map<ModelHandle, Opened>();
  #last = 0;

  constructor(factories: EngineFactories) {
    this.#factories = factories;
  }

  async #engine(choice: EngineChoice): Promise<{ readonly engine: Engine; readonly info: EngineInfo }> {
    const starting = this.#engines.get(choice) ?? startEngine(choice, this.#factories);
    this.#engines.set(choice, starting);
    try {
      const { engine, note } = await starting;
      return { engine, info: { ...engine.info, note: note || engine.info.note } };
    } catch (error) {
      this.#engines.delete(choice);
      throw error;
    }
  }

  async open(folder: OpenFolder, choice: EngineChoice) {
    const { engine, info } = await this.#engine(choice);
    const { shape, pooling } = folder.card;
    const model = await engine.createModel({ shape, pooling, weights: folder.weights });
    const handle = ++this.#last;
    this.#opened.set(handle, { folder, engine, model, pooling });
    return { model: handle, card: folder.card, engine: info };
  }

  /** The open model, with the pooling that the recipe asks for. */
  async get(handle: ModelHandle, config?: TrainingConfig): Promise<Opened> {
    const opened = this.#opened.get(handle);
    assert(opened, `no model is open under ${handle}`);
    if (config) checkDimensions(opened.folder.card, config);
    const wanted = config?.pooling ?? opened.folder.card.pooling;
    checkPooling(opened.folder.card, wanted);
    if (wanted !== opened.pooling) await this.#replace(opened, await opened.model.weights(), wanted);
    return opened;
  }

  async restore(handle: ModelHandle, weights: Float32Array<ArrayBuffer>): Promise<void> {
    const opened = await this.get(handle);
    await this.#replace(opened, weights, opened.pooling);
  }

  async #replace(opened: Opened, weights: Float32Array<ArrayBuffer>, pooling: Pooling): Promise<void> {
    const { shape } = opened.model;
    opened.model.dispose();
    opened.model = await opened.engine.createModel({ shape, pooling, weights });
    opened.pooling = pooling;
  }

  close(handle: ModelHandle): void {
    this.#opened.get(handle)?.model.dispose();
    this.#opened.delete(handle);
  }

  /** After a lost device nothing that hangs on it can be used: the next `open` starts anew. */
  forget(engine: Engine): void {
    for (const [handle, opened] of this.#opened) if (opened.engine === engine) this.#opened.delete(handle);
    this.#engines.clear();
  }
}

/** Runs a stage of `opened`; if its device is lost on the way, forgets the engine. */
async function* guarded<Report, Output>(
  session: EncoderSession,
  opened: Opened,
  stage: AsyncGenerator<Report, Output, void>,
): AsyncGenerator<Report, Output, void> {
  try {
    return yield* stage;
  } catch (error) {
    if (error instanceof Error && error.name === "DeviceLost") session.forget(opened.engine);
    throw error;
  }
}

/** Stages over the engines that `factories` start. Engines are started when first asked for and kept. */
export function createEncoder(factories: EngineFactories): EncoderStages {
  const session = new EncoderSession(factories);
  return {
    async *open({ folder, engine }) {
      return await session.open(openFolder(folder), engine);
    },
    async *encode({ model, texts, kind, config }) {
      const opened = await session.get(model, config);
      const ids = yield* tokenizeAll(texts, kind, tokenizeFor(opened.folder, config));
      const vectors = yield* guarded(session, opened, encode(opened.model, ids));
      return transfer(vectors, [vectors.values.buffer]);
    },
    async *train({ model, data, config, resume, refresh, checkpointEvery }) {
      const opened = await session.get(model, config);
      const { engine } = opened;
      const stage = train(opened.model, {
        data,
        config,
        resume,
        refresh,
        checkpointEvery,
        tokenize: remembering(tokenizeFor(opened.folder, config)),
        ahead: engine.info.kind === "webgpu" ? 2 : 1,
        peakBytes: () => engine.peakBytes(),
      });
      return yield* guarded(session, opened, stage);
    },
    async *gradientVariance({ model, data, config, batches }) {
      const opened = await session.get(model, config);
      const tokenize = remembering(tokenizeFor(opened.folder, config));
      const stage = gradientVariance({ model: opened.model, tokenize, data, config, batches });
      return yield* guarded(session, opened, stage);
    },
    async *restore({ model, checkpoint }) {
      await session.restore(model, checkpoint.weights);
    },
    async *export({ model, config, readme }) {
      const { folder, model: trained, pooling } = await session.get(model, config);
      return writeFolder(folder, {
        weights: await trained.weights(),
        pooling,
        queryPrefix: config.queryPrefix ?? folder.card.queryPrefix,
        documentPrefix: config.documentPrefix ?? folder.card.documentPrefix,
        readme,
      });
    },
    async *close({ model }) {
      session.close(model);
    },
  };
}
