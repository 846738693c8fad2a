// SPDX-License-Identifier: Apache-2.0
import { IpcError } from "../errors.ts";
import { QUEUE_CAPACITY_MAX } from "../queue/queue_name.ts";
import { QueueReader } from "../queue/queue_reader.ts";
import type { RingReader } from "../ring/ring_reader.ts";
import { RenewalPace } from "../transport/renewal_pace.ts";
import type { RingOrigin } from "../transport/transport.ts";
import { NO_LOSSES, plus, type ReaderLosses, withQueue } from "./reader_losses.ts";
import type { RuntimeConnection } from "./runtime.ts";
import type { StreamDemand } from "./stream_demand.ts";

/** How long a queue is still listened to after a ring was found: what its broadcaster had on the way is in neither for a moment. */
export const QUEUE_REST_MS = 20;
/** There is no such sequence. */
const UNKNOWN = -1;

/** The queue lane of one subscriber, which is joined, left for rings, and joined anew when its port was taken away. */
export class QueueSide {
  readonly #connection: RuntimeConnection;
  readonly #demand: StreamDemand;
  readonly #pace: RenewalPace;
  #reader: QueueReader | null = null;
  /** The one that was left last: what it brought of a broadcaster whose ring is found later must not be read twice. */
  #left: QueueReader | null = null;
  #isLeaving = false;
  /** Of a queue that is about to be left: how many blocks may still be taken, and until when it is listened to. */
  #rest = 0;
  #until = 0;
  #past = NO_LOSSES;
  readonly #pastSources = new Set<string>();
  #heard: ReadonlyMap<string, number> = new Map();

  constructor(connection: RuntimeConnection, demand: StreamDemand) {
    this.#connection = connection;
    this.#demand = demand;
    this.#pace = new RenewalPace(connection.transport);
  }

  /** Where blocks come from now; null when the queue lane is not read. */
  get reader(): QueueReader | null {
    return this.#reader;
  }

  /** Whether it is about to be left for a ring. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Blocks that may wait, of the queue that is read or was read last. */
  get capacity(): number | undefined {
    return (this.#reader ?? (this.#demand.lane === "queue" ? this.#left : null))?.capacity;
  }

  /** These losses and those of this lane. */
  addTo(losses: ReaderLosses): ReaderLosses {
    const past = plus(losses, this.#past);
    return this.#reader === null ? past : withQueue(past, this.#reader, this.#pastSources);
  }

  /** The sequence that the next block of this origin should have, or -1 when none came from it. */
  expectedOf(origin: RingOrigin): number {
    return Math.max(this.#reader?.expectedOf(origin) ?? UNKNOWN, this.#left?.expectedOf(origin) ?? UNKNOWN);
  }

  /** Joins the lane, where it is wanted and there is a daemon. */
  join(history: number): void {
    const { transport, windows, ports } = this.#connection;
    const { lane, service, stream, lossless, queueCapacity } = this.#demand;
    if (this.#reader !== null || lane === "ring") return;
    if (lane === "auto" && (!this.#isOffered || transport.state !== "attached")) return;
    this.#isLeaving = false;
    this.#reader = new QueueReader(
      ports,
      windows,
      { service, stream, lossless, capacity: queueCapacity, history: Math.min(history, Number.MAX_SAFE_INTEGER) },
      this.#heard,
    );
  }

  /** Whether there is no port where there could be one, or one that serves no longer. */
  lacks(wanted: boolean): boolean {
    if (this.#reader !== null) return this.#reader.lost;
    return wanted && this.#demand.lane !== "ring" && this.#isOffered;
  }

  /**
   * Joins anew where the port was taken away, or could not be made before.
   *
   * @param wanted Whether there is no ring.
   * @returns Whether anything changed.
   */
  renew(wanted: boolean): boolean {
    if (!this.#pace.isDue(this.lacks(wanted))) return false;
    this.#reader?.forsake();
    this.leave();
    if (!wanted) return true;
    try {
      this.join(0);
    } catch (error) {
      // The daemon is gone again, or is another than before: the next attempt may succeed.
      if (!(error instanceof IpcError)) throw error;
    }
    return true;
  }

  /** Whether the stack has what is demanded; where a subscriber insists on the queue lane it is told that there is none. */
  get #isOffered(): boolean {
    const { hasPorts, hasLosslessQueue } = this.#connection.transport;
    return hasPorts && (!this.#demand.lossless || hasLosslessQueue || this.#demand.lane === "queue");
  }

  /** A ring was found: from now on only what it does not have is read here, and not for long. */
  leaveSoon(): void {
    if (this.#reader === null) return;
    this.#isLeaving = true;
    this.#rest = QUEUE_CAPACITY_MAX;
    this.#until = performance.now() + QUEUE_REST_MS;
  }

  /** A block of a queue that is about to be left was read. */
  passed(): void {
    this.#rest--;
  }

  /** Of a queue that is about to be left: whether it brings a block that these rings do not have, or may do so yet; then it stays. */
  look(rings: readonly RingReader[]): "data" | "nothing yet" | "over" {
    const others = rings.map(({ port, start }) => ({ origin: port.news.origin, from: start }));
    const reader = this.#reader!;
    if (reader.skip(others) && this.#rest > 0) return "data";
    if (this.#rest > 0 && performance.now() < this.#until) return "nothing yet";
    if (!reader.inUse) return "over";
    // Its memory goes with the port. Until the last block is given back nobody else is to wait for room in the queue.
    reader.passAll();
    return "nothing yet";
  }

  /** Leaves the lane. Blocks still held stay readable when the port was taken away, and must have been released otherwise. */
  leave(): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#past = withQueue(this.#past, reader, this.#pastSources);
    for (const source of reader.heardSources) this.#pastSources.add(source);
    // What is published while rings are read is none of this reader's; what is while a port is missing is.
    this.#heard = reader.lost ? reader.heard : new Map();
    this.#reader = null;
    this.#left = reader;
    this.#isLeaving = false;
    reader.close();
  }
}
