// SPDX-License-Identifier: Apache-2.0
import { BLOCK_ALIGNMENT, BLOCK_SIZE } from "../block/layout.ts";
import type { SubscriberSettings, Transport, TransportSubscriber } from "../transport/transport.ts";
import { DATA_EVENT, QUEUE_CAPACITY_MAX, QUEUE_HISTORY_MAX } from "./queue_name.ts";
import { QueuePort } from "./queue_port.ts";
import type { WindowTable } from "./window_table.ts";

/** What a subscriber asks of a native port. */
export interface QueuePortDemand {
  readonly service: string;
  readonly stream: string;
  readonly lossless: boolean;
  /** Of a lossless port: how many blocks may wait. */
  readonly capacity: number;
  /** Blocks of the past, when the port is made. */
  readonly history: number;
}

/** A shared port, and whether it was made for this demand, history included. */
export interface SharedPort {
  readonly port: QueuePort;
  readonly isNew: boolean;
}

/**
 * The native ports of one runtime and Worker: one for each stream and policy, however many subscribers share it, because every
 * port costs the publisher time for each block.
 */
export class QueuePorts {
  readonly #transport: Transport;
  readonly #windows: WindowTable;
  readonly #ports = new Map<string, QueuePort>();
  readonly #lost = new Set<QueuePort>();

  constructor(transport: Transport, windows: WindowTable) {
    this.#transport = transport;
    this.#windows = windows;
  }

  /** The port for a demand: the one that is there, or a new one. */
  acquire(demand: QueuePortDemand): SharedPort {
    // A lossless port's queue is its readers' capacity, so only equal ones can share it. A name has no control character.
    const policy = demand.lossless ? `lossless ${demand.capacity}` : "lossy";
    const key = `${demand.service}\n${demand.stream}\n${policy}`;
    const shared = this.#ports.get(key);
    if (shared !== undefined) return { port: shared, isNew: false };
    const native = this.#open(demand, demand.lossless ? demand.capacity : QUEUE_CAPACITY_MAX);
    const port = new QueuePort(this.#transport, native, this.#windows, demand.lossless, () => {
      this.#ports.delete(key);
      if (port.lost) this.#lost.add(port);
    });
    this.#ports.set(key, port);
    return { port, isNew: true };
  }

  /** Whether somebody still has a block in hand that came through a port which the stack took away. */
  get holdsOfLost(): boolean {
    for (const port of this.#lost) if (port.holds === 0) this.#lost.delete(port);
    return this.#lost.size > 0;
  }

  /** A native port for a moment, to fetch history beside a live one. It never makes a broadcaster wait. */
  openForHistory(demand: QueuePortDemand): TransportSubscriber {
    return this.#open({ ...demand, lossless: false }, QUEUE_CAPACITY_MAX);
  }

  #open(demand: QueuePortDemand, capacity: number): TransportSubscriber {
    const settings: SubscriberSettings = {
      payloadBytes: BLOCK_SIZE,
      alignment: BLOCK_ALIGNMENT,
      capacity,
      history: Math.min(demand.history, QUEUE_HISTORY_MAX),
      blocking: demand.lossless,
    };
    return this.#transport.openSubscriber(
      { service: demand.service, stream: demand.stream, event: DATA_EVENT },
      settings,
    );
  }
}
