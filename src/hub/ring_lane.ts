// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from "node:timers";
import type { Window } from "../block/window.ts";
import { IpcError } from "../errors.ts";
import { QueueWriter } from "../queue/queue_writer.ts";
import type { WindowTable } from "../queue/window_table.ts";
import {
  QUEUE_PORTS_GONE,
  resumeMargin,
  RING_ENTRIES_MAX,
  RING_OFFSET_QUEUE_SUBSCRIBERS,
  ringBytes,
} from "../ring/layout.ts";
import { RingWriter } from "../ring/ring_writer.ts";
import { RING_EVENT } from "../transport/announcement.ts";
import { loadWord, loadWordAfter } from "../transport/words.ts";
import { RenewalPace } from "../transport/renewal_pace.ts";
import type { RingAccess, RingOrigin, Transport, TransportRing } from "../transport/transport.ts";
import { type BlockWriter, NO_ROOM } from "./block_writer.ts";
import { isConnectionLoss } from "./connection_loss.ts";
import { RingNotice } from "./ring_notice.ts";
import type { RuntimeConnection } from "./runtime.ts";
import { sleep } from "./sleep.ts";

/** How a broadcaster with a ring is opened. */
export interface RingLaneDemand {
  readonly service: string;
  readonly stream: string;
  readonly lossless: boolean;
  readonly capacity: number;
  readonly maxSubscribers: number;
  readonly heartbeatIntervalMs: number;
  readonly readerTimeoutMs: number;
  readonly firstSequence: number;
  readonly access: RingAccess | null;
  /** Whether the queue lane is served too. */
  readonly withQueue: boolean;
  /** Whether each block has a checksum. */
  readonly checksum: boolean;
  /** Whether its blocks are copied from elsewhere with their trailers. */
  readonly relays: boolean;
}

const QUEUE_SUBSCRIBERS = RING_OFFSET_QUEUE_SUBSCRIBERS >>> 2;
const NO_ORIGIN: RingOrigin = { low: 0, high: 0 };
/** Nothing is claimed on the queue lane. */
const UNCLAIMED = -1;
/** How long a wait for room goes on before silent readers are looked for again. */
const ROOM_LOOK_MS = 20;

/** A broadcaster with a ring, which serves the queue lane as well while somebody is subscribed there. */
export class RingLane implements BlockWriter {
  readonly epoch: bigint;
  readonly history: number;
  /** A ring has one block being written at a time. */
  readonly loansMax = 1;
  readonly memoryBytes: number;
  readonly window: Window;
  readonly #transport: Transport;
  readonly #windows: WindowTable;
  readonly #demand: RingLaneDemand;
  readonly #ring: TransportRing;
  readonly #writer: RingWriter;
  readonly #words: Int32Array;
  #queue: QueueWriter | null = null;
  #queueToken = UNCLAIMED;
  #queueMissed = 0;
  readonly #pace: RenewalPace;
  readonly #roomWaiters = new Set<() => void>();
  /** The ring's announcements on other runtimes. */
  readonly #notices: RingNotice[] = [];
  #closed = false;

