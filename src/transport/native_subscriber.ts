// SPDX-License-Identifier: Apache-2.0
import type { Native } from "../ffi/native.ts";
import type { Symbols } from "../ffi/symbols.ts";
import type { Scratch } from "../ffi/types.ts";
import type { Parker } from "./parker.ts";
import {
  type PortName,
  type SubscriberSettings,
  TAKE_ENTRY_WORDS,
  TAKE_MAX,
  type TransportSubscriber,
} from "./transport.ts";

const FLAG_BLOCKING = 1;
const STATUS_FOREIGN_CHUNK = -32;

/** A subscriber port behind the C ABI. */
export class NativeSubscriber implements TransportSubscriber {
  readonly entries: Uint32Array;
  /** The handle, for the parker. */
  readonly handle: number;
  readonly #native: Native;
  readonly #symbols: Symbols;
  readonly #stream: string;
  readonly #result: Scratch;
  readonly #parker: Parker;
  #foreignChunks = 0;
  #closed = false;

  constructor(native: Native, runtime: number, parker: Parker, name: PortName, settings: SubscriberSettings) {
    this.#native = native;
    this.#symbols = native.symbols;
    this.#stream = name.stream;
    this.#parker = parker;
    this.#result = native.scratch(TAKE_MAX * TAKE_ENTRY_WORDS * 4);
    this.entries = new Uint32Array(this.#result.buffer);
    const service = native.text(name.service);
    const stream = native.text(name.stream);
    const event = native.text(name.event);
    native.check(
      this.#symbols.qipc_subscriber_open(
        runtime,
        service.native,
        service.length,
        stream.native,
        stream.length,
        event.native,
        event.length,
        settings.payloadBytes,
        settings.alignment,
        settings.capacity,
        settings.history,
        settings.blocking ? FLAG_BLOCKING : 0,
        this.#result.native,
      ),
      `open a subscriber of stream ${JSON.stringify(name.stream)}`,
    );
    this.handle = this.entries[0];
  }

  get foreignChunks(): number {
    return this.#foreignChunks;
  }

  take(max: number): number {
    let status = this.#symbols.qipc_subscriber_take(this.handle, max, this.#result.native);
    while (status === STATUS_FOREIGN_CHUNK) {
      this.#foreignChunks++;
      status = this.#symbols.qipc_subscriber_take(this.handle, max, this.#result.native);
    }
    if (status < 0) throw this.#native.error(status, `take a block of stream ${JSON.stringify(this.#stream)}`);
    return status;
  }

  release(slot: number): void {
    const status = this.#symbols.qipc_subscriber_release(this.handle, slot);
    if (status < 0) throw this.#native.error(status, `release a block of stream ${JSON.stringify(this.#stream)}`);
  }

  hasData(): boolean {
    const status = this.#symbols.qipc_subscriber_has_data(this.handle);
    if (status < 0) throw this.#native.error(status, `look for data on stream ${JSON.stringify(this.#stream)}`);
    return status === 1;
  }

  wait(timeoutMs: number): boolean {
    const action = `wait for stream ${JSON.stringify(this.#stream)}`;
    return this.#native.check(this.#symbols.qipc_subscriber_wait(this.handle, timeoutMs), action) === 0;
  }

  park(onReady: () => void): void {
    this.#parker.park(this, onReady);
  }

  unpark(): void {
    this.#parker.unpark(this);
  }

  quieten(): void {
    this.#parker.quieten(this);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parker.forget(this);
    this.#symbols.qipc_subscriber_close(this.handle);
  }
}
