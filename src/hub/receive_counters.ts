// SPDX-License-Identifier: Apache-2.0
import { readRecordCount, usedLength } from "../block/header.ts";
import { BLOCK_DATA_SIZE, OFFSET_TIMESTAMP_NS } from "../block/layout.ts";
import type { QueueReader } from "../queue/queue_reader.ts";
import { clockSinceNs } from "../transport/process.ts";
import { LatencyHistogram } from "./latency_histogram.ts";
import type { ReceiveStats } from "./stats.ts";

/** Counts what one subscriber receives. */
export class ReceiveCounters {
  heldLimitHits = 0;
  #blocks = 0;
  #records = 0;
  #bytes = 0;
  readonly #latency: LatencyHistogram | undefined;
  readonly #since: (low: number, high: number) => number;

  constructor(timed: boolean) {
    this.#latency = timed ? new LatencyHistogram() : undefined;
    this.#since = timed ? clockSinceNs() : () => 0;
  }

  /** The reader bound a block for the user. */
  received(reader: QueueReader): void {
    const { window, offset } = reader;
    this.#blocks++;
    // What a peer states is counted as far as a block can hold it: a record has a byte at least.
    this.#records += Math.min(readRecordCount(window, offset), BLOCK_DATA_SIZE);
    this.#bytes += usedLength(window, offset);
    if (this.#latency === undefined) return;
    const word = (offset + OFFSET_TIMESTAMP_NS) >>> 2;
    this.#latency.record(this.#since(window.words[word]!, window.words[word + 1]!));
  }

  snapshot(reader: QueueReader): ReceiveStats {
    const latencyNs = this.#latency?.summary;
    return {
      receivedBlocks: this.#blocks,
      receivedRecords: this.#records,
      receivedBytes: this.#bytes,
      missedBlocks: reader.missedBlocks,
      gaps: reader.gaps,
      tornBlocks: 0,
      droppedByWriter: 0,
      heldLimitHits: this.heldLimitHits,
      foreignChunks: reader.foreignChunks,
      broadcasters: reader.broadcasters,
      ...(latencyNs && { latencyNs }),
    };
  }
}
