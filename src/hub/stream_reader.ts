// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from "node:timers";
import type { Block, BlockOwner } from "../block/block.ts";
import type { Window } from "../block/window.ts";
import { DeliveryMismatchError } from "../errors.ts";
import type { QueueReader } from "../queue/queue_reader.ts";
import type { RingPort } from "../ring/ring_port.ts";
import { RingReader } from "../ring/ring_reader.ts";
import type { RingMember, RingStream } from "../ring/ring_stream.ts";
import { sleep } from "./sleep.ts";
import { QUEUE_REST_MS, QueueSide } from "./queue_side.ts";
import { type LaneReader, NO_LOSSES, type ReaderLosses, withRing } from "./reader_losses.ts";
import type { RuntimeConnection } from "./runtime.ts";
import type { StreamDemand } from "./stream_demand.ts";

/** Looks in vain between two questions whether a silent writer still lives; a power of two. */
const LOOKS_PER_LIFE = 4096;
/** Blocks between two questions for new rings while there is always data; a power of two. */
const BLOCKS_PER_NEWS = 1024;
/** Blocks in a row from one of several rings. */
const FAIR_RUN = 16;
/** How long a blocked thread sleeps before it looks for new rings again; where it waits for several things before it looks at all. */
const WAIT_SLICE_MS = 10;
const MANY_WAIT_SLICE_MS = 1;

/**
 * One subscriber's way through the lanes of its stream: all of its rings, merged fairly, or the queue lane as long as there is no
 * ring. Rings whose writer has ended are read to their end first.
 */
export class StreamReader implements RingMember {
  readonly #demand: StreamDemand;
  readonly #rings: RingStream | null = null;
  readonly #createdMs: number;
  #joining = true;
  #readers: RingReader[] = [];
  /** The only lane that there is, when it is a ring: the hot path. */
  #only: RingReader | null = null;
  readonly #queueSide: QueueSide;
  #turn = 0;
  #run = 0;
  #looks = 0;
  #blocks = 0;
  #source: LaneReader | null = null;
  #isVolatile = false;
  #past = NO_LOSSES;
  /** Broadcasters of rings whose blocks came through the queue before. */
  readonly #heardBefore = new Set<RingReader>();
  readonly #parked = new Set<() => void>();
  readonly #onReady = (): void => this.#wake();
  #timer: NodeJS.Timeout | undefined;
  /** What a look in a timer met, where nobody could be told. */
  #refusal: unknown;
  #hadRing = false;
  #closed = false;

