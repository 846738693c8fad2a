// SPDX-License-Identifier: Apache-2.0
import { countBytes, NO_BYTES, partOf } from "../block/bytes.ts";
import { BLOCK_DATA_SIZE, SEQUENCE_MAX, TRAILER_OFFSET } from "../block/layout.ts";
import type { MarketDataType } from "../block/market_data_type.ts";
import type { RecordFields } from "../block/record/field_types.ts";
import { isSchema, type RecordSchema } from "../block/record/record_schema.ts";
import { ArgumentError, BatchTooLargeError, DataTooLongError, RecordSizeError } from "../errors.ts";
import { checkName } from "../transport/names.ts";
import { stopWatching, watchForLoss } from "./backstop.ts";
import type { BlockLoan } from "./block_loan.ts";
import { BlockSender, recordSizeOf } from "./block_sender.ts";
import type { BlockWriter } from "./block_writer.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import { BroadcastCounters } from "./broadcast_counters.ts";
import { connectionsOf, openLanes } from "./broadcast_lanes.ts";
import { requireConfig, requireOptions } from "./checks.ts";
import { place } from "./placement.ts";
import { RecordWriter } from "./record_writer.ts";
import { Runtime } from "./runtime.ts";
import type { BroadcastStats } from "./stats.ts";
import { waitTimeoutMs } from "./timeout.ts";

/** Options of a {@linkcode DataBroadcaster}. */
export interface DataBroadcasterOptions {
  /** The runtime; default: the first one opened. */
  readonly runtime?: Runtime;
  /**
   * Further runtimes on which the ring is announced, one of each stack at the most: their subscribers follow the very same ring, without a
   * relay. Of processes of iceoryx and of iceoryx2 each finds it in its own world. The queue lane is that of `runtime` alone. Without
   * `runtime`, the first of them is it.
   */
  readonly announce?: readonly Runtime[];
  /** The sequence of the first block, 0 to 2^53 - 1; default 0. For a feed that goes on where another ended. */
  readonly firstSequence?: number;
}

/** The names of the options. */
export const BROADCASTER_OPTIONS: readonly string[] = [
  "runtime",
  "announce",
  "firstSequence",
] satisfies (keyof DataBroadcasterOptions)[];

/**
 * The writing end of a stream: publishes blocks of market data that any number of processes read in place.
 *
 * It belongs to the Worker that made it. Close it, or declare it with `using`.
 *
 * @example Broadcasting one block
 * ```ts
 * import { BroadcastConfig, DataBroadcaster, MarketDataType, Runtime } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using out = new DataBroadcaster(BroadcastConfig.lowLatency(), "market_stream", { runtime });
 * out.broadcast(new TextEncoder().encode("hello"), 1, MarketDataType.Unknown);
 * console.log(out.getStats().sentBlocks); // 1
 * ```
 */
export class DataBroadcaster {
  /** The configuration it was made with. */
  readonly config: BroadcastConfig;
  /** The name of its stream. */
  readonly stream: string;
  readonly #writer: BlockWriter;
  readonly #sender: BlockSender;
  readonly #counters: BroadcastCounters;

