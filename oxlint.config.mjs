import { defineConfig } from "oxlint";

/** Layers, lowest first, each with the layers it may import. ARCHITECTURE.md explains them; test/base/layers.test.ts feeds them a violation. */
const layers = {
  base: [],
  domain: ["base"],
  text: ["base", "domain"],
  gpu: ["base"],
  kernels: ["base", "gpu"],
  data: ["base", "domain", "text"],
  storage: ["base", "domain"],
  hub: ["base", "domain"],
  offline: ["base", "domain"],
  retrieval: ["base", "domain", "text", "gpu", "kernels"],
  negatives: ["base", "domain", "text", "retrieval"],
  synthesis: ["base", "domain", "text"],
  encoder: ["base", "domain", "gpu", "kernels", "text"],
  train: ["base", "domain", "encoder", "data", "negatives", "retrieval", "kernels", "gpu"],
  pipeline: ["base", "domain", "data", "negatives"],
  export: ["base", "domain", "encoder"],
  app: ["base", "domain", "pipeline", "data", "storage", "export", "hub", "offline"],
  ui: ["base", "domain", "app"],
};

/** What no file under src may import: threads are named by their URL, never imported, and nothing depends on tests or tools. */
const outside = ["**/workers/**", "**/test/**", "**/experiments/**", "**/tools/**", "**/bench/**"];

const layering = ([layer, allowed]) => ({
  files: [`**/src/${layer}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: [
              ...Object.keys(layers)
                .filter((other) => other !== layer && !allowed.includes(other))
                .flatMap((other) => [`../${other}/**`, `../../${other}/**`, `../../../${other}/**`]),
              ...outside,
            ],
            message: `${layer} may import only ${allowed.join(", ") || "itself"}.`,
          },
        ],
      },
    ],
  },
});

export default defineConfig({
  plugins: ["eslint", "typescript", "import", "unicorn", "oxc"],
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: ["dist/**", "out/**"],
  rules: {
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "import/no-unassigned-import": ["error", { allow: ["**/*.css", "fake-indexeddb/auto"] }],
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    // A stage is an async generator even where it has nothing to report.
    "eslint/require-yield": "off",
    // `_id` is BEIR's name for it.
    "eslint/no-underscore-dangle": "off",
    // Sorting an array that the function made itself is clear, and quicker than a copy.
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
    "import/no-named-as-default-member": "off",
    "unicorn/no-new-array": "off",
    // A reader's caller names the type that was stored.
    "typescript/no-unnecessary-type-parameters": "off",
    "typescript/no-unnecessary-type-arguments": "off",
    // Module workers have no origin to name.
    "unicorn/require-post-message-target-origin": "off",
    // Contracts are objects of functions that never use `this`; taking one out of its object is safe.
    "typescript/unbound-method": "off",
    "unicorn/consistent-function-scoping": "off",
    // Short functions: an inner name that hides an outer one is read where it is declared.
    "eslint/no-shadow": "off",
    // Rows, files and answers are read one after another on purpose: order and memory depend on it.
    "eslint/no-await-in-loop": "off",
    "eslint/max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
    "eslint/max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
    "eslint/max-params": ["error", { max: 4 }],
    "eslint/complexity": ["error", { max: 12 }],
  },
  overrides: [
    ...Object.entries(layers).map(layering),
    {
      files: ["*.config.*", "vite.config.ts", ".size-limit.js", "test/**/*.config.ts"],
      rules: { "import/no-default-export": "off" },
    },
    {
      files: ["test/**"],
      rules: {
        "eslint/max-lines-per-function": "off",
        // Fixtures are read with JSON.parse; stubs stand where a whole object would be.
        "typescript/no-unsafe-type-assertion": "off",
      },
    },
    // Where bytes and messages become types.
    { files: ["**/src/base/**", "**/src/domain/ids.ts"], rules: { "typescript/no-unsafe-type-assertion": "off" } },
  ],
});
