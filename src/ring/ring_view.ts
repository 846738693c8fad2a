// SPDX-License-Identifier: Apache-2.0
import { SEQUENCE_MAX } from "../block/layout.ts";
import { Window } from "../block/window.ts";
import { RingCorruptError, RingVersionError } from "../errors.ts";
import { loadWord, loadWordAfter } from "../transport/words.ts";
import type { TransportRing } from "../transport/transport.ts";
import * as layout from "./layout.ts";

const TWO_TO_32 = 4_294_967_296;
const TWO_TO_31 = 2_147_483_648;
/** Looks at the three words of the head before its halves decide: a writer that died between them, or a hostile one. */
const HEAD_TRIES = 8;
/** No head, as of a ring whose words make no sense. */
export const NO_HEAD = -1;

/** Word indexes of the data segment. */
const HEAD_HIGH_FIRST = layout.RING_OFFSET_HEAD_HIGH_FIRST >>> 2;
const HEAD_LOW = layout.RING_OFFSET_HEAD_LOW >>> 2;
const HEAD_HIGH_LAST = layout.RING_OFFSET_HEAD_HIGH_LAST >>> 2;
const HEARTBEAT = layout.RING_OFFSET_HEARTBEAT_MS >>> 2;
const STATE = layout.RING_OFFSET_STATE >>> 2;
const ENTRIES_USED = layout.TABLE_OFFSET_ENTRIES_USED >>> 2;
const SLOTS = layout.RING_HEADER_BYTES >>> 2;
const SLOT_WORDS = layout.RING_SLOT_BYTES >>> 2;
const SLOT_BYTES = layout.RING_SLOT_BYTES;

/**
 * The memory of a ring, checked and viewed. No number in it is used before it was compared with the size of its segment; what can
 * change afterwards is never used as an index.
 */
export class RingView {
  /** The data segment. */
  readonly window: Window;
  /** Its words, signed: `Atomics` and differences of stamps want them so. */
  readonly words: Int32Array;
  /** The words of the reader table. */
  readonly table: Int32Array;
  /** The same in pairs: an entry's state and process. */
  readonly tableLongs: BigInt64Array;
  readonly tableWritable: boolean;
  readonly capacity: number;
  readonly lossless: boolean;
  readonly epochLow: number;
  readonly epochHigh: number;
  readonly firstSequence: number;
  readonly heartbeatIntervalMs: number;
  readonly maxSubscribers: number;
  readonly readerTimeoutMs: number;
  /** When it was made, on the clock of heartbeats. */
  readonly createdMs: number;
  readonly entryCount: number;
  readonly #tableWindow: Window;
  readonly #mask: number;

