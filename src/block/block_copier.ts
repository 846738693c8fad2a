// SPDX-License-Identifier: Apache-2.0
import { readFlags, usedLength, writeRelayedTrailer } from "./header.ts";
import {
  BLOCK_SIZE,
  FLAG_LENGTH,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_FLAGS,
  OFFSET_TIMESTAMP_NS,
  TRAILER_OFFSET,
  TRAILER_SIZE,
} from "./layout.ts";
import type { Window } from "./window.ts";

const TIME = OFFSET_TIMESTAMP_NS >>> 2;
const TRAILER = (OFFSET_DATA + TRAILER_OFFSET) >>> 2;
const TRAILER_WORDS = TRAILER_SIZE >>> 2;
/** Up to here words one by one are faster than a call that copies bytes. */
const COPIED_BY_WORDS_MAX = 128;
/** Longer copies end at these bytes of the block, so that a few views of each place serve all lengths. */
const COPY_ENDS: readonly number[] = [1024, 2048, 4096, BLOCK_SIZE];
/** Blocks never lie closer together than this. */
const SLOT_SHIFT = 13;

/** Copies blocks from one memory to another as they are, all but their sequences. Allocates nothing once it has seen every place. */
export class BlockCopier {
  readonly #views = new WeakMap<Window, (Uint8Array | undefined)[]>();
  #window: Window | null = null;
  #viewsOfWindow: (Uint8Array | undefined)[] = [];

  /**
   * Copies header, used data and trailer, but not the sequence. What a peer writes there meanwhile leads to wrong bytes at worst.
   *
   * @returns The used data bytes.
   */
  copy(from: Window, fromOffset: number, to: Window, toOffset: number): number {
    const length = usedLength(from, fromOffset);
    const hasTrailer = (readFlags(from, fromOffset) & FLAG_TRAILER) !== 0;
    const source = from.i32;
    const target = to.i32;
    const fromWord = fromOffset >>> 2;
    const toWord = toOffset >>> 2;
    const bytes = OFFSET_DATA + length;
    const count = (bytes + 3) >>> 2;
    if (count <= COPIED_BY_WORDS_MAX) {
      for (let index = TIME; index < count; index++) target[toWord + index] = source[fromWord + index]!;
    } else {
      const step = bytes <= 1024 ? 0 : bytes <= 2048 ? 1 : bytes <= 4096 ? 2 : 3;
      to.bytes.set(this.#view(from, fromOffset, step), toOffset + OFFSET_TIMESTAMP_NS);
      if (step === 3) return length;
    }
    if (hasTrailer) {
      for (let index = TRAILER; index < TRAILER + TRAILER_WORDS; index++) {
        target[toWord + index] = source[fromWord + index]!;
      }
    }
    return length;
  }

  #view(window: Window, offset: number, step: number): Uint8Array {
    if (window !== this.#window) this.#select(window);
    const views = this.#viewsOfWindow;
    const at = (offset >>> SLOT_SHIFT) * COPY_ENDS.length + step;
    const begin = window.bytes.byteOffset + offset + OFFSET_TIMESTAMP_NS;
    const known = views[at];
    if (known !== undefined && known.byteOffset === begin) return known;
    return views[at] = new Uint8Array(window.bytes.buffer, begin, COPY_ENDS[step]! - OFFSET_TIMESTAMP_NS);
  }

  #select(window: Window): void {
    let views = this.#views.get(window);
    if (views === undefined) {
      views = new Array(((window.bytes.length >>> SLOT_SHIFT) + 1) * COPY_ENDS.length).fill(undefined);
      this.#views.set(window, views);
    }
    this.#window = window;
    this.#viewsOfWindow = views;
  }
}

/**
 * Says in the trailer of a copied block where it came from, so that it can be read there whatever sequence the copy gets. One that was
 * relayed before keeps its first source, and each keeps its checksum, which covers neither.
 *
 * @returns Whether there is room: without a stated length, or with data where the trailer would be, there is none.
 */
export function markRelayed(
  window: Window,
  offset: number,
  epochLow: number,
  epochHigh: number,
  sequence: number,
): boolean {
  const flags = readFlags(window, offset);
  const hasTrailer = (flags & FLAG_TRAILER) !== 0;
  if (!hasTrailer) {
    if ((flags & FLAG_LENGTH) === 0 || usedLength(window, offset) > TRAILER_OFFSET) return false;
    window.bytes[offset + OFFSET_FLAGS] = flags | FLAG_TRAILER;
  }
  writeRelayedTrailer(window, offset, epochLow, epochHigh, sequence, hasTrailer);
  return true;
}
