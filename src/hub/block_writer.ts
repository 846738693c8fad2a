// SPDX-License-Identifier: Apache-2.0
import type { Window } from "../block/window.ts";
import type { RingOrigin } from "../transport/transport.ts";

/** No room for a block: {@linkcode BlockWriter.claim}. */
export const NO_ROOM = -1;

/** What a broadcaster writes through: the lanes that it serves. */
export interface BlockWriter {
  readonly epoch: bigint;
  /** The sequence that the next block gets. */
  readonly sequence: number;
  /** Blocks that are kept for late subscribers. */
  readonly history: number;
  /** Loans that can be out at once. */
  readonly loansMax: number;
  readonly memoryBytes: number;
  readonly droppedReaders: number;
  readonly queueLaneMissedBlocks: number;
  /** What the stack calls the port of the queue lane on each block; zeros without one. */
  readonly origin: RingOrigin;
  /** Of the last claim: where the block lies. */
  readonly window: Window;
  readonly offset: number;
  /** Claims memory for one block: a token, or NO_ROOM. */
  claim(): number;
  /** Writes the header of a claimed block and delivers it; false when its room was taken since, and it stays claimed. */
  commit(
    token: number,
    window: Window,
    offset: number,
    length: number,
    recordCount: number,
    dataType: number,
    recordSize: number,
    schemaId: number,
  ): boolean;
  /**
   * Takes sequences for blocks that were lost before they came here: the next block has at least this one, and readers count what is
   * between as missed. False when readers of a lossless ring have to read first.
   */
  skipTo(sequence: number): boolean;
  /** Delivers a claimed block that is in place, header and trailer included, but for its sequence; false as for `commit`. */
  commitCopied(token: number, window: Window, offset: number, length: number): boolean;
  /** Gives claimed memory back unpublished. */
  abort(token: number): void;
  /** Whether the stack took away what was claimed. */
  isRevoked(token: number): boolean;
  /** Makes ports anew that the stack took away, where it can; tells whether they are all there. */
  renew(): boolean;
  subscriberCount(): number;
  /** Whether a claim would find room. */
  hasRoom(): boolean;
  /** Blocks the thread until there may be room, at the most so long. */
  sleepForRoom(timeoutMs: number): void;
  /** Resolves when there may be room, after so long at the latest. */
  roomChange(timeoutMs: number): Promise<void>;
  /** Binds the memory to the NUMA node of the calling thread. */
  bindNuma(): void;
  close(): void;
}
