// SPDX-License-Identifier: Apache-2.0
// The calls of schemas: definitions, and records in bytes of the script's own.
import { defineRecord, type RecordFields, type RecordSchema } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import type { Call, Untyped } from "./calls.ts";
import { recordFault, recordValues, SCHEMAS } from "./content.ts";
import { plainBytes } from "./hostile.ts";
import type { Machine } from "./machine.ts";

/** Definitions are kept for ever, so there are only a few that can succeed. */
const NAMES = ["Small", "Other"];
const TYPES = ["f64", "i64[3]", "char[7]", "u8"];

function define(machine: Machine, random: Random): void {
  const fields = { a: random.pick(TYPES), b: random.pick(TYPES) };
  const args: unknown[] = [random.pick(NAMES), fields, {}];
  const at = random.integer(0, 3);
  if (at === 0) args[0] = machine.hostile(random);
  if (at === 1) args[1] = machine.hostileOptions(random, fields, ["a", "b"]);
  if (at === 2) args[2] = machine.hostileOptions(random, {}, ["pack", "dataType"]);
  const defined = machine.attempt("defineRecord", () => defineRecord(...(args as [Untyped, Untyped, Untyped])));
  if (!defined.ok) return machine.expect(at < 3, () => `a record was not defined: ${defined.code}`);
  const { size, id, alignment } = defined.value as RecordSchema<RecordFields>;
  machine.expect(size > 0 && size <= 8160 && id > 0 && id < 65536 && alignment <= 8, () => "a strange schema");
}

function place(machine: Machine, random: Random): void {
  const schema = random.pick(SCHEMAS) as unknown as RecordSchema<RecordFields>;
  const offset = random.pick([0, 1, 8, 80]);
  const values = recordValues(schema, random.integer(0, 1 << 30));
  const args: unknown[] = [new Uint8Array(schema.size * 3), offset, values];
  if (machine.spoils(random)) args[0] = machine.hostile(random);
  if (machine.spoils(random)) args[1] = machine.hostile(random);
  if (machine.spoils(random)) args[2] = machine.hostileOptions(random, values, Object.keys(values));
  const [target, at] = args as [Untyped, Untyped];
  const written = machine.attempt("schema.write", () => schema.write(target, at, args[2] as Untyped));
  const read = machine.attempt("schema.read", () => schema.read(target, at));
  const bytes = plainBytes(target);
  const fits = bytes !== undefined && Number.isInteger(at) && at >= 0 && at + schema.size <= bytes.length;
  machine.expect(fits || (!written.ok && !(read.ok && at !== undefined)), () => "a record outside of its bytes");
  if (!written.ok || args[2] !== values) {
    if (args[2] === values) machine.expect(!fits, () => "a record was not written");
    if (!written.ok) return;
  }
  if (!read.ok) return machine.fail(`a record was written and not read: ${read.code}`);
  const fault = recordFault(schema, read.value);
  machine.expect(fault === "" || args[2] !== values, () => `a record came back with ${fault}`);
}

function over(machine: Machine, random: Random): void {
  const schema = random.pick(SCHEMAS) as unknown as RecordSchema<RecordFields>;
  const values = recordValues(schema, random.integer(0, 1 << 30)) as Untyped;
  const whole = new Uint8Array(random.integer(0, 1) + schema.size * 3);
  const bytes = whole.subarray(whole.length % 2);
  const given: unknown = machine.spoils(random) ? machine.hostile(random) : bytes.subarray(0, schema.size * 3);
  const viewed = machine.attempt("schema.over", () => schema.over(given as Uint8Array));
  if (!viewed.ok) {
    return machine.expect(given !== bytes, () => "no view");
  }
  const records = viewed.value;
  const index: unknown = machine.spoils(random) ? machine.hostile(random) : random.integer(-3, 2);
  const isInside = typeof index === "number" && Number.isInteger(index) && index >= -records.length &&
    index < records.length;
  const read = machine.attempt("records.at", () => records.at(index as number).toObject());
  machine.expect(read.ok === isInside, () => `a record at ${String(index)} of ${records.length}`);
  const text: unknown = machine.spoils(random) ? machine.hostile(random) : "S1";
  if (records.length > 0) machine.attempt("a record's getters", () => askRecord(records.at(0), random, text));
  void values;
}

function askRecord(record: Untyped, random: Random, argument: unknown): unknown {
  const name = random.pick(
    Object.getOwnPropertyNames(Object.getPrototypeOf(record)).filter((key) => key !== "constructor"),
  );
  const value: unknown = record[name];
  if (typeof value === "function") return value.call(record, argument);
  const list = value as { at?: (index: unknown) => unknown };
  return typeof value === "object" && typeof list?.at === "function" ? list.at(argument) : value;
}

/** What schemas can be asked for. */
export const RECORDS: readonly Call[] = [
  { weight: 10, make: define },
  { weight: 20, make: place },
  { weight: 15, make: over },
];