  constructor(
    { transport, windows }: RuntimeConnection,
    demand: RingLaneDemand,
    others: readonly RuntimeConnection[] = [],
  ) {
    const { service, stream, capacity, maxSubscribers, lossless } = demand;
    this.#transport = transport;
    this.#windows = windows;
    this.#demand = demand;
    this.#pace = new RenewalPace(transport);
    const ring = transport.createRing({ service, stream }, {
      capacity,
      entries: Math.min(maxSubscribers, RING_ENTRIES_MAX),
      maxSubscribers,
      lossless,
      heartbeatIntervalMs: demand.heartbeatIntervalMs,
      readerTimeoutMs: demand.readerTimeoutMs,
      firstSequence: demand.firstSequence,
      access: demand.access,
    });
    this.#ring = ring;
    try {
      this.#writer = new RingWriter(transport, ring, stream, demand.checksum);
      this.epoch = this.#writer.epoch;
      this.#openPorts();
      this.#announceOn(others);
      this.#writer.setAnnounced();
      if (lossless) {
        const transports = [transport, ...others.map((other) => other.transport)];
        this.#writer.awaitReaders(
          transports.reduce((sum, each) => sum + countSubscribers(each, service, stream), 0),
        );
      }
    } catch (error) {
      this.#notices.forEach((notice) => notice.close());
      ring.close();
      throw error;
    }
    this.window = this.#writer.window;
    this.#words = this.#writer.view.words;
    this.history = capacity - resumeMargin(capacity);
    this.memoryBytes = ringBytes(capacity) + ring.table.byteLength;
  }

  get sequence(): number {
    return this.#writer.sequence;
  }

  get droppedReaders(): number {
    return this.#closed ? 0 : this.#writer.droppedReaders;
  }

  get queueLaneMissedBlocks(): number {
    return this.#queueMissed;
  }

  get origin(): RingOrigin {
    return this.#queue?.origin ?? NO_ORIGIN;
  }

  get offset(): number {
    return this.#writer.offset;
  }

  claim(): number {
    const token = this.#writer.claim();
    if (token === NO_ROOM) return NO_ROOM;
    // A word that the library's own thread writes: the stack is not asked for every block.
    if (loadWordAfter(this.#words, QUEUE_SUBSCRIBERS) !== 0 && !this.#claimQueue()) return NO_ROOM;
    return token;
  }

  commit(
    _token: number,
    window: Window,
    offset: number,
    length: number,
    recordCount: number,
    dataType: number,
    recordSize: number,
    schemaId: number,
  ): boolean {
    const { sequence } = this.#writer;
    this.#writer.commit(length, recordCount, dataType, recordSize, schemaId);
    if (this.#queueToken !== UNCLAIMED) this.#repeat(window, offset, length, sequence);
    return true;
  }

  skipTo(sequence: number): boolean {
    const writer = this.#writer;
    while (writer.sequence < sequence) if (!writer.skip()) return false;
    return true;
  }

  commitCopied(_token: number, window: Window, offset: number, length: number): boolean {
    const { sequence } = this.#writer;
    this.#writer.commitCopied();
    if (this.#queueToken !== UNCLAIMED) this.#repeat(window, offset, length, sequence);
    return true;
  }

  abort(): void {
    // The slot stays invalid and the sequence is the next block's.
    const token = this.#queueToken;
    this.#queueToken = UNCLAIMED;
    if (token !== UNCLAIMED) this.#queue?.abort(token);
  }

  /** A loan lies in the ring, which nobody takes away. */
  isRevoked(): boolean {
    return false;
  }

  renew(): boolean {
    this.#countAudience();
    const isLost = this.#portsAreGone;
    if (this.#closed || !this.#pace.isDue(isLost)) return !isLost;
    if (this.#queueToken !== UNCLAIMED) {
      this.#queueToken = UNCLAIMED;
      this.#queueMissed++;
    }
    this.#queue?.close();
    this.#queue = null;
    try {
      this.#openPorts();
      return true;
    } catch (error) {
      if (!(error instanceof IpcError)) throw error;
      this.#markGone();
      return false;
    }
  }

  subscriberCount(): number {
    return this.#writer.readerCount() + this.#queueSubscribers();
  }

  hasRoom(): boolean {
    if (!this.#writer.hasRoom()) return false;
    if (!this.#demand.lossless || this.#queue === null || !this.#feedsQueue) return true;
    try {
      return this.#queue.hasRoom();
    } catch (error) {
      this.#loseQueue(error);
      return true;
    }
  }

  sleepForRoom(timeoutMs: number): void {
    const ms = Math.min(timeoutMs, ROOM_LOOK_MS);
    if (this.#writer.hasRoom()) sleep(Math.min(ms, 1));
    else this.#writer.waitForReaders(ms);
  }

  roomChange(timeoutMs: number): Promise<void> {
    const waiters = this.#roomWaiters;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0 && !this.#closed) this.#writer.unparkForReaders();
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, this.#writer.hasRoom() ? 1 : ROOM_LOOK_MS));
      waiters.add(done);
      if (waiters.size === 1) this.#writer.parkForReaders(() => [...waiters].forEach((waiter) => waiter()));
    });
  }

  bindNuma(): void {
    this.#ring.bindNuma();
  }

  close(): void {
    if (this.#closed) return;
    for (const waiter of [...this.#roomWaiters]) waiter();
    this.#countAudience();
    this.#closed = true;
    // The ring first: who reads both lanes is then told of its end before the other one's.
    this.#writer.close();
    for (const notice of this.#notices) notice.close();
    this.#queue?.close();
    this.#queue = null;
  }

  get #feedsQueue(): boolean {
    return !this.#portsAreGone && loadWord(this.#words, QUEUE_SUBSCRIBERS) !== 0;
  }

  get #portsAreGone(): boolean {
    return loadWord(this.#words, QUEUE_SUBSCRIBERS) >>> 0 === QUEUE_PORTS_GONE;
  }

  #queueSubscribers(): number {
    try {
      return this.#queue?.subscriberCount() ?? 0;
    } catch (error) {
      this.#loseQueue(error);
      return 0;
    }
  }

  /** Claims a chunk of the queue lane for the block; false when a lossless queue is full. */
  #claimQueue(): boolean {
    if (this.#portsAreGone) this.renew();
    if (this.#queue === null || this.#queueToken !== UNCLAIMED || !this.#feedsQueue) return true;
    try {
      this.#queueToken = this.#queue.claim();
    } catch (error) {
      this.#loseQueue(error);
      return true;
    }
    if (this.#queueToken !== NO_ROOM) return true;
    this.#queueToken = UNCLAIMED;
    if (this.#demand.lossless) return false;
    this.#queueMissed++;
    return true;
  }

  #repeat(window: Window, offset: number, length: number, sequence: number): void {
    const token = this.#queueToken;
    this.#queueToken = UNCLAIMED;
    try {
      if (this.#queue!.repeat(token, window, offset, length, sequence)) return;
      this.#queue!.abort(token);
      this.#queueMissed++;
    } catch (error) {
      this.#loseQueue(error);
    }
  }

  /** The ring needs no port: what the stack does to those is no reason to stop. */
  #loseQueue(error: unknown): void {
    if (!isConnectionLoss(error)) throw error;
    this.#queueMissed++;
    this.#markGone();
  }

  #markGone(): void {
    Atomics.store(this.#words, QUEUE_SUBSCRIBERS, QUEUE_PORTS_GONE | 0);
  }

  /** The library that the ring is of does not see who subscribes through the others. */
  #countAudience(): void {
    if (this.#notices.length === 0 || this.#closed) return;
    this.#ring.setAudience(this.#notices.reduce((sum, notice) => sum + notice.subscriberCount(), 0));
  }

  #announceOn(others: readonly RuntimeConnection[]): void {
    const { service, stream } = this.#demand;
    // The queue lane is the first runtime's alone.
    const ring = this.#ring.announcement(NO_ORIGIN);
    if (ring === null) return;
    for (const other of others) this.#notices.push(new RingNotice(other, { service, stream }, ring));
  }

  #openPorts(): void {
    const { service, stream, lossless, withQueue, firstSequence, checksum, relays } = this.#demand;
    let origin = NO_ORIGIN;
    if (withQueue) {
      // No history: late subscribers of the queue lane begin with the next block, since keeping the past costs as much as publishing.
      const queue = new QueueWriter(this.#transport, this.#windows, {
        service,
        stream,
        lossless,
        history: 0,
        firstSequence,
        // The trailers of relayed blocks are handed on as well.
        checksum: checksum || relays,
        epoch: this.epoch,
        repeats: true,
      });
      this.#queue = queue;
      origin = queue.origin;
    }
    try {
      this.#ring.announce(origin);
      this.#ring.watchQueue(this.#queue?.port ?? null);
    } catch (error) {
      this.#queue?.close();
      this.#queue = null;
      throw error;
    }
  }
}

/** Workers that were waiting for rings of the stream when this was asked. */
function countSubscribers(transport: Transport, service: string, stream: string): number {
  const port = transport.ports().find((port) =>
    port.event === RING_EVENT && port.service === service && port.stream === stream
  );
  return port?.subscribers ?? 0;
}
