// SPDX-License-Identifier: Apache-2.0
import { BlockDraft } from "../block/block_draft.ts";
import { writeHeader, writeSequence, writeTrailer } from "../block/header.ts";
import {
  BLOCK_ALIGNMENT,
  BLOCK_SIZE,
  FLAG_LENGTH,
  FLAG_TRAILER,
  OFFSET_DATA,
  OFFSET_FLAGS,
  SEQUENCE_MAX,
  TRAILER_OFFSET,
  TRAILER_SIZE,
} from "../block/layout.ts";
import type { Window } from "../block/window.ts";
import { SequenceExhaustedError } from "../errors.ts";
import {
  LOAN_GRANTED,
  LOAN_NO_CHUNK,
  type RingOrigin,
  type Transport,
  type TransportPublisher,
} from "../transport/transport.ts";
import { PublishClock } from "../transport/publish_clock.ts";
import { DATA_EVENT, QUEUE_HISTORY_MAX } from "./queue_name.ts";
import type { WindowTable } from "./window_table.ts";

/** No room for a block: {@linkcode QueueWriter.claim}. */
export const NO_ROOM = -1;
/** Loans of one port at once, a limit of the stack. */
export const QUEUE_LOANS_MAX = 8;

/** How a broadcaster's end of the queue lane is opened. */
export interface QueueWriterDemand {
  readonly service: string;
  readonly stream: string;
  readonly lossless: boolean;
  /** Blocks kept for late subscribers; the lane keeps QUEUE_HISTORY_MAX at the most. */
  readonly history: number;
  readonly firstSequence: number;
  /** Whether each block has a checksum. */
  readonly checksum: boolean;
  /** Of a broadcaster that was there before: its epoch. */
  readonly epoch?: bigint;
  /** Whether its blocks are copied from elsewhere with their times and trailers: `commitCopied`. */
  readonly relays?: boolean;
  /** Whether it repeats the blocks of a ring, which were stamped there. */
  readonly repeats?: boolean;
}

/** A block with a checksum that is being made, and the chunk that it is for. */
interface Drafted {
  readonly draft: BlockDraft;
  window: Window;
  offset: number;
}

/** The broadcaster's end of the queue lane: claims memory for a block, then commits or gives it back. */
export class QueueWriter {
  /** Blocks kept for late subscribers. */
  readonly history: number;
  readonly epoch: bigint;
  readonly #native: TransportPublisher;
  readonly #windows: WindowTable;
  readonly #stream: string;
  readonly #lossless: boolean;
  readonly #checksum: boolean;
  /** By the number of a loan: blocks with a checksum. */
  readonly #drafts: Drafted[] = [];
  readonly #newDraft: (() => BlockDraft) | undefined;
  readonly #epochLow: number;
  readonly #epochHigh: number;
  #sequence: number;
  /** Whether the last claim failed for want of a chunk. */
  #poolWasEmpty = false;
  #window: Window | undefined;
  #offset = 0;

  constructor(transport: Transport, windows: WindowTable, demand: QueueWriterDemand) {
    this.history = Math.min(demand.history, QUEUE_HISTORY_MAX);
    this.#native = transport.openPublisher(
      { service: demand.service, stream: demand.stream, event: DATA_EVENT },
      {
        payloadBytes: BLOCK_SIZE,
        alignment: BLOCK_ALIGNMENT,
        history: this.history,
        blocking: demand.lossless,
        // A block with a checksum is stamped before, as one is that is repeated or relayed.
        stamp: demand.repeats !== true && demand.relays !== true && !demand.checksum,
      },
    );
    this.#windows = windows;
    this.#stream = demand.stream;
    this.#lossless = demand.lossless;
    this.#checksum = demand.checksum;
    this.#sequence = demand.firstSequence;
    const words = demand.epoch === undefined
      ? crypto.getRandomValues(new Uint32Array(2))
      : new Uint32Array(BigUint64Array.of(demand.epoch).buffer);
    this.#epochLow = words[0]!;
    this.#epochHigh = words[1]!;
    this.epoch = BigInt(this.#epochHigh) << 32n | BigInt(this.#epochLow);
    if (demand.checksum && demand.repeats !== true) {
      const clock = new PublishClock(transport);
      this.#newDraft = () => new BlockDraft(transport.checksums, clock, this.#epochLow, this.#epochHigh);
    }
  }

  /** The sequence that the next block gets. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Shared memory that this writer can keep. */
  get memoryBytes(): number {
    return (this.history + QUEUE_LOANS_MAX) * BLOCK_SIZE;
  }

