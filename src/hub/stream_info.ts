// SPDX-License-Identifier: Apache-2.0
import { DATA_EVENT } from "../queue/queue_name.ts";
import { RING_EVENT } from "../transport/announcement.ts";
import type { PortEntry } from "../transport/transport.ts";

/** A stream that somebody broadcasts or subscribes to. */
export interface StreamInfo {
  /** The service that the stream belongs to. */
  readonly service: string;
  /** The name of the stream. */
  readonly stream: string;
  /** The lanes that it is offered on or asked for. */
  readonly lanes: readonly ("ring" | "queue")[];
  /** Broadcasters of the stream, of all processes. */
  readonly broadcasters: number;
  /** Workers of ours and native subscribers, of all processes, that subscribe to it: one each, however many share it. */
  readonly subscribers: number;
}

/** The streams behind the ports that a stack knows. */
export function listStreams(ports: readonly PortEntry[]): StreamInfo[] {
  const streams = new Map<string, { data?: PortEntry; ring?: PortEntry }>();
  for (const port of ports) {
    if (port.event !== DATA_EVENT && port.event !== RING_EVENT) continue;
    // A name has no control character.
    const key = `${port.service}\n${port.stream}`;
    const both = streams.get(key) ?? {};
    if (port.event === DATA_EVENT) both.data = port;
    else both.ring = port;
    streams.set(key, both);
  }
  return [...streams.values()].map(describe);
}

function describe({ data, ring }: { data?: PortEntry; ring?: PortEntry }): StreamInfo {
  const { service, stream } = (data ?? ring)!;
  const rings = ring?.publishers ?? 0;
  const ringSubscribers = ring?.subscribers ?? 0;
  const queueSubscribers = data?.subscribers ?? 0;
  return {
    service,
    stream,
    lanes: [...(ring === undefined ? [] : ["ring" as const]), ...(data === undefined ? [] : ["queue" as const])],
    // A broadcaster with a ring has a port of the queue lane beside it.
    broadcasters: Math.max(rings, data?.publishers ?? 0),
    // Where there is no ring, who looks for one reads the queue lane meanwhile.
    subscribers: rings > 0 ? ringSubscribers + queueSubscribers : Math.max(ringSubscribers, queueSubscribers),
  };
}
