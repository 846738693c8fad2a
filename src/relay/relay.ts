// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from "node:timers";
import { ArgumentError, ClosedError, IpcError } from "../errors.ts";
import { BroadcastConfig } from "../hub/broadcast_config.ts";
import { requireConfig, requireOptions, requireSignal } from "../hub/checks.ts";
import { closeAll } from "../hub/close_all.ts";
import { type Runtime, runtimeOf } from "../hub/runtime.ts";
import type { StreamInfo } from "../hub/stream_info.ts";
import { turn, turnAfterSlice } from "../hub/waiting.ts";
import { checkName } from "../transport/names.ts";
import { RelayLink } from "./relay_link.ts";
import type { RelayStats, RelayWay } from "./relay_stats.ts";

/** Options of a {@linkcode Relay}. */
export interface RelayOptions {
  /**
   * The streams: by name, which are subscribed to at once; or a function that is asked about each stream that somebody broadcasts on
   * either side, when it is seen first. Default: every one.
   */
  readonly streams?: readonly string[] | ((stream: StreamInfo) => boolean);
  /** `forth`: from the first runtime to the second; `back`; or `both`, the default. */
  readonly ways?: RelayWay | "both";
  /**
   * How the source sides are read; default: a new {@linkcode BroadcastConfig}. Its `serviceName` is that of both sides. With
   * `delivery: "lossless"` a broadcaster of the queue lane waits for the relay. A ring is read in place, whatever `read` says.
   */
  readonly read?: BroadcastConfig;
  /**
   * How the target sides are written; default: `{ lane: "queue" }`, for peers that know the stack's own ports alone. On a stack without
   * them it is a ring. With `delivery: "lossless"` the source sides wait for the target sides. Blocks keep the checksum that they came
   * with, whatever `checksum` says.
   */
  readonly write?: BroadcastConfig;
  /** How often, in milliseconds, to look for new streams and for broadcasters that are gone: 10 to 60000, default 500. */
  readonly lookIntervalMs?: number;
}

/** Options of {@linkcode Relay.run}. */
export interface RelayRunOptions {
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal;
}

const ACTION = "make a relay";
const OPTIONS = ["streams", "ways", "read", "write", "lookIntervalMs"] satisfies (keyof RelayOptions)[];
const WAYS: readonly RelayWay[] = ["forth", "back"];
const LOOK_MS_MIN = 10;
const LOOK_MS_MAX = 60_000;
const LOOK_MS_DEFAULT = 500;
/** Blocks of one link before the next one has its turn, and of all of them when `poll` is told no limit. */
const FAIR_RUN = 64;
const POLL_LIMIT_DEFAULT = 1024;
/** How long `run` keeps the event loop to itself. */
const SLICE_MS = 1;

/**
 * Reads streams of one runtime and writes them to another, for peers that know only the ports of their own stack. One copy a block,
 * nothing allocated for it.
 *
 * A block arrives with the header that it had: sequence, time, records, checksum. Where its data leave room, the trailer tells the
 * epoch of its broadcaster (`block.sourceEpoch`). What was lost on the way here, or finds no room there, is counted, and the readers
 * of the target side see the gap and count it too. For each broadcaster of the source side there is one on the target side, which ends
 * when it has ended. Blocks that the relay wrote itself are not sent back.
 *
 * It belongs to the Worker that made it. Close it, or declare it with `using`.
 *
 * @example From the memory of this process to iceoryx, for C++ peers
 * ```ts
 * import { BroadcastConfig, DataBroadcaster, DataSubscriber, MarketDataType, Relay, Runtime } from "@qaultra/ipc";
 *
 * using inside = Runtime.open({ stack: "memory" });
 * using outside = Runtime.open({ roudi: "spawn" });
 * using relay = new Relay(inside, outside, { streams: ["relayed"], ways: "forth" });
 * using feed = new DataSubscriber(new BroadcastConfig({ lane: "queue" }), "relayed", { runtime: outside });
 * using out = new DataBroadcaster(new BroadcastConfig(), "relayed", { runtime: inside });
 * out.broadcast(new TextEncoder().encode("hello"), 1, MarketDataType.Unknown);
 * while (relay.poll() === 0 || !feed.waitSync(1)) await new Promise((resolve) => setTimeout(resolve, 1));
 * using block = feed.receiveBlock();
 * console.log(block?.sourceEpoch === out.epoch, block?.sequence); // true 0
 * ```
 */
