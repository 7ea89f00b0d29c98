/**
 * The forms in which the products of a linear layer come, in two precisions. Those of one differ in how numbers get to where they
 * are multiplied, not in what is added to what in which order: all give the same bits on one device, so that a choice among them
 * changes nothing but time. Those in f16 round what they multiply (forward.f16.wgsl says how) and sum, read and write in f32.
 */
import type { Kernel } from "../../gpu/pass.ts";
import inputHalfCode from "./backward.input.f16.wgsl?raw";
import inputQuadsHalfCode from "./backward.input.quads.f16.wgsl?raw";
import inputQuadsCode from "./backward.input.quads.wgsl?raw";
import inputStagedHalfCode from "./backward.input.staged.f16.wgsl?raw";
import inputStagedCode from "./backward.input.staged.wgsl?raw";
import inputWideCode from "./backward.input.vec4.wgsl?raw";
import inputCode from "./backward.input.wgsl?raw";
import weightHalfCode from "./backward.weight.f16.wgsl?raw";
import weightQuadsHalfCode from "./backward.weight.quads.f16.wgsl?raw";
import weightQuadsCode from "./backward.weight.quads.wgsl?raw";
import weightStagedHalfCode from "./backward.weight.staged.f16.wgsl?raw";
import weightStagedCode from "./backward.weight.staged.wgsl?raw";
import weightWideCode from "./backward.weight.vec4.wgsl?raw";
import weightCode from "./backward.weight.wgsl?raw";
import forwardHalfCode from "./forward.f16.wgsl?raw";
import activatedHalfCode from "./forward.gelu.f16.wgsl?raw";
import activatedQuadsHalfCode from "./forward.gelu.quads.f16.wgsl?raw";
import activatedQuadsCode from "./forward.gelu.quads.wgsl?raw";
import activatedStagedHalfCode from "./forward.gelu.staged.f16.wgsl?raw";
import activatedStagedCode from "./forward.gelu.staged.wgsl?raw";
import activatedWideCode from "./forward.gelu.vec4.wgsl?raw";
import activatedCode from "./forward.gelu.wgsl?raw";
import forwardQuadsHalfCode from "./forward.quads.f16.wgsl?raw";
import forwardQuadsCode from "./forward.quads.wgsl?raw";
import forwardStagedHalfCode from "./forward.staged.f16.wgsl?raw";
import forwardStagedCode from "./forward.staged.wgsl?raw";
import forwardWideCode from "./forward.vec4.wgsl?raw";
import forwardCode from "./forward.wgsl?raw";

/** Changes with the kernels, so that a choice made among older ones is made anew. */
export const LINEAR_VERSION = 1;

/** y = x · weightᵀ, dx = dy · weight, dweight = dyᵀ · x. */
export type Product = "forward" | "input" | "weight";

/** Inputs and outputs of a linear layer: weight is (O, I). */
export interface LinearSize {
  readonly I: number;
  readonly O: number;
}

interface Kernels extends Readonly<Record<Product, Kernel>> {
  /** The forward pass that writes GELU of y besides. */
  readonly activated: Kernel;
}

/** For any sizes; one number at a time. */
const scalar: Kernels = {
  forward: { name: "linear/forward", code: forwardCode },
  activated: { name: "linear/forward.gelu", code: activatedCode },
  input: { name: "linear/backward.input", code: inputCode },
  weight: { name: "linear/backward.weight", code: weightCode },
};

/** Each thread on its own. Nearly twice as fast as one number at a time. */
const registers: Kernels = {
  forward: { name: "linear/forward.vec4", code: forwardWideCode },
  activated: { name: "linear/forward.gelu.vec4", code: activatedWideCode },
  input: { name: "linear/backward.input.vec4", code: inputWideCode },
  weight: { name: "linear/backward.weight.vec4", code: weightWideCode },
};

/** Four lanes share what they load. */
const quads: Kernels = {
  forward: { name: "linear/forward.quads", code: forwardQuadsCode },
  activated: { name: "linear/forward.gelu.quads", code: activatedQuadsCode },
  input: { name: "linear/backward.input.quads", code: inputQuadsCode },
  weight: { name: "linear/backward.weight.quads", code: weightQuadsCode },
};

/** A workgroup shares what it loads. */
const staged: Kernels = {
  forward: { name: "linear/forward.staged", code: forwardStagedCode },
  activated: { name: "linear/forward.gelu.staged", code: activatedStagedCode },
  input: { name: "linear/backward.input.staged", code: inputStagedCode },
  weight: { name: "linear/backward.weight.staged", code: weightStagedCode },
};

/** As {@link registers}, in f16. */
const halfRegisters: Kernels = {
  forward: { name: "linear/forward.f16", code: forwardHalfCode },
  activated: { name: "linear/forward.gelu.f16", code: activatedHalfCode },
  input: { name: "linear/backward.input.f16", code: inputHalfCode },
  weight: { name: "linear/backward.weight.f16", code: weightHalfCode },
};

/** As {@link quads}, in f16. */
const halfQuads: Kernels = {
  forward: { name: "linear/forward.quads.f16", code: forwardQuadsHalfCode },
  activated: { name: "linear/forward.gelu.quads.f16", code: activatedQuadsHalfCode },
  input: { name: "linear/backward.input.quads.f16", code: inputQuadsHalfCode },
  weight: { name: "linear/backward.weight.quads.f16", code: weightQuadsHalfCode },
};

/** As {@link staged}, in f16. */
const halfStaged: Kernels = {
  forward: { name: "linear/forward.staged.f16", code: forwardStagedHalfCode },
  activated: { name: "linear/forward.gelu.staged.f16", code: activatedStagedHalfCode },
  input: { name: "linear/backward.input.staged.f16", code: inputStagedHalfCode },
  weight: { name: "linear/backward.weight.staged.f16", code: weightStagedHalfCode },
};

