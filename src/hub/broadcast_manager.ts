// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, ClosedError } from "../errors.ts";
import { checkName } from "../transport/names.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import { requireOptions } from "./checks.ts";
import { closeAll } from "./close_all.ts";
import { BROADCASTER_OPTIONS, DataBroadcaster, type DataBroadcasterOptions } from "./data_broadcaster.ts";
import { DataSubscriber, type DataSubscriberOptions, SUBSCRIBER_OPTIONS } from "./data_subscriber.ts";
import { type Runtime, runtimeOf } from "./runtime.ts";
import type { BroadcastStats, ReceiveStats } from "./stats.ts";

/** The statistics of one stream of a manager. */
export interface StreamStats {
  /** Of its broadcaster, when the manager has one. */
  readonly broadcaster?: BroadcastStats;
  /** Of each of its subscribers, in the order they were made. */
  readonly subscribers: readonly ReceiveStats[];
}

/**
 * Keeps the broadcasters and subscribers of a program by stream, and closes them together.
 *
 * @example Both ends of a stream in one script
 * ```ts
 * import { BroadcastConfig, BroadcastManager, MarketDataType, Runtime } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using manager = new BroadcastManager(runtime);
 * const out = manager.createBroadcaster(new BroadcastConfig(), "managed");
 * const feed = manager.createSubscriber(new BroadcastConfig(), "managed");
 * out.broadcast(new Uint8Array(8), 1, MarketDataType.Unknown);
 * console.log(feed.receive()?.length, manager.getAllStats().get("managed")?.broadcaster?.sentBlocks); // 8 1
 * ```
 */
export class BroadcastManager {
  readonly #runtime: Runtime;
  readonly #broadcasters = new Map<string, DataBroadcaster>();
  readonly #subscribers = new Map<string, DataSubscriber[]>();
  #closed = false;

  /**
   * Makes an empty manager.
   *
   * @param runtime The runtime of all that it makes; default: the first one opened.
   * @throws {RuntimeNotOpenError} Without a runtime.
   */
  constructor(runtime?: Runtime) {
    this.#runtime = runtimeOf("make a manager", runtime);
  }

  /**
   * Makes the broadcaster of a stream.
   *
   * @param config How.
   * @param stream The stream.
   * @param options As for {@linkcode DataBroadcaster}, but for the runtime.
   * @returns The broadcaster, which this manager closes.
   * @throws {ArgumentError} When this manager has one for the stream.
   */
  createBroadcaster(
    config: BroadcastConfig,
    stream: string,
    options: Omit<DataBroadcasterOptions, "runtime"> = {},
  ): DataBroadcaster {
    this.#requireOpen("make a broadcaster");
    if (this.#broadcasters.has(stream)) {
      throw new ArgumentError("make a broadcaster", {
        value: stream,
        condition: "this manager has a broadcaster of this stream",
        remedy: "use getBroadcaster, or close the stream first",
      });
    }
    requireOptions("make a broadcaster", options, BROADCASTER_OPTIONS.filter(isNotRuntime));
    const broadcaster = new DataBroadcaster(config, stream, { ...options, runtime: this.#runtime });
    this.#broadcasters.set(stream, broadcaster);
    return broadcaster;
  }

  /**
   * Makes a subscriber of a stream: a new one each time, since two readers of one would take each other's blocks.
   *
   * @param config How.
   * @param stream The stream.
   * @param options As for {@linkcode DataSubscriber}, but for the runtime.
   * @returns The subscriber, which this manager closes.
   */
  createSubscriber(
    config: BroadcastConfig,
    stream: string,
    options: Omit<DataSubscriberOptions, "runtime"> = {},
  ): DataSubscriber {
    this.#requireOpen("make a subscriber");
    requireOptions("make a subscriber", options, SUBSCRIBER_OPTIONS.filter(isNotRuntime));
    const subscriber = new DataSubscriber(config, stream, { ...options, runtime: this.#runtime });
    const others = this.#subscribers.get(stream);
    if (others === undefined) this.#subscribers.set(stream, [subscriber]);
    else others.push(subscriber);
    return subscriber;
  }

  /** The broadcaster of a stream, or undefined. */
  getBroadcaster(stream: string): DataBroadcaster | undefined {
    return this.#broadcasters.get(stream);
  }

  /** The subscribers of a stream, in the order they were made. */
  getSubscribers(stream: string): readonly DataSubscriber[] {
    return [...this.#subscribers.get(stream) ?? []];
  }

  /** The statistics of all streams, by name. */
  getAllStats(): Map<string, StreamStats> {
    const all = new Map<string, StreamStats>();
    for (const stream of this.getAllStreams()) {
      const broadcaster = this.#broadcasters.get(stream)?.getStats();
      const subscribers = this.getSubscribers(stream).map((subscriber) => subscriber.getReceiveStats());
      all.set(stream, { ...(broadcaster && { broadcaster }), subscribers });
    }
    return all;
  }

  /**
   * Closes what this manager has of a stream, or, without a name, everything and itself.
   *
   * @param stream The stream.
   */
  close(stream?: string): void {
    if (stream === undefined) {
      this.#closed = true;
      closeAll(this.getAllStreams().map((name) => ({ close: () => this.close(name) })));
      return;
    }
    checkName("close a stream", stream);
    const members = [this.#broadcasters.get(stream), ...this.getSubscribers(stream)];
    this.#broadcasters.delete(stream);
    this.#subscribers.delete(stream);
    closeAll(members);
  }

  /** The streams that this manager has something of. */
  getAllStreams(): string[] {
    return [...new Set([...this.#broadcasters.keys(), ...this.#subscribers.keys()])];
  }

  /** Closes everything. */
  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(action: string): void {
    if (this.#closed) throw new ClosedError(action, { condition: "the manager is closed" });
  }
}

/** Which options a manager takes: its runtime is that of all it makes. */
function isNotRuntime(option: string): boolean {
  return option !== "runtime";
}
