// SPDX-License-Identifier: Apache-2.0
import { fence, loadWord, loadWordAfter } from "../transport/words.ts";
import {
  BLOCK_SIZE,
  FLAG_LENGTH,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_DATA_LENGTH,
  OFFSET_DATA_TYPE,
  OFFSET_FLAGS,
  TRAILER_OFFSET,
  TRAILER_SIZE,
} from "../block/layout.ts";
import type { BlockVerifier } from "../block/block_checksum.ts";
import { Window } from "../block/window.ts";
import { highOf, type RingView } from "./ring_view.ts";

/** Blocks that stay in the cache for the other subscribers of a Worker; as many as one `poll` takes by default. */
const CACHED_BLOCKS_MAX = 256;
/** Blocks of one piece of memory. */
const SLAB_BLOCKS = 64;
const SLAB_SHIFT = 6;
const BLOCK_SHIFT = 13;
/** Up to here words one by one are faster than a call that copies bytes. */
const COPIED_BY_WORDS_MAX = 64;
/** Longer copies are rounded up to this, so that one view of a slot serves blocks of nearly the same length. */
const COPY_STEP = 512;

const DESCRIPTION = OFFSET_DATA_TYPE >>> 2;
const FLAGS_SHIFT = (OFFSET_FLAGS - OFFSET_DATA_TYPE) * 8;
const DATA_LENGTH_SHIFT = (OFFSET_DATA_LENGTH - OFFSET_DATA_TYPE) * 8;
const TRAILER_WORD = (OFFSET_DATA + TRAILER_OFFSET) >>> 2;

/** No copy: the block is not or no longer there. */
export const NO_COPY = -1;

/**
 * Copies of blocks of one ring that its writer may overwrite at any time: each is made once, proved to be whole, and shared by
 * the subscribers of a Worker as long as it stays in the cache. Who uses a copy keeps it; the cache then takes other memory.
 */
export class BlockCopies {
  readonly #view: RingView;
  readonly #verifier: BlockVerifier;
  readonly #slabs: Window[] = [];
  /** By copy: who uses it, and whether the cache refers to it. */
  readonly #uses: number[] = [];
  readonly #isCached: boolean[] = [];
  readonly #isSound: boolean[] = [];
  readonly #free: number[] = [];
  // The cache, by the low bits of the sequence.
  readonly #copyOf: Int32Array = new Int32Array(CACHED_BLOCKS_MAX).fill(NO_COPY);
  readonly #lowOf: Int32Array = new Int32Array(CACHED_BLOCKS_MAX);
  /** -1 for nothing: no sequence has this high word. */
  readonly #highOf: Int32Array = new Int32Array(CACHED_BLOCKS_MAX).fill(-1);
  #mask = 0;

  constructor(view: RingView, verifier: BlockVerifier) {
    this.#view = view;
    this.#verifier = verifier;
  }

  /** One subscriber needs no cache but one place, which stays in the processor's. */
  share(subscribers: number): void {
    const mask = subscribers > 1 ? Math.min(CACHED_BLOCKS_MAX, this.#view.capacity) - 1 : 0;
    if (mask === this.#mask) return;
    for (let index = 0; index <= this.#mask; index++) this.#evict(index);
    this.#mask = mask;
  }

  /** A copy of the block with this sequence, in use until it is released, or NO_COPY. */
  take(sequence: number): number {
    const low = sequence | 0;
    const high = highOf(sequence);
    const index = low & this.#mask;
    let copy = this.#copyOf[index]!;
    if (this.#lowOf[index] === low && this.#highOf[index] === high) {
      this.#uses[copy]!++;
      return copy;
    }
    if (copy === NO_COPY || this.#uses[copy]! > 0) {
      this.#evict(index);
      copy = this.#free.pop() ?? this.#grow();
      this.#copyOf[index] = copy;
      this.#isCached[copy] = true;
    }
    // Not what it says while it is filled.
    this.#highOf[index] = -1;
    if (!this.#fill(sequence, low, high, copy)) return NO_COPY;
    this.#lowOf[index] = low;
    this.#highOf[index] = high;
    this.#uses[copy] = 1;
    // Of what nobody can change any more, and only once it is sure that it is this block.
    this.#isSound[copy] = this.#verifier.accepts(this.windowOf(copy), this.offsetOf(copy));
    return copy;
  }

  /** Somebody is done with a copy. */
  release(copy: number): void {
    if (--this.#uses[copy]! === 0 && !this.#isCached[copy]) this.#free.push(copy);
  }

  /** Whether the block that was copied is what its broadcaster wrote, as far as it has a checksum. */
  isSound(copy: number): boolean {
    return this.#isSound[copy]!;
  }

  windowOf(copy: number): Window {
    return this.#slabs[copy >>> SLAB_SHIFT]!;
  }

  offsetOf(copy: number): number {
    return (copy & (SLAB_BLOCKS - 1)) << BLOCK_SHIFT;
  }

  #evict(index: number): void {
    const copy = this.#copyOf[index]!;
    if (copy === NO_COPY) return;
    this.#copyOf[index] = NO_COPY;
    this.#highOf[index] = -1;
    this.#isCached[copy] = false;
    if (this.#uses[copy] === 0) this.#free.push(copy);
  }

  #grow(): number {
    const first = this.#slabs.length * SLAB_BLOCKS;
    this.#slabs.push(Window.allocate(SLAB_BLOCKS * BLOCK_SIZE));
    for (let copy = first + SLAB_BLOCKS - 1; copy > first; copy--) this.#free.push(copy);
    for (let copy = first; copy < first + SLAB_BLOCKS; copy++) {
      this.#uses.push(0);
      this.#isCached.push(false);
      this.#isSound.push(false);
    }
    return first;
  }

  /** Copies what the block uses, and proves that it was the same block from before to after. */
  #fill(sequence: number, low: number, high: number, copy: number): boolean {
    const view = this.#view;
    const words = view.words;
    const at = view.slotWord(sequence);
    // Acquire: nothing of the block is read before its stamp, which the reader has just seen.
    if (loadWordAfter(words, at) !== low || words[at + 1] !== high) return false;
    const target = this.windowOf(copy);
    const offset = this.offsetOf(copy);
    const description = words[at + DESCRIPTION]! >>> 0;
    const flags = (description >>> FLAGS_SHIFT) & 0xff;
    // Whatever a peer wrote there, a length never leads out of the block.
    const stated = OFFSET_DATA + (description >>> DATA_LENGTH_SHIFT);
    const bytes = (flags & FLAG_LENGTH) === 0 || stated > BLOCK_SIZE ? BLOCK_SIZE : stated;
    const count = (bytes + 3) >>> 2;
    if (count <= COPIED_BY_WORDS_MAX) {
      copyWords(words, at, target.i32, offset >>> 2, count);
    } else {
      const rounded = Math.min(BLOCK_SIZE, (bytes + COPY_STEP - 1) & ~(COPY_STEP - 1));
      target.bytes.set(view.window.dataView(view.slotOffset(sequence), rounded), offset);
    }
    if ((flags & FLAG_TRAILER) !== 0) {
      copyWords(words, at + TRAILER_WORD, target.i32, (offset >>> 2) + TRAILER_WORD, TRAILER_SIZE >>> 2);
    }
    // Load-load: the stamp is looked at again after everything was read.
    fence();
    return loadWord(words, at) === low && words[at + 1] === high;
  }
}

function copyWords(from: Int32Array, fromAt: number, to: Int32Array, toAt: number, count: number): void {
  for (let index = 0; index < count; index++) to[toAt + index] = from[fromAt + index]!;
}
