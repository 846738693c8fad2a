// SPDX-License-Identifier: Apache-2.0
import { type Block } from "../block/block.ts";
import type { QueueReader } from "../queue/queue_reader.ts";
import { clockSinceNs } from "../transport/process.ts";
import { LatencyHistogram } from "./latency_histogram.ts";
import type { ReceiveStats } from "./stats.ts";

const TIMESTAMP_LOW_WORD = 2;
const TIMESTAMP_HIGH_WORD = 3;

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

  /** A block was bound for the user. */
  received(block: Block): void {
    this.#blocks++;
    this.#records += block.recordCount;
    this.#bytes += block.dataLength;
    if (this.#latency !== undefined) {
      const word = block.offset >>> 2;
      const { words } = block.window;
      this.#latency.record(this.#since(words[word + TIMESTAMP_LOW_WORD]!, words[word + TIMESTAMP_HIGH_WORD]!));
    }
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
