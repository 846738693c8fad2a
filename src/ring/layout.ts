// SPDX-License-Identifier: Apache-2.0
//
// The numbers of a ring, the same as in c_shim/include/qaultra_ipc/ring_layout.h. A test compares the two. Offsets are bytes.
import { BLOCK_SIZE } from "../block/layout.ts";

/** The version of both layouts that this module knows. */
export const RING_VERSION = 1;
/** Fewest and most slots of a ring; their number is a power of two. */
export const RING_CAPACITY_MIN = 16;
export const RING_CAPACITY_MAX = 65536;
/** Most entries of a reader table. */
export const RING_ENTRIES_MAX = 1024;
/** Most rings of one stream that a subscriber merges. */
export const RINGS_OF_STREAM_MAX = 64;

/** "QAULRING" and "QAULREAD" as little-endian words. */
export const RING_MAGIC_LOW = 0x4c554151;
export const RING_MAGIC_HIGH = 0x474e4952;
export const TABLE_MAGIC_LOW = 0x4c554151;
export const TABLE_MAGIC_HIGH = 0x44414552;

// The data segment.
export const RING_OFFSET_MAGIC = 0;
export const RING_OFFSET_VERSION = 8;
export const RING_OFFSET_HEADER_BYTES = 12;
export const RING_OFFSET_CAPACITY = 16;
export const RING_OFFSET_SLOT_BYTES = 20;
export const RING_OFFSET_EPOCH = 24;
export const RING_OFFSET_FIRST_SEQUENCE = 32;
export const RING_OFFSET_SEGMENT_BYTES = 40;
export const RING_OFFSET_FLAGS = 48;
export const RING_OFFSET_HEARTBEAT_INTERVAL_MS = 52;
export const RING_OFFSET_MAX_SUBSCRIBERS = 56;
export const RING_OFFSET_READER_TIMEOUT_MS = 60;
export const RING_OFFSET_CREATED_NS = 88;
export const RING_OFFSET_HEAD_HIGH_FIRST = 128;
export const RING_OFFSET_HEAD_LOW = 132;
export const RING_OFFSET_HEAD_HIGH_LAST = 136;
export const RING_OFFSET_HEARTBEAT_MS = 192;
export const RING_OFFSET_STATE = 196;
export const RING_OFFSET_QUEUE_SUBSCRIBERS = 256;
export const RING_OFFSET_SERVICE_BYTES = 512;
export const RING_OFFSET_STREAM_BYTES = 516;
/** Bytes that the header has for each of the two names. */
export const RING_NAME_BYTES = 104;
export const RING_HEADER_BYTES = 4096;
export const RING_SLOT_BYTES: number = BLOCK_SIZE;

/** The ring waits for its readers in place of overtaking them. */
export const RING_FLAG_LOSSLESS = 1;
/** The state word of a ring whose writer has ended it. */
export const RING_CLOSED = 2;
/** In place of the high half of a sequence: the block was lost before it came to this ring, and readers count it as missed. */
export const RING_SKIPPED = 0xffffffff;
/** In place of a count: the writer's ports are gone. */
export const QUEUE_PORTS_GONE = 0xffffffff;

// The reader table.
export const TABLE_OFFSET_MAGIC = 0;
export const TABLE_OFFSET_VERSION = 8;
export const TABLE_OFFSET_HEADER_BYTES = 12;
export const TABLE_OFFSET_ENTRY_COUNT = 16;
export const TABLE_OFFSET_ENTRY_BYTES = 20;
export const TABLE_OFFSET_EPOCH = 24;
export const TABLE_OFFSET_SEGMENT_BYTES = 32;
export const TABLE_OFFSET_DATA_WORD = 64;
export const TABLE_OFFSET_ROOM_WORD = 128;
export const TABLE_OFFSET_CHANGES = 192;
export const TABLE_OFFSET_ENTRIES_USED = 196;
export const TABLE_OFFSET_DROPPED_READERS = 200;
export const TABLE_HEADER_BYTES = 4096;
export const TABLE_ENTRY_BYTES = 64;

// An entry of the table.
export const ENTRY_OFFSET_STATE = 0;
export const ENTRY_OFFSET_CURSOR = 8;
export const ENTRY_OFFSET_HEARTBEAT_MS = 12;
export const ENTRY_OFFSET_SUBSCRIBERS = 16;
export const ENTRY_OFFSET_START_TIME = 24;
export const ENTRY_OFFSET_PID_NAMESPACE = 32;

/** Statuses of an entry, in the low byte of its state; the rest of it is a generation. */
export const ENTRY_FREE = 0;
export const ENTRY_CLAIMED = 1;
export const ENTRY_GATING = 2;
export const ENTRY_OBSERVING = 3;
export const ENTRY_DROPPED = 4;
export const ENTRY_STATUS_MASK = 0xff;
export const ENTRY_GENERATION_STEP = 0x100;

/** How far behind the oldest slot a lapped reader resumes: the very oldest is the next to be overwritten. */
export function resumeMargin(capacity: number): number {
  return Math.max(2, capacity >>> 3);
}

/** Bytes of the data segment of a ring. */
export function ringBytes(capacity: number): number {
  return RING_HEADER_BYTES + capacity * RING_SLOT_BYTES;
}
