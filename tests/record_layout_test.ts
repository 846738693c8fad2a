// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { MarketDataType } from "../src/block/market_data_type.ts";
import type { RecordFields } from "../src/block/record/field_types.ts";
import { layoutOf, type RecordLayout } from "../src/block/record/record_layout.ts";
import { defineRecord } from "../src/block/record/record_schema.ts";
import { schemaIdOf } from "../src/block/record/schema_id.ts";
import { Bar } from "../src/block/record/schemas/bar.ts";
import { OrderBook } from "../src/block/record/schemas/order_book.ts";
import { Tick } from "../src/block/record/schemas/tick.ts";
import { Trade } from "../src/block/record/schemas/trade.ts";
import { SchemaCollisionError, SchemaError } from "../src/errors.ts";
import { runC } from "./support/c_compiler.ts";
import { randomFields } from "./support/random_records.ts";
import { Random } from "./support/random.ts";

const C_TYPES: Record<string, string> = {
  i8: "int8_t",
  i16: "int16_t",
  i32: "int32_t",
  i64: "int64_t",
  u8: "uint8_t",
  u16: "uint16_t",
  u32: "uint32_t",
  u64: "uint64_t",
  f32: "float",
  f64: "double",
  bool: "bool",
  char: "char",
};

/** Code of the C struct with the same fields. */
function structOf(schema: Omit<RecordLayout, "text">, pack: boolean): string {
  const members = schema.fields.map(({ name, element, length }) => {
    return `${C_TYPES[element]} ${name}${length > 0 ? `[${length}]` : ""};`;
  });
  return `struct ${pack ? "__attribute__((packed)) " : ""}${schema.name} { ${members.join(" ")} };`;
}

/** Code that prints what the compiler made of the struct. */
function printOf(schema: Omit<RecordLayout, "text">): string {
  const struct = `struct ${schema.name}`;
  const numbers = schema.fields.flatMap(({ name }) => [
    `offsetof(${struct}, ${name})`,
    `sizeof(((${struct} *)0)->${name})`,
  ]);
  return [`sizeof(${struct})`, `_Alignof(${struct})`, ...numbers].map((code) => `printf("%zu ", ${code});`).join(" ") +
    `puts("");`;
}

function numbersOf(schema: Omit<RecordLayout, "text">): number[] {
  return [schema.size, schema.alignment, ...schema.fields.flatMap((field) => [field.offset, field.size])];
}

describe("defineRecord", () => {
  test("defineRecord lays out random records as the C compiler does, with and without packing", () => {
    const random = new Random(5);
    const schemas: [Omit<RecordLayout, "text">, boolean][] = [[Tick, false], [Bar, false], [OrderBook, false], [
      Trade,
      false,
    ]];
    for (let i = 0; i < 200; i++) {
      const pack = i % 2 === 1;
      schemas.push([layoutOf(`Random${i}`, randomFields(random), pack), pack]);
    }
    const printed = runC(`#include <stdbool.h>
      #include <stddef.h>
      #include <stdint.h>
      #include <stdio.h>
      ${schemas.map(([schema, pack]) => structOf(schema, pack)).join("\n")}
      int main(void) { ${schemas.map(([schema]) => printOf(schema)).join("\n")} return 0; }`);
    assertEquals(printed.length, schemas.length);
    printed.forEach((line, i) => {
      const [schema] = schemas[i]!;
      assertEquals(line.trim().split(" ").map(Number), numbersOf(schema), schema.name);
    });
  });

  test("defineRecord gives the ready records their sizes and data types", () => {
    assertEquals([Tick, Bar, OrderBook, Trade].map((schema) => schema.size), [72, 88, 360, 64]);
    assertEquals([Tick, Bar, OrderBook, Trade].map((schema) => schema.dataType), [0, 1, 3, 4]);
    assertEquals(defineRecord("OfMyOwn", { a: "u8" }).dataType, MarketDataType.Unknown);
  });

  test("defineRecord tells name, type, offset and size of each field", () => {
    assertEquals({ ...Tick.fields[5]! }, {
      name: "symbol",
      type: "char[32]",
      offset: 40,
      size: 32,
      element: "char",
      length: 32,
    });
    assertEquals(Tick.fields.map((field) => field.name), ["timestampNs", "last", "bid", "ask", "volume", "symbol"]);
  });

  test("defineRecord again with the same definition is the same schema", () => {
    const fields = { a: "f64", b: "u32" } as const;
    const first = defineRecord("Again", fields);
    assertEquals(defineRecord("Again", { ...fields }), first);
    const typed = defineRecord("Again", fields, { dataType: MarketDataType.Kline });
    assertEquals([typed.id, typed.dataType], [first.id, MarketDataType.Kline]);
  });

  test("defineRecord takes a record as large as the data of a block, and none larger", () => {
    assertEquals(defineRecord("Largest", { data: "u8[8160]" }).size, 8160);
    const error = assertThrows(() => defineRecord("TooLarge", { data: "u8[8161]" }), SchemaError);
    assertEquals([error.value, error.limit], [8161, 8160]);
    assertThrows(() => defineRecord("Padded", { a: "f64[1019]", b: "u8[9]" }), SchemaError);
  });

  test("defineRecord refuses types that are none", () => {
    const types = ["", "int", "char", "i128", "u8[0]", "u8[-1]", "u8[1.5]", "char[]", "f64[10][2]", " f64", "f64[01]"];
    for (const type of [...types, "f64 ", "char[99999]", 8, null, undefined, {}]) {
      assertThrows(() => defineRecord("BadType", { a: type } as never), SchemaError, undefined, String(type));
    }
  });

  test("defineRecord refuses names that are none or are taken", () => {
    const names = [
      "",
      "1a",
      "a-b",
      "a b",
      "a.b",
      "\u00e9",
      "a\0",
      "x".repeat(65),
      "constructor",
      "toString",
      "valueOf",
    ];
    for (const name of [...names, "hasOwnProperty", "__defineGetter__", "toObject", "prototype"]) {
      assertThrows(() => defineRecord("BadField", { [name]: "u8" }), SchemaError, undefined, name);
      assertThrows(() => defineRecord(name, { a: "u8" }), SchemaError, undefined, name);
    }
    const own = JSON.parse('{"__proto__": "u8"}') as RecordFields;
    assertThrows(() => defineRecord("BadField", own), SchemaError);
    for (const name of [5, null, undefined, {}]) {
      assertThrows(() => defineRecord(name as never, { a: "u8" }), SchemaError);
    }
  });

  test("defineRecord takes names that are words of JavaScript or C", () => {
    const words = {
      class: "u8",
      get: "i64",
      static: "f64[2]",
      async: "char[4]",
      long: "f32",
      w: "u8",
      o: "u8",
      at: "u16",
    };
    const schema = defineRecord("Words", words as { [K in keyof typeof words]: "u8" });
    const values = { class: 1, get: 2n, static: [1, 2], async: "ab", long: 1.5, w: 3, o: 4, at: 5 };
    const data = new Uint8Array(schema.size);
    schema.write(data, 0, values as never);
    assertEquals<unknown>(schema.read(data), values);
  });

  test("defineRecord refuses two getters of one name", () => {
    const clashes: RecordFields[] = [
      { volume: "u64", volumeNumber: "f64" },
      { volumeNumber: "f64", volume: "i64" },
      { timeNs: "i64", timeMs: "f64" },
      { symbol: "char[4]", symbolEquals: "u8" },
      { symbol: "char[4]", symbolWord: "u8" },
      { a: "u64", aNumber: "u64", aNumberNumber: "u8" },
    ];
    for (const fields of clashes) {
      const error = assertThrows(() => defineRecord("Clash", fields), SchemaError);
      assertMatch(error.message, /rename one of the two fields$/);
    }
    assert(defineRecord("NoClash", { volume: "u32", volumeNumber: "f64", timeNs: "i64[2]", timeMs: "f64" }).size > 0);
  });

  test("defineRecord refuses no fields, no object, unknown options", () => {
    for (const fields of [{}, null, undefined, [], "f64", 5]) {
      assertThrows(() => defineRecord("NoFields", fields as never), SchemaError);
    }
    for (const options of [{ packed: true }, { pack: 1 }, { dataType: 9 }, { dataType: "Tick" }]) {
      assertThrows(() => defineRecord("BadOption", { a: "u8" }, options as never), SchemaError);
    }
  });
});

