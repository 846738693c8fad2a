// SPDX-License-Identifier: Apache-2.0
import { readRecordCount, usedLength } from "../block/header.ts";
import { BLOCK_DATA_SIZE, OFFSET_TIMESTAMP_NS } from "../block/layout.ts";
import type { Transport } from "../transport/transport.ts";
import { LatencyHistogram } from "./latency_histogram.ts";
import type { ReceiveStats } from "./stats.ts";
import type { StreamReader } from "./stream_reader.ts";

/** Counts what one subscriber receives. */
export class ReceiveCounters {
  heldLimitHits = 0;
  #blocks = 0;
  #records = 0;
  #bytes = 0;
  /** Of the block that was counted last. */
  lastRecords = 0;
  lastBytes = 0;
  readonly #latency: LatencyHistogram | undefined;
  readonly #since: (low: number, high: number) => number;

  constructor(timed: boolean, transport: Transport) {
    this.#latency = timed ? new LatencyHistogram() : undefined;
    this.#since = transport.clockSinceNs;
  }

  /** The reader bound a block for the user. */
  received(reader: StreamReader): void {
    const { window, offset } = reader;
    this.#blocks++;
    // What a peer states is counted as far as a block can hold it: a record has a byte at least.
    const records = Math.min(readRecordCount(window, offset), BLOCK_DATA_SIZE);
    const bytes = usedLength(window, offset);
    this.#records += records;
    this.#bytes += bytes;
    this.lastRecords = records;
    this.lastBytes = bytes;
    if (this.#latency === undefined) return;
    const word = (offset + OFFSET_TIMESTAMP_NS) >>> 2;
    this.#latency.record(this.#since(window.words[word]!, window.words[word + 1]!));
  }

  /** A block that was counted with these figures changed while it was read: it was not received. */
  retract(records: number, bytes: number): void {
    this.#blocks--;
    this.#records -= records;
    this.#bytes -= bytes;
  }

  snapshot(reader: StreamReader): ReceiveStats {
    const latencyNs = this.#latency?.summary;
    return {
      receivedBlocks: this.#blocks,
      receivedRecords: this.#records,
      receivedBytes: this.#bytes,
      ...reader.losses,
      heldLimitHits: this.heldLimitHits,
      ...(latencyNs && { latencyNs }),
    };
  }
}
