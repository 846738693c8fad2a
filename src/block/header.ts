// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes the header and the trailer of a block by (window, byte offset). Every function takes numbers only and
// allocates nothing, except those that return a bigint. 64-bit counters travel as numbers: low + high * 2^32.
import {
  BLOCK_DATA_SIZE,
  FLAG_LENGTH,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_DATA_LENGTH,
  OFFSET_DATA_TYPE,
  OFFSET_FLAGS,
  OFFSET_RECORD_COUNT,
  OFFSET_RECORD_SIZE,
  OFFSET_SCHEMA_ID,
  OFFSET_SEQUENCE,
  OFFSET_TIMESTAMP_NS,
  TRAILER_CRC32C,
  TRAILER_EPOCH,
  TRAILER_OFFSET,
  TRAILER_RELAYED,
  TRAILER_RESERVED,
  TRAILER_SOURCE_SEQUENCE,
} from "./layout.ts";
import type { Window } from "./window.ts";

const TWO_TO_32 = 4_294_967_296;
/** Where the fields lie that share a 32-bit word with the field before them. */
const FLAGS_SHIFT = (OFFSET_FLAGS - OFFSET_DATA_TYPE) * 8;
const DATA_LENGTH_SHIFT = (OFFSET_DATA_LENGTH - OFFSET_DATA_TYPE) * 8;
const SCHEMA_ID_SHIFT = (OFFSET_SCHEMA_ID - OFFSET_RECORD_SIZE) * 8;
const TRAILER_IN_BLOCK = OFFSET_DATA + TRAILER_OFFSET;

/** A u64 as a number: exact up to 2^53, rounded beyond. */
function readU64(window: Window, byteOffset: number): number {
  const word = byteOffset >>> 2;
  const high = window.words[word + 1]!;
  const low = window.words[word]!;
  return high === 0 ? low : high * TWO_TO_32 + low;
}

/** Writes an integer from 0 to 2^53 - 1 as a u64. */
function writeU64(window: Window, byteOffset: number, value: number): void {
  const word = byteOffset >>> 2;
  window.words[word] = value;
  window.words[word + 1] = value / TWO_TO_32;
}

/** The sequence of a block. */
export function readSequence(window: Window, offset: number): number {
  return readU64(window, offset + OFFSET_SEQUENCE);
}

/** Writes the sequence of a block, an integer from 0 to 2^53 - 1. */
export function writeSequence(window: Window, offset: number, sequence: number): void {
  writeU64(window, offset + OFFSET_SEQUENCE, sequence);
}

/** CLOCK_REALTIME at publish in nanoseconds, exact. Allocates a bigint. */
export function readTimestampNs(window: Window, offset: number): bigint {
  return window.u64[(offset + OFFSET_TIMESTAMP_NS) >>> 3]!;
}

/** CLOCK_REALTIME at publish in milliseconds with a fraction, exact to 0.25 us. */
export function readTimestampMs(window: Window, offset: number): number {
  return readU64(window, offset + OFFSET_TIMESTAMP_NS) / 1e6;
}

/** Writes the time of publishing, in nanoseconds as two words. */
export function writeTimestamp(window: Window, offset: number, low: number, high: number): void {
  const word = (offset + OFFSET_TIMESTAMP_NS) >>> 2;
  window.words[word] = low;
  window.words[word + 1] = high;
}

/** The count of records that the writer stated. Not to be trusted as a bound. */
export function readRecordCount(window: Window, offset: number): number {
  return readU64(window, offset + OFFSET_RECORD_COUNT);
}

/** The data type byte. */
export function readDataType(window: Window, offset: number): number {
  return window.bytes[offset + OFFSET_DATA_TYPE]!;
}

/** The flags byte. */
export function readFlags(window: Window, offset: number): number {
  return window.bytes[offset + OFFSET_FLAGS]!;
}

/** The stated size of a record, or 0 where the writer stated none. */
export function readRecordSize(window: Window, offset: number): number {
  const stated = (readFlags(window, offset) & FLAG_LENGTH) !== 0;
  return stated ? window.words[(offset + OFFSET_RECORD_SIZE) >>> 2]! & 0xffff : 0;
}

/** The schema id, or 0 where the writer stated none. */
export function readSchemaId(window: Window, offset: number): number {
  const stated = (readFlags(window, offset) & FLAG_LENGTH) !== 0;
  return stated ? window.words[(offset + OFFSET_RECORD_SIZE) >>> 2]! >>> SCHEMA_ID_SHIFT : 0;
}

/** Record size in the low half and schema id in the high half, as they lie in the header: one comparison tells both. */
export function readSchemaWord(window: Window, offset: number): number {
  return window.words[(offset + OFFSET_RECORD_SIZE) >>> 2]!;
}

/** Most data bytes that a block with these flags can use. */
export function dataCapacity(flags: number): number {
  return (flags & FLAG_TRAILER) === 0 ? BLOCK_DATA_SIZE : TRAILER_OFFSET;
}

/**
 * The used data bytes of a block. A writer that states a length is believed up to the capacity; of one that states none it is
 * `record_count` records of the given size, or everything.
 *
 * @param window The window of the block.
 * @param offset The block.
 * @param recordSize Bytes of a record of the schema it is read with, or 0 when it is read without one.
 * @returns 0 to 8160, whatever a peer wrote.
 */
