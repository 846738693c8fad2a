// SPDX-License-Identifier: Apache-2.0
import { BLOCK_DATA_SIZE, TRAILER_OFFSET } from "../block/layout.ts";
import type { RecordFields, RecordRead, RecordWrite } from "../block/record/field_types.ts";
import type { RecordEncoder } from "../block/record/compiled_record.ts";
import { encoderOf, type RecordSchema } from "../block/record/record_schema.ts";
import { Window } from "../block/window.ts";
import { ArgumentError, ClosedError } from "../errors.ts";

/** Sends gathered records as one block; false when there is no room. */
export type RecordSend = (data: Uint8Array, recordCount: number) => boolean;

/**
 * Gathers typed records into blocks: `broadcaster.writer(schema)` makes one.
 *
 * A block is published when it is full, when `flush` is called, and `flushAfterMs` after its first record. Between calls the
 * records lie in memory of this process; no block is loaned.
 *
 * @example Writing ticks
 * ```ts
 * import { BroadcastConfig, DataBroadcaster, Runtime, Tick } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * using out = new DataBroadcaster(new BroadcastConfig(), "writer_example", { runtime });
 * const ticks = out.writer(Tick);
 * ticks.write({ timestampNs: 1n, last: 10.5, bid: 10.25, ask: 10.75, volume: 100n, symbol: "QAUL" });
 * ticks.flush();
 * ```
 */
export class RecordWriter<F extends RecordFields> {
  /** @internal Kept, so that a broadcaster is not lost while its writer is in use. */
  readonly broadcaster: object;
  readonly #encode: RecordEncoder<F>;
  readonly #size: number;
  readonly #capacity: number;
  readonly #flushAfterMs: number;
  readonly #send: RecordSend;
  readonly #staging: Window = Window.allocate(BLOCK_DATA_SIZE);
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What publishing by the timer threw, for the next call. */
  #failure: unknown;
  #closed = false;
  /** While the values of a record are read, which may be getters of the caller's. */
  #encoding = false;

  /** @internal */
  constructor(schema: RecordSchema<F>, flushAfterMs: number, broadcaster: object, send: RecordSend) {
    this.broadcaster = broadcaster;
    this.#encode = encoderOf(schema);
    this.#size = schema.size;
    // Room for the trailer is left, unless a single record needs it.
    this.#capacity = Math.max(1, Math.floor(TRAILER_OFFSET / schema.size));
    this.#flushAfterMs = flushAfterMs;
    this.#send = send;
  }

  /** Records gathered and not yet published. */
  get pending(): number {
    return this.#count;
  }

  /** Records that one block takes. */
  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Writes one record.
   *
   * @param values A value for each field, or a record of the schema to copy.
   * @returns Whether it was taken; false when the block is full and there is no room to publish it, and then the record was not
   * taken: write it again later.
   * @throws {FieldValueError} When a value is missing or does not fit; nothing is written then.
   * @throws {ClosedError} After the broadcaster was closed.
   * @throws {ArgumentError} When a getter among the values calls this writer.
   * @throws {IpcError} What publishing threw in the meantime; the records stay, and so the call may be made again.
   */
  write(values: RecordWrite<F> | RecordRead<F>): boolean {
    if (this.#closed) throw new ClosedError("write a record");
    this.#requireIdle("write a record");
    if (this.#failure !== undefined) this.#rethrow();
    if (this.#count === this.#capacity && !this.#flush()) return false;
    this.#encoding = true;
    try {
      this.#encode(this.#staging, this.#count * this.#size, values as RecordWrite<F>);
    } finally {
      this.#encoding = false;
    }
    if (this.#closed) throw new ClosedError("write a record");
    this.#count++;
    if (this.#count === this.#capacity) this.#flush();
    else if (this.#timer === undefined) this.#schedule();
    return true;
  }

  /**
   * Publishes what was gathered.
   *
   * @returns Whether nothing is left; false when there was no room, and then the records stay.
   */
  flush(): boolean {
    this.#requireIdle("flush records");
    return this.#flush();
  }

  #flush(): boolean {
    if (this.#count === 0) return true;
    if (!this.#send(this.#staging.dataView(0, this.#count * this.#size), this.#count)) {
      this.#schedule();
      return false;
    }
    this.#count = 0;
    // What the timer threw about these records is over.
    this.#failure = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return true;
  }

  /**
   * Publishes the rest and ends; the broadcaster does it when it closes. Records that find no room then are lost, and the
   * broadcaster counts a refused block.
   */
  close(): void {
    if (this.#closed) return;
    try {
      this.#flush();
    } finally {
      this.#closed = true;
      clearTimeout(this.#timer);
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.#flush();
      } catch (error) {
        // Thrown here it would end the process.
        this.#failure = error;
      }
    }, this.#flushAfterMs);
  }

  #requireIdle(action: string): void {
    if (!this.#encoding) return;
    throw new ArgumentError(action, {
      condition: "a getter among the values of a record uses the writer of that record",
    });
  }

  #rethrow(): never {
    const failure = this.#failure;
    this.#failure = undefined;
    this.#timer = undefined;
    throw failure;
  }
}
