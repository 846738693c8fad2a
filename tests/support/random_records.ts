// SPDX-License-Identifier: Apache-2.0
// Random fields of records and random values for them. Hundreds of definitions would sooner or later share a schema id with one
// of another test, so tests lay these out and compile them without defining them.
import type { FieldType, RecordFields, RecordWrite } from "../../src/block/record/field_types.ts";
import type { RecordField } from "../../src/block/record/record_layout.ts";
import type { Random } from "./random.ts";

const ELEMENTS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "bool"] as const;
const LETTERS = ["a", "Z", "0", " ", "\u00e9", "\u20ac", "\u{1f600}", "\ufeff", "\x7f"];

/** One to ten fields of random types. */
export function randomFields(random: Random): RecordFields {
  const fields: Record<string, FieldType> = {};
  for (let i = random.integer(1, 10); i > 0; i--) {
    const element = random.pick([...ELEMENTS, "char"] as const);
    const length = random.integer(1, 21);
    const type = element === "char" ? `char[${length}]` as const : element;
    fields[`f${i}`] = element !== "char" && random.integer(0, 3) === 0 ? `${element}[${length}]` : type;
  }
  return fields;
}

function randomText(random: Random, bytes: number): string {
  let text = "";
  for (let room = random.integer(0, bytes);;) {
    const letter = random.pick(LETTERS);
    room -= new TextEncoder().encode(letter).length;
    if (room < 0) return text;
    text += letter;
  }
}

function randomElement(random: Random, element: RecordField["element"]): number | bigint | boolean {
  const bits = random.bits64();
  switch (element) {
    case "bool":
      return random.integer(0, 1) === 1;
    case "f32":
      return random.pick([Math.fround(random.bits() / 7 - 1e8), NaN, Infinity, -0, Math.fround(3.4028234663852886e38)]);
    case "f64":
      return random.pick([random.bits() / 7 - 1e8, NaN, -Infinity, -0, Number.MIN_VALUE, Number.MAX_VALUE]);
    case "i64":
      return BigInt.asIntN(64, random.integer(0, 1) === 1 ? bits : ~bits);
    case "u64":
      return bits;
    default: {
      const width = Number(element.slice(1));
      return Number(element[0] === "i" ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits));
    }
  }
}

/** A value for each field, in the form that a read gives back. */
export function randomValues(random: Random, fields: readonly RecordField[]): RecordWrite<RecordFields> {
  const values: Record<string, unknown> = {};
  for (const { name, element, length } of fields) {
    if (element === "char") values[name] = randomText(random, length);
    else if (length === 0) values[name] = randomElement(random, element);
    else values[name] = Array.from({ length }, () => randomElement(random, element));
  }
  return values as RecordWrite<RecordFields>;
}
