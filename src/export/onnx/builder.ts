/** A graph as it grows: nodes in the order of their computation, and what they compute with beside the inputs. */
import { present } from "../../base/assert.ts";
import { size, type ParameterTable } from "../../encoder/parameters.ts";
import { elementTypes, type Attribute, type ElementType, type Graph, type Initializer } from "./proto.ts";
import type { Node, Value } from "./proto.ts";
import type { Later } from "./protobuf.ts";
import { computed, type Rows } from "./weights.ts";

/** How weights are stored and computed with; what goes in and out is the same in all. */
export type Precision = "f32" | "f16" | "int8";

/** A value's name in the graph. */
export type Name = string;

export interface Builder {
  readonly precision: Precision;
  /** Of what passes from layer to layer. */
  readonly number: "float32" | "float16";
  /** Adds a node of one output. */
  node(operator: string, inputs: readonly Name[], attributes?: Node["attributes"]): Name;
  /** Adds a node of `count` outputs. */
  nodes(count: number, operator: string, inputs: readonly Name[], attributes?: Node["attributes"]): readonly Name[];
  /** Gives `x` out of the graph under this name, in float32. */
  result(x: Name, name: Name): void;
  /** A value of the file. Asked for again by its name, it is the same. */
  initializer(name: Name, type: ElementType, shape: readonly number[], data: () => Later): Name;
  /** Whole numbers; a single one without dimensions. */
  integers(values: number | readonly number[]): Name;
  /** A number of the layers' type. */
  scalar(value: number): Name;
  /** A region of the weights; vectors are one row. */
  rows(region: string): Rows;
  graph(inputs: readonly Value[], outputs: readonly Value[]): Graph;
}

export interface Source {
  readonly table: ParameterTable;
  /** In the layout of `table`. */
  readonly weights: Float32Array<ArrayBuffer>;
}

const int64 = (values: readonly number[]): Later => ({
  length: 8 * values.length,
  make: () => [new Uint8Array(BigInt64Array.from(values, BigInt).buffer)],
});

/** A graph without nodes, of weights that are read when the file is made. */
export function createBuilder({ table, weights }: Source, precision: Precision): Builder {
  const nodes: Node[] = [];
  const initializers = new Map<Name, Initializer>();
  const number = precision === "f16" ? "float16" : "float32";

  const added = (
    count: number,
    operator: string,
    inputs: readonly Name[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ) => {
    const outputs = Array.from({ length: count }, (_, i) => `${operator}_${nodes.length}${i > 0 ? `_${i}` : ""}`);
    nodes.push({ operator, inputs, outputs, attributes });
    return outputs;
  };

  function initializer(name: Name, type: ElementType, shape: readonly number[], data: () => Later): Name {
    if (!initializers.has(name)) initializers.set(name, { name, type, shape, data: data() });
    return name;
  }

  return {
    precision,
    number,
    node: (operator, inputs, attributes) => present(added(1, operator, inputs, attributes)[0], operator),
    nodes: added,
    result(x, name) {
      nodes.push({ operator: "Cast", inputs: [x], outputs: [name], attributes: { to: elementTypes.float32 } });
    },
    initializer,
    integers(values) {
      const list = typeof values === "number" ? [values] : values;
      const shape = typeof values === "number" ? [] : [values.length];
      return initializer(`int64 ${JSON.stringify(values)}`, "int64", shape, () => int64(list));
    },
    scalar: (value) =>
      initializer(`${number} ${value}`, number, [], () => computed(1, () => Float32Array.of(value), number)),
    rows(region) {
      const { offset, shape } = present(table.regions[region], region);
      const columns = shape.at(-1) ?? 0;
      return { values: weights.subarray(offset, offset + size(shape)), rows: size(shape) / columns, columns };
    },
    graph: (inputs, outputs) => ({ name: "encoder", nodes, initializers: [...initializers.values()], inputs, outputs }),
  };
}
