// SPDX-License-Identifier: Apache-2.0
//
// What a block with a given sequence contains in the interop tests: the formulas of `tests/peers/pattern.hpp`, stated once
// more in TypeScript over a DataView, so that neither side trusts the other's code.

/** Which content the blocks of a test carry. */
export type PatternKind = "ticks" | "full";

/** Header timestamp and tick timestamps of sequence 0, in nanoseconds. */
export const BASE_TIMESTAMP_NS = 1_700_000_000_000_000_000n;
/** A block of pattern `ticks` has 1 to this many ticks. */
export const TICKS_PER_BLOCK_MAX = 113;
/** Bytes of a tick. */
export const TICK_BYTES = 72;
/** Records that a block of pattern `full` claims, of 8 bytes each. */
export const FULL_RECORD_COUNT = 1020;
/** u32 words of a block of pattern `full`. */
export const FULL_WORD_COUNT = 2040;

const DATA_TYPES = [0, 1, 2, 3, 4, 255] as const;
const VOLUME_BASE = 1n << 63n;
const U64_MASK = (1n << 64n) - 1n;

/** Records of the block with this sequence. */
export function patternRecordCount(kind: PatternKind, sequence: number): number {
  return kind === "ticks" ? 1 + sequence % TICKS_PER_BLOCK_MAX : FULL_RECORD_COUNT;
}

/** Bytes of a record. */
export function patternRecordSize(kind: PatternKind): number {
  return kind === "ticks" ? TICK_BYTES : 8;
}

/** Used data bytes of the block with this sequence. */
export function patternLength(kind: PatternKind, sequence: number): number {
  return patternRecordCount(kind, sequence) * patternRecordSize(kind);
}

/** The number of the data type of the block with this sequence. */
export function patternDataType(kind: PatternKind, sequence: number): 0 | 1 | 2 | 3 | 4 | 255 {
  return kind === "ticks" ? 0 : DATA_TYPES[sequence % 6];
}

/** The header timestamp that the C++ sender writes; this module's broadcaster writes the time of publishing. */
export function patternTimestampNs(sequence: number): bigint {
  return BASE_TIMESTAMP_NS + 1000n * BigInt(sequence);
}

/** Tick `index` of the block with this sequence, as plain values. */
export function patternTick(sequence: number, index: number): {
  timestampNs: bigint;
  last: number;
  bid: number;
  ask: number;
  volume: bigint;
  symbol: string;
} {
  const last = sequence * 0.25 + index;
  return {
    timestampNs: BASE_TIMESTAMP_NS + 1000n * BigInt(sequence) + BigInt(index),
    last,
    bid: last - 0.125,
    ask: last + 0.125,
    volume: (VOLUME_BASE + BigInt(TICKS_PER_BLOCK_MAX) * BigInt(sequence) + BigInt(index)) & U64_MASK,
    symbol: "SYM" + String((sequence + index) % 10000).padStart(4, "0"),
  };
}

/** u32 word `index` of the full block with this sequence. */
export function patternWord(sequence: number, index: number): number {
  // The low half of the sequence is enough: the product wraps at 2^32.
  return (Math.imul(sequence >>> 0, 0x9e3779b1) + Math.imul(index, 0x85ebca77)) >>> 0;
}

/** Writes the used bytes of the block with this sequence to the beginning of `data` and returns how many they are. */
export function fillPattern(kind: PatternKind, sequence: number, data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (kind === "full") {
    for (let i = 0; i < FULL_WORD_COUNT; i++) view.setUint32(i * 4, patternWord(sequence, i), true);
    return FULL_WORD_COUNT * 4;
  }
  const count = patternRecordCount(kind, sequence);
  for (let i = 0; i < count; i++) {
    const tick = patternTick(sequence, i);
    const at = i * TICK_BYTES;
    view.setBigInt64(at, tick.timestampNs, true);
    view.setFloat64(at + 8, tick.last, true);
    view.setFloat64(at + 16, tick.bid, true);
    view.setFloat64(at + 24, tick.ask, true);
    view.setBigUint64(at + 32, tick.volume, true);
    data.fill(0, at + 40, at + TICK_BYTES);
    for (let c = 0; c < 7; c++) data[at + 40 + c] = tick.symbol.charCodeAt(c);
  }
  return count * TICK_BYTES;
}

/**
 * Compares data bytes with the pattern of this sequence, byte by byte.
 *
 * @returns an empty string, or what differs
 */
export function checkPattern(kind: PatternKind, sequence: number, data: Uint8Array): string {
  const length = patternLength(kind, sequence);
  if (data.byteLength !== length) return `block ${sequence} has ${data.byteLength} data bytes, not ${length}`;
  const wanted = wantedBytes;
  fillPattern(kind, sequence, wanted);
  for (let i = 0; i < length; i++) {
    if (data[i] !== wanted[i]) return `block ${sequence} differs at data byte ${i}: ${data[i]}, not ${wanted[i]}`;
  }
  return "";
}

const wantedBytes = new Uint8Array(8160);

/** Sum of `length` bytes as little-endian u32 words modulo 2^32; the length is a multiple of 4. */
export function patternChecksum(data: Uint8Array, length: number = data.byteLength): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let sum = 0;
  for (let at = 0; at < length; at += 4) sum = (sum + view.getUint32(at, true)) | 0;
  return sum >>> 0;
}
