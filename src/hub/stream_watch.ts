// SPDX-License-Identifier: Apache-2.0
import { DeliveryMismatchError } from "../errors.ts";
import { DATA_EVENT } from "../queue/queue_name.ts";
import type { PortEntry, Transport } from "../transport/transport.ts";

/** What a subscriber's stream is doing; see `DataSubscriber.state`. */
export type SubscriberState = "waiting" | "live" | "stale" | "ended";

/** Knows whether a stream has broadcasters on the queue lane, and asks at most once in an interval. */
export class StreamWatch {
  readonly #transport: Transport;
  readonly #service: string;
  readonly #stream: string;
  readonly #lossless: boolean;
  readonly #intervalMs: number;
  #askedAt = -Infinity;
  #offered = false;
  #everOffered = false;

  constructor(transport: Transport, service: string, stream: string, lossless: boolean, intervalMs: number) {
    this.#transport = transport;
    this.#service = service;
    this.#stream = stream;
    this.#lossless = lossless;
    this.#intervalMs = intervalMs;
  }

  /** @param heard Whether blocks came: a broadcaster that lived between two questions was there. */
  state(heard: boolean): Exclude<SubscriberState, "stale"> {
    const now = performance.now();
    // Without a daemon there is nobody to ask, and what was known last stays.
    if (now - this.#askedAt >= this.#intervalMs && this.#transport.state === "attached") {
      this.#askedAt = now;
      const port = this.#port();
      // A lossless port is not connected to broadcasters that wait for nobody.
      this.#offered = port !== undefined && port.publishers > (this.#lossless ? port.lossyPublishers : 0);
    }
    // Who was heard and could never be asked about, because the daemon went first, is believed to be there.
    if (this.#offered || (heard && this.#askedAt === -Infinity)) {
      this.#everOffered = true;
      return "live";
    }
    return this.#everOffered || heard ? "ended" : "waiting";
  }

  /** Throws when this subscriber would get nothing from a broadcaster that is there, without anybody noticing. */
  requireMatch(action: string): void {
    if (this.#lossless && (this.#port()?.lossyPublishers ?? 0) > 0) {
      throw new DeliveryMismatchError(action, { value: this.#stream });
    }
  }

  #port(): PortEntry | undefined {
    return this.#transport.ports().find((port) =>
      port.event === DATA_EVENT && port.service === this.#service && port.stream === this.#stream
    );
  }
}