describe("schemaIdOf", () => {
  test("schemaIdOf is FNV-1a folded to 16 bits", () => {
    // The authors' test vectors of the 32-bit hash: "" is 811c9dc5, "a" is e40c292c, "foobar" is bf9cf968.
    assertEquals(schemaIdOf(""), 0x811c ^ 0x9dc5);
    assertEquals(schemaIdOf("a"), 0xe40c ^ 0x292c);
    assertEquals(schemaIdOf("foobar"), 0xbf9c ^ 0xf968);
  });

  test("schemaIdOf is never 0", () => {
    let ones = 0;
    for (let i = 0; i < 300_000; i++) {
      const id = schemaIdOf(`text ${i}`);
      assert(id >= 1 && id <= 65535);
      if (id === 1) ones++;
    }
    assert(ones > 0);
  });

  test("schemaIdOf of the ready records stays what peers know", () => {
    assertEquals([Tick, Bar, OrderBook, Trade].map((schema) => schema.id), [45258, 43295, 42254, 44285]);
  });

  test("schemaIdOf depends on names, types, order and packing", () => {
    const ids = [
      defineRecord("IdA", { a: "f64", b: "u8" }),
      defineRecord("IdB", { a: "f64", b: "u8" }),
      defineRecord("IdA", { a: "f64", c: "u8" }),
      defineRecord("IdA", { a: "f64", b: "i8" }),
      defineRecord("IdA", { b: "u8", a: "f64" }),
      defineRecord("IdA", { a: "f64", b: "u8" }, { pack: true }),
    ].map((schema) => schema.id);
    assertEquals(new Set(ids).size, ids.length);
  });

  test("defineRecord of two definitions with one id throws and names both", () => {
    // Among 700 names a pair with the same 16-bit id is all but certain; a prefix of its own keeps others out of it.
    const first = new Map<number, string>();
    const text = (name: string) => `${name}{a:u8@0}1/1`;
    for (let i = 0;; i++) {
      const name = `Collide${i}`;
      const other = first.get(schemaIdOf(text(name)));
      if (other === undefined) {
        first.set(schemaIdOf(text(name)), name);
        continue;
      }
      assertEquals(defineRecord(other, { a: "u8" }).id, schemaIdOf(text(other)));
      const error = assertThrows(() => defineRecord(name, { a: "u8" }), SchemaCollisionError);
      assertMatch(error.message, new RegExp(`define the record ${name}: the record ${other} of 1 bytes`));
      assertNotEquals(name, other);
      return;
    }
  });
});
