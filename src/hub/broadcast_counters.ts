// SPDX-License-Identifier: Apache-2.0
import type { BlockWriter } from "./block_writer.ts";
import { LatencyHistogram } from "./latency_histogram.ts";
import type { BroadcastStats } from "./stats.ts";

const MEBIBYTE = 1024 * 1024;
const NS_PER_MS = 1e6;

/** Counts what one broadcaster does. */
export class BroadcastCounters {
  refused = 0;
  errors = 0;
  #blocks = 0;
  #records = 0;
  #bytes = 0;
  // Of the writer, when the counting began.
  #queueLaneMissedBefore = 0;
  #droppedBefore = 0;
  #since: number = performance.now();
  readonly #latency: LatencyHistogram | undefined;

  constructor(timed: boolean) {
    this.#latency = timed ? new LatencyHistogram() : undefined;
  }

  /** Whether calls have to be timed. */
  get timed(): boolean {
    return this.#latency !== undefined;
  }

  /** One block was published, in a call that began at this `performance.now()`. */
  sent(records: number, bytes: number, began: number): void {
    this.#blocks++;
    this.#records += records;
    this.#bytes += bytes;
    this.#latency?.record((performance.now() - began) * NS_PER_MS);
  }

  snapshot(subscribers: number, writer: BlockWriter): BroadcastStats {
    const { memoryBytes, droppedReaders, queueLaneMissedBlocks } = writer;
    const elapsedMs = performance.now() - this.#since;
    const seconds = elapsedMs / 1000;
    const latencyNs = this.#latency?.summary;
    return {
      sentBlocks: this.#blocks,
      sentRecords: this.#records,
      sentBytes: this.#bytes,
      refusedBlocks: this.refused,
      errors: this.errors,
      queueLaneMissedBlocks: queueLaneMissedBlocks - this.#queueLaneMissedBefore,
      droppedReaders: droppedReaders - this.#droppedBefore,
      subscribers,
      elapsedMs,
      recordsPerSecond: seconds > 0 ? this.#records / seconds : 0,
      mebibytesPerSecond: seconds > 0 ? this.#bytes / MEBIBYTE / seconds : 0,
      memoryBytes,
      ...(latencyNs && { latencyNs }),
    };
  }

  reset(writer: BlockWriter): void {
    this.#queueLaneMissedBefore = writer.queueLaneMissedBlocks;
    this.#droppedBefore = writer.droppedReaders;
    this.refused =
      this.errors =
      this.#blocks =
      this.#records =
      this.#bytes =
        0;
    this.#since = performance.now();
    this.#latency?.reset();
  }
}
