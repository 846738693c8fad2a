// SPDX-License-Identifier: Apache-2.0
import { SharedMemoryTooSmallError, TooManyPublishersError } from "../errors.ts";
import {
  FIRST_PAGE,
  type MemoryArena,
  PAGE_BYTES,
  RING_RECORD_WORDS,
  RING_TABLE,
  RINGS_MAX,
  WORD_RINGS_USED,
} from "./memory_arena.ts";
import { type Extent, findGap } from "./memory_space.ts";

// A record, in words.
const STATE = 0;
const EPOCH_LOW = 1;
const EPOCH_HIGH = 2;
const STREAM = 3;
const SERIAL = 4;
const READERS = 5;
const UNTOLD = 6;
const FIRST = 7;
const PAGES = 8;
const DATA_BYTES = 9;
const TABLE_BYTES = 10;
const LOSSLESS = 11;

// States of a record.
const FREE = 0;
/** Its memory is being filled in; nobody else sees it yet. */
const MAKING = 1;
const LIVE = 2;
/** Its writer closed it, and somebody still reads it or may want to. */
const ENDED = 3;

/** What a ring is made of. */
export interface RingPlan {
  readonly stream: number;
  readonly lossless: boolean;
  readonly dataBytes: number;
  readonly tableBytes: number;
}

/** Where the areas of a ring are in the arena, in bytes. */
export interface RingPlace {
  readonly dataOffset: number;
  readonly dataBytes: number;
  readonly tableOffset: number;
  readonly tableBytes: number;
}

/** The rings of a runtime. Its callers hold the arena's lock, except for `isLive`. */
export class MemoryRingTable {
  readonly #words: Int32Array;
  readonly #endPage: number;

  constructor(arena: MemoryArena) {
    this.#words = arena.words;
    this.#endPage = arena.endPage;
  }

