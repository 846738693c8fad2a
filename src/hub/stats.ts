// SPDX-License-Identifier: Apache-2.0
import type { LatencyNs } from "./latency_histogram.ts";

/** What a broadcaster has done since it was made or `resetStats` was called. */
export interface BroadcastStats {
  /** Blocks published. */
  readonly sentBlocks: number;
  /** Records in them. */
  readonly sentRecords: number;
  /** Data bytes in them. */
  readonly sentBytes: number;
  /** Attempts that found no room: the pool was empty or a lossless queue full. */
  readonly refusedBlocks: number;
  /** Calls that threw. */
  readonly errors: number;
  /** Subscribers connected now. */
  readonly subscribers: number;
  /** Milliseconds that these numbers cover. */
  readonly elapsedMs: number;
  /** `sentRecords` by the time they cover. */
  readonly recordsPerSecond: number;
  /** Data bytes by the time they cover, in MiB. */
  readonly mebibytesPerSecond: number;
  /** Shared memory that this broadcaster can keep: its history and its loans. */
  readonly memoryBytes: number;
  /** How long publishing a block took, with `statsEnabled`. */
  readonly latencyNs?: LatencyNs;
}

/** What a subscriber has received since it was made. Received and missed blocks together are the sent ones. */
export interface ReceiveStats {
  /** Blocks received. */
  readonly receivedBlocks: number;
  /** Records in them, as their broadcasters stated. */
  readonly receivedRecords: number;
  /** Data bytes received. */
  readonly receivedBytes: number;
  /** Blocks lost between the first and the last one received, of each broadcaster. */
  readonly missedBlocks: number;
  /** Runs of missed blocks. */
  readonly gaps: number;
  /** Blocks that changed while they were read; none on the queue lane. */
  readonly tornBlocks: number;
  /** Times that a broadcaster gave up waiting for this subscriber; none on the queue lane. */
  readonly droppedByWriter: number;
  /** Times that a block was asked for while 256 were held. */
  readonly heldLimitHits: number;
  /** Chunks of a wrong size that some peer sent on this stream; they are no blocks and were given back. */
  readonly foreignChunks: number;
  /** Broadcasters that blocks came from. */
  readonly broadcasters: number;
  /** From publishing to receiving, with `statsEnabled`. */
  readonly latencyNs?: LatencyNs;
}
