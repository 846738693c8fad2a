// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { compileRecord } from "../src/block/record/compiled_record.ts";
import type { FieldType, RecordFields } from "../src/block/record/field_types.ts";
import { layoutOf } from "../src/block/record/record_layout.ts";
import { defineRecord, encoderOf } from "../src/block/record/record_schema.ts";
import { Tick } from "../src/block/record/schemas/tick.ts";
import { Window } from "../src/block/window.ts";
import { ArgumentError, FieldValueError, RecordSizeError } from "../src/errors.ts";
import { randomFields, randomValues } from "./support/random_records.ts";
import { Random } from "./support/random.ts";

const tick = { timestampNs: 1_700_000_000_123_456_789n, last: 1.5, bid: 1.25, ask: 1.75, volume: 12, symbol: "ES" };

/** Writes one value to a record of one field, alone and as an element, and reads it back. */
function roundTrip(type: FieldType, value: unknown): unknown {
  const schema = defineRecord(`Single_${type.replace(/\W/g, "_")}`, { value: type, list: `${type}[2]` as FieldType });
  const data = new Uint8Array(schema.size);
  schema.write(data, 0, { value, list: [value, value] } as never);
  const copy = schema.read(data) as Record<string, unknown>;
  assertEquals(copy.list, [copy.value, copy.value]);
  return copy.value;
}

/** Asserts that a value is refused, alone and as an element. */
function assertRefused(type: FieldType, value: unknown): void {
  const schema = defineRecord(`Refused_${type.replace(/\W/g, "_")}`, { value: type, list: `${type}[2]` as FieldType });
  const zero = type === "bool" ? false : 0;
  const data = new Uint8Array(schema.size);
  for (const values of [{ value, list: [zero, zero] }, { value: zero, list: [zero, value] }]) {
    const error = assertThrows(() => schema.write(data, 0, values as never), FieldValueError);
    assertMatch(
      error.message,
      new RegExp(`^Cannot write the field (value|list\\[1\\]) \\(${type}(\\[2\\])?\\) of a Refused`),
    );
  }
  assertEquals(data, new Uint8Array(schema.size));
}

