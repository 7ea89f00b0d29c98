/** Splits in the order of their use: train, dev, test, then any other. */
const order = ["train", "dev", "test"];

const place = (split: string): number => (order.indexOf(split) + order.length + 1) % (order.length + 1);

export const inOrder = <Value>(splits: Readonly<Record<string, Value>>): (readonly [split: string, value: Value])[] =>
  Object.entries(splits).toSorted(([a], [b]) => place(a) - place(b));
