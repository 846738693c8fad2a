// SPDX-License-Identifier: Apache-2.0
import { Block } from "../block/block.ts";
import { ArgumentError, ClosedError, HeldLimitError } from "../errors.ts";
import { RING_CAPACITY_MAX } from "../ring/layout.ts";
import { checkName } from "../transport/names.ts";
import type { Transport } from "../transport/transport.ts";
import { stopWatching, watchForLoss } from "./backstop.ts";
import { BlockHand } from "./block_hand.ts";
import { BlockIterator, type BlockSource } from "./block_iterator.ts";
import type { BroadcastConfig, LaneChoice, ReadMode, WaitStrategy } from "./broadcast_config.ts";
import { requireConfig, requireOptions, requireSignal } from "./checks.ts";
import { HeldBlocks } from "./held_blocks.ts";
import { place } from "./placement.ts";
import { ReceiveCounters } from "./receive_counters.ts";
import { type Runtime, type RuntimeConnection, runtimeOf, type RuntimeResource } from "./runtime.ts";
import type { ReceiveStats } from "./stats.ts";
import { StreamReader } from "./stream_reader.ts";
import { StreamWatch, type SubscriberState } from "./stream_watch.ts";
import { waitTimeoutMs } from "./timeout.ts";
import { inForce, observeOf } from "./subscriber_options.ts";
import { waitBlocking, waitInLoop } from "./waiting.ts";

/** Options of a {@linkcode DataSubscriber}; what is not given comes from its configuration. */
export interface DataSubscriberOptions {
  /** The runtime; default: the first one opened. */
  readonly runtime?: Runtime;
  /** The lane to read. */
  readonly lane?: LaneChoice;
  /** How a lossy ring is read. */
  readonly read?: ReadMode;
  /** Blocks of the past to begin with, where they are still kept, or all of them. */
  readonly history?: number | "all";
  /** Whether to read a lossless ring without making its broadcaster wait: blocks can be lost then, and are counted. Default false. */
  readonly observe?: boolean;
  /** How `for await` and `waitSync` wait. */
  readonly wait?: WaitStrategy;
}

/** Options of {@linkcode DataSubscriber.blocks}. */
export interface BlocksOptions {
  /** Ends the iteration when it aborts. */
  readonly signal?: AbortSignal;
}

let askReader: (subscriber: DataSubscriber) => StreamReader;

/** Blocks that one subscriber can hold at once. */
export const HELD_BLOCKS_MAX = 256;
/** Blocks of one `poll` when no limit is given. */
export const POLL_LIMIT_DEFAULT = 256;

/**
 * The reading end of a stream: hands out blocks of market data, in place, in the order of publishing, and counts every one that
 * it lost.
 *
 * It belongs to the Worker that made it. Any number of subscribers of one Worker share one native port and each has its own
 * position. Close it, or declare it with `using`.
 *
 * @example Reading all that is there
 * ```ts
 * import { BroadcastConfig, DataSubscriber, Runtime, Tick } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using feed = new DataSubscriber(new BroadcastConfig(), "market_stream", { runtime });
 * feed.poll((block) => {
 *   for (const tick of block.records(Tick)) console.log(tick.symbol, tick.last);
 * });
 * ```
 */
export class DataSubscriber {
  /** The configuration it was made with. */
  readonly config: BroadcastConfig;
  /** The name of its stream. */
  readonly stream: string;
  readonly #reader: StreamReader;
  readonly #resource: RuntimeResource;
  readonly #counters: ReceiveCounters;
  readonly #watch: StreamWatch;
  readonly #wait: WaitStrategy;
  readonly #transport: Transport;
  readonly #held: HeldBlocks;
  readonly #idles = new Set<() => void>();
  /** Of the loops that run. */
  readonly #hands = new Set<BlockHand>();
  /** The one block of `poll` and `receive`; null while a handler runs. */
  #reused: Block | null = new Block();

  static {
    askReader = (subscriber) => subscriber.#reader;
  }

