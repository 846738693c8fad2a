// SPDX-License-Identifier: Apache-2.0
import { DaemonGoneError, IpcError } from "../errors.ts";
import { ANNOUNCEMENT_ALIGNMENT, ANNOUNCEMENT_BYTES, decodeAnnouncement, RING_EVENT } from "./announcement.ts";
import { RenewalPace } from "./renewal_pace.ts";
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

/**
 * Questions between two that the stack is asked; a power of two. A reader that looks all the time would ask it a hundred times in the
 * way of one block. Who was announced from this Worker is known at once; of others nothing is lost by finding them later.
 */
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
  readonly #name: StreamName;
  /** Null while the daemon has taken it away. Rings go on meanwhile. */
  #port: TransportSubscriber | null;
  #onNews: (() => void) | null = null;
  #heard = -1;
  #hasNews = false;
  #questions = 0;
  readonly #pace: RenewalPace;

  constructor(transport: Transport, name: StreamName) {
    this.#transport = transport;
    this.#name = name;
    this.#pace = new RenewalPace(transport);
    this.#port = this.#open();
  }

  hasNews(): boolean {
    if (this.#hasNews) return true;
    if (this.#heard === bell.count && (++this.#questions & (QUESTIONS_PER_LOOK - 1)) !== 0) return false;
    this.#heard = bell.count;
    this.#hasNews = this.#ask((port) => port.hasData()) ?? false;
    return this.#hasNews;
  }

  next(): RingNews | null {
    const news = this.#ask((port) => {
      while (port.take(1) > 0) {
        const { entries } = port;
        const { buffer } = this.#transport.mapWindow(entries[TAKE_WINDOW]!);
        const news = decodeAnnouncement(new DataView(buffer, entries[TAKE_OFFSET]!, ANNOUNCEMENT_BYTES));
        port.release(entries[TAKE_SLOT]!);
        if (news !== null) return news;
      }
      return null;
    }) ?? null;
    if (news === null) this.#hasNews = false;
    return news;
  }

  park(onNews: () => void): void {
    this.#onNews = onNews;
    this.#ask((port) => port.park(onNews));
  }

  unpark(): void {
    this.#onNews = null;
    this.#port?.unpark();
  }

  renew(): void {
    if (this.#pace.isDue(this.#port === null)) this.#replace();
  }

  close(): void {
    this.#port?.close();
  }

  #open(): TransportSubscriber {
    return this.#transport.openSubscriber(
      { service: this.#name.service, stream: this.#name.stream, event: RING_EVENT },
      {
        payloadBytes: ANNOUNCEMENT_BYTES,
        alignment: ANNOUNCEMENT_ALIGNMENT,
        capacity: TAKE_MAX,
        history: 1,
        blocking: false,
      },
    );
  }

  /** Asks the port, where there is one: a daemon that has died, or has taken this process for dead, is no reason to stop reading. */
  #ask<Answer>(question: (port: TransportSubscriber) => Answer): Answer | undefined {
    const port = this.#port ?? (this.#pace.isDue(true) ? this.#replace() : null);
    if (port === null) return undefined;
    try {
      return question(port);
    } catch (error) {
      if (!(error instanceof DaemonGoneError)) throw error;
      this.#port = null;
      port.close();
      return undefined;
    }
  }

  #replace(): TransportSubscriber | null {
    this.#port?.close();
    this.#port = null;
    try {
      this.#port = this.#open();
      this.#heard = -1;
      if (this.#onNews !== null) this.#port.park(this.#onNews);
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
    }
    return this.#port;
  }
}
