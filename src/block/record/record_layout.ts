// SPDX-License-Identifier: Apache-2.0
import { SchemaError } from "../../errors.ts";
import { BLOCK_DATA_SIZE } from "../layout.ts";
import type { FieldType, RecordFields, ScalarType } from "./field_types.ts";

/** One field of a record: where it lies and what it is. */
export interface RecordField {
  /** Its name. */
  readonly name: string;
  /** Its type as it was written, such as `"f64[10]"`. */
  readonly type: FieldType;
  /** Byte offset in the record. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** The type of one element; `"char"` for text. */
  readonly element: ScalarType | "char";
  /** Elements of an array, bytes of a text, or 0 for a scalar. */
  readonly length: number;
}

/** The memory layout of a record. */
export interface RecordLayout {
  /** Name of the record. */
  readonly name: string;
  /** Its fields, in memory order. */
  readonly fields: readonly RecordField[];
  /** Bytes of a record, padding at its end included. */
  readonly size: number;
  /** Every record begins at a multiple of this: 1, 2, 4 or 8. */
  readonly alignment: number;
  /** The layout in words, which the schema id is computed from. */
  readonly text: string;
}

/** Bytes of one element of each type. */
export const ELEMENT_SIZES: Readonly<Record<ScalarType | "char", number>> = Object.freeze({
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  f32: 4,
  f64: 8,
  bool: 1,
  char: 1,
});

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Longest name of a record or a field. */
export const RECORD_NAME_LENGTH_MAX = 64;
const TYPE = /^(i8|i16|i32|i64|u8|u16|u32|u64|f32|f64|bool|char)(?:\[([1-9][0-9]{0,3})\])?$/;

/** Names that every object has, or that the record itself needs. A field of such a name would hide them. */
const RESERVED: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  "toObject",
  "prototype",
]);

/**
 * The getter names that a field brings along beside its own.
 *
 * @param name The field.
 * @param element The type of its elements.
 * @param length Its length, 0 for a scalar.
 * @returns The names.
 */
export function derivedNames(name: string, element: ScalarType | "char", length: number): string[] {
  if (element === "char") return [`${name}Equals`, `${name}Word`];
  if (length > 0 || (element !== "i64" && element !== "u64")) return [];
  return [numberName(name)];
}

/**
 * The name of the number getter of a 64-bit field.
 *
 * @param name The field.
 * @returns `...Ms` for `...Ns`, otherwise `...Number`.
 */
export function numberName(name: string): string {
  return name.endsWith("Ns") ? `${name.slice(0, -2)}Ms` : `${name}Number`;
}

function checkName(action: string, what: string, name: unknown): asserts name is string {
  if (typeof name !== "string" || !NAME.test(name) || name.length > RECORD_NAME_LENGTH_MAX) {
    throw new SchemaError(action, {
      condition:
        `the ${what} name is not 1 to ${RECORD_NAME_LENGTH_MAX} letters, digits and underscores, not led by a digit`,
      value: name,
    });
  }
  if (RESERVED.has(name)) {
    throw new SchemaError(action, {
      condition: `the ${what} name is taken by JavaScript or by the record`,
      value: name,
    });
  }
}

/**
 * Lays out a record as a C compiler does.
 *
 * @param name Its name.
 * @param fields Names and types in memory order.
 * @param pack Whether fields follow each other without padding, as with `#pragma pack(1)`.
 * @returns The layout.
 * @throws {SchemaError} When a name or type is not valid, two getters would have one name, there is no field, or the record is
 *   larger than the data of a block.
 */
export function layoutOf(name: string, fields: RecordFields, pack: boolean): RecordLayout {
  checkName("define a record", "record", name);
  const action = `define the record ${name}`;
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new SchemaError(action, { condition: "the fields are not an object of names and types", value: fields });
  }
  const laid: RecordField[] = [];
  let end = 0;
  let alignment = 1;
  for (const [field, type] of Object.entries(fields)) {
    checkName(action, "field", field);
    const parts = typeof type === "string" ? TYPE.exec(type) : null;
    const length = parts?.[2] === undefined ? 0 : Number(parts[2]);
    if (parts === null || (parts[1] === "char" && length === 0)) {
      throw new SchemaError(action, {
        condition:
          `the type of field ${field} is not i8 to i64, u8 to u64, f32, f64, bool, char[N] or an array of those`,
        value: type,
      });
    }
    const element = parts[1] as ScalarType | "char";
    const natural = pack ? 1 : ELEMENT_SIZES[element];
    const offset = Math.ceil(end / natural) * natural;
    const size = ELEMENT_SIZES[element] * Math.max(1, length);
    laid.push(Object.freeze({ name: field, type, offset, size, element, length }));
    end = offset + size;
    alignment = Math.max(alignment, natural);
  }
  if (laid.length === 0) throw new SchemaError(action, { condition: "it has no fields", value: fields });
  const size = Math.ceil(end / alignment) * alignment;
  if (size > BLOCK_DATA_SIZE) {
    throw new SchemaError(action, {
      condition: "a record has more bytes than the data of a block",
      value: size,
      limit: BLOCK_DATA_SIZE,
      remedy: "split it into several records",
    });
  }
  checkCollisions(action, laid);
  const words = laid.map((field) => `${field.name}:${field.type}@${field.offset}`).join(",");
  return Object.freeze({
    name,
    fields: Object.freeze(laid),
    size,
    alignment,
    text: `${name}{${words}}${size}/${alignment}`,
  });
}

function checkCollisions(action: string, fields: readonly RecordField[]): void {
  const owners = new Map<string, string>(fields.map((field) => [field.name, field.name]));
  for (const field of fields) {
    for (const derived of derivedNames(field.name, field.element, field.length)) {
      const owner = owners.get(derived);
      if (owner !== undefined) {
        throw new SchemaError(action, {
          condition: `field ${field.name} brings a getter of this name, which field ${owner} has taken`,
          value: derived,
          remedy: "rename one of the two fields",
        });
      }
      owners.set(derived, field.name);
    }
  }
}