  /**
   * Offers a stream.
   *
   * @param config How; see {@linkcode BroadcastConfig}.
   * @param stream The stream's name, 1 to 100 bytes.
   * @param options The runtime, and where the sequence begins.
   * @throws {RuntimeNotOpenError} Without a runtime.
   * @throws {NameTooLongError} When the name has more than 100 bytes.
   * @throws {SharedMemoryTooSmallError} When `/dev/shm` has no room for the ring.
   * @throws {ConfigError} When the ring is larger than `memoryPoolSizeMb`, or the group of `access` does not exist.
   * @throws {AccessError} When this user is not a member of that group.
   * @throws {TooManyPublishersError} When the daemon takes no further one.
   * @throws {BlockTooLargeError} When the daemon's pools have no chunks for blocks, which the queue lane needs.
   */
  constructor(config: BroadcastConfig, stream: string, options: DataBroadcasterOptions = {}) {
    const action = "make a broadcaster";
    requireConfig(action, config);
    requireOptions(action, options, BROADCASTER_OPTIONS);
    this.config = config;
    this.stream = checkName(action, stream);
    const { firstSequence = 0 } = options;
    if (!Number.isSafeInteger(firstSequence) || firstSequence < 0) {
      throw new ArgumentError(action, {
        value: firstSequence,
        limit: SEQUENCE_MAX,
        condition: "firstSequence must be an integer from 0",
      });
    }
    const [connection, others] = connectionsOf(action, config, options);
    const { transport, resources } = connection;
    // Before the memory is made, which is bound to the node of this thread.
    place(config, transport);
    this.#writer = openLanes(action, connection, others, config, this.stream, firstSequence);
    if (config.numaAware) {
      try {
        this.#writer.bindNuma();
      } catch (error) {
        this.#writer.close();
        throw error;
      }
    }
    this.#counters = new BroadcastCounters(config.statsEnabled);
    // A checksum takes room of its own.
    const dataMax = config.checksum ? TRAILER_OFFSET : BLOCK_DATA_SIZE;
    this.#sender = new BlockSender(this.stream, this.#writer, this.#counters, resources, dataMax);
    watchForLoss(this, "DataBroadcaster", this.stream, this.#sender, transport);
  }

  /**
   * Opens the default runtime under a name, as QAULTRA C++ does. A RouDi has to run.
   *
   * @param name The name of this process.
   * @returns Whether it is open now; false when no daemon answers or the name is in use.
   */
  static initializeRuntime(name: string): boolean {
    return Runtime.initialize(name);
  }

  /** The random number of this broadcaster's life: (epoch, sequence) identifies a block for ever. */
  get epoch(): bigint {
    return this.#writer.epoch;
  }

  /** The sequence that the next block gets. */
  get nextSequence(): number {
    return this.#writer.sequence;
  }

  /**
   * Blocks that are kept for late subscribers: of a ring what a reader that comes late finds at least, of the queue lane alone the
   * `history` of the configuration as far as the lane can.
   */
  get historyDepth(): number {
    return this.#writer.history;
  }

  /**
   * Publishes one block: copies the data into shared memory.
   *
   * @param data The records, at most 8160 bytes; 8136 with `checksum`.
   * @param recordCount How many they are.
   * @param type What they are.
   * @returns Whether there was room. False is counted as refused: a reader of a lossless ring or queue has to read first, or, on the
   * queue lane alone, the pool is empty.
   * @throws {DataTooLongError} When the data do not fit into a block.
   * @throws {ArgumentError} When an argument is of a wrong type.
   * @throws {TooManyLoansError} While a loan of the ring is out.
   * @throws {ClosedError} After close.
   */
  broadcast(data: Uint8Array, recordCount: number, type: MarketDataType): boolean {
    const length = this.#check(data, recordCount, type, "broadcast");
    if (length > this.#sender.dataMax) {
      this.#sender.fail(new DataTooLongError("broadcast", { value: length, limit: this.#sender.dataMax }));
    }
    return this.#sender.send(data, length, recordCount, type, recordSizeOf(length, recordCount), 0);
  }

  /**
   * Publishes many records in as few blocks as they fit into. No record is cut: each block holds whole ones.
   *
   * @param data The records, one after the other.
   * @param recordCount How many they are; all have the same size.
   * @param type What they are.
   * @returns How many records were sent; fewer than `recordCount` when there was no room for the next block.
   * @throws {BatchTooLargeError} When there are more records than `batchSize`.
   * @throws {RecordSizeError} When the length is not `recordCount` times a size that fits into a block.
   */
  broadcastBatch(data: Uint8Array, recordCount: number, type: MarketDataType): number {
    const length = this.#check(data, recordCount, type, "broadcast a batch");
    if (recordCount > this.config.batchSize) {
      this.#sender.fail(
        new BatchTooLargeError("broadcast a batch", { value: recordCount, limit: this.config.batchSize }),
      );
    }
    if (recordCount === 0 && length === 0) return 0;
    const size = length / recordCount;
    if (!Number.isInteger(size) || size === 0 || size > this.#sender.dataMax) {
      this.#sender.fail(
        new RecordSizeError("broadcast a batch", {
          value: length,
          limit: this.#sender.dataMax,
          condition: `${length} bytes are not ${recordCount} records of one size up to ${this.#sender.dataMax} bytes`,
        }),
      );
    }
    // Blocks of a batch leave room for the trailer, unless a single record needs it.
    const perBlock = Math.max(1, Math.floor(TRAILER_OFFSET / size));
    let sent = 0;
    while (sent < recordCount) {
      const count = Math.min(perBlock, recordCount - sent);
      const part = partOf(data, sent * size, count * size);
      if (!this.#sender.send(part, count * size, count, type, size, 0)) break;
      sent += count;
    }
    return sent;
  }

