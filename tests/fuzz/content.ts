// SPDX-License-Identifier: Apache-2.0
// What the blocks of the fuzzer hold: bytes and records that prove themselves, so that any reader can tell a wrong one.
import { type Block, defineRecord, type RecordFields, type RecordSchema, Tick } from "../../mod.ts";
import { mix } from "./episode.ts";

/** Records with every kind of field. */
export const Point = defineRecord("Point", {
  n: "u32",
  wide: "i64",
  list: "u16[3]",
  flag: "bool",
  real: "f64",
  text: "char[5]",
});

/** Records that prove nothing, because any values are tried on them. */
export const Loose = defineRecord("Loose", { n: "i32", wide: "u64", list: "f32[2]", flag: "bool", text: "char[9]" });

/** A few records that are written. */
export const SCHEMAS = [Tick, Point, Loose] as const;

/** Blocks up to this size are compared byte by byte, of longer ones the ends and some in between. */
const WHOLE = 128;
const STEP = 61;

/** The first word of a block of its very own: odd. */
export function ownWord(epoch: bigint, sequence: number): number {
  return mix(Number(epoch & 0xffffffffn) ^ mix(sequence | 0)) | 1;
}

/** The first word of bytes that may be sent by anybody, cut anywhere: all of its bytes are even. */
export function freeWord(bits: number): number {
  return bits & 0xfefefefe;
}

function byteAt(word: number, index: number): number {
  const byte = word >>> ((index & 3) << 3);
  return ((word & 1) === 0 ? byte : byte + (index >>> 2)) & 0xff;
}

/** Fills bytes so that `bytesFault` finds nothing wrong with them. */
export function fillBytes(bytes: Uint8Array, word: number): void {
  for (let index = 0; index < bytes.length; index++) bytes[index] = byteAt(word, index);
}

/** What is wrong with received bytes, or nothing. */
export function bytesFault(bytes: Uint8Array, own: number | undefined): string {
  const { length } = bytes;
  if (length < 4) return "";
  const word = bytes[0]! | bytes[1]! << 8 | bytes[2]! << 16 | bytes[3]! << 24;
  if ((word & 1) === 1 && own !== undefined && word !== own) return `begins with ${word}, not with ${own}`;
  const step = length <= WHOLE ? 1 : STEP;
  for (let index = 4; index < length; index += step) {
    if (bytes[index] !== byteAt(word, index)) return `byte ${index} of ${length} is ${bytes[index]}`;
  }
  return bytes[length - 1] === byteAt(word, length - 1) ? "" : `byte ${length - 1} is ${bytes[length - 1]}`;
}

/** The values of a record that proves itself. */
export function recordValues(schema: unknown, n: number): Record<string, unknown> {
  if (schema === Tick) {
    return { timestampNs: BigInt(n), last: n, bid: n - 0.5, ask: n + 0.5, volume: BigInt(n), symbol: `S${n % 1000}` };
  }
  if (schema === Loose) return { n: n | 0, wide: BigInt(n), list: [n, 0.5], flag: true, text: "loose" };
  const list = [n & 0xffff, (n + 1) & 0xffff, (n + 2) & 0xffff];
  return { n, wide: BigInt(-n), list, flag: (n & 1) === 1, real: n / 2, text: `${n % 10000}` };
}

/** What is wrong with the records of a block, or nothing. */
export function recordsFault(block: Block): string {
  const schema = SCHEMAS.find(({ id }) => id === block.schemaId);
  if (schema === undefined) return `has the unknown schema ${block.schemaId}`;
  const records = block.records(schema as unknown as RecordSchema<RecordFields>);
  if (records.length !== block.recordCount) return `has ${records.length} records, not ${block.recordCount}`;
  for (const index of new Set([0, records.length >> 1, records.length - 1])) {
    const fault = recordFault(schema, records.at(index).toObject());
    if (fault !== "") return `record ${index}: ${fault}`;
  }
  return "";
}

/** What is wrong with one record, or nothing. */
export function recordFault(schema: unknown, record: object): string {
  if (schema === Loose) return "";
  const read = record as Record<string, unknown>;
  const wanted = recordValues(schema, Number(schema === Tick ? read.timestampNs : read.n));
  for (const [name, value] of Object.entries(wanted)) {
    if (`${read[name]}` !== `${value}`) return `${name} is ${read[name]}, not ${value}`;
  }
  return "";
}
