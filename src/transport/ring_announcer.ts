// SPDX-License-Identifier: Apache-2.0
import { SharedMemoryTooSmallError } from "../errors.ts";
import { ANNOUNCEMENT_ALIGNMENT, ANNOUNCEMENT_BYTES, encodeAnnouncement, RING_EVENT } from "./announcement.ts";
import { ringBell } from "./native_ring_finder.ts";
import {
  type AnnouncedRing,
  LOAN_GRANTED,
  type StreamName,
  type Transport,
  type TransportPublisher,
} from "./transport.ts";

/** Tells the subscribers of a stream of a ring, the later ones too, until it is closed. The ring may be one of another stack. */
export class RingAnnouncer {
  readonly port: TransportPublisher;

  constructor(transport: Transport, name: StreamName, ring: AnnouncedRing) {
    this.port = transport.openPublisher({ ...name, event: RING_EVENT }, {
      payloadBytes: ANNOUNCEMENT_BYTES,
      alignment: ANNOUNCEMENT_ALIGNMENT,
      history: 1,
      blocking: false,
      stamp: false,
    });
    try {
      this.#publish(transport, name, ring);
    } catch (error) {
      this.port.close();
      throw error;
    }
  }

  close(): void {
    this.port.close();
  }

  #publish(transport: Transport, name: StreamName, ring: AnnouncedRing): void {
    const { port } = this;
    if (port.loan() !== LOAN_GRANTED) {
      throw new SharedMemoryTooSmallError(`announce a ring of stream ${JSON.stringify(name.stream)}`, {
        condition: "the daemon's pool has no free chunk for the announcement",
        remedy: "give the daemon more chunks of the smallest size, or close broadcasters that are not needed",
      });
    }
    const { buffer } = transport.mapWindow(port.window);
    encodeAnnouncement(new DataView(buffer, port.offset, ANNOUNCEMENT_BYTES), ring);
    port.publish(port.slot);
    ringBell();
  }
}
