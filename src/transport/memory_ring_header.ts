// SPDX-License-Identifier: Apache-2.0
// What a new ring's two areas begin with. src/ring/layout.ts states the same numbers for those who read them; a test compares.
import type { RingEntry } from "./memory_directory.ts";
import type { RingSettings, StreamName } from "./transport.ts";

/** Fewest and most slots of a ring, a power of two, and most entries of its reader table. */
export const CAPACITY_MIN = 16;
export const CAPACITY_MAX = 65536;
export const ENTRIES_MAX = 1024;

const HEADER_BYTES = 4096;
const SLOT_BYTES = 8192;
const ENTRY_BYTES = 64;
const VERSION = 1;
/** "QAUL", "RING" and "READ" as little-endian words. */
const MAGIC_LOW = 0x4c554151;
const MAGIC_RING_HIGH = 0x474e4952;
const MAGIC_TABLE_HIGH = 0x44414552;
const FLAG_LOSSLESS = 1;
const LIVE = 1;
const CLOSED = 2;

/** Words of the data's header that change. */
const WORD_HEAD = 32;
export const WORD_HEARTBEAT_MS = 48;
const WORD_STATE = 49;
/** Words of the table's header that can be waited on. */
export const WORD_DATA = 16;
export const WORD_ROOM = 32;

const OFFSET_SERVICE = 520;
const OFFSET_STREAM = 624;

export function dataBytesOf(capacity: number): number {
  return HEADER_BYTES + capacity * SLOT_BYTES;
}

export function tableBytesOf(entries: number): number {
  return HEADER_BYTES + entries * ENTRY_BYTES;
}

/** The header of the data as words. */
export function dataHeader(buffer: SharedArrayBuffer, entry: RingEntry): Int32Array {
  return new Int32Array(buffer, entry.dataOffset, HEADER_BYTES / 4);
}

/** The header of the table as words. */
export function tableHeader(buffer: SharedArrayBuffer, entry: RingEntry): Int32Array {
  return new Int32Array(buffer, entry.tableOffset, HEADER_BYTES / 4);
}

/** Marks a ring as closed for those who read it. */
export function markClosed(header: Int32Array): void {
  Atomics.store(header, WORD_STATE, CLOSED);
}

/**
 * Fills in the areas of a new ring. Data of a ring that was there before stay in the slots, whose stamps say that they are not there.
 *
 * @param buffer The arena.
 * @param entry Where the areas are.
 * @param name The stream.
 * @param settings How the ring is made.
 * @param nowMs Milliseconds since 1970.
 */
export function writeRing(
  buffer: SharedArrayBuffer,
  entry: RingEntry,
  name: StreamName,
  settings: RingSettings,
  nowMs: number,
): void {
  writeData(buffer, entry, name, settings, nowMs);
  writeStamps(new Int32Array(buffer, entry.dataOffset + HEADER_BYTES, (entry.dataBytes - HEADER_BYTES) / 4), settings);
  writeTable(buffer, entry, settings);
}

function writeData(
  buffer: SharedArrayBuffer,
  entry: RingEntry,
  name: StreamName,
  settings: RingSettings,
  nowMs: number,
): void {
  const { capacity, firstSequence } = settings;
  const view = new DataView(buffer, entry.dataOffset, HEADER_BYTES);
  const bytes = new Uint8Array(buffer, entry.dataOffset, HEADER_BYTES).fill(0);
  const word = (offset: number, value: number): void => view.setUint32(offset, value, true);
  word(0, MAGIC_LOW);
  word(4, MAGIC_RING_HIGH);
  word(8, VERSION);
  word(12, HEADER_BYTES);
  word(16, capacity);
  word(20, SLOT_BYTES);
  word(24, entry.epochLow);
  word(28, entry.epochHigh);
  view.setBigUint64(32, BigInt(firstSequence), true);
  view.setBigUint64(40, BigInt(entry.dataBytes), true);
  word(48, settings.lossless ? FLAG_LOSSLESS : 0);
  word(52, settings.heartbeatIntervalMs);
  word(56, settings.maxSubscribers);
  word(60, settings.readerTimeoutMs);
  view.setBigUint64(88, BigInt(nowMs) * 1_000_000n, true);
  const high = Math.floor(firstSequence / 2 ** 32);
  word(WORD_HEAD * 4, high);
  word(WORD_HEAD * 4 + 4, firstSequence % 2 ** 32);
  word(WORD_HEAD * 4 + 8, high);
  word(WORD_HEARTBEAT_MS * 4, nowMs % 2 ** 32);
  word(WORD_STATE * 4, LIVE);
  const text = (offsetOfLength: number, offset: number, value: string): void => {
    const encoded = new TextEncoder().encode(value);
    word(offsetOfLength, encoded.length);
    bytes.set(encoded, offset);
  };
  text(512, OFFSET_SERVICE, name.service);
  text(516, OFFSET_STREAM, name.stream);
}

/** Stamps each slot as that of the lap before the first: by a capacity less than the first sequence that will be there. */
function writeStamps(words: Int32Array, { capacity, firstSequence }: RingSettings): void {
  const start = firstSequence % capacity;
  for (let index = 0; index < capacity; index++) {
    const stamp = firstSequence + (index - start + capacity) % capacity - capacity;
    const at = index * (SLOT_BYTES / 4);
    words[at] = stamp % 2 ** 32;
    words[at + 1] = Math.floor(stamp / 2 ** 32);
  }
}

function writeTable(buffer: SharedArrayBuffer, entry: RingEntry, { entries }: RingSettings): void {
  new Uint8Array(buffer, entry.tableOffset, entry.tableBytes).fill(0);
  const view = new DataView(buffer, entry.tableOffset, HEADER_BYTES);
  const word = (offset: number, value: number): void => view.setUint32(offset, value, true);
  word(0, MAGIC_LOW);
  word(4, MAGIC_TABLE_HIGH);
  word(8, VERSION);
  word(12, HEADER_BYTES);
  word(16, entries);
  word(20, ENTRY_BYTES);
  word(24, entry.epochLow);
  word(28, entry.epochHigh);
  view.setBigUint64(32, BigInt(entry.tableBytes), true);
}
