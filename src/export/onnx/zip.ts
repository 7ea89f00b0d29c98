/** A folder with its ONNX models as one zip that is made while it is written. */
import type { EncoderFolder } from "../../domain/encoder.ts";
import { mediaTypes, type DataFile } from "../files/file.ts";
import { zipChunks } from "../files/zip.ts";
import type { OnnxFolder } from "./folder.ts";

/** The folder's files and the models, without compression: weights do not shrink. */
export const zippedModels = ({ name, files }: EncoderFolder, models: OnnxFolder["models"]): DataFile => ({
  name: `${name}.zip`,
  type: mediaTypes.zip,
  chunks: () =>
    zipChunks([
      ...Object.entries(files).map(([path, bytes]) => ({ path, compress: false, chunks: () => [bytes] })),
      ...models.map(({ path, file }) => ({ path, compress: false, chunks: () => file.chunks() })),
    ]),
});
