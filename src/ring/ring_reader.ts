// SPDX-License-Identifier: Apache-2.0
import { fence, loadWord, loadWordAfter } from "../transport/words.ts";
import { bindBlock, type Block, type BlockOwner } from "../block/block.ts";
import { SEQUENCE_MAX } from "../block/layout.ts";
import type { Window } from "../block/window.ts";
import { NO_COPY } from "./block_copies.ts";
import * as layout from "./layout.ts";
import type { RingPort } from "./ring_port.ts";
import { highOf, NO_HEAD, type RingView } from "./ring_view.ts";

/** Empty looks after which the head is asked whether the stamp can be believed. A power of two. */
const LOOKS_PER_BEARING = 4096;
/** Attempts to find a block that the head says is there; a writer that laps all the time, or nonsense, ends them. */
const FIND_TRIES = 4;
/** Corrupt blocks that are passed at once: who writes nothing else must not keep a reader for ever. */
const CORRUPT_RUN_MAX = 256;
const SLOT_WORDS = layout.RING_SLOT_BYTES >>> 2;
const NO_PIN = -1;
const SKIPPED = layout.RING_SKIPPED | 0;
/** Equals no word. */
const NO_WORD = NaN;

/** How a reader of a ring begins and reads. */
export interface RingReaderOptions {
  /** Blocks of the past to begin with; null to begin with the ring's first block, and to count those that are gone as missed. */
  readonly history: number | null;
  /** Blocks before this one were read by another way. */
  readonly atLeast: number;
  /** Whether to read in place where the writer may overwrite. */
  readonly inPlace: boolean;
}

/**
 * One subscriber's place in a ring.
 *
 * It looks at the slot that it expects next, whose first word is the stamp: stamp, header and the first data come in one cache line.
 */
export class RingReader implements BlockOwner {
  readonly port: RingPort;
  /** The first sequence that it reads. */
  readonly start: number;
  /** Whether blocks can change while user code has them. */
  readonly isVolatile: boolean;
  readonly #view: RingView;
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #inPlace: boolean;
  readonly #gates: boolean;
  /** The sequence to be read next, also as the two words of its stamp, and the index of its slot's first word. */
  #cursor = 0;
  #low = 0;
  #high = 0;
  #slotWord = 0;
  /** On a lossless ring: the block that is being read in place, which the writer must not overwrite. */
  #pin = NO_PIN;
  /** Blocks that are read in place now. */
  #inPlaceCount = 0;
  #looks = 0;
  #missed = 0;
  #gaps = 0;
  /** The sequence after the last one that was lost. */
  #missedUntil = -1;
  #torn = 0;
  #corrupt = 0;
  #dropped = 0;
  #received = false;
  #leaves = false;
  // Of the block that was bound last.
  #window: Window | undefined;
  #offset = 0;
  #token = 0;

  constructor(port: RingPort, options: RingReaderOptions) {
    const view = port.view;
    this.port = port;
    this.#view = view;
    this.#words = view.words;
    this.#capacity = view.capacity;
    this.#gates = port.gates;
    this.#inPlace = options.inPlace;
    this.isVolatile = options.inPlace || this.#gates;
    const wanted = Math.max(
      options.atLeast,
      options.history === null ? view.firstSequence : this.#placeInPast(options.history),
    );
    const start = port.addReader(this, wanted);
    this.#moveTo(start);
    this.start = start;
    if (options.history === null) this.#miss(wanted, start - wanted);
  }