  /** Of the last claim: where the block is to be written. */
  get window(): Window {
    return this.#window!;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Claims memory for one block: a token, or NO_ROOM. */
  claim(): number {
    this.#requireSequence();
    const native = this.#native;
    const outcome = native.loan();
    this.#poolWasEmpty = outcome === LOAN_NO_CHUNK;
    if (outcome !== LOAN_GRANTED) {
      // An attempt that found no chunk is a block that readers will never see: its number makes the hole visible. What a
      // lossless broadcaster has no room for is not lost: the same block will be offered again.
      if (this.#poolWasEmpty) this.skip();
      return NO_ROOM;
    }
    this.#window = this.#windows.get(native.window);
    this.#offset = native.offset;
    if (this.#newDraft !== undefined) this.#beginDraft(native.slot, this.#newDraft);
    return native.slot;
  }

  /**
   * Writes the header, and the trailer where the data leave room, and delivers the block.
   *
   * @returns False when another broadcaster took the room of a lossless queue since the claim, which then stays.
   */
  commit(
    token: number,
    window: Window,
    offset: number,
    length: number,
    recordCount: number,
    dataType: number,
    recordSize: number,
    schemaId: number,
  ): boolean {
    this.#requireSequence();
    const drafted = this.#drafts[token];
    if (drafted !== undefined) {
      const { draft } = drafted;
      draft.complete(this.#sequence, recordCount, dataType, length, recordSize, schemaId);
      draft.copyTo(drafted.window, drafted.offset, length);
      writeSequence(drafted.window, drafted.offset, this.#sequence);
    } else {
      let flags = FLAG_LENGTH;
      if (length <= TRAILER_OFFSET) {
        flags |= FLAG_TRAILER;
        writeTrailer(window, offset, this.#epochLow, this.#epochHigh, this.#sequence, 0);
      }
      writeHeader(window, offset, this.#sequence, recordCount, dataType, flags, length, recordSize, schemaId);
    }
    if (!this.#native.publish(token)) return false;
    this.#sequence++;
    return true;
  }

  /** Delivers a claimed block that is in place but for its sequence; false as for `commit`. */
  commitCopied(token: number, window: Window, offset: number): boolean {
    this.#requireSequence();
    writeSequence(window, offset, this.#sequence);
    if (!this.#native.publish(token)) return false;
    this.#sequence++;
    return true;
  }

  /** The next block has at least this sequence. */
  skipTo(sequence: number): void {
    if (sequence > this.#sequence) this.#sequence = sequence;
  }

  /** Delivers a copy of a block of the ring, whose memory was claimed before; false as for `commit`. */
  repeat(token: number, from: Window, fromOffset: number, length: number, sequence: number): boolean {
    const window = this.#window!;
    const offset = this.#offset;
    const bytes = OFFSET_DATA + length;
    window.bytes.set(from.bytes.subarray(fromOffset, fromOffset + bytes), offset);
    if (this.#checksum) {
      const at = fromOffset + OFFSET_DATA + TRAILER_OFFSET;
      window.bytes.set(from.bytes.subarray(at, at + TRAILER_SIZE), offset + OFFSET_DATA + TRAILER_OFFSET);
    } else if (length <= TRAILER_OFFSET) {
      window.bytes[offset + OFFSET_FLAGS]! |= FLAG_TRAILER;
      writeTrailer(window, offset, this.#epochLow, this.#epochHigh, sequence, 0);
    }
    return this.#native.publish(token);
  }

  /** What the stack calls this port on each chunk. */
  get origin(): RingOrigin {
    return this.#native.origin;
  }

  /** The port, for the ring that it belongs to. */
  get port(): TransportPublisher {
    return this.#native;
  }

  /** There is no port to claim from: of a lossy stream the block takes its number, so that the hole is visible. */
  skip(): void {
    if (!this.#lossless) this.#sequence++;
  }

  /** Gives claimed memory back unpublished. */
  abort(token: number): void {
    this.#native.discard(token);
  }

  /** Native ports connected now. */
  subscriberCount(): number {
    return this.#native.subscriberCount();
  }

  /** Whether a claim would find room: in lossless queues, and in the pool when the last claim found it empty. */
  hasRoom(): boolean {
    const native = this.#native;
    if (!native.hasRoom()) return false;
    if (!this.#poolWasEmpty) return true;
    if (native.loan() !== LOAN_GRANTED) return false;
    native.discard(native.slot);
    return true;
  }

  close(): void {
    this.#native.close();
  }

  #beginDraft(token: number, newDraft: () => BlockDraft): void {
    const window = this.#window!;
    const offset = this.#offset;
    const drafted = this.#drafts[token] ??= { draft: newDraft(), window, offset };
    drafted.window = window;
    drafted.offset = offset;
    this.#window = drafted.draft.window;
    this.#offset = 0;
  }

  #requireSequence(): void {
    if (this.#sequence <= SEQUENCE_MAX) return;
    throw new SequenceExhaustedError(`broadcast on stream ${JSON.stringify(this.#stream)}`);
  }
}
