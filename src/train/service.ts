/** The encoder thread's stages over an engine: open, encode, train, measure the gradient, restore, export, close. */
import { assert } from "../base/assert.ts";
import { transfer } from "../base/channel.ts";
import { messageOf, UserError } from "../base/errors.ts";
import type { TrainingConfig } from "../domain/config.ts";
import type {
  EncoderCard,
  EncoderFiles,
  EngineChoice,
  EngineInfo,
  EngineKind,
  Pooling,
  Vectors,
} from "../domain/encoder.ts";
import type { Engine, Model } from "../domain/engine.ts";
import { largestStep } from "../domain/stepSize.ts";
import type { EncoderStages, ModelHandle, Progress } from "../domain/stages.ts";
import type { Checkpoint } from "../domain/training.ts";
import { openFiles, readWeights, writeFolder, type FolderContents } from "../encoder/folder.ts";
import { trainedTable, withTrained } from "../encoder/trained.ts";
import { encode } from "./encode.ts";
import { trainerSettings, tuningOf } from "./settings.ts";
import { twoSides } from "./sides.ts";
import { remembering, tokenizeAll, tokenizeFor } from "./tokenize.ts";
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
  readonly folder: FolderContents;
  /** Read again where its weights are wanted as they were: no copy of them waits beside the model's. */
  readonly files: EncoderFiles;
  readonly engine: Engine;
  /** Weights outlive the engine's model, which is made anew when the recipe changes the pooling. */
  model: Model;
  pooling: Pooling;
  /** Whether its weights are others than the folder's. */
  changed: boolean;
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

/** The pooling that the recipe asks of the encoder. Errors: what it cannot have; NothingTrains before an hour of work, not after it. */
function checkedPooling(card: EncoderCard, config: TrainingConfig | undefined): Pooling {
  if (config) {
    checkDimensions(card, config);
    trainedTable(card.shape, tuningOf(config));
  }
  const wanted = config?.pooling ?? card.pooling;
  checkPooling(card, wanted);
  return wanted;
}

class EncoderSession {
  readonly #factories: EngineFactories;
  readonly #engines = new Map<EngineChoice, Promise<{ readonly engine: Engine; readonly note: string }>>();
  readonly #opened = new Map<ModelHandle, Opened>();
  #last = 0;

  constructor(factories: EngineFactories) {
    this.#factories = factories;
  }

