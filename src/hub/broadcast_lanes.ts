// SPDX-License-Identifier: Apache-2.0
import { ConfigError } from "../errors.ts";
import { ringBytes } from "../ring/layout.ts";
import type { BlockWriter } from "./block_writer.ts";
import type { BroadcastConfig } from "./broadcast_config.ts";
import { QueueLane } from "./queue_lane.ts";
import { RingLane } from "./ring_lane.ts";
import type { RuntimeConnection } from "./runtime.ts";

const MEBIBYTE = 1024 * 1024;

/**
 * The lanes that a configuration asks for.
 *
 * @param relays Whether blocks are copied from elsewhere with their times and trailers.
 */
export function openLanes(
  action: string,
  { transport, windows }: RuntimeConnection,
  config: BroadcastConfig,
  stream: string,
  firstSequence: number,
  relays: boolean = false,
): BlockWriter {
  const { serviceName: service, ringCapacity: capacity, memoryPoolSizeMb, checksum } = config;
  const lossless = config.delivery === "lossless";
  if (config.lane === "queue") {
    const history = config.history === "all" ? config.bufferDepth : config.history;
    return new QueueLane(transport, windows, { service, stream, lossless, history, firstSequence, checksum, relays });
  }
  const bytes = ringBytes(capacity);
  if (bytes > memoryPoolSizeMb * MEBIBYTE) {
    throw new ConfigError(action, {
      condition: `a ring of ${capacity} slots needs ${bytes} bytes, more than memoryPoolSizeMb allows`,
      value: bytes,
      limit: memoryPoolSizeMb * MEBIBYTE,
      remedy: "lower bufferDepth or raise memoryPoolSizeMb",
    });
  }
  return new RingLane(transport, windows, {
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
    withQueue: transport.hasPorts && (config.queueLane === "auto" ? config.access === null : config.queueLane === "on"),
  });
}
