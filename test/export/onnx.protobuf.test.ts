import { expect, test } from "vitest";
import {
  bytes,
  chunks,
  float,
  integer,
  message,
  nested,
  text,
  type Later,
  type Message,
} from "../../src/export/onnx/protobuf.ts";

const hex = (of: Message): string => [...chunks(of)].map((chunk) => Buffer.from(chunk).toString("hex")).join("");

test("fields are those of the examples in the description of the encoding", () => {
  expect(hex(integer(1, 150))).toBe("089601");
  expect(hex(text(2, "testing"))).toBe("120774657374696e67");
  expect(hex(nested(3, integer(1, 150)))).toBe("1a03089601");
  expect(hex(integer(1, -2))).toBe("08feffffffffffffffff01");
  expect(hex(float(2, 1))).toBe("150000803f");
  expect(hex(integer(20, 2 ** 40))).toBe("a001808080808020");
});

test("bytes that come later are asked for only when the file is written, and each time anew", () => {
  let made = 0;
  const later: Later = {
    length: 3,
    *make() {
      made++;
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    },
  };
  const content = nested(7, message([text(2, "a"), bytes(9, later), integer(1, 5)]));
  expect(content.length).toBe(12);
  expect(made).toBe(0);
  expect(hex(content)).toBe(["3a0a", "120161", "4a03", "010203", "0805"].join(""));
  // What lies between them is one piece, not one a field.
  expect([...chunks(content)].map(({ length }) => length)).toEqual([7, 2, 1, 2]);
  expect(made).toBe(2);
});
