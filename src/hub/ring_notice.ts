// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "../errors.ts";
import { RenewalPace } from "../transport/renewal_pace.ts";
import { RingAnnouncer } from "../transport/ring_announcer.ts";
import type { AnnouncedRing, StreamName } from "../transport/transport.ts";
import { isConnectionLoss } from "./connection_loss.ts";
import type { RuntimeConnection, RuntimeResource } from "./runtime.ts";

/**
 * A ring's announcement on another runtime than the one that it was made with. It goes with that runtime, and comes back with its
 * daemon; the ring does not notice.
 */
export class RingNotice implements RuntimeResource {
  readonly #connection: RuntimeConnection;
  readonly #name: StreamName;
  readonly #ring: AnnouncedRing;
  readonly #pace: RenewalPace;
  #announcer: RingAnnouncer | null;
  #closed = false;

  constructor(connection: RuntimeConnection, name: StreamName, ring: AnnouncedRing) {
    this.#connection = connection;
    this.#name = name;
    this.#ring = ring;
    this.#pace = new RenewalPace(connection.transport);
    this.#announcer = new RingAnnouncer(connection.transport, name, ring);
    connection.resources.add(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Who has subscribed there, readers of the ring and others who may still become such. */
  subscriberCount(): number {
    if (this.#closed) return 0;
    try {
      return this.#announcer?.port.subscriberCount() ?? 0;
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      return 0;
    }
  }

  renew(): void {
    if (this.#closed || !this.#pace.isDue(this.#announcer === null)) return;
    this.#announcer?.close();
    this.#announcer = null;
    try {
      this.#announcer = new RingAnnouncer(this.#connection.transport, this.#name, this.#ring);
    } catch (error) {
      // The daemon is gone again, or its pool is empty: the next attempt may succeed.
      if (!(error instanceof IpcError)) throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.resources.delete(this);
    this.#announcer?.close();
  }
}