export class Relay {
  readonly #first: Runtime;
  readonly #second: Runtime;
  readonly #ways: readonly RelayWay[];
  readonly #read: BroadcastConfig;
  readonly #write: BroadcastConfig;
  readonly #lookIntervalMs: number;
  readonly #isWanted: (stream: StreamInfo) => boolean;
  readonly #links: RelayLink[] = [];
  readonly #refused = new Set<string>();
  readonly #wakers = new Set<() => void>();
  #turn = 0;
  #lookAt = -Infinity;
  #failures = 0;
  #lastFailure: Error | undefined;
  #closed = false;

  /**
   * Begins to relay; `poll` or `run` does the work.
   *
   * @param first One runtime.
   * @param second The other.
   * @param options Which streams, and how.
   * @throws {ArgumentError} When both are of one stack, to which a Worker has one connection.
   * @throws {IpcError} When a stream that was named cannot be subscribed to; see {@linkcode DataSubscriber}.
   */
  constructor(first: Runtime, second: Runtime, options: RelayOptions = {}) {
    requireOptions(ACTION, options, OPTIONS);
    const { streams, ways = "both", read = new BroadcastConfig(), lookIntervalMs = LOOK_MS_DEFAULT } = options;
    const { write = new BroadcastConfig({ lane: "queue" }) } = options;
    requireConfig(ACTION, read);
    requireConfig(ACTION, write);
    this.#first = runtimeOf(ACTION, first ?? null);
    this.#second = runtimeOf(ACTION, second ?? null);
    // A Worker has one connection to each stack.
    if (first.stack === second.stack) {
      throw new ArgumentError(ACTION, { value: first.stack, condition: "both runtimes are of one stack" });
    }
    if (ways !== "both" && !WAYS.includes(ways)) {
      throw new ArgumentError(ACTION, { value: ways, condition: 'ways must be "forth", "back" or "both"' });
    }
    if (!(lookIntervalMs >= LOOK_MS_MIN && lookIntervalMs <= LOOK_MS_MAX)) {
      throw new ArgumentError(ACTION, {
        value: lookIntervalMs,
        limit: LOOK_MS_MAX,
        condition: `lookIntervalMs must be a number from ${LOOK_MS_MIN} to ${LOOK_MS_MAX}`,
      });
    }
    this.#ways = ways === "both" ? WAYS : [ways];
    this.#read = read;
    this.#write = write.with({ serviceName: read.serviceName });
    this.#lookIntervalMs = lookIntervalMs;
    if (streams === undefined || typeof streams === "function") {
      this.#isWanted = streams ?? (() => true);
      return;
    }
    if (!Array.isArray(streams)) {
      throw new ArgumentError(ACTION, { value: streams, condition: "streams must be an array of names or a function" });
    }
    this.#isWanted = () => false;
    try {
      for (const stream of new Set(streams)) {
        checkName(ACTION, stream);
        for (const way of this.#ways) this.#open(stream, way);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Relays what is there. Does not wait.
   *
   * @param limit The most blocks, from 1.
   * @returns How many blocks were dealt with; 0 also when a lossless target side has no room.
   * @throws {ClosedError} After close.
   */
  poll(limit: number = POLL_LIMIT_DEFAULT): number {
    this.#requireOpen("relay");
    if (typeof limit !== "number" || !(limit >= 1)) {
      throw new ArgumentError("relay", { value: limit, condition: "the limit must be a number from 1" });
    }
    if (performance.now() >= this.#lookAt) this.#look();
    const links = this.#links;
    let count = 0;
    for (let idle = 0; idle < links.length && count < limit;) {
      if (this.#turn >= links.length) this.#turn = 0;
      const moved = links[this.#turn++]!.step(Math.min(FAIR_RUN, limit - count));
      count += moved;
      idle = moved === 0 ? idle + 1 : 0;
    }
    return count;
  }

  /**
   * Relays until the signal aborts or the relay is closed. It waits as the `wait` of the configuration for reading says, and lets
   * timers and sockets run.
   *
   * @param options The signal.
   */
  async run(options: RelayRunOptions = {}): Promise<void> {
    requireOptions("relay", options, ["signal"] satisfies (keyof RelayRunOptions)[]);
    const { signal } = options;
    if (signal !== undefined) requireSignal("relay", signal);
    this.#requireOpen("relay");
    const wake = (): void => [...this.#wakers].forEach((waker) => waker());
    signal?.addEventListener("abort", wake);
    const looks = this.#read.wait === "spin" || this.#read.wait === "yield";
    try {
      while (!this.#closed && !signal?.aborted) {
        const until = performance.now() + SLICE_MS;
        let moved = this.poll();
        let isIdle = moved === 0;
        while (performance.now() < until && (looks || !isIdle)) {
          const more = this.poll();
          isIdle = more === 0;
          moved += more;
        }
        if (looks) await turn();
        else if (isIdle) await this.#idle();
        else await turnAfterSlice();
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  /** What was relayed and lost since it was made. Works after close. */
  getStats(): RelayStats {
    const streams = this.#links.map((link) => link.stats);
    return { streams, failures: this.#failures, ...(this.#lastFailure && { lastFailure: this.#lastFailure }) };
  }

  /** Leaves all streams and ends those that it offers. Doing it again does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waker of [...this.#wakers]) waker();
    closeAll(this.#links);
  }

  /** The same as {@linkcode Relay.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #from(way: RelayWay): Runtime {
    return way === "forth" ? this.#first : this.#second;
  }

  #to(way: RelayWay): Runtime {
    return way === "forth" ? this.#second : this.#first;
  }

  #open(stream: string, way: RelayWay): void {
    const to = this.#to(way);
    const hasPorts = to.connection(ACTION).transport.hasPorts;
    const write = this.#write.lane === "queue" && !hasPorts ? this.#write.with({ lane: "auto" }) : this.#write;
    const link = new RelayLink({
      stream,
      way,
      from: this.#from(way),
      to,
      read: this.#read,
      write,
      onFailure: (error) => this.#fail(error),
    });
    const opposite = this.#links.find((other) => other.stream === stream);
    if (opposite !== undefined) link.pairWith(opposite);
    this.#links.push(link);
  }

  /** Looks for streams that are new, and for broadcasters that are gone. */
  #look(): void {
    this.#lookAt = performance.now() + this.#lookIntervalMs;
    for (const way of this.#ways) {
      const streams = this.#streamsOf(this.#from(way));
      for (const info of streams ?? []) this.#meet(info, way);
      for (const link of this.#links) {
        if (link.way !== way) continue;
        const info = streams?.find(({ stream }) => stream === link.stream);
        link.look(streams && (info === undefined ? 0 : this.#foreign(info, way)));
      }
    }
  }

  #streamsOf(runtime: Runtime): StreamInfo[] | undefined {
    try {
      if (runtime.state !== "attached") return undefined;
      return runtime.streams().filter(({ service }) => service === this.#read.serviceName);
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
      this.#fail(error);
      return undefined;
    }
  }

  #meet(info: StreamInfo, way: RelayWay): void {
    const { stream } = info;
    if (this.#links.some((link) => link.way === way && link.stream === stream)) return;
    if (this.#foreign(info, way) <= 0 || this.#refused.has(stream)) return;
    // One direction was asked for already when there is the other.
    if (!this.#links.some((link) => link.stream === stream) && !this.#isWanted(info)) {
      this.#refused.add(stream);
      return;
    }
    try {
      this.#open(stream, way);
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
      this.#fail(error);
    }
  }

  /** Broadcasters of a stream on the side that this way comes from, but for those of the other way. */
  #foreign({ stream, broadcasters }: StreamInfo, way: RelayWay): number {
    const opposite = this.#links.find((link) => link.stream === stream && link.way !== way);
    return broadcasters - (opposite?.outlets ?? 0);
  }

  #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const links = [...this.#links];
    const done = (): void => {
      clearTimeout(timer);
      this.#wakers.delete(done);
      for (const link of links) link.unpark(done);
      resolve();
    };
    // Not without a bound: streams that nobody here reads yet wake nobody.
    const timer = setTimeout(done, Math.max(1, this.#lookAt - performance.now()));
    this.#wakers.add(done);
    for (const link of links) link.park(done);
    return promise;
  }

  #fail(error: Error): void {
    this.#failures++;
    this.#lastFailure = error;
  }

  #requireOpen(action: string): void {
    if (this.#closed) throw new ClosedError(action, { condition: "the relay is closed" });
  }
}
