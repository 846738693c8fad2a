// SPDX-License-Identifier: Apache-2.0
// What a writer has committed to its ring, read from the file of the ring, whatever has become of the writer and of the file's name.
import { closeSync, openSync, readSync } from "node:fs";
import {
  RING_HEADER_BYTES,
  RING_OFFSET_CAPACITY,
  RING_OFFSET_HEAD_HIGH_LAST,
  RING_OFFSET_HEAD_LOW,
  RING_SLOT_BYTES,
} from "../../src/ring/layout.ts";
import { pathsOf } from "../ring/peers.ts";

const WORD_RANGE = 2 ** 32;

/** The ring of an epoch. */
export class RingHead {
  readonly #file: number;

  constructor(epoch: string) {
    this.#file = openSync(pathsOf(epoch).data, "r");
  }

  #word(offset: number): number {
    const word = new Uint32Array(1);
    readSync(this.#file, word, 0, 4, offset);
    return word[0]!;
  }

  /** The blocks that a writer that has ended committed; the last of them is there a moment before the head says so. */
  committed(): number {
    const [low, high] = [this.#word(RING_OFFSET_HEAD_LOW), this.#word(RING_OFFSET_HEAD_HIGH_LAST)];
    const head = high * WORD_RANGE + low;
    const slot = RING_HEADER_BYTES + (head % this.#word(RING_OFFSET_CAPACITY)) * RING_SLOT_BYTES;
    return this.#word(slot) === low && this.#word(slot + 4) === high ? head + 1 : head;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
