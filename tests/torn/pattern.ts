// SPDX-License-Identifier: Apache-2.0
//
// Blocks whose every word follows from their sequence, written and checked eight words at a time; pattern.h says the same in C.
import type { Block, MarketDataType } from "../../mod.ts";

/** Bytes that a block uses of its data: a multiple of 32. */
export type UsedBytes = 64 | 8160;

/** No two sequences of one ring share a word of the same place: the factor is odd, and a ring never sees 2^32 blocks of a slot. */
const LOW_FACTOR = 0x9e3779b1 | 0;
const HIGH_FACTOR = 0xc2b2ae35 | 0;
const STEP = 0x85ebca77 | 0;
const TWO_TO_32 = 4_294_967_296;
const RECORD_COUNTS = 64;
const DATA_TYPES = 5;

const wordOf = (sequence: number): number =>
  (Math.imul(sequence | 0, LOW_FACTOR) + Math.imul((sequence / TWO_TO_32) | 0, HIGH_FACTOR)) | 0;

/** The record count that the block with this sequence states. */
export const recordCountOf = (sequence: number): number => sequence % RECORD_COUNTS + 1;

/** The data type that it states. */
export const dataTypeOf = (sequence: number): MarketDataType => (sequence % DATA_TYPES) as MarketDataType;

/** Writes and checks the words of blocks that lie in one memory, of which it keeps a view. */
export class TornPattern {
  readonly #usedBytes: UsedBytes;
  #words: Int32Array = new Int32Array(0);

  constructor(usedBytes: UsedBytes) {
    this.#usedBytes = usedBytes;
  }

  /** Fills data that begin at a multiple of 4. */
  fill(data: Uint8Array, sequence: number): void {
    const words = this.#look(data);
    const begin = data.byteOffset >>> 2;
    const end = begin + (this.#usedBytes >>> 2);
    let word = wordOf(sequence);
    for (let at = begin; at < end; at++, word = (word + STEP) | 0) words[at] = word;
  }

  /** Whether the block has this sequence, in its header and in every used word. */
  holds(block: Block, sequence: number): boolean {
    const { data } = block;
    if (data.length !== this.#usedBytes) return false;
    const words = this.#look(data);
    const begin = data.byteOffset >>> 2;
    const end = begin + (this.#usedBytes >>> 2);
    let word = wordOf(sequence);
    let differs = (block.recordCount ^ recordCountOf(sequence)) | (block.dataType ^ dataTypeOf(sequence));
    for (let at = begin; at < end; at += 8, word = (word + 8 * STEP) | 0) {
      differs |= (words[at]! ^ word) | (words[at + 1]! ^ (word + STEP)) | (words[at + 2]! ^ (word + 2 * STEP)) |
        (words[at + 3]! ^ (word + 3 * STEP)) | (words[at + 4]! ^ (word + 4 * STEP)) |
        (words[at + 5]! ^ (word + 5 * STEP)) | (words[at + 6]! ^ (word + 6 * STEP)) |
        (words[at + 7]! ^ (word + 7 * STEP));
    }
    return differs === 0;
  }

  #look({ buffer }: Uint8Array): Int32Array {
    if (this.#words.buffer !== buffer) this.#words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    return this.#words;
  }
}
