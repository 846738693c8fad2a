// SPDX-License-Identifier: Apache-2.0
// What the writer of a soak run sends, and who reads it by which lane.
import { type Block, type BroadcastConfigFields, type LaneChoice, MarketDataType } from "../../mod.ts";
import type { PatternMemory } from "../support/fast_pattern.ts";
import { TICK_BYTES, TICKS_PER_BLOCK_MAX } from "../support/pattern.ts";

/** The streams of the writer. */
export type StreamName = "lossy" | "lossless" | "queue";

/** How one stream is sent. */
export interface SoakStream {
  readonly config: Partial<BroadcastConfigFields>;
  readonly firstSequence: number;
  /** Its part of all blocks. */
  readonly share: number;
  /** Whether its rate changes; that of the queue lane does not, whose queues are 256 blocks deep. */
  readonly changes: boolean;
  /** Blocks of a flood, which comes once a cycle, all at once. */
  readonly flood: number;
}

const RING_SLOTS = 512;
/** Longer than a busy machine lets a process wait: nobody is dropped who lives. */
const READER_TIMEOUT_MS = 60_000;
/** The low word of the sequence wraps some seconds after the start. */
const BEFORE_THE_WRAP = 2 ** 32 - 10_000;

export const STREAMS: Readonly<Record<StreamName, SoakStream>> = {
  lossy: {
    config: { lane: "auto", bufferDepth: RING_SLOTS },
    firstSequence: 0,
    share: 0.45,
    changes: true,
    flood: 3 * RING_SLOTS,
  },
  lossless: {
    config: {
      lane: "ring",
      delivery: "lossless",
      queueLane: "off",
      bufferDepth: RING_SLOTS,
      readerTimeoutMs: READER_TIMEOUT_MS,
    },
    firstSequence: BEFORE_THE_WRAP,
    share: 0.45,
    changes: true,
    flood: 0,
  },
  queue: { config: { lane: "queue" }, firstSequence: 2 ** 31, share: 0.1, changes: false, flood: 0 },
};
export const STREAM_NAMES = Object.keys(STREAMS) as readonly StreamName[];

/** What a reader reads, and how. */
export interface Feed {
  readonly stream: StreamName;
  readonly lane: LaneChoice;
}

/** The last one is the queue lane beside the ring, as a native process reads it. */
export const FEEDS = {
  "lossy ring": { stream: "lossy", lane: "ring" },
  "lossless ring": { stream: "lossless", lane: "ring" },
  "queue": { stream: "queue", lane: "queue" },
  "queue of a ring": { stream: "lossy", lane: "queue" },
} as const satisfies Record<string, Feed>;
export type FeedName = keyof typeof FEEDS;

/** Every block is as full of ticks as it can be. */
export const RECORDS_PER_BLOCK = TICKS_PER_BLOCK_MAX;
export const BLOCK_BYTES = RECORDS_PER_BLOCK * TICK_BYTES;

/** The number of the pattern whose block is the full one of this sequence. */
function patternNumber(sequence: number): number {
  return RECORDS_PER_BLOCK * (sequence + 1) - 1;
}

/** Writes the ticks of the block with this sequence. */
export function fillBlock(memory: PatternMemory, sequence: number, data: Uint8Array): void {
  memory.fill("ticks", patternNumber(sequence), data);
}

/** What is wrong with a block; nothing, if it is what was sent with its sequence, byte by byte. */
export function faultOf(memory: PatternMemory, block: Block): string {
  const { sequence, recordCount, dataType, data } = block;
  if (recordCount !== RECORDS_PER_BLOCK || dataType !== MarketDataType.Tick) {
    return `block ${sequence} has ${recordCount} records of type ${dataType}`;
  }
  return memory.holds("ticks", patternNumber(sequence), data) ? "" : `block ${sequence} is not what was sent`;
}
