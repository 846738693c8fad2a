// SPDX-License-Identifier: Apache-2.0
//
// Writes the source text of what reads the fields of one record in place. The text is made of checked identifiers and numbers
// only. In it `#w` is the window and `#o` the byte offset of the record.
import { ELEMENT_SIZES, numberName, type RecordField, type RecordLayout } from "./record_layout.ts";

/** The typed array of a window for each element type that is read through one when it is aligned. */
const ARRAYS: Readonly<Record<string, string>> = {
  f64: "f64",
  f32: "f32",
  i64: "i64",
  u64: "u64",
  i32: "i32",
  u32: "words",
};

/** The DataView accessor suffix of each element type. */
const ACCESSORS: Readonly<Record<string, string>> = {
  i8: "Int8",
  i16: "Int16",
  i32: "Int32",
  i64: "BigInt64",
  u8: "Uint8",
  u16: "Uint16",
  u32: "Uint32",
  u64: "BigUint64",
  f32: "Float32",
  f64: "Float64",
};

/**
 * Where an element lies in the code of a window.
 *
 * @param element Its type.
 * @param layout The record; one with natural alignment keeps every element aligned.
 * @param window Code of the window.
 * @param at Code of the byte offset.
 * @returns Code of a place that can be read and assigned to, or null when it needs a DataView.
 */
export function placeCode(element: string, layout: RecordLayout, window: string, at: string): string | null {
  const size = ELEMENT_SIZES[element as keyof typeof ELEMENT_SIZES];
  if (element === "u8" || element === "bool") return `${window}.bytes[${at}]`;
  const array = ARRAYS[element];
  if (array === undefined || layout.alignment % size !== 0) return null;
  return `${window}.${array}[(${at}) >> ${size === 8 ? 3 : 2}]`;
}

/**
 * The DataView calls of an element type.
 *
 * @param element Its type.
 * @returns The suffix of `get...` and `set...`.
 */
export function accessorOf(element: string): string {
  return ACCESSORS[element] ?? "Uint8";
}

function readCode(element: string, layout: RecordLayout, window: string, at: string): string {
  const place = placeCode(element, layout, window, at) ?? `${window}.view.get${accessorOf(element)}(${at}, true)`;
  return element === "bool" ? `${place} !== 0` : place;
}

/** A 64-bit integer as a number: two 32-bit reads, so that no bigint is made. */
function wideNumberCode(element: string, layout: RecordLayout, window: string, at: string): string {
  const high = element === "i64" ? "i32" : "u32";
  return `${readCode(high, layout, window, `${at} + 4`)} * 4294967296 + ${readCode("u32", layout, window, at)}`;
}

function scalarGetter(field: RecordField, layout: RecordLayout): string {
  const getter = `get ${field.name}() { return ${
    readCode(field.element, layout, "this.#w", `this.#o + ${field.offset}`)
  }; }`;
  if (field.element !== "i64" && field.element !== "u64") return getter;
  const number = wideNumberCode(field.element, layout, "w", "at");
  const value = field.name.endsWith("Ns") ? `(${number}) / 1e6` : number;
  return `${getter}
  get ${numberName(field.name)}() { const w = this.#w, at = this.#o + ${field.offset}; return ${value}; }`;
}

function textGetters(field: RecordField, layout: RecordLayout, index: number): string {
  const { name, offset, length } = field;
  const words = Math.ceil(length / 4);
  const aligned = offset % 4 === 0 && layout.alignment % 4 === 0;
  const word = aligned ? "w.words[at >> 2]" : "w.view.getUint32(at, true)";
  const tail = length % 4 === 0 ? "" : `
    if (index === ${words - 1}) { let word = 0; for (let i = ${
    length % 4 - 1
  }; i >= 0; i--) word = word * 256 + w.bytes[at + i]; return word; }`;
  return `get ${name}() { return texts[${index}].read(this.#w.bytes, this.#o + ${offset}); }
  ${name}Equals(text) { if (typeof text !== "string") failText("${name}", text); return textEquals(texts[${index}], this.#w.bytes, this.#o + ${offset}, ${length}, text); }
  ${name}Word(index) {
    if (typeof index !== "number" || !(index >= 0 && index < ${words}) || (index | 0) !== index) failIndex("${name}Word", index, ${words});
    const w = this.#w, at = this.#o + ${offset} + index * 4;${tail}
    return ${word};
  }`;
}

/** Elements are read through the record, so that an array moves with its record and dies with it. */
function arrayGetter(field: RecordField, layout: RecordLayout, index: number): string {
  const { name, offset, length, element } = field;
  const at = `record.#o + ${offset} + place(index) * ${ELEMENT_SIZES[element]}`;
  const numberAt = element !== "i64" && element !== "u64" ? "" : `
    numberAt(index) { const record = this.#record, w = record.#w, at = ${at}; return ${
    wideNumberCode(element, layout, "w", "at")
  }; }`;
  return `static #Array${index} = class {
    #record;
    constructor(record) { this.#record = record; }
    get length() { return ${length}; }
    at(index) { const record = this.#record, w = record.#w, at = ${at}; return ${
    readCode(element, layout, "w", "at")
  }; }${numberAt}
    toArray() { const copy = []; for (let i = 0; i < ${length}; i++) copy.push(this.at(i)); return copy; }
    [Symbol.iterator]() {
      const array = this;
      let i = 0;
      return {
        next() { return i < ${length} ? { done: false, value: array.at(i++) } : { done: true, value: undefined }; },
        [Symbol.iterator]() { return this; },
      };
    }
  };
  #array${index} = new Record.#Array${index}(this);
  get ${name}() { return this.#array${index}; }`.replaceAll("place(index)", placeInArray(name, length));
}

/** The index of an element, negative ones counting from the end. */
function placeInArray(name: string, length: number): string {
  const inside = `index >= 0 && index < ${length} && (index | 0) === index`;
  return `(typeof index !== "number" ? failIndex("${name}", index, ${length}) : ${inside} ? index : index < 0 && index >= -${length} && (index | 0) === index ? index + ${length} : failIndex("${name}", index, ${length}))`;
}

/**
 * The members of a record's class that read its fields.
 *
 * @param layout The record.
 * @returns Source text of class members.
 */
export function readMembers(layout: RecordLayout): string {
  const members = layout.fields.map((field, index) => {
    if (field.element === "char") return textGetters(field, layout, index);
    return field.length > 0 ? arrayGetter(field, layout, index) : scalarGetter(field, layout);
  });
  const copies = layout.fields.map(({ name, element, length }) => {
    return `${name}: this.${name}${element !== "char" && length > 0 ? ".toArray()" : ""}`;
  });
  return `${members.join("\n  ")}
  toObject() { return { ${copies.join(", ")} }; }`;
}
