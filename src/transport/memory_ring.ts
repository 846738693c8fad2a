// SPDX-License-Identifier: Apache-2.0
import { UnsupportedError } from "../errors.ts";
import type { MemoryArena } from "./memory_arena.ts";
import type { MemoryDirectory, RingEntry } from "./memory_directory.ts";
import type { MemoryHeartbeat } from "./memory_heartbeat.ts";
import type { MemoryParker, Unpark } from "./memory_parker.ts";
import { dataHeader, markClosed, tableHeader, WORD_DATA, WORD_ROOM } from "./memory_ring_header.ts";
import {
  type ProcessIdentity,
  RING_DATA,
  type RingArea,
  type RingOrigin,
  type RingWord,
  type TransportPublisher,
  type TransportRing,
} from "./transport.ts";

/** There is one process only. */
const IDENTITY: ProcessIdentity = Object.freeze({
  pid: 0,
  startTimeLow: 0,
  startTimeHigh: 0,
  namespaceLow: 0,
  namespaceHigh: 0,
});

/** What the rings of a Worker share. */
export interface MemoryPlace {
  readonly arena: MemoryArena;
  readonly directory: MemoryDirectory;
  readonly parker: MemoryParker;
  readonly heartbeat: MemoryHeartbeat;
}

/** One end of a ring that lies in the memory of the process. */
export class MemoryRing implements TransportRing {
  readonly data: RingArea;
  readonly table: RingArea;
  readonly tableWritable = true;
  /** A Worker cannot tell by itself that it lives while it computes, so only progress counts. */
  readonly beats = false;
  readonly identity = IDENTITY;

  readonly #place: MemoryPlace;
  readonly #index: number;
  readonly #isWriter: boolean;
  readonly #dataHeader: Int32Array;
  readonly #tableHeader: Int32Array;
  readonly #onClose: (ring: MemoryRing) => void;
  readonly #unparks: (Unpark | undefined)[] = [undefined, undefined];
  #closed = false;

  /**
   * Takes over one end that the directory has counted.
   *
   * @param place What it shares with the other rings of the Worker.
   * @param entry Where it is.
   * @param isWriter Which end it is.
   * @param onClose Called once.
   */
  constructor(place: MemoryPlace, entry: RingEntry, isWriter: boolean, onClose: (ring: MemoryRing) => void) {
    const { buffer } = place.arena;
    this.data = { buffer, byteOffset: entry.dataOffset, byteLength: entry.dataBytes };
    this.table = { buffer, byteOffset: entry.tableOffset, byteLength: entry.tableBytes };
    this.#place = place;
    this.#index = entry.index;
    this.#isWriter = isWriter;
    this.#dataHeader = dataHeader(buffer, entry);
    this.#tableHeader = tableHeader(buffer, entry);
    this.#onClose = onClose;
  }

  wake(word: RingWord): void {
    const index = indexOf(word);
    let value = Atomics.load(this.#tableHeader, index);
    while ((value & 1) !== 0) {
      // One more lowers the flag and moves the generation, so that who looked before and parks only now does not sleep.
      const found = Atomics.compareExchange(this.#tableHeader, index, value, (value + 1) | 0);
      if (found === value) {
        Atomics.notify(this.#tableHeader, index);
        return;
      }
      value = found;
    }
  }

  wait(word: RingWord, expected: number, timeoutMs: number): void {
    const { heartbeat } = this.#place;
    const index = indexOf(word);
    const end = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = end - performance.now()) {
      // The timer that beats does not run while the thread sleeps.
      Atomics.wait(this.#tableHeader, index, expected | 0, Math.min(left, heartbeat.everyMs));
      if (Atomics.load(this.#tableHeader, index) !== (expected | 0)) return;
      heartbeat.beat();
    }
  }

  park(word: RingWord, expected: number, onChange: () => void): void {
    this.unpark(word);
    const index = this.table.byteOffset / 4 + indexOf(word);
    this.#unparks[word] = this.#place.parker.park(index, expected | 0, onChange);
  }

  unpark(word: RingWord): void {
    this.#unparks[word]?.();
    this.#unparks[word] = undefined;
  }

  /** Nobody beats here. */
  keepEntry(_entry: number): void {}

  writerAlive(): boolean {
    return !this.#closed && this.#place.directory.isLive(this.#index);
  }

  /** Another process, which other stacks are for, could not map it. */
  announcement(_origin: RingOrigin): null {
    return null;
  }

  setAudience(): void {}

  announce(_origin: RingOrigin): void {
    if (!this.#closed) this.#place.directory.announce(this.#index);
  }

  /** There is no queue lane. */
  watchQueue(_port: TransportPublisher | null): void {}

  bindNuma(): number {
    throw new UnsupportedError("bind a ring to a NUMA node", {
      condition: "the memory stack has its rings in memory that the runtime allocates",
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const unpark of this.#unparks) unpark?.();
    if (this.#isWriter) {
      this.#place.heartbeat.remove(this.#dataHeader);
      markClosed(this.#dataHeader);
      this.wake(RING_DATA);
      this.#place.directory.endRing(this.#index);
    } else {
      this.#place.directory.detachRing(this.#index);
    }
    this.#onClose(this);
  }

  /** Begins to show that the writer lives; for the writer's end. */
  beat(staleAfterMs: number): void {
    this.#place.heartbeat.add(this.#dataHeader, staleAfterMs);
  }
}

function indexOf(word: RingWord): number {
  return word === RING_DATA ? WORD_DATA : WORD_ROOM;
}
