// SPDX-License-Identifier: Apache-2.0
import { BlockDraft } from "../block/block_draft.ts";
import { writeDescription } from "../block/header.ts";
import { FLAG_LENGTH, OFFSET_TIMESTAMP_NS, SEQUENCE_MAX } from "../block/layout.ts";
import type { Window } from "../block/window.ts";
import { SequenceExhaustedError } from "../errors.ts";
import { loadWord, loadWordAfter, storeBefore, storeRelease } from "../transport/words.ts";
import { PublishClock } from "../transport/publish_clock.ts";
import { RING_DATA, RING_ROOM, type Transport, type TransportRing } from "../transport/transport.ts";
import * as layout from "./layout.ts";
import { ReaderTable } from "./reader_table.ts";
import { highOf, RingView } from "./ring_view.ts";

const HEAD_HIGH_FIRST = layout.RING_OFFSET_HEAD_HIGH_FIRST >>> 2;
const HEAD_LOW = layout.RING_OFFSET_HEAD_LOW >>> 2;
const HEAD_HIGH_LAST = layout.RING_OFFSET_HEAD_HIGH_LAST >>> 2;
const DATA_WORD = layout.TABLE_OFFSET_DATA_WORD >>> 2;
const ROOM_WORD = layout.TABLE_OFFSET_ROOM_WORD >>> 2;
const CHANGES = layout.TABLE_OFFSET_CHANGES >>> 2;

const CACHE_LINE_WORDS = 16;
const TIME = OFFSET_TIMESTAMP_NS >>> 2;

/** No room for a block: {@linkcode RingWriter.claim}. */
const NO_ROOM = -1;
/** Every claim is the same one: a ring has one block being written at a time. */
const CLAIMED = 0;

/**
 * The writing end of a ring: fills the next slot in place and commits it with one atomic store.
 *
 * A slot is made invalid before anything in it changes and valid after everything has, so that a reader that finds the same
 * valid stamp before and after it has read knows that nothing changed between.
 */
export class RingWriter {
  readonly view: RingView;
  readonly epoch: bigint;
  /** Where blocks are written: in the ring, or, with a checksum, before they go there. */
  readonly window: Window;
  readonly #transport: Transport;
  readonly #ring: TransportRing;
  readonly #readers: ReaderTable;
  readonly #stream: string;
  readonly #words: Int32Array;
  readonly #table: Int32Array;
  readonly #lossless: boolean;
  /** Where blocks with a checksum are made, or null. */
  readonly #draft: BlockDraft | null;
  readonly #clock: PublishClock;
  #sequence: number;
  #slotWord = 0;
  #offset = 0;
  /** Whether the next slot is invalid already. */
  #prepared = false;
  /** Blocks that may be written before the readers' cursors are looked at again. */
  #credit = 0;
  /** The count of changes of the table when they were looked at last. */
  #changes: number;
  #highStored: number;
  /** Readers that were told of the ring and have not come yet, and until when they are waited for. */
  #awaited = 0;
  #awaitedUntilMs = 0;

  /** @param checksum Whether each block has a checksum. */
  constructor(transport: Transport, ring: TransportRing, stream: string, checksum: boolean = false) {
    const view = new RingView(`make a ring for stream ${JSON.stringify(stream)}`, ring, true);
    this.view = view;
    this.epoch = BigInt(view.epochHigh) << 32n | BigInt(view.epochLow);
    this.#transport = transport;
    this.#ring = ring;
    this.#readers = new ReaderTable(transport, ring, view);
    this.#stream = stream;
    this.#words = view.words;
    this.#table = view.table;
    this.#lossless = view.lossless;
    this.#sequence = view.firstSequence;
    this.#highStored = highOf(view.firstSequence);
    this.#changes = loadWord(view.table, CHANGES) - 1;
    this.#clock = new PublishClock(transport);
    this.#draft = checksum ? new BlockDraft(transport.checksums, this.#clock, view.epochLow, view.epochHigh) : null;
    this.window = this.#draft?.window ?? view.window;
    this.#aim();
  }

