/**
 * The messages of an ONNX file, field by field as the specification numbers them (github.com/onnx/onnx, onnx/onnx.proto; the meaning
 * of ir_version and of operator sets is in docs/Versioning.md). Operators: docs/Operators.md, operator set 17.
 */
import { bytes, float, integer, message, nested, text, type Later, type Message } from "./protobuf.ts";

/** ONNX 1.12, of 2022: the first operator set with LayerNormalization, and the file version that goes with it. */
export const OPERATOR_SET = 17;
const IR_VERSION = 8;

/** TensorProto.DataType, as far as it is used. */
export const elementTypes = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof elementTypes;

export interface Initializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, row by row. */
  readonly data: Later;
}

export type Attribute = number | readonly number[] | { readonly float: number };

export interface Node {
  readonly operator: string;
  /** An input that is left out is "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output of the graph; a dimension that differs from call to call has a name. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** AttributeProto, its type by AttributeProto.AttributeType. */
function attribute(name: string, value: Attribute): Message {
  if (typeof value === "number") return message([text(1, name), integer(3, value), integer(20, 2)]);
  if ("float" in value) return message([text(1, name), float(2, value.float), integer(20, 1)]);
  return message([text(1, name), ...value.map((item) => integer(8, item)), integer(20, 7)]);
}

const node = ({ operator, inputs, outputs, attributes }: Node): Message =>
  message([
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, outputs[0] ?? ""),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => nested(5, attribute(name, value))),
  ]);

const tensor = ({ name, type, shape, data }: Initializer): Message =>
  message([...shape.map((n) => integer(1, n)), integer(2, elementTypes[type]), text(8, name), bytes(9, data)]);

/** ValueInfoProto of a TypeProto.Tensor. */
function value({ name, type, shape }: Value): Message {
  const dimensions = shape.map((n) => nested(1, typeof n === "number" ? integer(1, n) : text(2, n)));
  const tensorType = message([integer(1, elementTypes[type]), nested(2, message(dimensions))]);
  return message([text(1, name), nested(2, nested(1, tensorType))]);
}

const graph = ({ name, nodes, initializers, inputs, outputs }: Graph): Message =>
  message([
    ...nodes.map((each) => nested(1, node(each))),
    text(2, name),
    ...initializers.map((each) => nested(5, tensor(each))),
    ...inputs.map((each) => nested(11, value(each))),
    ...outputs.map((each) => nested(12, value(each))),
  ]);

/** ModelProto. */
export const model = (of: Graph): Message =>
  message([
    integer(1, IR_VERSION),
    text(2, "Decoy"),
    nested(7, graph(of)),
    nested(8, message([text(1, ""), integer(2, OPERATOR_SET)])),
  ]);
