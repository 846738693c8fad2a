// SPDX-License-Identifier: Apache-2.0
//
// Writes the source text of what checks and writes one record. In it `w` is the window, `o` the byte offset of the record.
import { accessorOf, placeCode } from "./read_code.ts";
import { ELEMENT_SIZES, type RecordField, type RecordLayout } from "./record_layout.ts";

/** Code that is true when the number `v` is not a value of the type. Integers are compared with their own truncation. */
const NUMBER_FAULTS: Readonly<Record<string, string>> = {
  i8: "(v << 24 >> 24) !== v",
  i16: "(v << 16 >> 16) !== v",
  i32: "(v | 0) !== v",
  u8: "(v & 255) !== v",
  u16: "(v & 65535) !== v",
  u32: "(v >>> 0) !== v",
  // Rounding to 32 bits is what the field is for; becoming infinite is not.
  f32: "v - v === 0 && Math.fround(v) - Math.fround(v) !== 0",
};

// Comparing a bigint with the ends of its range would allocate 24 bytes in Deno; wrapping it does not.
const WIDE_FAULTS: Readonly<Record<string, readonly [bigint: string, number: string]>> = {
  i64: ["BigInt.asIntN(64, v) !== v", "!Number.isSafeInteger(v)"],
  u64: ["BigInt.asUintN(64, v) !== v", "!Number.isSafeInteger(v) || v < 0"],
};

function storeCode(element: string, layout: RecordLayout, at: string, value: string): string {
  const place = placeCode(element, layout, "w", at);
  if (place !== null) return `${place} = ${value};`;
  return `w.view.set${accessorOf(element)}(${at}, ${value}${ELEMENT_SIZES[element as "u8"] === 1 ? "" : ", true"});`;
}

/** Checks and writes the value `v` of one element at the offset `at`. */
function elementCode(element: string, layout: RecordLayout, failure: string): string {
  if (element === "bool") {
    return `if (typeof v !== "boolean") ${failure}; ${storeCode(element, layout, "at", "v ? 1 : 0")}`;
  }
  const wide = WIDE_FAULTS[element];
  if (wide !== undefined) {
    const low = storeCode("u32", layout, "at", "v >>> 0");
    const high = storeCode("i32", layout, "at + 4", "Math.floor(v / 4294967296)");
    return `if (typeof v === "bigint") { if (${wide[0]}) ${failure}; ${storeCode(element, layout, "at", "v")} }
    else { if (${wide[1]}) ${failure}; ${low} ${high} }`;
  }
  const fault = NUMBER_FAULTS[element];
  const faults = fault === undefined ? `typeof v !== "number"` : `typeof v !== "number" || (${fault})`;
  return `if (${faults}) ${failure}; ${storeCode(element, layout, "at", "v")}`;
}

function fieldCode(field: RecordField, layout: RecordLayout, index: number): string {
  const { name, offset, length, element } = field;
  if (element === "char") {
    return `{ const v = values.${name};
    if (typeof v !== "string" || !writeText(w, o + ${offset}, ${length}, v)) failField(${index}, v, -1); }`;
  }
  if (length === 0) {
    return `{ const v = values.${name}, at = o + ${offset};
    ${elementCode(element, layout, `failField(${index}, v, -1)`)} }`;
  }
  return `{ const list = values.${name};
    if (typeof list !== "object" || list === null || list.length !== ${length}) failField(${index}, list, -1);
    for (let i = 0, at = o + ${offset}; i < ${length}; i++, at += ${ELEMENT_SIZES[element]}) {
      const v = list[i];
      ${elementCode(element, layout, `failField(${index}, v, i)`)}
    } }`;
}

/** Padding is written as zeros, so that equal records are equal bytes and nothing of an earlier block leaks to peers. */
function paddingCode(layout: RecordLayout): string {
  const stores: string[] = [];
  let end = 0;
  for (const field of [...layout.fields, { offset: layout.size, size: 0 }]) {
    for (let at = end; at < field.offset; at++) stores.push(`w.bytes[o + ${at}] = 0;`);
    end = field.offset + field.size;
  }
  return stores.join(" ");
}

/**
 * The static member of a record's class that writes a record.
 *
 * A record of the same class is copied as it lies. Names are only counted, which is cheap: when all fields are there and the
 * count is right, there is no other.
 *
 * @param layout The record.
 * @returns Source text of a class member.
 */
export function writeMember(layout: RecordLayout): string {
  return `static encode(w, o, values) {
    if (typeof values !== "object" || values === null) failValues(values);
    if (#o in values) { copyBytes(values.#w, values.#o, w, o, ${layout.size}); return; }
    ${layout.fields.map((field, index) => fieldCode(field, layout, index)).join("\n    ")}
    ${paddingCode(layout)}
    let names = 0;
    for (const name in values) names++;
    if (names !== ${layout.fields.length}) checkNames(values);
  }`;
}