  /** The sequence that the next block gets. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Of the last claim: where the block begins. */
  get offset(): number {
    return this.#draft === null ? this.#offset : 0;
  }

  /** Workers that read this ring, dead ones left out. */
  readerCount(): number {
    return this.#readers.readerCount();
  }

  /**
   * On a lossless ring: writes no more than the ring holds until so many readers have come, who were waiting for the ring when it was
   * made. Those that do not come in `readerTimeoutMs` are not waited for.
   */
  awaitReaders(count: number): void {
    this.#awaited = count;
    this.#awaitedUntilMs = this.#transport.clockMs() + this.view.readerTimeoutMs;
  }

  /**
   * The ring was announced, and nothing is in it yet. Readers that were there before begin with its first block however late they find
   * it; without this, one that came between the making and the announcement would pass for one that came later.
   */
  setAnnounced(): void {
    this.view.setAnnounced(this.#transport.clockMs());
  }

  /** Readers that were dropped because they had died or given no sign of life. */
  get droppedReaders(): number {
    return this.#readers.droppedReaders;
  }

  /** Claims the next slot: a token, or NO_ROOM when a reader of a lossless ring has not read what lies there. */
  claim(): number {
    if (this.#sequence > SEQUENCE_MAX) {
      throw new SequenceExhaustedError(`broadcast on stream ${JSON.stringify(this.#stream)}`);
    }
    return this.#prepared || this.#prepare() ? CLAIMED : NO_ROOM;
  }

  /** Writes the header of the claimed block, whose data are in place, and makes it visible. */
  commit(length: number, recordCount: number, dataType: number, recordSize: number, schemaId: number): void {
    const words = this.#words;
    const at = this.#slotWord;
    const { window } = this.view;
    const draft = this.#draft;
    // The stamp keeps saying "being written" while the header is written behind it.
    if (draft === null) {
      writeDescription(window, this.#offset, recordCount, dataType, FLAG_LENGTH, length, recordSize, schemaId);
      this.#clock.write(words, at + TIME);
    } else {
      draft.complete(this.#sequence, recordCount, dataType, length, recordSize, schemaId);
      draft.copyTo(window, this.#offset, length);
    }
    this.#deliver(this.#highStored);
  }

  /** Makes the claimed block visible, which is in place but for its sequence: it was copied from elsewhere with header and trailer. */
  commitCopied(): void {
    this.#deliver(this.#highStored);
  }

  /**
   * Takes the next sequence for a block that was lost before it came here: readers count it as missed.
   *
   * @returns False when a reader of a lossless ring has not read what lies in its slot.
   */
  skip(): boolean {
    if (this.claim() === NO_ROOM) return false;
    this.#deliver(layout.RING_SKIPPED | 0);
    return true;
  }

  /** Stamps the claimed slot and tells of it. */
  #deliver(high: number): void {
    const words = this.#words;
    const at = this.#slotWord;
    const sequence = this.#sequence;
    words[at + 1] = high;
    // Release: whoever sees the stamp sees the block.
    storeRelease(words, at, sequence | 0);
    const next = sequence + 1;
    const nextLow = next | 0;
    // The head's store is a full barrier as well, on x86-64 because Atomics.store is an exchange there, elsewhere because
    // sequentially consistent accesses keep their order: the flag below must not be looked at before the stamp can be seen, or a
    // reader that raises it, looks at the stamp and goes to sleep would be overlooked. The same holds of `changes`, which is
    // looked at for the next block.
    if (nextLow === 0) this.#storeHeadAcross(next);
    else Atomics.store(words, HEAD_LOW, nextLow);
    if ((loadWordAfter(this.#table, DATA_WORD) & 1) !== 0) this.#ring.wake(RING_DATA);
    this.#sequence = next;
    this.#prepared = false;
    this.#aim();
    // Off the way of the next block: nobody waits for it now.
    if (next <= SEQUENCE_MAX) this.#prepare();
  }

  /** Whether a claim would find room. */
  hasRoom(): boolean {
    return this.#prepared || !this.#lossless || this.#hasCredit();
  }

  /**
   * Raises the flag that asks readers to wake this writer when they have read, unless there is room already.
   *
   * @returns What to wait at the room word for, or -1 when there is room.
   */
  armRoom(): number {
    const table = this.#table;
    let word = loadWord(table, ROOM_WORD);
    // An exchange, so that it is a full barrier: the cursors are looked at after the flag can be seen.
    while ((word & 1) === 0) {
      const before = Atomics.compareExchange(table, ROOM_WORD, word, word | 1);
      word = before === word ? word | 1 : before;
    }
    return this.hasRoom() ? NO_ROOM : word;
  }

  /** Blocks the thread until a reader has read, at the most so long; may return early. */
  waitForReaders(timeoutMs: number): void {
    const expected = this.armRoom();
    if (expected !== NO_ROOM) this.#ring.wait(RING_ROOM, expected, timeoutMs);
  }

  /** Calls back in the event loop when a reader has read. */
  parkForReaders(onChange: () => void): void {
    const expected = this.armRoom();
    if (expected === NO_ROOM) queueMicrotask(onChange);
    else this.#ring.park(RING_ROOM, expected, onChange);
  }

  unparkForReaders(): void {
    this.#ring.unpark(RING_ROOM);
  }

  /** Ends the ring: readers read what is in it and leave. */
  close(): void {
    this.view.detach();
    this.#ring.close();
  }

  /** Makes the next slot invalid, if it may be overwritten. */
  #prepare(): boolean {
    if (this.#lossless && !this.#hasCredit()) return false;
    // "Being written": the number before the stamp to come. It belongs to no slot of this place, and readers of an older lap
    // can tell from it that they were overtaken.
    // Nothing that is written into the slot may be seen before that.
    storeBefore(this.#words, this.#slotWord, (this.#sequence - 1) | 0);
    // Fetches the second cache line of the slot now, which readers of the lap before have, and not when somebody waits for it.
    this.#words[this.#slotWord + CACHE_LINE_WORDS] = 0;
    this.#prepared = true;
    return true;
  }

  /** Whether no gating reader has yet to read what the next block overwrites. */
  #hasCredit(): boolean {
    // Looked at for every block, and after the head of the block before was stored with a full barrier between: a reader that
    // joins raises it and then reads the head. Either it is seen here, or the reader sees a head that tells which slot is lost.
    const changes = loadWordAfter(this.#table, CHANGES);
    const credit = this.#credit - this.#sequence;
    if (credit > 0 && changes === this.#changes) return true;
    this.#changes = changes;
    // First who has come, and then how far they are: whoever comes between the two is waited for all the same.
    const limit = this.#awaited > 0 ? this.#limitWhileAwaited() : Infinity;
    this.#credit = Math.min(limit, this.#sequence + this.#readers.credit(this.#sequence));
    return this.#credit > this.#sequence;
  }

  #limitWhileAwaited(): number {
    const isOver = ((this.#awaitedUntilMs - this.#transport.clockMs()) | 0) < 0;
    if (isOver || this.#readers.arrived(this.view.firstSequence) >= this.#awaited) {
      this.#awaited = 0;
      return Infinity;
    }
    // One less than a capacity: who comes then can be sure of the first block.
    return this.view.firstSequence + this.view.capacity - 1;
  }

  #aim(): void {
    this.#slotWord = this.view.slotWord(this.#sequence);
    this.#offset = this.view.slotOffset(this.#sequence);
  }

  #storeHeadAcross(next: number): void {
    const high = highOf(next);
    this.#highStored = high;
    // Readers read these three in the opposite order: equal highs then belong to the low between them.
    Atomics.store(this.#words, HEAD_HIGH_FIRST, high);
    Atomics.store(this.#words, HEAD_LOW, 0);
    Atomics.store(this.#words, HEAD_HIGH_LAST, high);
  }
}