  /**
   * Views a ring.
   *
   * @param action What is attempted, continuing the word "Cannot".
   * @param ring Its memory.
   * @param writable Whether this is the writer's end.
   * @throws {RingVersionError} When it has a layout of another version.
   * @throws {RingCorruptError} When a number in its headers does not fit.
   */
  constructor(action: string, ring: TransportRing, writable: boolean) {
    const { data, table } = ring;
    if (data.byteLength < layout.RING_HEADER_BYTES) refuse(action, "size", data.byteLength, layout.RING_HEADER_BYTES);
    if (table.byteLength < layout.TABLE_HEADER_BYTES) {
      refuse(action, "reader table's size", table.byteLength, layout.TABLE_HEADER_BYTES);
    }
    const window = new Window(data.buffer, writable, data.byteOffset, data.byteLength);
    const tableWindow = new Window(table.buffer, ring.tableWritable, table.byteOffset, table.byteLength);
    const word = (offset: number): number => window.words[offset >>> 2]!;
    const tableWord = (offset: number): number => tableWindow.words[offset >>> 2]!;
    const must = (name: string, value: number, wanted: number): void => {
      if (value !== wanted) refuse(action, name, value, wanted);
    };
    must("magic", word(layout.RING_OFFSET_MAGIC), layout.RING_MAGIC_LOW);
    must("magic", word(layout.RING_OFFSET_MAGIC + 4), layout.RING_MAGIC_HIGH);
    must("reader table's magic", tableWord(layout.TABLE_OFFSET_MAGIC), layout.TABLE_MAGIC_LOW);
    must("reader table's magic", tableWord(layout.TABLE_OFFSET_MAGIC + 4), layout.TABLE_MAGIC_HIGH);
    for (const version of [word(layout.RING_OFFSET_VERSION), tableWord(layout.TABLE_OFFSET_VERSION)]) {
      if (version !== layout.RING_VERSION) {
        throw new RingVersionError(action, { value: version, limit: layout.RING_VERSION });
      }
    }
    must("header size", word(layout.RING_OFFSET_HEADER_BYTES), layout.RING_HEADER_BYTES);
    must("slot size", word(layout.RING_OFFSET_SLOT_BYTES), layout.RING_SLOT_BYTES);
    const capacity = word(layout.RING_OFFSET_CAPACITY);
    const inRange = capacity >= layout.RING_CAPACITY_MIN && capacity <= layout.RING_CAPACITY_MAX;
    if (!inRange || (capacity & (capacity - 1)) !== 0) {
      refuse(action, "capacity", capacity, layout.RING_CAPACITY_MAX);
    }
    must("segment size", u64(window, layout.RING_OFFSET_SEGMENT_BYTES), layout.ringBytes(capacity));
    must("size", data.byteLength, layout.ringBytes(capacity));
    must("reader table's header size", tableWord(layout.TABLE_OFFSET_HEADER_BYTES), layout.TABLE_HEADER_BYTES);
    must("reader table's entry size", tableWord(layout.TABLE_OFFSET_ENTRY_BYTES), layout.TABLE_ENTRY_BYTES);
    const entryCount = tableWord(layout.TABLE_OFFSET_ENTRY_COUNT);
    if (entryCount < 1 || entryCount > layout.RING_ENTRIES_MAX) {
      refuse(action, "count of entries", entryCount, layout.RING_ENTRIES_MAX);
    }
    const tableBytes = layout.TABLE_HEADER_BYTES + entryCount * layout.TABLE_ENTRY_BYTES;
    must("reader table's segment size", u64(tableWindow, layout.TABLE_OFFSET_SEGMENT_BYTES), tableBytes);
    must("reader table's size", table.byteLength, tableBytes);
    this.epochLow = word(layout.RING_OFFSET_EPOCH);
    this.epochHigh = word(layout.RING_OFFSET_EPOCH + 4);
    must("reader table's epoch", tableWord(layout.TABLE_OFFSET_EPOCH), this.epochLow);
    must("reader table's epoch", tableWord(layout.TABLE_OFFSET_EPOCH + 4), this.epochHigh);
    if (this.epochLow === 0 && this.epochHigh === 0) refuse(action, "epoch", 0, 1);
    const flags = word(layout.RING_OFFSET_FLAGS);
    if ((flags & ~layout.RING_FLAG_LOSSLESS) !== 0) refuse(action, "flags", flags, layout.RING_FLAG_LOSSLESS);
    for (const offset of [layout.RING_OFFSET_SERVICE_BYTES, layout.RING_OFFSET_STREAM_BYTES]) {
      const bytes = word(offset);
      if (bytes > layout.RING_NAME_BYTES) refuse(action, "length of a name", bytes, layout.RING_NAME_BYTES);
    }
    this.firstSequence = u64(window, layout.RING_OFFSET_FIRST_SEQUENCE);
    if (this.firstSequence > SEQUENCE_MAX) refuse(action, "first sequence", this.firstSequence, SEQUENCE_MAX);

    this.window = window;
    this.words = window.i32;
    this.table = tableWindow.i32;
    this.tableLongs = tableWindow.i64;
    this.tableWritable = ring.tableWritable;
    this.capacity = capacity;
    this.entryCount = entryCount;
    this.lossless = (flags & layout.RING_FLAG_LOSSLESS) !== 0;
    this.heartbeatIntervalMs = word(layout.RING_OFFSET_HEARTBEAT_INTERVAL_MS);
    this.maxSubscribers = word(layout.RING_OFFSET_MAX_SUBSCRIBERS);
    this.readerTimeoutMs = word(layout.RING_OFFSET_READER_TIMEOUT_MS);
    this.createdMs = Number((window.u64[layout.RING_OFFSET_CREATED_NS >>> 3]! / 1_000_000n) & 0xffffffffn);
    this.#tableWindow = tableWindow;
    this.#mask = capacity - 1;
  }

