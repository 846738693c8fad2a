// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from "node:timers";
import type { Window } from "../block/window.ts";
import { IpcError } from "../errors.ts";
import { QUEUE_LOANS_MAX, QueueWriter, type QueueWriterDemand } from "../queue/queue_writer.ts";
import type { WindowTable } from "../queue/window_table.ts";
import { RenewalPace } from "../transport/renewal_pace.ts";
import type { RingOrigin, Transport } from "../transport/transport.ts";
import { type BlockWriter, NO_ROOM } from "./block_writer.ts";
import { isConnectionLoss } from "./connection_loss.ts";
import { sleep } from "./sleep.ts";

/** Nobody tells when a queue of the stack has room. */
const ROOM_POLL_MS = 1;

/**
 * A broadcaster on the queue lane alone.
 *
 * Its port can be taken away, by the death of the daemon or by a pause that was taken for one. Until there is another a block has no
 * room, and of a lossy stream it takes its number, so that readers see the gap.
 */
export class QueueLane implements BlockWriter {
  readonly loansMax = QUEUE_LOANS_MAX;
  readonly droppedReaders = 0;
  readonly queueLaneMissedBlocks = 0;
  readonly epoch: bigint;
  readonly #transport: Transport;
  readonly #windows: WindowTable;
  readonly #demand: QueueWriterDemand;
  readonly #pace: RenewalPace;
  /** The last one, also while its port is gone: it knows the sequence. */
  #writer: QueueWriter;
  #isLost = false;
  /** Ports before this one: a token says of which it is. */
  #renewals = 0;

  constructor(transport: Transport, windows: WindowTable, demand: QueueWriterDemand) {
    this.#transport = transport;
    this.#windows = windows;
    this.#demand = demand;
    this.#pace = new RenewalPace(transport);
    this.#writer = new QueueWriter(transport, windows, demand);
    this.epoch = this.#writer.epoch;
  }

  get sequence(): number {
    return this.#writer.sequence;
  }

  get history(): number {
    return this.#writer.history;
  }

  get memoryBytes(): number {
    return this.#writer.memoryBytes;
  }

  get origin(): RingOrigin {
    return this.#writer.origin;
  }

  get window(): Window {
    return this.#writer.window;
  }

  get offset(): number {
    return this.#writer.offset;
  }

  claim(): number {
    if (!this.#isLost || this.renew()) {
      try {
        const slot = this.#writer.claim();
        return slot === NO_ROOM ? NO_ROOM : slot + this.#renewals * QUEUE_LOANS_MAX;
      } catch (error) {
        this.#lose(error);
      }
    }
    this.#writer.skip();
    return NO_ROOM;
  }

  commit(
    token: number,
    window: Window,
    offset: number,
    length: number,
    recordCount: number,
    dataType: number,
    recordSize: number,
    schemaId: number,
  ): boolean {
    if (this.isRevoked(token)) return false;
    try {
      const slot = token % QUEUE_LOANS_MAX;
      return this.#writer.commit(slot, window, offset, length, recordCount, dataType, recordSize, schemaId);
    } catch (error) {
      this.#lose(error);
      this.#writer.skip();
      return false;
    }
  }

  skipTo(sequence: number): boolean {
    this.#writer.skipTo(sequence);
    return true;
  }

  commitCopied(token: number, window: Window, offset: number): boolean {
    if (this.isRevoked(token)) return false;
    try {
      return this.#writer.commitCopied(token % QUEUE_LOANS_MAX, window, offset);
    } catch (error) {
      this.#lose(error);
      this.#writer.skip();
      return false;
    }
  }

  abort(token: number): void {
    if (this.isRevoked(token)) return;
    try {
      this.#writer.abort(token % QUEUE_LOANS_MAX);
    } catch (error) {
      this.#lose(error);
    }
  }

  isRevoked(token: number): boolean {
    return this.#isLost || Math.floor(token / QUEUE_LOANS_MAX) !== this.#renewals;
  }

  renew(): boolean {
    if (!this.#pace.isDue(this.#isLost)) return !this.#isLost;
    try {
      const { sequence: firstSequence } = this.#writer;
      const writer = new QueueWriter(this.#transport, this.#windows, {
        ...this.#demand,
        firstSequence,
        epoch: this.epoch,
      });
      this.#writer.close();
      this.#writer = writer;
      this.#renewals++;
      this.#isLost = false;
    } catch (error) {
      // Also a daemon that was started with other pools than the one before: what is broadcast meanwhile is refused.
      if (!(error instanceof IpcError)) throw error;
      this.#isLost = true;
    }
    return !this.#isLost;
  }

  subscriberCount(): number {
    return this.#isLost ? 0 : this.#ask((writer) => writer.subscriberCount()) ?? 0;
  }

  hasRoom(): boolean {
    return (!this.#isLost || this.renew()) && (this.#ask((writer) => writer.hasRoom()) ?? false);
  }

  sleepForRoom(timeoutMs: number): void {
    sleep(Math.min(timeoutMs, ROOM_POLL_MS));
  }

  roomChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, Math.min(timeoutMs, ROOM_POLL_MS)));
  }

  bindNuma(): void {
    this.#transport.bindNuma();
  }

  close(): void {
    this.#writer.close();
  }

  #ask<Answer>(question: (writer: QueueWriter) => Answer): Answer | undefined {
    try {
      return question(this.#writer);
    } catch (error) {
      this.#lose(error);
      return undefined;
    }
  }

  /** What the stack does to a port is no fault of who broadcasts. */
  #lose(error: unknown): void {
    if (!isConnectionLoss(error)) throw error;
    this.#isLost = true;
  }
}
