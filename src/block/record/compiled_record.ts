// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, FieldValueError, SchemaError } from "../../errors.ts";
import { failReleased, RELEASED_WINDOW } from "../released.ts";
import type { Window } from "../window.ts";
import type { RecordFields, RecordWrite } from "./field_types.ts";
import { readMembers } from "./read_code.ts";
import { ELEMENT_SIZES, type RecordLayout } from "./record_layout.ts";
import { type BindableView, viewMembers } from "./record_view.ts";
import { textBytes, TextCache, textEquals, writeText } from "./text.ts";
import { writeMember } from "./write_code.ts";

/** Writes one record at a byte offset of a window, checking every value. After an error the record's bytes are undefined. */
export type RecordEncoder<F extends RecordFields> = (window: Window, offset: number, values: RecordWrite<F>) => void;

/** The code of one record. */
export interface CompiledRecord<F extends RecordFields> {
  /** Writes a record. */
  readonly encode: RecordEncoder<F>;
  /** Makes a view, not yet bound to a block. */
  createView(): BindableView<F>;
}

interface GeneratedClass<F extends RecordFields> {
  readonly View: new () => BindableView<F>;
  encode(window: Window, offset: number, values: RecordWrite<F>): void;
}

/** Why a value does not fit, in words. Runs only after a check has failed. */
function explainField(layout: RecordLayout, index: number, value: unknown, element: number): FieldValueError {
  const field = layout.fields[index]!;
  const where = element < 0 ? field.name : `${field.name}[${element}]`;
  const action = `write the field ${where} (${field.type}) of a ${layout.name} record`;
  if (value === undefined) {
    return new FieldValueError(action, { condition: "its value is missing", remedy: "give a value for each field" });
  }
  if (field.element === "char" && typeof value === "string") {
    if (value.includes("\0")) return new FieldValueError(action, { condition: "the text holds a NUL", value });
    if (!value.isWellFormed()) {
      return new FieldValueError(action, { condition: "the text holds a lone surrogate", value });
    }
    return new FieldValueError(action, {
      condition: `the text has ${textBytes(value)} bytes in UTF-8`,
      value,
      limit: field.length,
      remedy: "shorten the text, or define the field longer",
    });
  }
  if (field.element !== "char" && field.length > 0 && element < 0) {
    return new FieldValueError(action, {
      condition: `it is not a list of exactly ${field.length} elements`,
      value,
      limit: field.length,
    });
  }
  if (typeof value === "number" || typeof value === "bigint") {
    const whole = typeof value === "bigint" || Number.isInteger(value);
    const condition = !whole
      ? "the number is not an integer"
      : typeof value === "number" && ELEMENT_SIZES[field.element] === 8 && !Number.isSafeInteger(value)
      ? "the number is not exact beyond 2^53 - 1"
      : typeof value === "bigint" && ELEMENT_SIZES[field.element] < 8
      ? "the value is a bigint, which only 64-bit integers take"
      : "the value is outside the range of its type";
    return new FieldValueError(action, { condition, value });
  }
  return new FieldValueError(action, { condition: "the value has another type", value });
}

/** Values can come from getters of a prototype, so a wrong count is only a reason to look at the names. */
function checkNames(layout: RecordLayout, values: object): void {
  for (const name of Object.keys(values)) {
    if (!layout.fields.some((field) => field.name === name)) {
      throw new FieldValueError(`write a ${layout.name} record`, {
        condition: "it has no field of this name",
        value: name,
        remedy: `use the fields ${layout.fields.map((field) => field.name).join(", ")}`,
      });
    }
  }
}

function copyBytes(source: Window, from: number, target: Window, to: number, size: number): void {
  for (let i = 0; i < size; i++) target.bytes[to + i] = source.bytes[from + i]!;
}

function failIndex(name: string, index: unknown, length: number): never {
  throw new ArgumentError(`read an element of ${name}`, {
    condition: "the index is not an integer inside",
    value: index,
    limit: length,
    remedy: "use an index below the limit",
  });
}

function failText(name: string, text: unknown): never {
  throw new ArgumentError(`compare the text ${name}`, { condition: "it can only equal a string", value: text });
}

/**
 * Makes the class that reads and writes one record.
 *
 * It is generated source text, because each record needs code of its own: engines collect type feedback per source function, so
 * getters shared by several records become polymorphic (measured with three records in one process: 17 in place of 95 M records
 * a second in Bun; with six: 68 in place of 107 in Deno). The text is made of checked identifiers and numbers only.
 *
 * @param layout The record.
 * @returns Its code.
 * @throws {SchemaError} When the runtime forbids code from text.
 */
export function compileRecord<F extends RecordFields>(layout: RecordLayout): CompiledRecord<F> {
  const source = `"use strict";
// ${layout.text}
class Record {
  #w = RELEASED;
  #o = 0;
  ${readMembers(layout)}
  ${writeMember(layout)}
  ${viewMembers(layout.size)}
}
return Record;
//# sourceURL=qaultra-record-${layout.name}.js`;
  const scope = {
    RELEASED: RELEASED_WINDOW,
    failReleased,
    failIndex,
    failText,
    failField(index: number, value: unknown, element: number): never {
      throw explainField(layout, index, value, element);
    },
    failValues(values: unknown): never {
      throw new FieldValueError(`write a ${layout.name} record`, {
        condition: "the values are not an object",
        value: values,
      });
    },
    checkNames: (values: object): void => checkNames(layout, values),
    copyBytes,
    textEquals,
    writeText,
    texts: layout.fields.map((field) => field.element === "char" ? new TextCache(field.length) : null),
  };
  let generated: GeneratedClass<F>;
  try {
    generated = new Function(...Object.keys(scope), source)(...Object.values(scope));
  } catch (cause) {
    throw new SchemaError(`define the record ${layout.name}`, {
      condition: "this runtime does not make code from text",
      remedy: "run it without --disallow-code-generation-from-strings",
      cause,
    });
  }
  return { encode: generated.encode, createView: () => new generated.View() };
}
