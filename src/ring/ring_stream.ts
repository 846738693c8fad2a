// SPDX-License-Identifier: Apache-2.0
import { AccessError, RingGoneError, TooManyBroadcastersError } from "../errors.ts";
import type { RingFinder, RingNews, Transport } from "../transport/transport.ts";
import { RINGS_OF_STREAM_MAX } from "./layout.ts";
import { RingPort } from "./ring_port.ts";

/** Who is told of each ring of a stream. */
export interface RingMember {
  adopt(port: RingPort): void;
}

/** Which stream, and how a Worker's readers of it read. */
export interface RingStreamDemand {
  readonly service: string;
  readonly stream: string;
  /** Whether lossless rings are read without making their writers wait. */
  readonly observe: boolean;
  /** How often to look, while parked, at rings whose table this process may not write. */
  readonly pollIntervalMs: number;
}

/** Rings that this user may not read and that are tried again for a new subscriber; more are counted and forgotten. */
const DENIED_KEPT_MAX = 64;

/** The rings of one stream that are known to a Worker, and its subscribers, who share them. */
export class RingStream {
  readonly #transport: Transport;
  readonly #demand: RingStreamDemand;
  readonly #finder: RingFinder;
  readonly #ports = new Set<RingPort>();
  readonly #members = new Set<RingMember>();
  readonly #parked = new Set<() => void>();
  readonly #onEmpty: () => void;
  /** Rings that were too many, and those that were left while others may want them. */
  readonly #surplus: RingNews[] = [];
  /** Rings that this user may not read, by their epochs. */
  readonly #denied = new Map<string, RingNews>();
  #deniedCount = 0;

  constructor(transport: Transport, demand: RingStreamDemand, onEmpty: () => void) {
    this.#transport = transport;
    this.#demand = demand;
    this.#finder = transport.findRings(demand);
    this.#onEmpty = onEmpty;
  }

  /** Rings that were announced and that this user may not read. */
  get denied(): number {
    return this.#deniedCount;
  }

  /**
   * Takes a subscriber in, and tells it of the rings that are there.
   *
   * @throws {AccessError} When there are rings and this user may read none of them.
   */
  join(member: RingMember): void {
    this.#members.add(member);
    const known = [...this.#ports];
    for (const port of known) member.adopt(port);
    this.look();
    if (this.#ports.size > 0 || this.#denied.size === 0) return;
    // Those whose writers have ended meanwhile are no obstacle, and others may have been opened to this user.
    let error: unknown;
    for (const news of [...this.#denied.values()]) error = this.#attach(news) ?? error;
    if (this.#ports.size === 0 && error !== undefined) throw error;
  }

  /** Takes a subscriber out, which has left its rings. The last one ends the search. */
  leave(member: RingMember): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    // Those where nobody found a place.
    for (const port of [...this.#ports]) port.closeUnread();
    this.#finder.close();
    this.#onEmpty();
  }

  /** Whether a ring was announced that nobody has looked at, or there is room again for one that was too many. */
  hasNews(): boolean {
    return this.#finder.hasNews() || (this.#surplus.length > 0 && this.#ports.size < RINGS_OF_STREAM_MAX);
  }

  /**
   * Attaches to the rings that were announced and tells every subscriber.
   *
   * @returns Whether there were any.
   * @throws {TooManyBroadcastersError} When there are more than RINGS_OF_STREAM_MAX.
   */
  look(): boolean {
    let found = false;
    for (;;) {
      const hasRoom = this.#ports.size < RINGS_OF_STREAM_MAX;
      const news = (hasRoom ? this.#surplus.shift() : undefined) ?? this.#finder.next();
      if (news === null) return found;
      if ([...this.#ports].some(({ view }) => view.epochLow === news.epochLow && view.epochHigh === news.epochHigh)) {
        continue;
      }
      if (!hasRoom) {
        this.#surplus.push(news);
        throw new TooManyBroadcastersError(`subscribe to stream ${JSON.stringify(this.#demand.stream)}`, {
          value: this.#ports.size + this.#surplus.length,
          limit: RINGS_OF_STREAM_MAX,
        });
      }
      const before = this.#ports.size;
      this.#attach(news);
      found ||= this.#ports.size > before;
    }
  }

  /** The process may have attached anew: announcements are looked for again. */
  renew(): void {
    this.#finder.renew();
  }

  /** Calls back in the event loop when a ring is announced. One park serves all. */
  park(onNews: () => void): void {
    this.#parked.add(onNews);
    if (this.#parked.size === 1) this.#finder.park(() => this.#wake());
  }

  unpark(onNews: () => void): void {
    if (this.#parked.delete(onNews) && this.#parked.size === 0) this.#finder.unpark();
  }

  /**
   * Attaches to a ring and tells every subscriber, unless it ended before anybody here could see it. One that this user may not read
   * is counted, and returned as the error that it is: it is no reason to stop reading others, and anybody may announce one.
   */
  #attach(news: RingNews): AccessError | undefined {
    const { stream, observe, pollIntervalMs } = this.#demand;
    const epoch = `${news.epochHigh}:${news.epochLow}`;
    const wasDenied = this.#denied.delete(epoch);
    try {
      const port = new RingPort(
        this.#transport,
        news,
        stream,
        observe,
        pollIntervalMs,
        () => this.#left(port, news),
      );
      this.#ports.add(port);
      for (const member of [...this.#members]) member.adopt(port);
    } catch (error) {
      if (error instanceof RingGoneError) return;
      if (!(error instanceof AccessError)) throw error;
      if (!wasDenied) this.#deniedCount++;
      if (this.#denied.size < DENIED_KEPT_MAX) this.#denied.set(epoch, news);
      return error;
    }
  }

  /** Nobody reads a ring any more. One that goes on is news for those who found no place on it before. */
  #left(port: RingPort, news: RingNews): void {
    this.#ports.delete(port);
    if (this.#members.size > 0 && !port.isKnownEnded) this.#surplus.push(news);
  }

  #wake(): void {
    const callbacks = [...this.#parked];
    this.#parked.clear();
    for (const callback of callbacks) callback();
  }
}

/** The streams of one runtime that a Worker reads by their rings. */
export class RingStreams {
  readonly #transport: Transport;
  readonly #streams = new Map<string, RingStream>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The rings of a stream: those that another subscriber of this Worker reads in the same way, or a new search. */
  acquire(demand: RingStreamDemand): RingStream {
    // A name has no control character.
    const key = [demand.service, demand.stream, demand.observe, demand.pollIntervalMs].join("\n");
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = new RingStream(this.#transport, demand, () => this.#streams.delete(key));
      this.#streams.set(key, stream);
    }
    return stream;
  }
}
