// SPDX-License-Identifier: Apache-2.0
import { type MemoryArena, WORD_CHANGES, WORD_SERIAL } from "./memory_arena.ts";
import { MemoryRingTable, type RingPlace } from "./memory_ring_table.ts";
import { encodeName, MemoryStreamTable } from "./memory_stream_table.ts";
import type { PortEntry, StreamName } from "./transport.ts";

/** The event under which rings are listed among the ports. */
const RING_EVENT = "Ring";

/** A ring in the directory. */
export interface RingEntry extends RingPlace {
  readonly index: number;
  readonly epochLow: number;
  readonly epochHigh: number;
}

/** Who looks for the rings of a stream, and how far it has come. */
export interface FinderEntry {
  readonly stream: number;
  /** The changes that it knows of. */
  readonly changes: number;
  /** Rings that were announced when it came, and were not taken yet. */
  readonly first: number[];
  /** The announcement that it has taken last, of those after it came. */
  serial: number;
  /** The ring that was taken last and whose taker may still be about to attach it, or -1. */
  last: number;
}

/**
 * What the Workers know of each other's rings: which there are, and who may still want to read them.
 *
 * A ring that its writer has closed keeps its memory while a reader has it attached, or a finder of its stream has not had the
 * chance to attach it: that is until the finder is asked for the ring behind it, or closed.
 */
export class MemoryDirectory {
  readonly #arena: MemoryArena;
  readonly #rings: MemoryRingTable;
  readonly #streams: MemoryStreamTable;

  constructor(arena: MemoryArena) {
    this.#arena = arena;
    this.#rings = new MemoryRingTable(arena);
    this.#streams = new MemoryStreamTable(arena);
  }

  /** Takes memory for a ring that nobody else sees before `publish`. */
  createRing(
    action: string,
    name: StreamName,
    lossless: boolean,
    dataBytes: number,
    tableBytes: number,
  ): RingEntry {
    const encoded = encodeName(action, name);
    return this.#arena.lock.run(() => {
      const stream = this.#streams.use(action, encoded);
      try {
        return this.#entry(this.#rings.take(action, { stream, lossless, dataBytes, tableBytes }));
      } catch (error) {
        this.#streams.leave(stream);
        throw error;
      }
    });
  }

  publish(index: number): void {
    this.#rings.publish(index);
  }

  /** Tells the finders of a ring; again does nothing, because what was announced stays. */
  announce(index: number): void {
    const announced = this.#arena.lock.run(() => {
      if (this.#rings.serial(index) !== 0) return false;
      const serial = this.#nextSerial();
      // Counted before it can be seen, so that a Worker that ends in between leaves too much behind, never too little.
      this.#rings.addUntold(index, this.#streams.finders(this.#rings.stream(index)));
      this.#rings.setSerial(index, serial);
      return true;
    });
    if (!announced) return;
    Atomics.add(this.#arena.words, WORD_CHANGES, 1);
    Atomics.notify(this.#arena.words, WORD_CHANGES);
  }

  /** Ends a ring for its writer. */
  endRing(index: number): void {
    this.#arena.lock.run(() => {
      this.#rings.end(index);
      this.#sweep(index);
    });
  }

  /** The ring of this epoch, with one reader more, or null. */
  attachRing(epochLow: number, epochHigh: number): RingEntry | null {
    return this.#arena.lock.run(() => {
      const index = this.#rings.find(epochLow, epochHigh);
      if (index < 0) return null;
      this.#rings.addReaders(index, 1);
      return this.#entry(index);
    });
  }

  detachRing(index: number): void {
    this.#arena.lock.run(() => {
      this.#rings.addReaders(index, -1);
      this.#sweep(index);
    });
  }

  /** Whether the writer has not closed the ring; it must be one that the caller writes or has attached. */
  isLive(index: number): boolean {
    return this.#rings.isLive(index);
  }

  /** How often rings were announced; cheap. */
  get changes(): number {
    return Atomics.load(this.#arena.words, WORD_CHANGES);
  }

  openFinder(action: string, name: StreamName): FinderEntry {
    const encoded = encodeName(action, name);
    const { changes } = this;
    return this.#arena.lock.run(() => {
      const stream = this.#streams.use(action, encoded);
      const first = this.#rings.announced(stream).filter((index) => this.#rings.isLive(index));
      for (const index of first) this.#rings.addUntold(index, 1);
      this.#streams.addFinders(stream, 1);
      return { stream, changes, first, serial: this.#arena.words[WORD_SERIAL]!, last: -1 };
    });
  }

  /** Whether there is a ring that the finder has not taken. */
  hasUntaken(finder: FinderEntry): boolean {
    return this.#arena.lock.run(() => this.#untaken(finder).length > 0);
  }

  /** The next ring that the finder has not taken, or null. */
  takeRing(finder: FinderEntry): RingEntry | null {
    return this.#arena.lock.run(() => {
      this.#forgetLast(finder);
      const index = this.#untaken(finder)[0];
      if (index === undefined) return null;
      if (finder.first.length > 0) finder.first.shift();
      else finder.serial = this.#rings.serial(index);
      finder.last = index;
      return this.#entry(index);
    });
  }

  closeFinder(finder: FinderEntry): void {
    this.#arena.lock.run(() => {
      this.#forgetLast(finder);
      for (const index of this.#untaken(finder)) {
        this.#rings.addUntold(index, -1);
        this.#sweep(index);
      }
      this.#streams.addFinders(finder.stream, -1);
      this.#streams.leave(finder.stream);
    });
  }

  /** The streams that have a ring or are looked for. */
  ports(): PortEntry[] {
    return this.#arena.lock.run(() => {
      const ports: PortEntry[] = [];
      for (const stream of this.#streams.indexes()) {
        const live = this.#rings.live(stream);
        const subscribers = this.#streams.finders(stream);
        if (live.length + subscribers === 0) continue;
        const lossyPublishers = live.filter((index) => !this.#rings.isLossless(index)).length;
        const name = this.#streams.nameOf(stream);
        ports.push({ ...name, event: RING_EVENT, publishers: live.length, lossyPublishers, subscribers });
      }
      return ports;
    });
  }

  /** The rings that the finder has not taken, in their order: those of its beginning, then those announced since. */
  #untaken(finder: FinderEntry): number[] {
    const later = this.#rings.announced(finder.stream)
      .filter((index) => ((this.#rings.serial(index) - finder.serial) | 0) > 0);
    return [...finder.first, ...later];
  }

  #forgetLast(finder: FinderEntry): void {
    if (finder.last < 0) return;
    this.#rings.addUntold(finder.last, -1);
    this.#sweep(finder.last);
    finder.last = -1;
  }

  #sweep(index: number): void {
    const stream = this.#rings.stream(index);
    if (this.#rings.sweep(index)) this.#streams.leave(stream);
  }

  #nextSerial(): number {
    const words = this.#arena.words;
    // 0 stands for a ring that was not announced.
    const serial = (words[WORD_SERIAL]! + 1) | 0 || 1;
    words[WORD_SERIAL] = serial;
    return serial;
  }

  #entry(index: number): RingEntry {
    return {
      index,
      epochLow: this.#rings.epochLow(index),
      epochHigh: this.#rings.epochHigh(index),
      ...this.#rings.place(index),
    };
  }
}