interface Form {
  readonly kernels: Kernels;
  /** Values of the overrides that make the form. */
  readonly constants: Readonly<Record<string, number>>;
  /** Rows and columns of the result that a workgroup makes. */
  readonly rows: number;
  readonly columns: number;
  readonly needsSubgroups?: boolean;
  /** Multiplies in f16, and needs shader-f16. */
  readonly half?: boolean;
}

/** `tall` × `wide` elements a thread, down × across threads a workgroup. */
const inRegisters = (tall: number, wide: number, down: number, across: number): Form => ({
  kernels: registers,
  constants: { ROWS: tall, COLUMNS: wide, ACROSS: across, DOWN: down },
  rows: tall * down,
  columns: wide * across,
});

const inQuads = (down: number, across: number): Form => ({
  kernels: quads,
  constants: { ACROSS: across, DOWN: down },
  rows: 16 * down,
  columns: 16 * across,
  needsSubgroups: true,
});

const throughMemory = (down: number, across: number): Form => ({
  kernels: staged,
  constants: { ACROSS: across, DOWN: down },
  rows: 8 * down,
  columns: 8 * across,
});

const inHalf = (form: Form, kernels: Kernels): Form => ({ ...form, kernels, half: true });

/** Elements a thread, then rows × columns of the result a workgroup. */
const forms = {
  "8×8, 32×64": inRegisters(8, 8, 4, 8),
  "8×8, 64×32": inRegisters(8, 8, 8, 4),
  "8×8, 64×64": inRegisters(8, 8, 8, 8),
  "8×8, 256×8": inRegisters(8, 8, 32, 1),
  "4×8, 32×64": inRegisters(4, 8, 8, 8),
  "4×4, 32×32": inRegisters(4, 4, 8, 8),
  "quads, 32×64": inQuads(2, 4),
  "quads, 64×64": inQuads(4, 4),
  "staged, 64×64": throughMemory(8, 8),
  "staged, 128×128": throughMemory(16, 16),
  "f16 8×8, 32×64": inHalf(inRegisters(8, 8, 4, 8), halfRegisters),
  "f16 4×4, 32×32": inHalf(inRegisters(4, 4, 8, 8), halfRegisters),
  "f16 quads, 32×64": inHalf(inQuads(2, 4), halfQuads),
  "f16 quads, 64×64": inHalf(inQuads(4, 4), halfQuads),
  "f16 staged, 64×64": inHalf(throughMemory(8, 8), halfStaged),
  "f16 staged, 128×128": inHalf(throughMemory(16, 16), halfStaged),
} as const satisfies Readonly<Record<string, Form>>;

/** A form's name; choices are stored by it. */
export type Variant = keyof typeof forms;

const isVariant = (name: string): name is Variant => name in forms;

export const variantNames: readonly Variant[] = Object.keys(forms).filter(isVariant);

/** The form called `name`, if there is (still) one. */
export const variantOf = (name: string | undefined): Variant | undefined =>
  name !== undefined && isVariant(name) ? name : undefined;

/** How a device multiplies best. */
export interface LinearPlan {
  /** The form that a product of a size takes; undefined is the default. */
  readonly variant: (product: Product, size: LinearSize) => Variant | undefined;
  /** Whether the default is in f16. */
  readonly half?: boolean | undefined;
  /**
   * Most shares of the tokens that the gradient of a weight is summed in. It changes the order of the sum, so it may depend on
   * what kind of device it is, not on how fast it was found to be.
   */
  readonly mostParts?: number | undefined;
}

/** Whether a size has more than one form. */
export const hasVariants = ({ I, O }: LinearSize): boolean => I % 4 === 0 && O % 4 === 0;

/** What there is to choose among. */
interface Choosable {
  readonly subgroups: boolean;
  /** In f16, which the device must have; else in f32. */
  readonly half?: boolean | undefined;
}

/** The forms of a precision that a device can run. */
export const variantsOn = ({ subgroups, half = false }: Choosable): readonly Variant[] =>
  variantNames.filter((name) => {
    const form: Form = forms[name];
    return (form.half ?? false) === half && (subgroups || form.needsSubgroups !== true);
  });

/** Where nothing is chosen: a thread on its own, which does well everywhere and best on few devices. */
export const DEFAULT_VARIANT: Variant = "8×8, 32×64";
export const DEFAULT_HALF: Variant = "f16 8×8, 32×64";

export const defaultVariant = (half: boolean | undefined): Variant => (half ? DEFAULT_HALF : DEFAULT_VARIANT);

/**
 * Where nothing can be measured: software spends most of the time on loading, and quads load half as much; in f16 they take it long to
 * compile. A matrix of few columns (LoRA's) would leave most of a quad idle. Software has few threads to keep busy, so few parts do.
 */
export const softwarePlan = ({ subgroups, half = false }: Choosable): LinearPlan => ({
  variant: (product, { I, O }) =>
    subgroups && !half && (product === "forward" ? O : I) > 8 ? "quads, 32×64" : undefined,
  half,
  mostParts: 4,
});

const onlyForm: Form = { ...inRegisters(8, 8, 4, 8), kernels: scalar, constants: {} };

/** The form of a product: the one chosen, or the default; one number at a time, in f32, where the sizes are no multiples of four. */
export const formOf = (product: Product, size: LinearSize, plan: LinearPlan | undefined): Form =>
  hasVariants(size) ? forms[plan?.variant(product, size) ?? defaultVariant(plan?.half)] : onlyForm;