  async engine(choice: EngineChoice): Promise<{ readonly engine: Engine; readonly info: EngineInfo }> {
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

  async open(files: EncoderFiles, choice: EngineChoice) {
    const { weights, ...folder } = await openFiles(files);
    const { engine, info } = await this.engine(choice);
    const { shape, pooling } = folder.card;
    const model = await engine.createModel({ shape, pooling, weights, given: true });
    const handle = ++this.#last;
    this.#opened.set(handle, { folder, files, engine, model, pooling, changed: false });
    return { model: handle, card: folder.card, engine: info };
  }

  /** The open model, with the pooling that the recipe asks for. */
  async get(handle: ModelHandle, config?: TrainingConfig): Promise<Opened> {
    const opened = this.#opened.get(handle);
    assert(opened, `no model is open under ${handle}`);
    const wanted = checkedPooling(opened.folder.card, config);
    if (wanted !== opened.pooling) await this.#replace(opened, await opened.model.weights(), wanted);
    return opened;
  }

  async restore(handle: ModelHandle, checkpoint: Checkpoint): Promise<void> {
    const opened = await this.get(handle);
    const { folder, files } = opened;
    opened.changed = true;
    const weights = await readWeights(folder, files);
    await this.#replace(opened, withTrained(folder.card.shape, weights, checkpoint), opened.pooling);
  }

  /** The open model with the weights of its folder, which training changes from here on. */
  async toTrain(handle: ModelHandle, config: TrainingConfig): Promise<Opened> {
    const opened = await this.get(handle, config);
    if (opened.changed) await this.#replace(opened, await readWeights(opened.folder, opened.files), opened.pooling);
    opened.changed = true;
    return opened;
  }

  async #replace(opened: Opened, weights: Float32Array<ArrayBuffer>, pooling: Pooling): Promise<void> {
    const { shape } = opened.model;
    opened.model.dispose();
    opened.model = await opened.engine.createModel({ shape, pooling, weights, given: true });
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

/** Batches and steps that are handed over before the first is waited for: enough to keep a GPU busy. */
const aheadOf = ({ info }: Engine): number => (info.kind === "webgpu" ? 2 : 1);

/** With the weights of now; `asOpened`: with those of the folder, in a second model if need be. */
async function* read(
  { model, engine, folder, files, pooling, changed }: Opened,
  ids: readonly (readonly number[])[],
  asOpened: boolean,
): AsyncGenerator<Progress, Vectors, void> {
  const ahead = aheadOf(engine);
  if (!asOpened || !changed) return yield* encode(model, ids, ahead);
  const weights = await readWeights(folder, files);
  const first = await engine.createModel({ shape: model.shape, pooling, weights, given: true });
  try {
    return yield* encode(first, ids, ahead);
  } finally {
    first.dispose();
  }
}

/** Stages over the engines that `factories` start. Engines are started when first asked for and kept. */
export function createEncoder(factories: EngineFactories): EncoderStages {
  const session = new EncoderSession(factories);
  return {
    async *open({ folder, engine }) {
      return await session.open(folder, engine);
    },
    async *encode({ model, texts, kind, config }) {
      const opened = await session.get(model, config);
      const ids = yield* tokenizeAll(texts, kind, tokenizeFor(opened.folder, config));
      const asOpened = kind === "document" && config.side === "queries";
      const vectors = yield* guarded(session, opened, read(opened, ids, asOpened));
      return transfer(vectors, [vectors.values.buffer]);
    },
    async *predict({ card, engine: choice, config }) {
      const pooling = checkedPooling(card, config);
      const { engine, info } = await session.engine(choice);
      const planned = { shape: card.shape, pooling, settings: trainerSettings(config) };
      return { memory: engine.predict({ ...planned, largest: largestStep(config, card) }), engine: info };
    },
    async *train({ model, config, ...given }) {
      const opened = await session.toTrain(model, config);
      const { engine } = opened;
      const stage = train(opened.model, {
        ...given,
        config,
        tokenize: remembering(tokenizeFor(opened.folder, config)),
        ahead: aheadOf(engine),
        peakBytes: () => engine.peakBytes(),
      });
      const outcome = yield* guarded(session, opened, stage);
      // What is measured from here on is what a checkpoint restores and a folder holds, bit for bit.
      if (outcome.checkpoint.tuning) await session.restore(model, outcome.checkpoint);
      return outcome;
    },
    async *gradientVariance({ model, config, ...given }) {
      const opened = await session.get(model, config);
      const tokenize = remembering(tokenizeFor(opened.folder, config));
      const stage = gradientVariance({ model: opened.model, tokenize, config, ...given });
      return yield* guarded(session, opened, stage);
    },
    async *restore({ model, checkpoint }) {
      await session.restore(model, checkpoint);
    },
    async *export({ model, config, readme, precision = "f32" }) {
      const { folder, files, model: trained, pooling } = await session.get(model, config);
      const changes = {
        pooling,
        queryPrefix: config.queryPrefix ?? folder.card.queryPrefix,
        documentPrefix: config.documentPrefix ?? folder.card.documentPrefix,
        precision,
      };
      const written = writeFolder(folder, { ...changes, weights: await trained.weights(), readme });
      if (config.side !== "queries") return written;
      const weights = await readWeights(folder, files);
      return twoSides(written, writeFolder(folder, { ...changes, weights }), readme);
    },
    async *close({ model }) {
      session.close(model);
    },
  };
}
