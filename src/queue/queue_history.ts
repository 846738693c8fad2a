// SPDX-License-Identifier: Apache-2.0
import { readSequence } from "../block/header.ts";
import { BLOCK_SIZE } from "../block/layout.ts";
import { Window } from "../block/window.ts";
import {
  TAKE_ENTRY_WORDS,
  TAKE_MAX,
  TAKE_OFFSET,
  TAKE_ORIGIN_HIGH,
  TAKE_ORIGIN_LOW,
  TAKE_SLOT,
  TAKE_WINDOW,
  type TransportSubscriber,
} from "../transport/transport.ts";
import type { QueuePort } from "./queue_port.ts";
import type { WindowTable } from "./window_table.ts";

interface PastBlock {
  readonly window: Window;
  readonly source: number;
  readonly sequence: number;
  /** Whether it is what its broadcaster wrote. If not its sequence says nothing, and only its chunk tells which block it is. */
  readonly isSound: boolean;
  readonly chunkWindow: Window;
  readonly chunkOffset: number;
}

/**
 * The past of a stream for a reader that joins a live port: copies of what a native port of its own was given when it
 * connected. It ends where the live port goes on.
 */
export class QueueHistory {
  #blocks: PastBlock[] = [];
  /** By source: the sequence of its first block of history. */
  readonly #first: number[] = [];
  /** By source: the sequence that the live port goes on with. */
  readonly #next: number[] = [];
  #position = 0;

  constructor(native: TransportSubscriber, windows: WindowTable, port: QueuePort) {
    const count = native.take(TAKE_MAX);
    for (let index = 0; index < count; index++) {
      const at = index * TAKE_ENTRY_WORDS;
      const entries = native.entries;
      const from = windows.get(entries[at + TAKE_WINDOW]!);
      const offset = entries[at + TAKE_OFFSET]!;
      const source = port.identify(from, offset, entries[at + TAKE_ORIGIN_LOW]!, entries[at + TAKE_ORIGIN_HIGH]!);
      const window = Window.allocate(BLOCK_SIZE);
      window.bytes.set(from.bytes.subarray(offset, offset + BLOCK_SIZE));
      const sequence = readSequence(window, 0);
      const isSound = port.accepts(source, window, 0);
      this.#blocks.push({ window, source, sequence, isSound, chunkWindow: from, chunkOffset: offset });
      if (isSound) {
        this.#first[source] ??= sequence;
        this.#next[source] = sequence + 1;
      }
      native.release(entries[at + TAKE_SLOT]!);
    }
  }

  /** Blocks not read yet. */
  get remaining(): number {
    return this.#blocks.length - this.#position;
  }

  /** The source of the next block. */
  get source(): number {
    return this.#blocks[this.#position]!.source;
  }

  /** Whether the next block is what its broadcaster wrote. */
  get isSound(): boolean {
    return this.#blocks[this.#position]!.isSound;
  }

  /** The next block's memory, where it begins at 0; goes on to the one after. */
  shift(): Window {
    return this.#blocks[this.#position++]!.window;
  }

  /**
   * Leaves out what the live port's log has from a place on. The log has no hole where the history may have one: a publisher
   * delivers a block first and adds it to its history then, and what was between the two when the native port connected
   * reached only the live one.
   */
  endWhereLogBegins(port: QueuePort, from: number): void {
    const live: number[] = [];
    for (let serial = from; serial < port.head; serial++) {
      const source = port.sourceAt(serial);
      const slot = port.slotAt(serial);
      if (!port.isSound(serial)) {
        this.#dropCorrupt(port.windowOf(slot), port.offsetOf(slot));
        continue;
      }
      const sequence = readSequence(port.windowOf(slot), port.offsetOf(slot));
      const first = this.#first[source];
      if (first === undefined || sequence < first || live[source] !== undefined) continue;
      live[source] = sequence;
      this.#next[source] = sequence;
    }
    this.#blocks = this.#blocks.filter(({ source, sequence, isSound }) =>
      !isSound || sequence < (live[source] ?? Infinity)
    );
  }

  /** A corrupt block that the log has, too. */
  #dropCorrupt(window: Window, offset: number): void {
    this.#blocks = this.#blocks.filter(({ isSound, chunkWindow, chunkOffset }) =>
      isSound || chunkWindow !== window || chunkOffset !== offset
    );
  }

  /**
   * Whether a block of the live port is none of this reader's: it was in the history or before it, or, of a broadcaster
   * without history, it was queued when the reader came. Of a corrupt one the sequence is unknown: give Infinity.
   */
  isPast(source: number, sequence: number, wasQueued: boolean): boolean {
    const next = this.#next[source];
    return next === undefined ? wasQueued : sequence < next;
  }
}