  /** Throws unless it has the epoch that it was announced with. */
  requireEpoch(action: string, low: number, high: number): void {
    if (this.epochLow !== low) refuse(action, "epoch", this.epochLow, low);
    if (this.epochHigh !== high) refuse(action, "epoch", this.epochHigh, high);
  }

  /** Of the writer: the ring was announced now, and is as old as that for readers that look for it. */
  setAnnounced(nowMs: number): void {
    const at = layout.RING_OFFSET_CREATED_NS >>> 3;
    const later = BigInt((nowMs - this.createdMs) | 0) * 1_000_000n;
    Atomics.store(this.window.u64, at, this.window.u64[at]! + later);
  }

  /** Entries of the table that have ever been used, as far as the table has so many. */
  get entriesUsed(): number {
    return Math.min(loadWord(this.table, ENTRIES_USED) >>> 0, this.entryCount);
  }

  /** The byte offset of the slot of a sequence. */
  slotOffset(sequence: number): number {
    return layout.RING_HEADER_BYTES + (sequence & this.#mask) * SLOT_BYTES;
  }

  /** The index of the first word of the slot of a sequence: its stamp. */
  slotWord(sequence: number): number {
    return SLOTS + (sequence & this.#mask) * SLOT_WORDS;
  }

  /** Whether the slot of a sequence holds that very block now. */
  holds(sequence: number): boolean {
    const at = this.slotWord(sequence);
    return loadWord(this.words, at) === (sequence | 0) && this.words[at + 1] === highOf(sequence);
  }

  /** The sequence of the block to be committed next, or NO_HEAD when the words make no sense. */
  head(): number {
    const words = this.words;
    for (let tries = 1;; tries++) {
      // The writer stores them in the order first, low, last. Read the other way round, equal highs belong to the low between.
      const last = loadWord(words, HEAD_HIGH_LAST);
      const low = loadWord(words, HEAD_LOW);
      const first = loadWord(words, HEAD_HIGH_FIRST);
      // In vain too often: a high word changes when the low one falls from 2^32 - 1 to 0, and which side of that it is on tells
      // which of the two belongs to it.
      if (first === last || tries === HEAD_TRIES) return plausible(low < 0 ? last : first, low);
    }
  }

  /** Whether the writer said that it ends here. What it committed lies before this word. */
  get closed(): boolean {
    return loadWordAfter(this.words, STATE) === layout.RING_CLOSED;
  }

  /** The writer's last sign of life, on the clock of heartbeats. */
  get heartbeatMs(): number {
    return loadWord(this.words, HEARTBEAT);
  }

  /** Makes all views empty, before the memory goes. */
  detach(): void {
    this.window.detach();
    this.#tableWindow.detach();
  }
}

/** The high word of a sequence. */
export function highOf(sequence: number): number {
  return (sequence / TWO_TO_32) | 0;
}

function plausible(high: number, low: number): number {
  const head = (high >>> 0) * TWO_TO_32 + (low >>> 0);
  return head <= SEQUENCE_MAX + 1 ? head : NO_HEAD;
}

function u64(window: Window, offset: number): number {
  return window.words[offset >>> 2]! + window.words[(offset >>> 2) + 1]! * TWO_TO_32;
}

function refuse(action: string, field: string, value: number, wanted: number): never {
  throw new RingCorruptError(action, {
    condition: `the ${field} of the ring does not fit`,
    value,
    limit: wanted,
  });
}

/** Milliseconds from one reading of the clock of heartbeats to a later one. */
export function elapsedMs(from: number, to: number): number {
  const ms = (to - from) >>> 0;
  // A clock that was read a moment before the heartbeat.
  return ms >= TWO_TO_31 ? 0 : ms;
}