export function usedLength(window: Window, offset: number, recordSize: number = 0): number {
  const typeWord = window.words[(offset + OFFSET_DATA_TYPE) >>> 2]!;
  const flags = (typeWord >>> FLAGS_SHIFT) & 0xff;
  const capacity = dataCapacity(flags);
  if ((flags & FLAG_LENGTH) !== 0) {
    const stated = typeWord >>> DATA_LENGTH_SHIFT;
    return stated < capacity ? stated : capacity;
  }
  if (recordSize === 0) return capacity;
  const implied = readRecordCount(window, offset) * recordSize;
  return implied < capacity ? implied : capacity;
}

/**
 * Writes the header of a block, all but its timestamp. The caller has checked the ranges.
 *
 * @param window The window of the block, writable.
 * @param offset The block.
 * @param sequence 0 to 2^53 - 1.
 * @param recordCount Records in the data.
 * @param dataType The data type byte.
 * @param flags Bits `FLAG_*`.
 * @param dataLength Used data bytes.
 * @param recordSize Bytes of a record, or 0.
 * @param schemaId The schema's id, or 0.
 */
export function writeHeader(
  window: Window,
  offset: number,
  sequence: number,
  recordCount: number,
  dataType: number,
  flags: number,
  dataLength: number,
  recordSize: number,
  schemaId: number,
): void {
  writeU64(window, offset + OFFSET_SEQUENCE, sequence);
  writeDescription(window, offset, recordCount, dataType, flags, dataLength, recordSize, schemaId);
}

/** Writes what the header says of the data: all but sequence and timestamp. Parameters as for `writeHeader`. */
export function writeDescription(
  window: Window,
  offset: number,
  recordCount: number,
  dataType: number,
  flags: number,
  dataLength: number,
  recordSize: number,
  schemaId: number,
): void {
  writeU64(window, offset + OFFSET_RECORD_COUNT, recordCount);
  const word = (offset + OFFSET_DATA_TYPE) >>> 2;
  window.words[word] = dataType | (flags << FLAGS_SHIFT) | (dataLength << DATA_LENGTH_SHIFT);
  window.words[word + 1] = recordSize | (schemaId << SCHEMA_ID_SHIFT);
}

/** Whether the block has a trailer. */
export function hasTrailer(window: Window, offset: number): boolean {
  return (readFlags(window, offset) & FLAG_TRAILER) !== 0;
}

/** Writes the trailer. The flags have to say that it is there. The epoch is given as two words. */
export function writeTrailer(
  window: Window,
  offset: number,
  epochLow: number,
  epochHigh: number,
  sourceSequence: number,
  crc32c: number,
): void {
  const word = (offset + TRAILER_IN_BLOCK) >>> 2;
  window.words[word + (TRAILER_EPOCH >>> 2)] = epochLow;
  window.words[word + (TRAILER_EPOCH >>> 2) + 1] = epochHigh;
  writeU64(window, offset + TRAILER_IN_BLOCK + TRAILER_SOURCE_SEQUENCE, sourceSequence);
  window.words[word + (TRAILER_CRC32C >>> 2)] = crc32c;
  window.words[word + (TRAILER_RESERVED >>> 2)] = 0;
}

/** Writes whence a relayed block came into its trailer, unless that was done before. One that is not there yet has no checksum. */
export function writeRelayedTrailer(
  window: Window,
  offset: number,
  epochLow: number,
  epochHigh: number,
  sourceSequence: number,
  isThere: boolean,
): void {
  if (isThere && readReserved(window, offset) === TRAILER_RELAYED) return;
  writeTrailer(window, offset, epochLow, epochHigh, sourceSequence, isThere ? readCrc32c(window, offset) : 0);
  window.words[(offset + TRAILER_IN_BLOCK + TRAILER_RESERVED) >>> 2] = TRAILER_RELAYED;
}

/** Whether a block says in its trailer that it was relayed. */
export function isRelayed(window: Window, offset: number): boolean {
  return hasTrailer(window, offset) && readReserved(window, offset) === TRAILER_RELAYED;
}

/** The epoch of the trailer, without allocation. */
export function readTrailerEpoch(window: Window, offset: number, into: { low: number; high: number }): void {
  into.low = readEpochLow(window, offset) | 0;
  into.high = readEpochHigh(window, offset) | 0;
}

/** Writes a checksum into the trailer of a block that is not relayed. */
export function writeChecksum(window: Window, offset: number, sequence: number, crc32c: number): void {
  writeU64(window, offset + TRAILER_IN_BLOCK + TRAILER_SOURCE_SEQUENCE, sequence);
  const word = (offset + TRAILER_IN_BLOCK) >>> 2;
  window.words[word + (TRAILER_CRC32C >>> 2)] = crc32c;
  window.words[word + (TRAILER_RESERVED >>> 2)] = 0;
}

/** The low half of the trailer's epoch. */
export function readEpochLow(window: Window, offset: number): number {
  return window.words[(offset + TRAILER_IN_BLOCK + TRAILER_EPOCH) >>> 2]!;
}

/** The high half of the trailer's epoch. */
export function readEpochHigh(window: Window, offset: number): number {
  return window.words[(offset + TRAILER_IN_BLOCK + TRAILER_EPOCH + 4) >>> 2]!;
}

/** The sequence that a relayed block had at its source. */
export function readSourceSequence(window: Window, offset: number): number {
  return readU64(window, offset + TRAILER_IN_BLOCK + TRAILER_SOURCE_SEQUENCE);
}

/** The trailer's crc32c. */
export function readCrc32c(window: Window, offset: number): number {
  return window.words[(offset + TRAILER_IN_BLOCK + TRAILER_CRC32C) >>> 2]!;
}

/** The trailer's reserved word. */
export function readReserved(window: Window, offset: number): number {
  return window.words[(offset + TRAILER_IN_BLOCK + TRAILER_RESERVED) >>> 2]!;
}
