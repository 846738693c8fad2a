// SPDX-License-Identifier: Apache-2.0
import { Block, type BlockOwner } from "../block/block.ts";
import type { ReceiveCounters } from "./receive_counters.ts";
import type { LaneReader } from "./reader_losses.ts";
import type { StreamReader } from "./stream_reader.ts";

/** The one block that a loop has in hand, in place. Each turn gets an object of its own, so that an old one can tell that it is over. */
export class BlockHand implements BlockOwner {
  readonly #reader: StreamReader;
  readonly #counters: ReceiveCounters;
  #block: Block | null = null;
  #source: LaneReader | null = null;
  #token = 0;
  #records = 0;
  #bytes = 0;

  constructor(reader: StreamReader, counters: ReceiveCounters) {
    this.#reader = reader;
    this.#counters = counters;
  }

  /** The next block, counted, or null. The one before was released. */
  next(): Block | null {
    const block = new Block();
    const reader = this.#reader;
    if (!reader.nextInHand(block, this)) return null;
    const counters = this.#counters;
    counters.received(reader);
    this.#block = block;
    this.#source = reader.source;
    this.#token = reader.source.token;
    this.#records = counters.lastRecords;
    this.#bytes = counters.lastBytes;
    return block;
  }

  releaseBlock(): void {
    const source = this.#source!;
    this.#block = null;
    if (!source.isBlockIntact(this.#token)) {
      source.tore();
      this.#counters.retract(this.#records, this.#bytes);
    }
    source.releaseBlock(this.#token);
  }

  isBlockIntact(): boolean {
    return this.#source!.isBlockIntact(this.#token);
  }

  /** Releases what is in hand, as at the end of the subscriber. */
  close(): void {
    this.#block?.release();
  }
}
