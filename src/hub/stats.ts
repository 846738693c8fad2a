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
  /** Attempts that found no room: a lossless ring or queue was full, or, on the queue lane alone, the pool empty. */
  readonly refusedBlocks: number;
  /** Calls that threw. */
  readonly errors: number;
  /** Of a ring: blocks that the queue lane beside it had no chunk for, so that its subscribers missed them. */
  readonly queueLaneMissedBlocks: number;
  /** Of a lossless ring: readers that were dropped because they had died or gave no sign of life. */
  readonly droppedReaders: number;
  /** Subscribers connected now. */
  readonly subscribers: number;
  /** Milliseconds that these numbers cover. */
  readonly elapsedMs: number;
  /** `sentRecords` by the time they cover. */
  readonly recordsPerSecond: number;
  /** Data bytes by the time they cover, in MiB. */
  readonly mebibytesPerSecond: number;
  /** Shared memory of this broadcaster: its ring and reader table, or what it can keep of the queue lane's pool. */
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
  /**
   * Blocks lost, of each broadcaster: on a ring those committed since this subscriber joined, on the queue lane those between the
   * first and the last one received, each time that lane is read. Torn and corrupt blocks are among them.
   */
  readonly missedBlocks: number;
  /** Runs of missed blocks. */
  readonly gaps: number;
  /** Blocks that changed while they were read in place; they count as missed and not as received. */
  readonly tornBlocks: number;
  /**
   * Blocks that were not what their broadcaster had written, by their checksum or by a slot of a ring that says nothing sensible. They
   * are not handed out; they count as missed.
   */
  readonly corruptBlocks: number;
  /** Times that the broadcaster of a lossless ring gave up waiting for this subscriber's Worker. */
  readonly droppedByWriter: number;
  /** Times that a block was asked for while 256 were held. */
  readonly heldLimitHits: number;
  /** Chunks of a wrong size that some peer sent on this stream; they are no blocks and were given back. */
  readonly foreignChunks: number;
  /** Broadcasters that blocks came from. */
  readonly broadcasters: number;
  /**
   * Broadcasters whose rings this user may not read, as far as this Worker has heard of them: nothing of theirs is in any other number.
   */
  readonly deniedBroadcasters: number;
  /** From publishing to receiving, with `statsEnabled`. */
  readonly latencyNs?: LatencyNs;
}