  /** Of the block that was bound last: where it lies. */
  get window(): Window {
    return this.#window!;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Of the block that was bound last: what it is to be given back by. */
  get token(): number {
    return this.#token;
  }

  get missedBlocks(): number {
    return this.#missed;
  }

  get gaps(): number {
    return this.#gaps;
  }

  get tornBlocks(): number {
    return this.#torn;
  }

  get corruptBlocks(): number {
    return this.#corrupt;
  }

  get droppedByWriter(): number {
    return this.#dropped;
  }

  /** Whether a block came from this ring. */
  get heard(): boolean {
    return this.#received;
  }

  /** What the writer must not overwrite. */
  get gate(): number {
    return this.#pin === NO_PIN ? this.#cursor : this.#pin;
  }

  /**
   * Binds the next block that is not corrupt, in place or as a copy that nobody overwrites; false when there is none.
   *
   * @param mayStay Whether its user may keep it long: then it is a copy on a lossless ring, whose writer must not wait for him.
   */
  next(block: Block, owner: BlockOwner = this, ownerToken?: number, mayStay: boolean = false): boolean {
    let corrupt = 0;
    for (let tries = 0; tries < FIND_TRIES; tries++) {
      const at = this.#slotWord;
      // The caller has looked at it by `isIdle`, or looks again when this one is old.
      if (loadWordAfter(this.#words, at) !== this.#low || this.#words[at + 1] !== this.#high) {
        if (!this.#find()) return false;
      }
      if (this.#gates && this.port.entry!.dropped) {
        this.port.rejoin();
        continue;
      }
      if (this.isVolatile && this.#pin === NO_PIN && !(mayStay && this.#gates)) {
        const { window } = this.#view;
        const offset = this.#view.slotOffset(this.#cursor);
        if (!this.port.verifier.accepts(window, offset)) {
          // What does not match because it was overwritten meanwhile was overtaken, like what is gone before it is looked at.
          if (this.isBlockIntact(this.#cursor)) {
            this.#passCorrupt();
            if (++corrupt < CORRUPT_RUN_MAX) tries = -1;
          }
          continue;
        }
        this.#token = this.#cursor;
        this.#window = window;
        this.#offset = offset;
        this.#inPlaceCount++;
        if (this.#gates) this.#pin = this.#cursor;
      } else {
        const { copies } = this.port;
        const copy = copies.take(this.#cursor);
        // Overtaken while it was copied.
        if (copy === NO_COPY) continue;
        if (!copies.isSound(copy)) {
          copies.release(copy);
          this.#passCorrupt();
          if (++corrupt < CORRUPT_RUN_MAX) tries = -1;
          continue;
        }
        this.#token = -1 - copy;
        this.#window = copies.windowOf(copy);
        this.#offset = copies.offsetOf(copy);
      }
      this.#received = true;
      this.#advance();
      if (this.#gates && this.#pin === NO_PIN) this.port.moved(this.#cursor - 1, this.#cursor);
      const { epochLow, epochHigh } = this.#view;
      bindBlock(block, this.#window, this.#offset, epochLow, epochHigh, owner, ownerToken ?? this.#token);
      return true;
    }
    return false;
  }

  releaseBlock(token: number): void {
    if (this.port.closed) return;
    if (token < 0) {
      this.port.copies.release(-1 - token);
      return;
    }
    this.#inPlaceCount--;
    if (token === this.#pin) {
      this.#pin = NO_PIN;
      this.port.moved(token, this.#cursor);
    }
    if (this.#leaves) this.close();
  }

  isBlockIntact(token: number): boolean {
    if (token < 0) return true;
    if (this.port.closed) return false;
    // Load-load: the stamp is looked at again after everything was read.
    fence();
    return this.#view.holds(token);
  }

  /** A block that was bound changed before its user was done with it. */
  tore(): void {
    this.#torn++;
    this.#miss(this.#cursor - 1, 1);
  }

  /** One look: whether the slot says that the block is not there yet, as far as a stamp can be believed. */
  isIdle(): boolean {
    const ahead = (loadWord(this.#words, this.#slotWord) - this.#low) | 0;
    return ahead === -1 || ahead === -this.#capacity;
  }

  /** Asks the head in place of the stamp, which lies after a lag of about 2^31 blocks or more; tells whether there is a block. */
  takeBearings(): boolean {
    this.#looks = LOOKS_PER_BEARING - 1;
    return !this.port.closed && this.#hasData();
  }

  hasData(): boolean {
    if (this.port.closed) return false;
    // Of a writer that has ended nothing comes any more that could put a stamp right.
    return this.port.isKnownEnded ? this.takeBearings() : this.#hasData();
  }

  #hasData(): boolean {
    const at = this.#slotWord;
    return (loadWord(this.#words, at) === this.#low && this.#words[at + 1] === this.#high) || this.#find();
  }

  /** Whether the ring can be left: its writer has ended, everything was read and nothing of it is in use. */
  isDrained(): boolean {
    return this.#inPlaceCount === 0 && this.port.isEnded() && !this.takeBearings();
  }

  /** The writer stopped waiting for this Worker; reading can go on from here. */
  wasDropped(safe: number): void {
    this.#dropped++;
    this.#pin = NO_PIN;
    if (safe <= this.#cursor) return;
    this.#miss(this.#cursor, safe - this.#cursor);
    this.#moveTo(safe);
  }

  /** Leaves the ring, when the last block that is read in place was given back. Blocks that are copies stay what they are. */
  close(): void {
    this.#leaves = true;
    if (this.#inPlaceCount === 0) this.port.removeReader(this);
  }

  /** Takes bearings: whether the block at the cursor is there, after it was moved where the writer has overtaken it. */
  #find(): boolean {
    let corrupt = 0;
    let skipped = 0;
    let isCommitted = false;
    for (let tries = 0; tries < FIND_TRIES; tries++) {
      const at = this.#slotWord;
      const stamp = loadWord(this.#words, at);
      if (stamp === this.#low) {
        const high = this.#words[at + 1]!;
        if (high === this.#high) return true;
        if (high === SKIPPED) {
          this.#passLost();
          isCommitted = false;
          // No more at once than there are, so that a writer of nothing else keeps nobody here.
          if (++skipped < this.#capacity) tries = -1;
          continue;
        }
      }
      const ahead = (stamp - this.#low) | 0;
      // The lap before, or being written now. After a lag of 2^31 blocks and more the difference says nothing, so the head is
      // asked now and then.
      const isExpected = ahead === -1 || ahead === -this.#capacity;
      if (isExpected && !isCommitted && (++this.#looks & (LOOKS_PER_BEARING - 1)) !== 0) return false;
      const head = this.#view.head();
      if (head === NO_HEAD || head <= this.#cursor) return false;
      const behind = head - this.#cursor;
      // What the writer stores there next: "being written" for the next lap, once the head is a capacity ahead, and then that lap.
      const isOverwritten = behind === this.#capacity && (ahead === behind - 1 || ahead === behind);
      if (behind <= this.#capacity && !isOverwritten) {
        // The stamp was stored before the head. So one that is not there, looked at after one head and before another that both
        // say that it is, was not left so by the writer.
        if (isCommitted) {
          this.#passCorrupt();
          if (++corrupt < CORRUPT_RUN_MAX) tries = -1;
        }
        isCommitted = !isCommitted;
        continue;
      }
      const resume = Math.max(this.#cursor, head - this.#capacity + layout.resumeMargin(this.#capacity));
      this.#miss(this.#cursor, resume - this.#cursor);
      const from = this.gate;
      this.#moveTo(resume);
      isCommitted = false;
      if (this.#gates) this.port.moved(from, this.gate);
    }
    return false;
  }

  #advance(): void {
    this.#cursor++;
    this.#low = (this.#low + 1) | 0;
    if (this.#low === 0) this.#high = expectedHighOf(this.#cursor);
    this.#slotWord = (this.#low & (this.#capacity - 1)) === 0
      ? layout.RING_HEADER_BYTES >>> 2
      : this.#slotWord + SLOT_WORDS;
  }

  /** The block at the cursor is not what the writer left there: it is lost, and reading goes on behind it. */
  #passCorrupt(): void {
    this.#corrupt++;
    this.#passLost();
  }

  #passLost(): void {
    this.#miss(this.#cursor, 1);
    this.#advance();
    if (this.#gates && this.#pin === NO_PIN) this.port.moved(this.#cursor - 1, this.#cursor);
  }

  #moveTo(sequence: number): void {
    this.#cursor = sequence;
    this.#low = sequence | 0;
    this.#high = expectedHighOf(sequence);
    this.#slotWord = this.#view.slotWord(sequence);
  }

  /** So many blocks from a sequence on are lost. Those that follow upon others that were lost make no new gap. */
  #miss(from: number, blocks: number): void {
    if (blocks <= 0) return;
    this.#missed += blocks;
    if (from !== this.#missedUntil) this.#gaps++;
    this.#missedUntil = from + blocks;
  }

  /** The sequence so many blocks back, as far as they are surely there. */
  #placeInPast(history: number): number {
    const { capacity, firstSequence } = this.#view;
    const head = this.#view.head();
    if (head === NO_HEAD) return firstSequence;
    const oldest = head - capacity + (this.#gates ? 1 : layout.resumeMargin(capacity));
    return Math.max(head - history, firstSequence, oldest);
  }
}

/** The high word that the slot of a sequence must show; beyond the last sequence there is no block, whatever a slot says. */
function expectedHighOf(sequence: number): number {
  return sequence <= SEQUENCE_MAX ? highOf(sequence) : NO_WORD;
}
