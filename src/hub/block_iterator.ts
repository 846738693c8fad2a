// SPDX-License-Identifier: Apache-2.0
import type { Block } from "../block/block.ts";
import { ClosedError, IterationError } from "../errors.ts";
import { turnAfterSlice } from "./waiting.ts";

/** What an iteration needs of its subscriber. */
export interface BlockSource {
  isClosed(): boolean;
  /** The next block, counted, or null. */
  nextBlock(): Block | null;
  /** Waits in the event loop; may return without data. */
  idle(): Promise<void>;
  /** The iteration finds data all the time: being woken helps nobody. */
  busy(): void;
  /** The iteration is over: ends its `idle` early. */
  end(): void;
}

/** How long an iteration that never waits keeps the event loop to itself. */
const SLICE_MS = 1;
/** Blocks between two readings of the clock. */
const BLOCKS_PER_CLOCK = 32;

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * One `for await` over a subscriber. Each block is released when the next one is asked for.
 *
 * A feed that never pauses would settle promises for ever and starve timers and sockets, so every millisecond the iteration
 * lets the event loop turn.
 */
export class BlockIterator implements AsyncIterableIterator<Block, undefined, undefined> {
  readonly #source: BlockSource;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #block: Block | null = null;
  #ended = false;
  #pending = false;
  #sliceBegan = 0;
  #sinceClock = 0;

  constructor(source: BlockSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
    this.#onAbort = () => this.#end();
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted) this.#end();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Block, undefined, undefined> {
    return this;
  }

  next(): Promise<IteratorResult<Block, undefined>> {
    if (this.#pending) {
      return Promise.reject(new IterationError("ask for the next block", { condition: "the last question is open" }));
    }
    try {
      this.#release();
      if (this.#source.isClosed()) this.#end();
      if (this.#ended) return Promise.resolve(DONE);
      if (++this.#sinceClock < BLOCKS_PER_CLOCK) {
        const block = this.#source.nextBlock();
        if (block !== null) {
          this.#block = block;
          return Promise.resolve({ done: false, value: block });
        }
      }
    } catch (error) {
      return new Promise((resolve) => resolve(this.#endWith(error)));
    }
    return this.#nextAfterWait();
  }

  return(): Promise<IteratorResult<Block, undefined>> {
    this.#end();
    this.#release();
    return Promise.resolve(DONE);
  }

  async #nextAfterWait(): Promise<IteratorResult<Block, undefined>> {
    this.#pending = true;
    try {
      if (this.#sinceClock >= BLOCKS_PER_CLOCK) await this.#lookAtClock();
      for (;;) {
        if (this.#source.isClosed()) this.#end();
        if (this.#ended) return DONE;
        const block = this.#source.nextBlock();
        if (block !== null) {
          this.#block = block;
          return { done: false, value: block };
        }
        await this.#source.idle();
        this.#beginSlice();
      }
    } catch (error) {
      return this.#endWith(error);
    } finally {
      this.#pending = false;
    }
  }

  #release(): void {
    const block = this.#block;
    this.#block = null;
    block?.release();
  }

  /** At the end of the process its ports are closed under the Workers that still run: that ends the loop as `close` does. */
  #endWith(error: unknown): IteratorReturnResult<undefined> {
    this.#end();
    if (error instanceof ClosedError) return DONE;
    throw error;
  }

  async #lookAtClock(): Promise<void> {
    this.#sinceClock = 0;
    const now = performance.now();
    if (this.#sliceBegan === 0) this.#sliceBegan = now;
    if (now - this.#sliceBegan < SLICE_MS) return;
    this.#source.busy();
    await turnAfterSlice();
    this.#beginSlice();
  }

  #beginSlice(): void {
    this.#sinceClock = 0;
    this.#sliceBegan = performance.now();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#source.end();
  }
}