const RANGES: Record<string, readonly [bigint, bigint]> = {
  i8: [-128n, 127n],
  i16: [-32768n, 32767n],
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  u8: [0n, 255n],
  u16: [0n, 65535n],
  u32: [0n, 2n ** 32n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

describe("RecordSchema.write", () => {
  for (const type of ["i8", "i16", "i32", "u8", "u16", "u32"] as const) {
    const [low, high] = RANGES[type]!.map(Number) as [number, number];
    test(`RecordSchema.write takes the whole range of ${type} and nothing else`, () => {
      for (const value of [low, high, 0, 1]) assertEquals(roundTrip(type, value), value);
      assertEquals(roundTrip(type, -0), 0);
      for (const value of [low - 1, high + 1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, 1e300]) {
        assertRefused(type, value);
      }
      for (const value of [1n, "1", true, null, undefined, {}, []]) assertRefused(type, value);
    });
  }

  for (const type of ["i64", "u64"] as const) {
    const [low, high] = RANGES[type]!;
    test(`RecordSchema.write takes the whole range of ${type} as bigint and safe integers as number`, () => {
      for (const value of [low, high, 0n, 1n, 2n ** 53n + 1n]) assertEquals(roundTrip(type, value), value);
      const safe = [0, -0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, ...(low < 0n ? [-1, -(2 ** 32), -(2 ** 53) + 1] : [])];
      for (const value of safe) assertEquals(roundTrip(type, value), BigInt(value));
      for (const value of [low - 1n, high + 1n, 2n ** 200n, 2 ** 53, 0.5, NaN, Infinity]) assertRefused(type, value);
      if (low === 0n) assertRefused(type, -1);
      for (const value of ["1", true, null, undefined, {}]) assertRefused(type, value);
    });
  }

  test("RecordSchema.write takes every number for f64 and what 32 bits can hold for f32", () => {
    for (const value of [0, -0, 1.5, NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE]) {
      assertEquals(roundTrip("f64", value), value);
    }
    for (const value of [0, -0, 1.5, NaN, Infinity, -Infinity, 3.4028234663852886e38]) {
      assertEquals(roundTrip("f32", value), value);
    }
    assertEquals(roundTrip("f32", 0.1), Math.fround(0.1));
    for (const value of [3.5e38, -3.5e38, Number.MAX_VALUE]) assertRefused("f32", value);
    for (const type of ["f32", "f64"] as const) {
      for (const value of [1n, "1", true, null, undefined]) assertRefused(type, value);
    }
  });

  test("RecordSchema.write takes booleans alone for bool", () => {
    assertEquals([roundTrip("bool", true), roundTrip("bool", false)], [true, false]);
    for (const value of [0, 1, "true", null, undefined, 1n]) assertRefused("bool", value);
  });

  test("RecordSchema.write reads any byte but 0 of a peer as true", () => {
    const schema = defineRecord("PeerBool", { flag: "bool" });
    for (const byte of [1, 2, 255]) assertEquals(schema.read(Uint8Array.of(byte)).flag, true);
  });

  test("RecordSchema.write takes texts that fit, to the last byte", () => {
    const schema = defineRecord("Text6", { before: "u8", text: "char[6]", after: "u8" });
    const data = new Uint8Array(schema.size);
    for (const text of ["", "a", "abcdef", "\u20ac\u20ac", "\u{1f600}ab", "\ufeffa", "\x7f\x01"]) {
      schema.write(data, 0, { before: 255, text: "xxxxxx", after: 255 });
      schema.write(data, 0, { before: 1, text, after: 2 });
      assertEquals(schema.read(data), { before: 1, text, after: 2 });
      const bytes = new TextEncoder().encode(text);
      assertEquals(data.slice(1, 7), Uint8Array.from({ length: 6 }, (_, i) => bytes[i] ?? 0));
    }
  });

  test("RecordSchema.write refuses texts that do not fit or would not come back", () => {
    const schema = defineRecord("Text6", { before: "u8", text: "char[6]", after: "u8" });
    const data = new Uint8Array(schema.size);
    for (
      const text of [
        "abcdefg",
        "\u20ac\u20acx",
        "a\0",
        "\0",
        "\ud800",
        "a\udc00b",
        5,
        null,
        undefined,
        ["a"],
        new String("a"),
      ]
    ) {
      assertThrows(() => schema.write(data, 0, { before: 1, text: text as string, after: 2 }), FieldValueError);
    }
    const error = assertThrows(
      () => schema.write(data, 0, { before: 1, text: "\u20ac\u20acx", after: 2 }),
      FieldValueError,
    );
    assertMatch(error.message, /the text has 7 bytes in UTF-8 \(value "€€x", limit 6\); shorten the text/);
    assertEquals(data, new Uint8Array(8));
  });

  test("RecordSchema.write takes arrays and typed arrays of exactly the length", () => {
    const schema = defineRecord("Arrays", { prices: "f64[3]", ids: "u64[2]", flags: "bool[2]" });
    const data = new Uint8Array(schema.size);
    schema.write(data, 0, { prices: Float64Array.of(1, 2, 3), ids: BigUint64Array.of(4n, 5n), flags: [true, false] });
    assertEquals(schema.read(data), { prices: [1, 2, 3], ids: [4n, 5n], flags: [true, false] });
    schema.write(data, 0, { prices: [4, 5, 6], ids: [7, 8n], flags: { length: 2, 0: false, 1: true } });
    assertEquals(schema.read(data), { prices: [4, 5, 6], ids: [7n, 8n], flags: [false, true] });
    const good = { prices: [1, 2, 3], ids: [1, 2], flags: [true, true] };
    for (const prices of [[1, 2], [1, 2, 3, 4], [], 5, "abc", null, undefined, [1, , 3]]) {
      assertThrows(() => schema.write(data, 0, { ...good, prices: prices as number[] }), FieldValueError);
    }
  });

  test("RecordSchema.write refuses missing and unknown fields and what is no object", () => {
    const data = new Uint8Array(Tick.size);
    for (const name of Object.keys(tick)) {
      const { [name as keyof typeof tick]: _, ...rest } = tick;
      const error = assertThrows(() => Tick.write(data, 0, rest as never), FieldValueError);
      assertMatch(error.message, new RegExp(`field ${name} .*its value is missing`));
    }
    const error = assertThrows(() => Tick.write(data, 0, { ...tick, lst: 1 } as never), FieldValueError);
    assertMatch(error.message, /it has no field of this name \(value "lst"\); use the fields timestampNs, last, /);
    for (const values of [null, undefined, 5, "tick", true]) {
      assertThrows(() => Tick.write(data, 0, values as never), FieldValueError);
    }
    assertEquals(data, new Uint8Array(Tick.size));
  });

  test("RecordSchema.write takes values from getters of a class", () => {
    class Priced {
      get bid() {
        return 1;
      }
      get ask() {
        return 2;
      }
    }
    const schema = defineRecord("FromGetters", { bid: "f64", ask: "f64" });
    const data = new Uint8Array(schema.size);
    schema.write(data, 0, new Priced());
    assertEquals(schema.read(data), { bid: 1, ask: 2 });
  });

  test("RecordSchema.write copies a record of the same schema", () => {
    const source = new Uint8Array(2 * Tick.size);
    Tick.write(source, Tick.size, tick);
    const target = new Uint8Array(Tick.size);
    Tick.write(target, 0, Tick.over(source).at(1));
    assertEquals(target, source.subarray(Tick.size));
  });

  test("RecordSchema.write places a record at any alignment and touches no other byte", () => {
    const data = new Uint8Array(Tick.size + 20).fill(0xaa);
    for (let at = 0; at <= 20; at++) {
      Tick.write(data, at, { ...tick, volume: at });
      assertEquals(Tick.read(data, at), { ...tick, volume: BigInt(at) });
      assertEquals(data.subarray(at + Tick.size), new Uint8Array(20 - at).fill(0xaa));
    }
  });

  test("RecordSchema.write and read refuse places outside the bytes", () => {
    const data = new Uint8Array(Tick.size + 1);
    for (const at of [2, -1, 0.5, NaN, Infinity, "0", null]) {
      assertThrows(() => Tick.write(data, at as number, tick), RecordSizeError);
      assertThrows(() => Tick.read(data, at as number), RecordSizeError);
    }
    for (const bytes of [[], null, undefined, new ArrayBuffer(100), new DataView(new ArrayBuffer(100))]) {
      assertThrows(() => Tick.write(bytes as never, 0, tick), ArgumentError);
      assertThrows(() => Tick.read(bytes as never, 0), ArgumentError);
    }
  });
});

describe("compileRecord", () => {
  test("compileRecord makes writers that fill padding with zeros and touch nothing past the record", () => {
    const schema = defineRecord("Padding", { a: "u8", b: "f64", c: "u16" });
    const window = Window.allocate(64);
    window.bytes.fill(0xff);
    encoderOf(schema)(window, 8, { a: 1, b: 0, c: 2 });
    const expected = new Uint8Array(64).fill(0xff);
    expected.fill(0, 8, 8 + schema.size);
    expected[8] = 1;
    expected[24] = 2;
    assertEquals(window.bytes, expected);
  });

  test("compileRecord makes writers and readers that agree on random records and values", () => {
    const random = new Random(6);
    let fields = 0;
    for (let i = 0; i < 300; i++) {
      const layout = layoutOf(`Trip${i}`, randomFields(random), i % 3 === 0);
      const { encode, createView } = compileRecord<RecordFields>(layout);
      const window = Window.allocate(8192);
      const written = Array.from({ length: 5 }, () => randomValues(random, layout.fields));
      written.forEach((values, at) => encode(window, 32 + at * layout.size, values));
      const view = createView();
      view.bind(window, 32, 5);
      assertEquals<unknown>(view.toArray(), written);
      for (const record of view) {
        const values = record.toObject() as Record<string, unknown>;
        for (const { name, element, length } of layout.fields) {
          const read = record as unknown as Record<string, number> & Record<string, (argument: unknown) => unknown>;
          if (length === 0 && (element === "i64" || element === "u64")) {
            assertEquals(read[`${name}Number`], Number(values[name]));
          }
          if (element === "char") {
            assert(read[`${name}Equals`]!(values[name]));
            assert(!read[`${name}Equals`]!(`${values[name]}x`));
          }
          fields++;
        }
      }
    }
    assert(fields > 5000);
  });
});

describe("RecordSchema.over", () => {
  test("RecordSchema.over reads bytes of any place", () => {
    const data = new Uint8Array(3 * Tick.size + 5);
    for (const begin of [0, 5]) {
      const records = data.subarray(begin, begin + 3 * Tick.size);
      for (let i = 0; i < 3; i++) Tick.write(records, i * Tick.size, { ...tick, volume: i });
      assertEquals([...Tick.over(records)].length, 3);
      assertEquals(Tick.over(records).toArray().map((each) => each.volume), [0n, 1n, 2n]);
    }
    assertEquals(Tick.over(new Uint8Array(0)).length, 0);
  });

  test("RecordSchema.over refuses a length that cuts a record", () => {
    const error = assertThrows(() => Tick.over(new Uint8Array(73)), RecordSizeError);
    assertEquals(error.value, 73);
    assertThrows(() => Tick.over([] as never), ArgumentError);
  });
});
