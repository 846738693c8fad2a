// SPDX-License-Identifier: Apache-2.0
// A subscriber, and what it should be like after all that came to it.
import type { Block, DataSubscriber } from "../../mod.ts";
import { bytesFault, ownWord, recordsFault } from "./content.ts";
import type { Machine } from "./machine.ts";
import type { Writer } from "./writer.ts";

/** The most records that a block counts for. */
const BLOCK_RECORDS_MAX = 8160;
/** With more data a block has no room for the trailer. */
export const TRAILER_OFFSET = 8136;
export const HELD_MAX = 256;

/** What came of one broadcaster. */
export interface Heard {
  first: number;
  last: number;
  blocks: number;
}

/** A block that is kept, and what it showed at first. */
export interface Held {
  readonly block: Block;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** What a subscriber tells at the end of an episode. */
export interface ReaderReport {
  readonly stream: string;
  readonly lane: string;
  readonly heard: readonly (readonly [epoch: bigint, heard: Heard])[];
  readonly received: number;
  readonly missed: number;
  /** Blocks that came without their sequence. */
  readonly copies: number;
  readonly closed: boolean;
  readonly refused: boolean;
}

/** An iteration that goes on beside other calls. */
export interface Loop {
  readonly blocks: AsyncIterator<Block, undefined>;
  /** Null when its signal is not known to be listened to. */
  readonly abort: AbortController | null;
  pending: Promise<void> | null;
  ended: boolean;
  /** The latest block, which is valid until the next turn. */
  current: Held | null;
}

/** A subscriber and its model. */
export class Reader {
  readonly heard = new Map<bigint, Heard>();
  readonly held: Held[] = [];
  readonly loops: Loop[] = [];
  heldLimitHits = 0;
  #blocks = 0;
  #records = 0;
  #bytes = 0;
  #missed = 0;
  /** Whether records and bytes of some block are not known. */
  #isBlind = false;
  readonly #machine: Machine;
  readonly #rings: { readonly writer: Writer; readonly from: number; readonly isSure: boolean }[] = [];
  /** Whether all that it can receive is known: the past may hold rings that ended before it came. */
  #isCounted: boolean;
  /** Whether it met a ring that had no place for it. */
  refused = false;

  constructor(machine: Machine, readonly feed: DataSubscriber) {
    this.#machine = machine;
    this.#isCounted = feed.config.history === 0;
  }

