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

/**
 * The past of a stream for a reader that joins a live port: copies of what a native port of its own was given when it
 * connected. Blocks that the live port brings too are told by `isRepeated`.
 */
export class QueueHistory {
  readonly #blocks: { readonly window: Window; readonly source: number }[] = [];
  /** By source: the sequence after its last block of history. */
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
      const copy = Window.allocate(BLOCK_SIZE);
      copy.bytes.set(from.bytes.subarray(offset, offset + BLOCK_SIZE));
      this.#blocks.push({ window: copy, source });
      this.#next[source] = readSequence(copy, 0) + 1;
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

  /** The next block's memory, where it begins at 0; goes on to the one after. */
  shift(): Window {
    return this.#blocks[this.#position++]!.window;
  }

  /** Whether a live block was in the history already. */
  isRepeated(source: number, sequence: number): boolean {
    const next = this.#next[source];
    return next !== undefined && sequence < next;
  }
}