  /**
   * Loans a block to write into: no copy.
   *
   * @returns The loan, or null when there is no room, counted as refused.
   * @throws {TooManyLoansError} When a loan of a ring is out, or eight of the queue lane alone.
   */
  loan(): BlockLoan | null {
    return this.#sender.loan();
  }

  /**
   * A writer of typed records, which gathers them into blocks.
   *
   * @param schema The records' schema.
   * @returns The writer; it is closed with the broadcaster, after its last records were sent.
   * @throws {RecordSizeError} When a record does not fit beside the checksum.
   */
  writer<F extends RecordFields>(schema: RecordSchema<F>): RecordWriter<F> {
    const sender = this.#sender;
    sender.requireOpen("make a record writer");
    if (!isSchema(schema)) {
      sender.fail(
        new ArgumentError("make a record writer", { value: schema, condition: "the schema must be a RecordSchema" }),
      );
    }
    if (schema.size > sender.dataMax) {
      sender.fail(
        new RecordSizeError("make a record writer", {
          value: schema.size,
          limit: sender.dataMax,
          condition: `a record of ${schema.size} bytes does not fit into a block with a checksum`,
        }),
      );
    }
    const writer = new RecordWriter(schema, this.config.flushAfterMs, this, (data, recordCount) => {
      sender.requireOpen("publish records");
      return sender.send(data, data.length, recordCount, schema.dataType, schema.size, schema.id);
    });
    sender.addFlushable(writer);
    return writer;
  }

  /**
   * Blocks this thread until a lossless ring or queue has room.
   *
   * @param timeoutMs How long to wait at the most.
   * @returns Whether there is room.
   */
  waitForRoomSync(timeoutMs: number): boolean {
    this.#sender.requireOpen("wait for room");
    const deadline = performance.now() + waitTimeoutMs(timeoutMs, "wait for room");
    while (!this.#writer.hasRoom()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      this.#writer.sleepForRoom(left);
    }
    return true;
  }

  /**
   * Waits until a lossless ring or queue has room, without blocking the thread.
   *
   * @param timeoutMs How long to wait at the most.
   * @returns Whether there is room.
   */
  async waitForRoom(timeoutMs: number): Promise<boolean> {
    this.#sender.requireOpen("wait for room");
    const deadline = performance.now() + waitTimeoutMs(timeoutMs, "wait for room");
    while (!this.#sender.closed && !this.#writer.hasRoom()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await this.#writer.roomChange(left);
    }
    return !this.#sender.closed;
  }

  /** Whether anybody is subscribed; asks the stack, so it is not for every block. */
  hasSubscribers(): boolean {
    return this.getSubscriberCount() > 0;
  }

  /**
   * Subscribers now: one for each Worker of ours, however many subscribers share its place, that reads the ring and gives signs of
   * life, or reads the queue lane; and one for each C++ subscriber. Readers of a ring whose reader table their process may not
   * write are not known.
   */
  getSubscriberCount(): number {
    this.#sender.requireOpen("count subscribers");
    return this.#writer.subscriberCount();
  }

  /** What was sent and refused since it was made or reset. Works after close. */
  getStats(): BroadcastStats {
    return this.#counters.snapshot(this.#sender.closed ? 0 : this.#writer.subscriberCount(), this.#writer);
  }

  /** Begins the statistics anew. Sequences go on. */
  resetStats(): void {
    this.#counters.reset(this.#writer);
  }

  /** Sends what writers hold, gives back loans and stops offering the stream. Doing it again does nothing. */
  close(): void {
    stopWatching(this);
    this.#sender.close();
  }

  /** The same as {@linkcode DataBroadcaster.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns how many bytes the data have. */
  #check(data: unknown, recordCount: unknown, type: unknown, action: string): number {
    this.#sender.requireOpen(action);
    const length = countBytes(data);
    if (length === NO_BYTES) {
      this.#sender.fail(new ArgumentError(action, { value: data, condition: "the data must be a Uint8Array" }));
    }
    this.#sender.checkCount(recordCount, type, action);
    return length;
  }
}
