// SPDX-License-Identifier: Apache-2.0
import type { PublishClock } from "../transport/publish_clock.ts";
import type { BlockChecksums } from "../transport/transport.ts";
import { sealBlock } from "./block_checksum.ts";
import { writeHeader, writeTrailer } from "./header.ts";
import {
  BLOCK_SIZE,
  FLAG_CHECKSUM,
  FLAG_LENGTH,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_TIMESTAMP_NS,
  TRAILER_OFFSET,
  TRAILER_SIZE,
} from "./layout.ts";
import { Window } from "./window.ts";

const FLAGS = FLAG_LENGTH | FLAG_TRAILER | FLAG_CHECKSUM;
const TIME = OFFSET_TIMESTAMP_NS >>> 2;
const TRAILER = (OFFSET_DATA + TRAILER_OFFSET) >>> 2;
const TRAILER_WORDS = TRAILER_SIZE >>> 2;
/** Up to here words one by one are faster than a call that copies bytes. */
const COPIED_BY_WORDS_MAX = 64;
/** Longer copies are rounded up to this, so that few views serve all lengths. */
const COPY_STEP = 512;

/**
 * A block in memory of this thread alone, where it gets its checksum before it goes to where others can write: what they do to it is
 * then noticed, however early.
 */
export class BlockDraft {
  /** Where the block lies, from 0 on. */
  readonly window: Window = Window.allocate(BLOCK_SIZE);
  readonly #native: BlockChecksums | null;
  readonly #clock: PublishClock;
  readonly #epochLow: number;
  readonly #epochHigh: number;
  /** The first so many steps of the block behind its sequence. */
  readonly #steps: (Uint8Array | undefined)[] = new Array(BLOCK_SIZE / COPY_STEP + 1).fill(undefined);

  /**
   * @param native By the processor's instruction, or null for a stack that has none.
   * @param epochLow Low half of the epoch of its broadcaster.
   * @param epochHigh High half of it.
   */
  constructor(native: BlockChecksums | null, clock: PublishClock, epochLow: number, epochHigh: number) {
    this.#native = native;
    this.#clock = clock;
    this.#epochLow = epochLow;
    this.#epochHigh = epochHigh;
  }

  /** Completes the block, whose data are there: header, trailer and checksum. Parameters as for `writeHeader`. */
  complete(
    sequence: number,
    recordCount: number,
    dataType: number,
    dataLength: number,
    recordSize: number,
    schemaId: number,
  ): void {
    const { window } = this;
    writeHeader(window, 0, sequence, recordCount, dataType, FLAGS, dataLength, recordSize, schemaId);
    this.#clock.write(window.i32, TIME);
    writeTrailer(window, 0, this.#epochLow, this.#epochHigh, sequence, 0);
    sealBlock(this.#native, window, 0, sequence);
  }

  /** Copies all of it but its sequence. */
  copyTo(target: Window, offset: number, dataLength: number): void {
    const from = this.window.i32;
    const to = target.i32;
    const at = offset >>> 2;
    const count = (OFFSET_DATA + dataLength + 3) >>> 2;
    if (count <= COPIED_BY_WORDS_MAX) {
      for (let index = TIME; index < count; index++) to[at + index] = from[index]!;
    } else {
      target.bytes.set(this.#step(Math.ceil((count << 2) / COPY_STEP)), offset + OFFSET_TIMESTAMP_NS);
    }
    for (let index = TRAILER; index < TRAILER + TRAILER_WORDS; index++) to[at + index] = from[index]!;
  }

  #step(count: number): Uint8Array {
    const end = Math.min(BLOCK_SIZE, count * COPY_STEP);
    return this.#steps[count] ??= new Uint8Array(
      this.window.bytes.buffer,
      OFFSET_TIMESTAMP_NS,
      end - OFFSET_TIMESTAMP_NS,
    );
  }
}
