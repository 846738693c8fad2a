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

/** Questions between two that the stack is asked; a power of two. A reader that looks all the time would ask it a hundred times in
 * the way of one block. Who was announced from this Worker is known at once; of others nothing is lost by finding them later. */
const QUESTIONS_PER_LOOK = 16;

/** Counts what this Worker has announced. */
const bell = { count: 0 };

/** This Worker has announced a ring. */
export function ringBell(): void {
  bell.count++;
}

/** Finds rings by the announcements of their broadcasters, which the stack keeps for late subscribers. */
export class NativeRingFinder implements RingFinder {
  readonly #transport: Transport;
  readonly #port: TransportSubscriber;
  #heard = -1;
  #hasNews = false;
  #questions = 0;

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
    if (this.#hasNews) return true;
    if (this.#heard === bell.count && (++this.#questions & (QUESTIONS_PER_LOOK - 1)) !== 0) return false;
    this.#heard = bell.count;
    this.#hasNews = this.#port.hasData();
    return this.#hasNews;
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
    this.#hasNews = false;
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
