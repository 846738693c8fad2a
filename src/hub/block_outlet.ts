// SPDX-License-Identifier: Apache-2.0
import type { Block, EpochWords } from "../block/block.ts";
import { type BlockCopier, markRelayed } from "../block/block_copier.ts";
import type { Window } from "../block/window.ts";
import type { BlockWriter } from "./block_writer.ts";
import { NO_ROOM } from "./block_writer.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import { openLanes } from "./broadcast_lanes.ts";
import type { Runtime, RuntimeResource } from "./runtime.ts";

/** What became of a block: it was published; there was no room; its source overwrote it while it was copied. */
export const PUT_SENT = 0;
export const PUT_REFUSED = 1;
export const PUT_TORN = 2;
export type PutOutcome = typeof PUT_SENT | typeof PUT_REFUSED | typeof PUT_TORN;

/** Ports of before are remembered for so long: blocks of theirs may still be on the way. */
const ORIGINS_KEPT_MAX = 8;

/**
 * A broadcaster of blocks that another broadcaster has made: they are copied as they are, with header, time and trailer, under the
 * sequence that they had.
 */
export class BlockOutlet implements RuntimeResource {
  readonly #writer: BlockWriter;
  readonly #copier: BlockCopier;
  readonly #resources: Set<RuntimeResource>;
  /** What the stack has called its ports, the latest one last. */
  readonly #origins: EpochWords[] = [];
  readonly #epochLow: number;
  readonly #epochHigh: number;
  #closed = false;
  /** Blocks in which there was no room to say where they came from. */
  unmarkedBlocks = 0;

  /**
   * @param action What is being done, for errors.
   * @param runtime Where to write to.
   * @param config How. A checksum is that of the source, if any.
   * @param stream The stream.
   * @param firstSequence The sequence of the first block.
   * @param copier Copies the blocks; may be shared.
   */
  constructor(
    action: string,
    runtime: Runtime,
    config: BroadcastConfig,
    stream: string,
    firstSequence: number,
    copier: BlockCopier,
  ) {
    const connection = runtime.connection(action);
    const own = config.checksum ? config.with({ checksum: false }) : config;
    this.#writer = openLanes(action, connection, [], own, stream, firstSequence, true);
    this.#copier = copier;
    this.#resources = connection.resources;
    this.#resources.add(this);
    const { epoch } = this.#writer;
    this.#epochLow = Number(epoch & 0xffffffffn) | 0;
    this.#epochHigh = Number(epoch >> 32n) | 0;
    this.#noteOrigin();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The sequence that the next block gets. */
  get sequence(): number {
    return this.#writer.sequence;
  }

  get writer(): BlockWriter {
    return this.#writer;
  }

  /** Whether a subscriber that is told this epoch reads what was written here. */
  isNamed(low: number, high: number): boolean {
    if (low === this.#epochLow && high === this.#epochHigh) return true;
    this.#noteOrigin();
    return this.#origins.some((origin) => origin.low === low && origin.high === high);
  }

  /** Takes sequences for lost blocks, so that the next one has at least this; false when there is no room for that now. */
  skipTo(sequence: number): boolean {
    return this.#writer.sequence >= sequence || this.#writer.skipTo(sequence);
  }

  /**
   * Publishes a copy of a block.
   *
   * @param from Where it lies.
   * @param fromOffset Where in it.
   * @param epochLow The epoch of its source.
   * @param epochHigh The high half of that.
   * @param sequence The sequence that it had there.
   * @param block The block, when its source may overwrite it meanwhile; otherwise null.
   */
  put(
    from: Window,
    fromOffset: number,
    epochLow: number,
    epochHigh: number,
    sequence: number,
    block: Block | null,
  ): PutOutcome {
    const writer = this.#writer;
    const token = writer.claim();
    if (token === NO_ROOM) return PUT_REFUSED;
    const { window, offset } = writer;
    const length = this.#copier.copy(from, fromOffset, window, offset);
    const isMarked = markRelayed(window, offset, epochLow, epochHigh, sequence);
    if (block !== null && !block.intact) {
      writer.abort(token);
      return PUT_TORN;
    }
    if (!writer.commitCopied(token, window, offset, length)) {
      writer.abort(token);
      return PUT_REFUSED;
    }
    if (!isMarked) this.unmarkedBlocks++;
    return PUT_SENT;
  }

  renew(): void {
    this.#writer.renew();
    this.#noteOrigin();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resources.delete(this);
    this.#writer.close();
  }

  #noteOrigin(): void {
    const { low, high } = this.#writer.origin;
    const last = this.#origins.at(-1);
    const isKnown = last !== undefined && last.low === (low | 0) && last.high === (high | 0);
    if (isKnown || (low === 0 && high === 0)) return;
    this.#origins.push({ low: low | 0, high: high | 0 });
    if (this.#origins.length > ORIGINS_KEPT_MAX) this.#origins.shift();
  }
}