  /**
   * Takes a record, and memory whose content is whatever was there before.
   *
   * @param action What is attempted, continuing the word "Cannot".
   * @param plan What the ring is made of.
   * @returns The index of the record, to be published by `publish`.
   * @throws {TooManyPublishersError} When all records are in use.
   * @throws {SharedMemoryTooSmallError} When no free piece is large enough.
   */
  take(action: string, plan: RingPlan): number {
    const words = this.#words;
    const used = words[WORD_RINGS_USED]!;
    let vacant = used;
    const extents: Extent[] = [];
    for (let index = used - 1; index >= 0; index--) {
      const record = at(index);
      if (words[record + STATE] === FREE) vacant = index;
      else extents.push({ first: words[record + FIRST]! >>> 0, pages: words[record + PAGES]! >>> 0 });
    }
    if (vacant === RINGS_MAX) {
      throw new TooManyPublishersError(action, {
        value: RINGS_MAX,
        limit: RINGS_MAX,
        condition: "the runtime holds as many rings as it can",
        remedy: "close broadcasters, and subscribers that have not read closed ones to their end",
      });
    }
    const pages = pagesOf(plan.dataBytes) + pagesOf(plan.tableBytes);
    const { first, largest } = findGap(extents, pages, FIRST_PAGE, this.#endPage);
    if (first < 0) {
      throw new SharedMemoryTooSmallError(action, {
        value: largest * PAGE_BYTES,
        limit: pages * PAGE_BYTES,
        condition: "the largest free piece of the runtime's memory has fewer bytes than the ring needs",
        remedy: "raise poolMemoryMb of the runtime, make rings with fewer slots (bufferDepth), or close some",
      });
    }
    const record = at(vacant);
    words[record + STREAM] = plan.stream;
    words[record + SERIAL] = 0;
    words[record + READERS] = 0;
    words[record + UNTOLD] = 0;
    words[record + FIRST] = first;
    words[record + PAGES] = pages;
    words[record + DATA_BYTES] = plan.dataBytes;
    words[record + TABLE_BYTES] = plan.tableBytes;
    words[record + LOSSLESS] = plan.lossless ? 1 : 0;
    this.#chooseEpoch(record);
    Atomics.store(words, record + STATE, MAKING);
    if (vacant === used) words[WORD_RINGS_USED] = used + 1;
    return vacant;
  }

  place(index: number): RingPlace {
    const record = at(index);
    const dataOffset = (this.#words[record + FIRST]! >>> 0) * PAGE_BYTES;
    const dataBytes = this.#words[record + DATA_BYTES]!;
    const tableOffset = dataOffset + pagesOf(dataBytes) * PAGE_BYTES;
    return { dataOffset, dataBytes, tableOffset, tableBytes: this.#words[record + TABLE_BYTES]! };
  }

  epochLow(index: number): number {
    return this.#words[at(index) + EPOCH_LOW]! >>> 0;
  }

  epochHigh(index: number): number {
    return this.#words[at(index) + EPOCH_HIGH]! >>> 0;
  }

  stream(index: number): number {
    return this.#words[at(index) + STREAM]!;
  }

  isLossless(index: number): boolean {
    return this.#words[at(index) + LOSSLESS] === 1;
  }

  /** Whether the writer has not closed it. Needs no lock while something keeps the record: the writer, a reader, a finder. */
  isLive(index: number): boolean {
    return Atomics.load(this.#words, at(index) + STATE) === LIVE;
  }

  /** The number of the announcement; 0 before it. Later ones are larger, by difference. */
  serial(index: number): number {
    return this.#words[at(index) + SERIAL]!;
  }

  setSerial(index: number, serial: number): void {
    this.#words[at(index) + SERIAL] = serial;
  }

  /** Lets others see a ring whose memory is filled in. */
  publish(index: number): void {
    Atomics.store(this.#words, at(index) + STATE, LIVE);
  }

  /** The ring of this epoch, or -1. */
  find(epochLow: number, epochHigh: number): number {
    for (let index = 0; index < this.#words[WORD_RINGS_USED]!; index++) {
      const record = at(index);
      if (
        this.#words[record + EPOCH_LOW] === (epochLow | 0) && this.#words[record + EPOCH_HIGH] === (epochHigh | 0) &&
        this.#isSeen(record)
      ) return index;
    }
    return -1;
  }

  /** The rings of a stream that are announced, oldest announcement first. */
  announced(stream: number): number[] {
    const found: number[] = [];
    for (let index = 0; index < this.#words[WORD_RINGS_USED]!; index++) {
      const record = at(index);
      if (this.#isSeen(record) && this.#words[record + STREAM] === stream && this.#words[record + SERIAL] !== 0) {
        found.push(index);
      }
    }
    return found.sort((a, b) => (this.serial(a) - this.serial(b)) | 0);
  }

  /** The rings of a stream whose writers live. */
  live(stream: number): number[] {
    const found: number[] = [];
    for (let index = 0; index < this.#words[WORD_RINGS_USED]!; index++) {
      if (this.isLive(index) && this.stream(index) === stream) found.push(index);
    }
    return found;
  }

  /** Counts readers that have attached it. */
  addReaders(index: number, difference: number): void {
    this.#words[at(index) + READERS]! += difference;
  }

  /** Counts finders that have not had their chance to attach it. */
  addUntold(index: number, difference: number): void {
    this.#words[at(index) + UNTOLD]! += difference;
  }

  end(index: number): void {
    Atomics.store(this.#words, at(index) + STATE, ENDED);
  }

  /** Frees a ring that its writer has closed and that nobody reads or may want to read; tells whether it did. */
  sweep(index: number): boolean {
    const record = at(index);
    if (this.#words[record + STATE] !== ENDED) return false;
    if (this.#words[record + READERS] !== 0 || this.#words[record + UNTOLD] !== 0) return false;
    Atomics.store(this.#words, record + STATE, FREE);
    return true;
  }

  #isSeen(record: number): boolean {
    const state = this.#words[record + STATE];
    return state === LIVE || state === ENDED;
  }

  #chooseEpoch(record: number): void {
    const epoch = new Int32Array(2);
    do crypto.getRandomValues(epoch); while (
      (epoch[0] === 0 && epoch[1] === 0) || this.find(epoch[0]!, epoch[1]!) >= 0
    );
    this.#words[record + EPOCH_LOW] = epoch[0]!;
    this.#words[record + EPOCH_HIGH] = epoch[1]!;
  }
}

/** The first word of a record. */
function at(index: number): number {
  return RING_TABLE + index * RING_RECORD_WORDS;
}

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}
