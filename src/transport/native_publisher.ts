// SPDX-License-Identifier: Apache-2.0
import type { Native } from "../ffi/native.ts";
import type { Symbols } from "../ffi/symbols.ts";
import type { Scratch } from "../ffi/types.ts";
import type { PortName, PublisherSettings, RingOrigin, TransportPublisher } from "./transport.ts";

const FLAG_BLOCKING = 1;
const PUBLISH_STAMP = 1;
const PUBLISH_PREPARE = 2;
const RESULT_BYTES = 256;

/** A publisher port behind the C ABI. */
export class NativePublisher implements TransportPublisher {
  /** The handle, for the ring that it belongs to. */
  readonly handle: number;
  readonly origin: RingOrigin;
  readonly #native: Native;
  readonly #symbols: Symbols;
  readonly #stream: string;
  readonly #publishFlags: number;
  readonly #result: Scratch;
  readonly #words: Uint32Array;
  #closed = false;

  constructor(native: Native, runtime: number, name: PortName, settings: PublisherSettings) {
    this.#native = native;
    this.#symbols = native.symbols;
    this.#stream = name.stream;
    // Taking the next chunk while nobody waits for it shortens the way of the next block by a third. A blocking publisher has
    // to look for room at each loan anyway.
    this.#publishFlags = (settings.stamp ? PUBLISH_STAMP : 0) | (settings.blocking ? 0 : PUBLISH_PREPARE);
    this.#result = native.scratch(RESULT_BYTES);
    this.#words = new Uint32Array(this.#result.buffer);
    const service = native.text(name.service);
    const stream = native.text(name.stream);
    const event = native.text(name.event);
    native.check(
      this.#symbols.qipc_publisher_open(
        runtime,
        service.native,
        service.length,
        stream.native,
        stream.length,
        event.native,
        event.length,
        settings.payloadBytes,
        settings.alignment,
        settings.history,
        settings.blocking ? FLAG_BLOCKING : 0,
        this.#result.native,
      ),
      `open a publisher of stream ${JSON.stringify(name.stream)}`,
    );
    this.handle = this.#words[0];
    this.origin = { low: this.#words[2]!, high: this.#words[3]! };
  }

  get slot(): number {
    return this.#words[0];
  }

  get window(): number {
    return this.#words[1];
  }

  get offset(): number {
    return this.#words[2];
  }

  loan(): number {
    const status = this.#symbols.qipc_publisher_loan(this.handle, this.#result.native);
    if (status < 0) throw this.#native.error(status, `loan a block of stream ${JSON.stringify(this.#stream)}`);
    return status;
  }

  publish(slot: number): boolean {
    const status = this.#symbols.qipc_publisher_publish(this.handle, slot, this.#publishFlags);
    if (status < 0) throw this.#native.error(status, `publish a block of stream ${JSON.stringify(this.#stream)}`);
    return status === 0;
  }

  discard(slot: number): void {
    const status = this.#symbols.qipc_publisher_discard(this.handle, slot);
    if (status < 0) throw this.#native.error(status, `give back a loan of stream ${JSON.stringify(this.#stream)}`);
  }

  subscriberCount(): number {
    // Into the control calls' memory: the slot of an outstanding loan must stay readable.
    const action = `count the subscribers of stream ${JSON.stringify(this.#stream)}`;
    this.#native.check(this.#symbols.qipc_publisher_info(this.handle, this.#native.result.native), action);
    return this.#native.resultWords[0];
  }

  hasRoom(): boolean {
    const action = `look for room on stream ${JSON.stringify(this.#stream)}`;
    return this.#native.check(this.#symbols.qipc_publisher_has_room(this.handle), action) === 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // What the library says here helps nobody: the port is gone either way.
    this.#symbols.qipc_publisher_close(this.handle);
  }
}