  /** A ring of its stream was there when it came, so that it reads from here on. */
  joined(writer: Writer): void {
    if (!this.#reads(writer)) return;
    this.#rings.push({ writer, from: writer.next, isSure: true });
  }

  /** A ring of its stream came later, so that it reads all of it, if it looked before the end of the ring. */
  offered(writer: Writer): void {
    if (!this.feed.closed && this.#reads(writer)) this.#rings.push({ writer, from: writer.first, isSure: false });
  }

  #reads({ out, ringed }: Writer): boolean {
    const { stream, config: { serviceName, lane } } = this.feed;
    const isSame = lane !== "queue" && out.stream === stream && out.config.serviceName === serviceName;
    // What came by the queue lane alone, while there was no ring, has no known beginning.
    if (isSame && !ringed && lane === "auto") this.#isCounted = false;
    return isSame && ringed;
  }

  /** Whether all that its rings sent was received or counted as missed; only where no other thread has rings of the stream. */
  checkSum(): void {
    if (!this.#isCounted || this.refused || this.feed.closed || this.feed.config.lane === "queue") return;
    const { receivedBlocks, missedBlocks } = this.feed.getReceiveStats();
    let least = 0;
    let most = 0;
    for (const { writer, from, isSure } of this.#rings) {
      most += writer.next - from;
      if (isSure || !writer.closed) least += writer.next - from;
    }
    const sum = receivedBlocks + missedBlocks;
    const should = least === most ? `${least}` : `${least} to ${most}`;
    this.#machine.expect(
      sum >= least && sum <= most,
      () => `${receivedBlocks} received and ${missedBlocks} missed are not the ${should} blocks sent`,
    );
  }

  /**
   * A block was handed out. Returns what it shows, or null when its writer came over it meanwhile.
   *
   * @param late Whether others may have been handed out since: a promise tells of it a moment later.
   */
  took(block: Block, late: boolean = false): Held | null {
    const machine = this.#machine;
    const { sequence, epoch, recordCount, schemaId } = block;
    const data = block.data.slice();
    this.#blocks++;
    this.#records += Math.min(recordCount, BLOCK_RECORDS_MAX);
    this.#bytes += block.data.length;
    // On the queue lane a block that leaves no room for its epoch may have to do without.
    const isNamed = this.feed.config.lane === "ring" || data.length <= TRAILER_OFFSET;
    let fault = schemaId === 0 ? bytesFault(data, isNamed ? ownWord(epoch, sequence) : undefined) : "";
    try {
      if (schemaId !== 0) fault = recordsFault(block);
    } catch (error) {
      fault = `${error}`;
    }
    if (!block.intact) return null;
    if (fault !== "") machine.fail(`block ${sequence} of ${epoch} ${fault}`);
    const heard = this.heard.get(epoch);
    if (heard === undefined) this.heard.set(epoch, { first: sequence, last: sequence, blocks: 1 });
    else {
      const isNew = late ? sequence !== heard.last : sequence > heard.last;
      machine.expect(isNew, () => `block ${sequence} of ${epoch} came after ${heard.last}`);
      heard.last = Math.max(heard.last, sequence);
      heard.first = Math.min(heard.first, sequence);
      heard.blocks++;
    }
    return { block, sequence, data };
  }

  /** A copy was handed out, of which its source is not known. */
  tookCopy(copy: Uint8Array, records: number): void {
    this.#blocks++;
    this.#records += records;
    this.#bytes += copy.length;
    this.copies++;
  }

  /** One block came that could not be looked at any more. Others that came with it may be told of later. */
  tookBlindly(): void {
    this.#blocks++;
    this.copies++;
    this.#isBlind = true;
  }

  /** Blocks went where they were not looked at. */
  tookUnseen(): void {
    const { receivedBlocks, receivedRecords, receivedBytes } = this.feed.getReceiveStats();
    this.copies += receivedBlocks - this.#blocks;
    this.#blocks = receivedBlocks;
    this.#records = receivedRecords;
    this.#bytes = receivedBytes;
  }

  /** Blocks that were handed out without a sequence. */
  copies = 0;

  /** Whether a kept block still shows what it did. */
  checkHeld({ block, sequence, data }: Held): void {
    if (this.feed.closed || block.released) return;
    const machine = this.#machine;
    const now = block.data;
    let same = block.sequence === sequence && now.length === data.length;
    for (let index = 0; same && index < data.length; index += 7) same = now[index] === data[index];
    if (block.intact) machine.expect(same, () => `block ${sequence} changed while it was held`);
  }

  /** Compares it with what it should be like. */
  check(): void {
    const machine = this.#machine;
    const stats = this.feed.getReceiveStats();
    const { receivedBlocks, receivedRecords, receivedBytes, missedBlocks, tornBlocks, heldLimitHits } = stats;
    if (receivedBlocks === this.#blocks) {
      if (this.#isBlind) {
        this.#records = receivedRecords;
        this.#bytes = receivedBytes;
        this.#isBlind = false;
      }
      const is = [receivedBlocks, receivedRecords, receivedBytes].join(" ");
      const should = [this.#blocks, this.#records, this.#bytes].join(" ");
      machine.expect(is === should, () => `the subscriber received ${is}, not ${should} blocks, records and bytes`);
    } else {
      // One that its writer came over in the user's hands is torn; on the queue lane a daemon that took this process for dead gave the
      // memory to others, and the block is missed.
      const unread = this.#blocks - receivedBlocks;
      const lost = tornBlocks + missedBlocks;
      machine.expect(
        unread >= 0 && unread <= lost,
        () => `received ${receivedBlocks}, torn or missed ${lost}, handed out ${this.#blocks}`,
      );
    }
    machine.expect(missedBlocks >= this.#missed, () => `missed ${missedBlocks}, before ${this.#missed}`);
    this.#missed = missedBlocks;
    machine.expect(heldLimitHits === this.heldLimitHits, () => `held limit hits are ${heldLimitHits}`);
    machine.expect(stats.gaps <= missedBlocks && stats.gaps >= 0, () => `${stats.gaps} gaps of ${missedBlocks} missed`);
    let gone = 0;
    for (const { first, last, blocks } of this.heard.values()) gone += last - first + 1 - blocks;
    // A copy does not tell which block it is of, so it fills any hole.
    const unexplained = gone - this.copies - missedBlocks;
    machine.expect(unexplained <= 0, () => `${gone} blocks are gone and ${missedBlocks} counted as missed`);
  }

  report(): ReaderReport {
    const { stream, config: { serviceName, lane } } = this.feed;
    const { receivedBlocks, missedBlocks } = this.feed.getReceiveStats();
    return {
      stream: `${serviceName}/${stream}`,
      lane,
      heard: [...this.heard],
      received: receivedBlocks,
      missed: missedBlocks,
      copies: this.copies,
      closed: this.feed.closed,
      refused: this.refused,
    };
  }
}
