// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, ConfigError } from "../errors.ts";
import { ringBytes } from "../ring/layout.ts";
import type { BlockWriter } from "./block_writer.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import { QueueLane } from "./queue_lane.ts";
import { RingLane } from "./ring_lane.ts";
import { type RuntimeConnection, runtimeOf } from "./runtime.ts";

const MEBIBYTE = 1024 * 1024;

/** The runtime that a broadcaster's memory comes from, and those on which its ring is announced too. */
export function connectionsOf(
  action: string,
  config: BroadcastConfig,
  { runtime, announce }: { readonly runtime?: unknown; readonly announce?: unknown },
): [RuntimeConnection, RuntimeConnection[]] {
  if (announce === undefined) return [runtimeOf(action, runtime).connection(action), []];
  if (!Array.isArray(announce) || announce.length === 0) {
    throw new ArgumentError(action, {
      value: announce,
      condition: "announce must be an array of at least one Runtime",
    });
  }
  const runtimes = announce.map((each) => runtimeOf(action, each ?? null));
  const first = runtime === undefined ? runtimes[0]! : runtimeOf(action, runtime);
  const others = runtimes.filter((each) => each !== first);
  const refuse = (value: unknown, condition: string, remedy: string): never => {
    throw new ConfigError(action, { value, condition, remedy });
  };
  const stacks = [first, ...others].map(({ stack }) => stack);
  const twice = stacks.find((stack, index) => stacks.indexOf(stack) !== index);
  if (twice !== undefined) {
    refuse(twice, "announce has two runtimes of one stack", "give one runtime of each stack: a process has one");
  }
  if (others.length > 0 && stacks.includes("memory")) {
    refuse("memory", "rings of the memory stack are within one process", "announce on iceoryx and iceoryx2");
  }
  if (others.length > 0 && config.lane === "queue") {
    refuse(
      "queue",
      "a broadcaster of the queue lane alone has no ring to announce",
      'configure lane: "auto" or "ring"',
    );
  }
  return [first.connection(action), others.map((each) => each.connection(action))];
}

/**
 * The lanes that a configuration asks for.
 *
 * @param relays Whether blocks are copied from elsewhere with their times and trailers.
 */
export function openLanes(
  action: string,
  connection: RuntimeConnection,
  others: readonly RuntimeConnection[],
  config: BroadcastConfig,
  stream: string,
  firstSequence: number,
  relays: boolean = false,
): BlockWriter {
  const { transport, windows } = connection;
  const { serviceName: service, ringCapacity: capacity, memoryPoolSizeMb, checksum } = config;
  const lossless = config.delivery === "lossless";
  if (config.lane === "queue") {
    const history = config.history === "all" ? config.bufferDepth : config.history;
    return new QueueLane(transport, windows, { service, stream, lossless, history, firstSequence, checksum, relays });
  }
  // Who reads the queue lane of a lossless stream expects it to be lossless too.
  const servesQueue = !lossless || transport.hasLosslessQueue;
  const bytes = ringBytes(capacity);
  if (bytes > memoryPoolSizeMb * MEBIBYTE) {
    throw new ConfigError(action, {
      condition: `a ring of ${capacity} slots needs ${bytes} bytes, more than memoryPoolSizeMb allows`,
      value: bytes,
      limit: memoryPoolSizeMb * MEBIBYTE,
      remedy: "lower bufferDepth or raise memoryPoolSizeMb",
    });
  }
  const demand = {
    service,
    stream,
    lossless,
    capacity,
    maxSubscribers: config.maxSubscribers,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    readerTimeoutMs: config.readerTimeoutMs,
    firstSequence,
    checksum,
    relays,
    access: config.access,
    withQueue: transport.hasPorts &&
      (config.queueLane === "auto" ? config.access === null && servesQueue : config.queueLane === "on"),
  };
  return new RingLane(connection, demand, others);
}