  /**
   * Subscribes to a stream. It need not be offered yet.
   *
   * @param config How; see {@linkcode BroadcastConfig}.
   * @param stream The stream's name, 1 to 100 bytes.
   * @param options The runtime, and what differs from the configuration.
   * @throws {RuntimeNotOpenError} Without a runtime.
   * @throws {SubscriberLimitError} When `maxSubscribers` of this Worker subscribe to the stream.
   * @throws {DeliveryMismatchError} When it is to be lossless and a broadcaster of the stream is lossy.
   * @throws {AccessError} When this user may read none of the rings that there are; later ones are counted as `deniedBroadcasters`.
   * @throws {StreamFullError} When a broadcaster of the stream serves no further port.
   */
  constructor(config: BroadcastConfig, stream: string, options: DataSubscriberOptions = {}) {
    const action = "make a subscriber";
    requireConfig(action, config);
    requireOptions(action, options, SUBSCRIBER_OPTIONS);
    this.config = inForce(config, options);
    this.stream = checkName(action, stream);
    const connection: RuntimeConnection = runtimeOf(action, options.runtime).connection(action);
    const { transport, subscribers, resources } = connection;
    const { serviceName, maxSubscribers, wait, delivery, history, lane, heartbeatIntervalMs } = this.config;
    subscribers.require(action, serviceName, this.stream, maxSubscribers);
    const lossless = delivery === "lossless";
    this.#watch = new StreamWatch(transport, serviceName, this.stream, lossless, heartbeatIntervalMs);
    if (lane !== "ring" && transport.hasPorts) this.#watch.requireMatch(action);
    place(config, transport);
    const reader = new StreamReader(connection, {
      service: serviceName,
      stream: this.stream,
      lane,
      lossless,
      queueCapacity: this.config.queueCapacity,
      ringCapacity: this.config.ringCapacity,
      history: history === "all" ? RING_CAPACITY_MAX : history,
      inPlace: this.config.read === "in-place",
      observe: observeOf(action, options),
      pollIntervalMs: this.config.pollIntervalMs,
      heartbeatIntervalMs,
    });
    this.#reader = reader;
    this.#wait = wait;
    this.#transport = transport;
    const counters = new ReceiveCounters(config.statsEnabled, transport);
    this.#counters = counters;
    const held = new HeldBlocks(reader, counters, this);
    this.#held = held;
    const [idles, hands] = [this.#idles, this.#hands];
    const leave = subscribers.enter(serviceName, this.stream);
    const resource: RuntimeResource = {
      get closed(): boolean {
        return reader.closed;
      },
      renew: () => reader.renew(),
      close(): void {
        if (reader.closed) return;
        resources.delete(resource);
        leave();
        held.releaseAll();
        for (const hand of hands) hand.close();
        reader.close();
        for (const endIdle of [...idles]) endIdle();
      },
    };
    this.#resource = resource;
    resources.add(resource);
    watchForLoss(this, "DataSubscriber", this.stream, resource, transport);
  }

  /**
   * Blocks that may wait for this subscriber before it loses the oldest, or, lossless, before the broadcaster has to wait: the slots
   * of the ring that it reads, or what the queue lane grants.
   */
  get queueCapacity(): number {
    return this.#reader.capacity;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#reader.closed;
  }

  /**
   * `waiting`: no broadcaster yet. `live`: there is one. `stale`: that of a ring gives no sign of life, as when its process was
   * stopped. `ended`: there was one and all are gone; a new one makes it live again. Of several the best. The answer about the
   * queue lane may be `heartbeatIntervalMs` old.
   */
  get state(): SubscriberState {
    const ring = this.#reader.ringState;
    if (ring === "live" || ring === "stale" || this.config.lane === "ring" || !this.#transport.hasPorts) {
      return ring === "none" ? "waiting" : ring;
    }
    if (ring === "ended" && this.#transport.state !== "attached") return "ended";
    const queue = this.#watch.state(this.#reader.losses.broadcasters > 0);
    return queue === "waiting" && ring === "ended" ? "ended" : queue;
  }

  /**
   * A copy of the next block's data: exactly the bytes sent. Does not wait.
   *
   * @returns The copy, or null when there is no block.
   * @throws {ClosedError} After close.
   */
  receive(): Uint8Array | null {
    this.#requireOpen("receive");
    const block = this.#reused ?? new Block();
    const reader = this.#reader;
    const counters = this.#counters;
    while (reader.next(block)) {
      counters.received(reader);
      const { source } = reader;
      try {
        const copy = block.data.slice();
        if (!reader.isVolatile || block.intact) return copy;
        source.tore();
        counters.retract(counters.lastRecords, counters.lastBytes);
      } finally {
        block.release();
      }
    }
    return null;
  }

  /** The same as {@linkcode DataSubscriber.receive}. */
  receiveNowait(): Uint8Array | null {
    return this.receive();
  }

  /**
   * The next block, to be held as long as wanted. Does not wait. No copy on the queue lane, unless this Worker's subscribers hold more
   * than 192 blocks of the stream already; one copy on a ring, which is kept whatever the broadcaster does, but none
   * on a lossy one with `read: "in-place"`.
   *
   * @returns The block; release it, or declare it with `using`. Null when there is none.
   * @throws {HeldLimitError} When 256 blocks are held.
   * @throws {ClosedError} After close.
   */
  receiveBlock(): Block | null {
    this.#requireOpen("receive a block");
    if (this.#held.size >= HELD_BLOCKS_MAX) {
      this.#counters.heldLimitHits++;
      throw new HeldLimitError("receive a block", { value: this.#held.size + 1, limit: HELD_BLOCKS_MAX });
    }
    return this.#held.next();
  }

  /**
   * Calls a handler with each block that is there: the fastest way to read. No copy, nothing is allocated for a block. Does not
   * wait.
   *
   * @param handler Called with one reused block, valid until it returns. When it throws, its block counts as read.
   * @param limit The most blocks, from 1.
   * @returns How many blocks were handled.
   * @throws {ClosedError} After close.
   */
  poll(handler: (block: Block) => void, limit: number = POLL_LIMIT_DEFAULT): number {
    this.#requireOpen("poll");
    if (typeof handler !== "function") {
      throw new ArgumentError("poll", { value: handler, condition: "the handler must be a function" });
    }
    if (typeof limit !== "number" || !(limit >= 1)) {
      throw new ArgumentError("poll", { value: limit, condition: "the limit must be a number from 1" });
    }
    // A handler that polls or receives itself needs another block.
    const block = this.#reused ?? new Block();
    this.#reused = null;
    const reader = this.#reader;
    const counters = this.#counters;
    let handled = 0;
    try {
      while (handled < limit && !reader.closed && reader.next(block)) {
        handled++;
        counters.received(reader);
        if (reader.isVolatile) {
          this.#handleVolatile(block, handler);
          continue;
        }
        try {
          handler(block);
        } finally {
          block.release();
        }
      }
    } finally {
      this.#reused = block;
    }
    return handled;
  }

  /**
   * Blocks this thread until there is data.
   *
   * @param timeoutMs How long to wait at the most; Infinity for as long as it takes.
   * @returns Whether there is data.
   * @throws {ClosedError} After close.
   */
  waitSync(timeoutMs: number): boolean {
    this.#requireOpen("wait");
    return waitBlocking(this.#reader, this.#wait, this.#transport, waitTimeoutMs(timeoutMs, "wait"));
  }

  /** Whether there is a block to read. */
  hasData(): boolean {
    this.#requireOpen("look for data");
    return this.#reader.hasData();
  }

  /** What was received and missed since it was made. Works after close. */
  getReceiveStats(): ReceiveStats {
    return this.#counters.snapshot(this.#reader);
  }

  /**
   * The blocks of the stream, for `for await`. Each is valid until the next turn of the loop. It sleeps while there is none and
   * lets timers and sockets run while there are many. Only `close`, `break` or the signal end it.
   *
   * @param options The signal.
   * @returns The iteration.
   *
   * @example Ending an iteration from elsewhere
   * ```ts
   * import { BroadcastConfig, DataSubscriber, Runtime } from "@qaultra/ipc";
   *
   * using runtime = Runtime.open({ roudi: "spawn" });
   * using feed = new DataSubscriber(new BroadcastConfig(), "market_stream", { runtime });
   * for await (const block of feed.blocks({ signal: AbortSignal.timeout(50) })) console.log(block.sequence);
   * ```
   */
  blocks(options: BlocksOptions = {}): AsyncIterableIterator<Block, undefined, undefined> {
    this.#requireOpen("iterate");
    requireOptions("iterate", options, ["signal"] satisfies (keyof BlocksOptions)[]);
    const { signal } = options;
    if (signal !== undefined) requireSignal("iterate", signal);
    let endIdle: (() => void) | null = null;
    const setEndIdle = (end: (() => void) | null): void => {
      if (endIdle !== null) this.#idles.delete(endIdle);
      endIdle = end;
      if (end !== null) this.#idles.add(end);
    };
    const reader = this.#reader;
    const hand = new BlockHand(reader, this.#counters);
    this.#hands.add(hand);
    const source: BlockSource = {
      isClosed: () => this.closed,
      nextBlock: () => hand.next(),
      idle: () => waitInLoop(reader, this.#wait, setEndIdle),
      busy: () => reader.quieten(),
      end: () => {
        this.#hands.delete(hand);
        endIdle?.();
      },
    };
    return new BlockIterator(source, signal);
  }

  /** The same as {@linkcode DataSubscriber.blocks} without a signal. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Block, undefined, undefined> {
    return this.blocks();
  }

  /** Releases all blocks, ends all iterations and leaves the stream. Doing it again does nothing. */
  close(): void {
    stopWatching(this);
    this.#resource.close();
  }

  /** The same as {@linkcode DataSubscriber.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same for a block that the writer may overwrite: what changed under the handler was not received. */
  #handleVolatile(block: Block, handler: (block: Block) => void): void {
    const counters = this.#counters;
    const { source } = this.#reader;
    const { lastRecords, lastBytes } = counters;
    try {
      handler(block);
    } finally {
      if (!this.closed && !block.released && !block.intact) {
        source.tore();
        counters.retract(lastRecords, lastBytes);
      }
      block.release();
    }
  }

  #requireOpen(action: string): void {
    if (this.closed) {
      throw new ClosedError(action, { condition: `the subscriber of ${JSON.stringify(this.stream)} is closed` });
    }
  }
}

/** The names of the options. */
export const SUBSCRIBER_OPTIONS: readonly string[] = [
  "runtime",
  "lane",
  "read",
  "history",
  "wait",
  "observe",
] satisfies (keyof DataSubscriberOptions)[];

/** What a subscriber reads with: for a relay, which has to know where the block that `poll` hands it lies, and to wait for many. */
export function readerOf(subscriber: DataSubscriber): StreamReader {
  return askReader(subscriber);
}
