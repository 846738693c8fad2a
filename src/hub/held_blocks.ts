// SPDX-License-Identifier: Apache-2.0
import { Block, type BlockOwner } from "../block/block.ts";
import type { ReceiveCounters } from "./receive_counters.ts";
import type { LaneReader } from "./reader_losses.ts";
import type { StreamReader } from "./stream_reader.ts";

interface HeldBlock {
  readonly block: Block;
  /** Where it came from, and what it is known by there. */
  readonly source: LaneReader;
  readonly token: number;
  /** What was counted for it. */
  readonly records: number;
  readonly bytes: number;
}

/** The blocks of one reader that a user holds, each an object of its own. */
export class HeldBlocks implements BlockOwner {
  readonly #reader: StreamReader;
  readonly #counters: ReceiveCounters;
  readonly #blocks = new Map<number, HeldBlock>();
  readonly #owner: WeakRef<object>;
  #serial = 0;
  /** While blocks are held, their subscriber must not be taken for lost: it would be closed under their user's hands. */
  #kept: object | undefined;

  /**
   * @param counters Where blocks are counted.
   * @param owner The subscriber.
   */
  constructor(reader: StreamReader, counters: ReceiveCounters, owner: object) {
    this.#reader = reader;
    this.#counters = counters;
    this.#owner = new WeakRef(owner);
  }

  /** Blocks held now. */
  get size(): number {
    return this.#blocks.size;
  }

  /** The next block, counted and held until it is released, or null. It may be a copy, so that others are not robbed. */
  next(): Block | null {
    const block = new Block();
    const serial = this.#serial++;
    const reader = this.#reader;
    const counters = this.#counters;
    if (!reader.nextForLong(block, this, serial)) return null;
    counters.received(reader);
    const { source } = reader;
    this.#blocks.set(serial, {
      block,
      source,
      token: source.token,
      records: counters.lastRecords,
      bytes: counters.lastBytes,
    });
    this.#kept ??= this.#owner.deref();
    return block;
  }

  releaseBlock(serial: number): void {
    const held = this.#blocks.get(serial);
    if (held === undefined) return;
    this.#blocks.delete(serial);
    if (this.#blocks.size === 0) this.#kept = undefined;
    const { source, token, records, bytes } = held;
    if (!source.isBlockIntact(token)) {
      source.tore();
      this.#counters.retract(records, bytes);
    }
    source.releaseBlock(token);
  }

  isBlockIntact(serial: number): boolean {
    const held = this.#blocks.get(serial);
    return held === undefined || held.source.isBlockIntact(held.token);
  }

  /** Releases all, as at the end of the subscriber. */
  releaseAll(): void {
    for (const { block } of [...this.#blocks.values()]) block.release();
  }
}
