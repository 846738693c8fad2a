// SPDX-License-Identifier: Apache-2.0
import type { Window } from "../block/window.ts";
import { QUEUE_LOANS_MAX, QueueWriter, type QueueWriterDemand } from "../queue/queue_writer.ts";
import type { WindowTable } from "../queue/window_table.ts";
import type { Transport } from "../transport/transport.ts";
import type { BlockWriter } from "./block_writer.ts";
import { sleep } from "./sleep.ts";

/** Nobody tells when a queue of the stack has room. */
const ROOM_POLL_MS = 1;

/** A broadcaster on the queue lane alone. */
export class QueueLane implements BlockWriter {
  readonly loansMax = QUEUE_LOANS_MAX;
  readonly droppedReaders = 0;
  readonly queueLaneMissedBlocks = 0;
  readonly #writer: QueueWriter;
  readonly #transport: Transport;

  constructor(transport: Transport, windows: WindowTable, demand: QueueWriterDemand) {
    this.#transport = transport;
    this.#writer = new QueueWriter(transport, windows, demand);
  }

  get epoch(): bigint {
    return this.#writer.epoch;
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

  get window(): Window {
    return this.#writer.window;
  }

  get offset(): number {
    return this.#writer.offset;
  }

  claim(): number {
    return this.#writer.claim();
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
    return this.#writer.commit(token, window, offset, length, recordCount, dataType, recordSize, schemaId);
  }

  abort(token: number): void {
    this.#writer.abort(token);
  }

  subscriberCount(): number {
    return this.#writer.subscriberCount();
  }

  hasRoom(): boolean {
    return this.#writer.hasRoom();
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
}
