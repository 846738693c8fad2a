// SPDX-License-Identifier: Apache-2.0
import { loadWord } from "../transport/words.ts";
import { RING_ROOM, type Transport, type TransportRing } from "../transport/transport.ts";
import * as layout from "./layout.ts";
import { elapsedMs, type RingView } from "./ring_view.ts";

const CHANGES = layout.TABLE_OFFSET_CHANGES >>> 2;
const DROPPED_READERS = layout.TABLE_OFFSET_DROPPED_READERS >>> 2;
const ENTRIES = layout.TABLE_HEADER_BYTES >>> 2;
const ENTRY_WORDS = layout.TABLE_ENTRY_BYTES >>> 2;
const STATE = layout.ENTRY_OFFSET_STATE >>> 2;
const CURSOR = layout.ENTRY_OFFSET_CURSOR >>> 2;
const HEARTBEAT = layout.ENTRY_OFFSET_HEARTBEAT_MS >>> 2;

/** What the writer last saw of an entry that had no room left. */
interface Stall {
  readonly state: number;
  readonly cursor: number;
  readonly sinceMs: number;
}

/** The reader table of a ring as its writer sees it: how far the slowest reader is, who is dead, how many there are. */
export class ReaderTable {
  readonly #transport: Transport;
  readonly #ring: TransportRing;
  readonly #view: RingView;
  readonly #table: Int32Array;
  /** By entry, where heartbeats say nothing. */
  readonly #stalls = new Map<number, Stall>();

  constructor(transport: Transport, ring: TransportRing, view: RingView) {
    this.#transport = transport;
    this.#ring = ring;
    this.#view = view;
    this.#table = view.table;
  }

  /** Readers that were dropped by any part of the writer's process. */
  get droppedReaders(): number {
    return loadWord(this.#table, DROPPED_READERS) >>> 0;
  }

  /**
   * How many blocks from this sequence on can be written before one overwrites what a gating reader has not read; infinite without
   * one. A reader that leaves no room and is silent for too long is dropped.
   */
  credit(sequence: number): number {
    const { capacity } = this.#view;
    const table = this.#table;
    let credit = Infinity;
    for (let entry = this.#view.entriesUsed - 1; entry >= 0; entry--) {
      const at = ENTRIES + entry * ENTRY_WORDS;
      const state = loadWord(table, at + STATE);
      if ((state & layout.ENTRY_STATUS_MASK) !== layout.ENTRY_GATING) continue;
      const cursor = loadWord(table, at + CURSOR);
      // More than a capacity, as of a reader that has just joined and not yet found its place, is no room either.
      const room = Math.max(0, capacity - ((sequence - cursor) >>> 0));
      if (room === 0 && this.#isSilent(entry, at, state, cursor) && this.#drop(at, state)) continue;
      credit = Math.min(credit, room);
    }
    return credit;
  }

  /**
   * Readers that have come, those that have left again included. One that has claimed its entry does not gate the writer yet; and
   * one whose cursor lies before the first block has yet to look at the head, and would give up what lies a whole ring behind.
   *
   * @param first The sequence that they begin at.
   */
  arrived(first: number): number {
    let count = 0;
    for (let entry = this.#view.entriesUsed - 1; entry >= 0; entry--) {
      const at = ENTRIES + entry * ENTRY_WORDS;
      const state = loadWord(this.#table, at + STATE);
      const status = state & layout.ENTRY_STATUS_MASK;
      if (state === layout.ENTRY_FREE || status === layout.ENTRY_CLAIMED) continue;
      if (status !== layout.ENTRY_GATING || loadWord(this.#table, at + CURSOR) !== ((first - 1) | 0)) count++;
    }
    return count;
  }

  /** Workers that read the ring and whose process shows signs of life; each may have many subscribers. */
  readerCount(): number {
    const table = this.#table;
    const now = this.#transport.clockMs();
    let count = 0;
    for (let entry = this.#view.entriesUsed - 1; entry >= 0; entry--) {
      const at = ENTRIES + entry * ENTRY_WORDS;
      const status = loadWord(table, at + STATE) & layout.ENTRY_STATUS_MASK;
      if (status !== layout.ENTRY_GATING && status !== layout.ENTRY_OBSERVING) continue;
      if (this.#ring.beats && this.#isOld(loadWord(table, at + HEARTBEAT), now)) continue;
      count++;
    }
    return count;
  }

  #isOld(sinceMs: number, nowMs: number): boolean {
    return elapsedMs(sinceMs, nowMs) > this.#view.readerTimeoutMs;
  }

  #isSilent(entry: number, at: number, state: number, cursor: number): boolean {
    const now = this.#transport.clockMs();
    if (this.#ring.beats) return this.#isOld(loadWord(this.#table, at + HEARTBEAT), now);
    const stall = this.#stalls.get(entry);
    if (stall === undefined || stall.state !== state || stall.cursor !== cursor) {
      this.#stalls.set(entry, { state, cursor, sinceMs: now });
      return false;
    }
    return this.#isOld(stall.sinceMs, now);
  }

  #drop(at: number, state: number): boolean {
    const table = this.#table;
    // The generation stays: the entry is its owner's until he has seen it, or has ended.
    const dropped = state - layout.ENTRY_GATING + layout.ENTRY_DROPPED;
    if (Atomics.compareExchange(table, at + STATE, state, dropped) !== state) return false;
    Atomics.add(table, DROPPED_READERS, 1);
    Atomics.add(table, CHANGES, 1);
    this.#ring.wake(RING_ROOM);
    return true;
  }
}
