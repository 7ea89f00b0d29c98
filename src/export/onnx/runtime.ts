/**
 * ONNX Runtime in WebAssembly on one thread, loaded when it is first asked for. Its program lies beside its code in our build, not on
 * another host. WebAssembly's memory never shrinks: a large model is best checked in a thread that ends.
 */
type Library = typeof import("onnxruntime-web/wasm");

/** Numbers (rows, columns), such as token ids; all inputs of a model have the same rows and columns. */
export interface Feeds {
  readonly rows: number;
  readonly columns: number;
  readonly inputs: Readonly<Record<string, BigInt64Array<ArrayBuffer>>>;
}

export interface Session {
  /** The numbers of one output, of float32. */
  run(feeds: Feeds, output: string): Promise<Float32Array>;
  release(): Promise<void>;
}

async function library(): Promise<Library> {
  const loaded = await import("onnxruntime-web/wasm");
  loaded.env.wasm.numThreads = 1;
  loaded.env.logLevel = "error";
  return loaded;
}

/** Opens a model. What the runtime says of one that it cannot open or run is thrown as it is. */
export async function openSession(model: Uint8Array): Promise<Session> {
  const { InferenceSession, Tensor } = await library();
  const session = await InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  return {
    async run({ rows, columns, inputs }, output) {
      const tensors = Object.entries(inputs).map(
        ([name, values]) => [name, new Tensor("int64", values, [rows, columns])] as const,
      );
      const found = (await session.run(Object.fromEntries(tensors), [output]))[output];
      if (!(found?.data instanceof Float32Array)) throw new Error(`no ${output} of 32-bit floats came out`);
      return found.data;
    },
    release: () => session.release(),
  };
}