  constructor(connection: RuntimeConnection, demand: StreamDemand) {
    this.#demand = demand;
    this.#queueSide = new QueueSide(connection, demand);
    this.#createdMs = connection.transport.clockMs();
    try {
      if (demand.lane !== "queue") {
        this.#rings = connection.rings.acquire(demand);
        this.#rings.join(this);
      }
      this.#joinQueueIfNeeded(demand.history);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#joining = false;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Of the block that was bound last: where it came from and where it lies. */
  get source(): LaneReader {
    return this.#source!;
  }

  get window(): Window {
    return this.#source!.window;
  }

  get offset(): number {
    return this.#source!.offset;
  }

  /** Whether blocks can change while user code has them. */
  get isVolatile(): boolean {
    return this.#isVolatile;
  }

  /** Blocks that may wait for this reader. */
  get capacity(): number {
    if (this.#readers.length > 0) return this.#readers[0]!.port.view.capacity;
    return this.#queueSide.capacity ?? this.#demand.ringCapacity;
  }

  /** What was lost, on all lanes. */
  get losses(): ReaderLosses {
    let losses: ReaderLosses = { ...this.#past, deniedBroadcasters: this.#rings?.denied ?? 0 };
    for (const reader of this.#readers) losses = withRing(losses, reader, this.#heardBefore.has(reader));
    return this.#queueSide.addTo(losses);
  }

  /** Whether it reads, or read, rings; and the best that their writers do now. */
  get ringState(): "none" | "live" | "stale" | "ended" {
    if (this.#closed || this.#rings === null) return this.#hadRing ? "ended" : "none";
    this.#rings.look();
    const states = this.#readers.map(({ port }) => port.state);
    return (["live", "stale"] as const).find((state) => states.includes(state)) ?? (this.#hadRing ? "ended" : "none");
  }

  /** A ring of the stream was found. */
  adopt(port: RingPort): void {
    const { lossless, stream, history, inPlace } = this.#demand;
    if (this.#joining && lossless && !port.view.lossless) {
      throw new DeliveryMismatchError("make a subscriber", { value: stream });
    }
    // A ring that was made after this reader is read from its first block, however late it was found.
    const isLater = !this.#joining && ((port.view.createdMs - this.#createdMs) | 0) >= 0;
    const { origin } = port.news;
    const heard = this.#queueSide.expectedOf(origin);
    // Known to be ended now, so that it is read to its end before the new one.
    for (const reader of this.#readers) reader.port.isEnded();
    const reader = new RingReader(port, {
      history: isLater || heard >= 0 ? null : history,
      atLeast: Math.max(0, heard),
      inPlace,
    });
    this.#hadRing = true;
    if (heard >= 0) this.#heardBefore.add(reader);
    this.#readers.push(reader);
    this.#queueSide.leaveSoon();
    this.#rearrange();
  }

  /** Binds the next block of any lane; false when there is none. */
  next(block: Block): boolean {
    const only = this.#only;
    if (only === null) return this.#nextOfAny(block, undefined, undefined);
    if (only.isIdle()) {
      // Whoever polls all the time spends most of it here.
      if (this.#isQuiet(only)) return false;
      return this.#look() && this.#nextOfAny(block, undefined, undefined);
    }
    if (!only.next(block)) return false;
    if ((++this.#blocks & (BLOCKS_PER_NEWS - 1)) === 0) this.#blocksPassed();
    this.#source = only;
    return true;
  }

  /** Binds the next block for a loop that has one at a time in hand. */
  nextInHand(block: Block, owner: BlockOwner): boolean {
    return this.#nextOfAny(block, owner, undefined);
  }

  /** Binds the next block for a user who may hold it long, under an owner and a token of his own. */
  nextForLong(block: Block, owner: BlockOwner, token: number): boolean {
    return this.#nextOfAny(block, owner, token);
  }

  hasData(): boolean {
    if (this.#closed) return false;
    return this.#hasKnownData() || (this.#look() && this.#hasKnownData());
  }

  /** Blocks the thread until there is data or the time is over. */
  wait(timeoutMs: number): boolean {
    const deadline = performance.now() + timeoutMs;
    while (!this.hasData()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      this.#tend();
      const [reader] = this.#readers;
      if (this.#only !== null) this.#only.port.wait(this.#only, Math.min(left, WAIT_SLICE_MS));
      else if (reader === undefined && this.#queue !== null) this.#queue.wait(Math.min(left, WAIT_SLICE_MS));
      else if (reader !== undefined) reader.port.wait(reader, Math.min(left, MANY_WAIT_SLICE_MS));
      else sleep(Math.min(left, MANY_WAIT_SLICE_MS));
      if (this.#only === null && reader !== undefined) this.#readers.push(this.#readers.shift()!);
    }
    return true;
  }

  /** Calls back once in the event loop when there is data; several loops of one subscriber may wait at once. */
  park(onReady: () => void): void {
    this.#parked.add(onReady);
    if (this.#parked.size > 1) return;
    for (const reader of this.#readers) reader.port.park(reader, this.#onReady);
    this.#queue?.park(this.#onReady);
    this.#rings?.park(this.#onReady);
    this.#watchParked();
  }

  /** Takes a park back. */
  unpark(onReady: () => void): void {
    if (this.#parked.delete(onReady) && this.#parked.size === 0) this.#unparkAll();
  }

  /** Being woken helps nobody now. */
  quieten(): void {
    this.#queue?.quieten();
  }

  /** The process may have attached anew: what the stack has taken away is made again. */
  renew(): void {
    if (this.#closed) return;
    const changed = this.#queueSide.renew(this.#readers.length === 0);
    if (changed) this.#rearrange();
    this.#rings?.renew();
    // Whoever is parked looks again, and parks on what there is now.
    if (changed) this.#wake();
  }

  /** Leaves all lanes. Blocks still held must be released before. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unparkAll();
    for (const reader of this.#readers.splice(0)) this.#forget(reader);
    this.#leaveQueue();
    this.#only = null;
    this.#rings?.leave(this);
  }

  /** Whether a look at this ring alone says all that there is: no new one, and no end of this one. */
  #isQuiet(reader: RingReader): boolean {
    if ((++this.#looks & (LOOKS_PER_LIFE - 1)) === 0) {
      void reader.port.state;
      if (reader.takeBearings()) return false;
    }
    return !this.#rings!.hasNews() && !reader.port.isKnownEnded;
  }

  #nextOfAny(block: Block, owner: BlockOwner | undefined, token: number | undefined): boolean {
    if (this.#closed) return false;
    if (this.#nextOfQueue(block, owner, token) || this.#nextOfRings(block, owner, token)) {
      if ((++this.#blocks & (BLOCKS_PER_NEWS - 1)) === 0) this.#blocksPassed();
      return true;
    }
    const changed = (++this.#looks & (LOOKS_PER_LIFE - 1)) === 0 ? this.#tend() : this.#look();
    return changed && (this.#nextOfQueue(block, owner, token) || this.#nextOfRings(block, owner, token));
  }

  /** There is always data: new rings must not wait for a pause. None is left here, since a block of it was just bound. */
  #blocksPassed(): void {
    if (this.#rings?.hasNews()) this.#rings.look();
  }

  #nextOfRings(block: Block, owner: BlockOwner | undefined, token: number | undefined): boolean {
    const readers = this.#readers;
    for (let index = 0; index < readers.length; index++) {
      const at = (this.#turn + index) % readers.length;
      const reader = readers[at]!;
      if (!reader.next(block, owner ?? reader, token, token !== undefined)) continue;
      this.#source = reader;
      if (index > 0) this.#run = 0;
      this.#turn = at;
      if (++this.#run >= FAIR_RUN && !reader.port.isKnownEnded) {
        this.#run = 0;
        this.#turn = at + 1;
      }
      return true;
    }
    return false;
  }

  #nextOfQueue(block: Block, owner: BlockOwner | undefined, token: number | undefined): boolean {
    const queue = this.#queue;
    if (queue === null) return false;
    if (this.#readers.length > 0) {
      if (!this.#queueHasOwn()) return false;
    } else if (this.#rings?.hasNews() && this.#look()) {
      // The ring first: what it has need not be read here.
      return this.#nextOfQueue(block, owner, token);
    }
    const found = token === undefined ? queue.next(block, owner ?? queue) : queue.nextForLong(block, owner!, token);
    if (!found) return false;
    this.#queueSide.passed();
    this.#source = queue;
    return true;
  }

  #hasKnownData(): boolean {
    for (const reader of this.#readers) if (reader.hasData()) return true;
    return this.#queueHasData();
  }

  #queueHasData(): boolean {
    const queue = this.#queue;
    return queue !== null && (this.#readers.length > 0 ? this.#queueHasOwn() : queue.hasData());
  }

  /** Of a queue that is about to be left for rings: whether it brings a block that they do not have. Leaves it when its time is over. */
  #queueHasOwn(): boolean {
    const outcome = this.#queueSide.look(this.#readers);
    if (outcome === "over") {
      this.#leaveQueue();
      this.#rearrange();
    }
    return outcome === "data";
  }

  /** Looks for new rings and leaves those that are over; tells whether anything changed. */
  #look(): boolean {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
    let changed = this.#renewQueue();
    if (this.#rings === null) return changed;
    changed = (this.#rings.hasNews() && this.#rings.look()) || changed;
    for (const reader of [...this.#readers]) {
      if (!reader.port.isKnownEnded || !reader.isDrained()) continue;
      this.#readers.splice(this.#readers.indexOf(reader), 1);
      this.#forget(reader);
      changed = true;
    }
    if (changed) {
      this.#joinQueueIfNeeded(0);
      this.#rearrange();
    }
    return changed;
  }

  /** Joins the queue lane anew where the stack has taken its port away; tells whether anything changed. */
  #renewQueue(): boolean {
    const isWanted = this.#readers.length === 0;
    if (!this.#queueSide.lacks(isWanted) || !this.#queueSide.renew(isWanted)) return false;
    this.#rearrange();
    return true;
  }

  /** The same, after asking whether silent writers still live. */
  #tend(): boolean {
    for (const { port } of this.#readers) void port.state;
    return this.#look();
  }

  #forget(reader: RingReader): void {
    this.#past = withRing(this.#past, reader, this.#heardBefore.has(reader));
    this.#heardBefore.delete(reader);
    reader.close();
  }

  get #queue(): QueueReader | null {
    return this.#queueSide.reader;
  }

  #joinQueueIfNeeded(history: number): void {
    if (this.#readers.length === 0) this.#queueSide.join(history);
  }

  #leaveQueue(): void {
    const queue = this.#queue;
    if (queue === null) return;
    for (const reader of this.#readers) {
      if (queue.expectedOf(reader.port.news.origin) >= 0) this.#heardBefore.add(reader);
    }
    this.#queueSide.leave();
  }

  #rearrange(): void {
    this.#only = this.#readers.length === 1 && this.#queue === null ? this.#readers[0]! : null;
    this.#isVolatile = this.#readers.some((reader) => reader.isVolatile);
    this.#turn = 0;
    this.#run = 0;
  }

  /** Looks now and then while parked: a writer that died wakes nobody, and a queue that is about to be left has its time. */
  #watchParked(): void {
    const { isLeaving } = this.#queueSide;
    this.#timer = setTimeout(() => {
      if (this.#closed || this.#parked.size === 0) return;
      try {
        if (!this.#queueHasData() && !this.#tend()) return this.#watchParked();
      } catch (error) {
        this.#refusal = error;
      }
      this.#wake();
    }, isLeaving ? QUEUE_REST_MS : this.#demand.heartbeatIntervalMs).unref();
  }

  #wake(): void {
    this.#unparkAll();
    const callbacks = [...this.#parked];
    this.#parked.clear();
    for (const callback of callbacks) callback();
  }

  #unparkAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const reader of this.#readers) reader.port.unpark(reader);
    this.#queue?.unpark(this.#onReady);
    this.#rings?.unpark(this.#onReady);
  }
}
