// SPDX-License-Identifier: Apache-2.0
import { ANNOUNCEMENT_ALIGNMENT, ANNOUNCEMENT_BYTES, decodeAnnouncement, RING_EVENT } from "./announcement.ts";
import {
  type RingFinder,
  type RingNews,
  type StreamName,
  TAKE_MAX,
  TAKE_OFFSET,
  TAKE_SLOT,
  TAKE_WINDOW,
  type Transport,
  type TransportSubscriber,
} from "./transport.ts";

/** Finds rings by the announcements of their broadcasters, which the stack keeps for late subscribers. */
export class NativeRingFinder implements RingFinder {
  readonly #transport: Transport;
  readonly #port: TransportSubscriber;

  constructor(transport: Transport, name: StreamName) {
    this.#transport = transport;
    this.#port = transport.openSubscriber({ ...name, event: RING_EVENT }, {
      payloadBytes: ANNOUNCEMENT_BYTES,
      alignment: ANNOUNCEMENT_ALIGNMENT,
      capacity: TAKE_MAX,
      history: 1,
      blocking: false,
    });
  }

  hasNews(): boolean {
    return this.#port.hasData();
  }

  next(): RingNews | null {
    const port = this.#port;
    while (port.take(1) > 0) {
      const { entries } = port;
      const { buffer } = this.#transport.mapWindow(entries[TAKE_WINDOW]!);
      const news = decodeAnnouncement(new DataView(buffer, entries[TAKE_OFFSET]!, ANNOUNCEMENT_BYTES));
      port.release(entries[TAKE_SLOT]!);
      if (news !== null) return news;
    }
    return null;
  }

  park(onNews: () => void): void {
    this.#port.park(onNews);
  }

  unpark(): void {
    this.#port.unpark();
  }

  close(): void {
    this.#port.close();
  }
}
