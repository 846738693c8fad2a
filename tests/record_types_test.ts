// SPDX-License-Identifier: Apache-2.0
//
// Types are tested by the type checker: each `@ts-expect-error` line must be an error, and is an error at run time too.
import { assertEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import type { ArrayField, WideArrayField } from "../src/block/record/field_types.ts";
import { defineRecord, type RecordOf, type RecordValues } from "../src/block/record/record_schema.ts";
import { FieldValueError, SchemaError } from "../src/errors.ts";

const All = defineRecord("TypesAll", {
  timestampNs: "i64",
  volume: "u64",
  price: "f64",
  count: "u16",
  live: "bool",
  symbol: "char[8]",
  levels: "f64[3]",
  ids: "i64[2]",
  flags: "bool[2]",
});

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

/** Compiles only where the two types are equal. */
function assertType<_T extends true>(): void {}

const values: RecordValues<typeof All> = {
  timestampNs: 1_500_000n,
  volume: 7,
  price: 1.5,
  count: 3,
  live: true,
  symbol: "ES",
  levels: [1, 2, 3],
  ids: [1n, 2],
  flags: [true, false],
};

describe("RecordOf", () => {
  test("RecordOf has a getter of the right type for each field", () => {
    type R = RecordOf<typeof All>;
    assertType<Equal<R["timestampNs"], bigint>>();
    assertType<Equal<R["timestampMs"], number>>();
    assertType<Equal<R["volume"], bigint>>();
    assertType<Equal<R["volumeNumber"], number>>();
    assertType<Equal<R["price"], number>>();
    assertType<Equal<R["live"], boolean>>();
    assertType<Equal<R["symbol"], string>>();
    assertType<Equal<R["levels"], ArrayField<number>>>();
    assertType<Equal<R["ids"], WideArrayField>>();
    assertType<Equal<R["flags"], ArrayField<boolean>>>();
    assertType<Equal<ReturnType<R["toObject"]>["ids"], bigint[]>>();
    const data = new Uint8Array(All.size);
    All.write(data, 0, values);
    const record = All.over(data).at(0);
    assertEquals([record.timestampMs, record.volumeNumber, record.symbolWord(0)], [1.5, 7, 0x5345]);
    assertEquals([record.symbolEquals("ES"), record.ids.numberAt(1), [...record.levels]], [true, 2, [1, 2, 3]]);
  });

  test("RecordOf has no other getters", () => {
    const record = All.over(new Uint8Array(All.size)).at(0);
    const absent: unknown[] = [
      // @ts-expect-error A wrong name.
      record.prise,
      // @ts-expect-error A nanosecond field has a getter in milliseconds, not another number.
      record.timestampNsNumber,
      // @ts-expect-error Only 64-bit integers have a second getter.
      record.priceNumber,
      // @ts-expect-error Only 64-bit integers have a second getter.
      record.countNumber,
      // @ts-expect-error Only texts can be compared as such.
      record.priceEquals,
      // @ts-expect-error Only arrays of 64-bit integers are read as numbers.
      record.levels.numberAt,
    ];
    assertEquals(absent, absent.map(() => undefined));
  });

  test("RecordOf can not be written to", () => {
    const record = All.over(new Uint8Array(All.size)).at(0);
    assertThrows(() => {
      // @ts-expect-error Records are read in place; a schema writes them.
      record.price = 1;
    }, TypeError);
  });
});

describe("RecordValues", () => {
  test("RecordValues refuses wrong types, missing and unknown fields", () => {
    const data = new Uint8Array(All.size);
    const { price: _, ...incomplete } = values;
    const wrong: (() => void)[] = [
      // @ts-expect-error A text is no number.
      () => All.write(data, 0, { ...values, price: "1" }),
      // @ts-expect-error A small integer is no bigint.
      () => All.write(data, 0, { ...values, count: 1n }),
      // @ts-expect-error A number is no boolean.
      () => All.write(data, 0, { ...values, live: 1 }),
      // @ts-expect-error A number is no text.
      () => All.write(data, 0, { ...values, symbol: 5 }),
      // @ts-expect-error A text is no 64-bit integer.
      () => All.write(data, 0, { ...values, volume: "7" }),
      // @ts-expect-error A number is no array.
      () => All.write(data, 0, { ...values, levels: 1 }),
      // @ts-expect-error Texts are no elements of an array of numbers.
      () => All.write(data, 0, { ...values, levels: ["1", "2", "3"] }),
      // @ts-expect-error A field is missing.
      () => All.write(data, 0, incomplete),
      // @ts-expect-error There is no such field.
      () => All.write(data, 0, { ...values, prise: 1 }),
    ];
    for (const write of wrong) assertThrows(write, FieldValueError);
  });
});

describe("defineRecord", () => {
  test("defineRecord refuses wrong field types and options", () => {
    const wrong: (() => unknown)[] = [
      // @ts-expect-error There is no such type.
      () => defineRecord("TypesBad", { a: "int" }),
      // @ts-expect-error A text needs a length.
      () => defineRecord("TypesBad", { a: "char" }),
      // @ts-expect-error A type is a text.
      () => defineRecord("TypesBad", { a: 8 }),
      // @ts-expect-error An array needs a length.
      () => defineRecord("TypesBad", { a: "f64[]" }),
      // @ts-expect-error There is no such option.
      () => defineRecord("TypesBad", { a: "u8" }, { packed: true }),
      // @ts-expect-error There is no such data type.
      () => defineRecord("TypesBad", { a: "u8" }, { dataType: 9 }),
    ];
    for (const define of wrong) assertThrows(define, SchemaError);
  });
});
