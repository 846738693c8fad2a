// SPDX-License-Identifier: Apache-2.0
import { Block, type BlockOwner } from "../block/block.ts";
import type { QueueReader } from "./queue_reader.ts";

/** The blocks of one reader that a user holds, each an object of its own. */
export class HeldBlocks implements BlockOwner {
  readonly #reader: QueueReader;
  readonly #blocks = new Map<number, Block>();
  readonly #owner: WeakRef<object>;
  /** While blocks are held, their subscriber must not be taken for lost: it would be closed under their user's hands. */
  #kept: object | undefined;

  constructor(reader: QueueReader, owner: object) {
    this.#reader = reader;
    this.#owner = new WeakRef(owner);
  }

  /** Blocks held now. */
  get size(): number {
    return this.#blocks.size;
  }

  /** The next block, held until it is released, or null. It may be a copy, so that others are not robbed. */
  next(): Block | null {
    const block = new Block();
    if (!this.#reader.nextForLong(block, this)) return null;
    this.#blocks.set(this.#reader.token, block);
    this.#kept ??= this.#owner.deref();
    return block;
  }

  releaseBlock(token: number): void {
    this.#blocks.delete(token);
    if (this.#blocks.size === 0) this.#kept = undefined;
    this.#reader.releaseBlock(token);
  }

  /** Releases all, as at the end of the subscriber. */
  releaseAll(): void {
    for (const block of [...this.#blocks.values()]) block.release();
  }
}
