// SPDX-License-Identifier: Apache-2.0
import type { Native } from "../ffi/native.ts";
import type { Watcher } from "../ffi/types.ts";
import { loadWord } from "./words.ts";
import type { NativeRing } from "./native_ring.ts";
import type { NativeSubscriber } from "./native_subscriber.ts";
import { RING_DATA, RING_ROOM, type RingWord } from "./transport.ts";

const ARMED = 0;

/** Where the words lie in a reader table. */
const WORD_OFFSETS = { [RING_DATA]: 64, [RING_ROOM]: 128 } as const;

/** Somebody who waits until a word of a ring changes. */
interface RingPark {
  readonly ring: NativeRing;
  readonly word: RingWord;
  /** The word itself, for a look, and its value so far. */
  readonly table: Int32Array;
  readonly expected: number;
  readonly onChange: () => void;
}

/**
 * Wakes this Worker's event loop for ports that have data, through one socket of the native library.
 *
 * One wake-up serves all ports: the byte on the socket says that some armed port has data, and each parked one is asked.
 */
export class Parker {
  readonly #native: Native;
  readonly #runtime: number;
  readonly #parked = new Map<NativeSubscriber, () => void>();
  /** Ports that the native library would wake: a superset of the parked ones. */
  readonly #attached = new Set<NativeSubscriber>();
  readonly #rings = new Set<RingPark>();
  #waiter = 0;
  #watcher: Watcher | undefined;

  constructor(native: Native, runtime: number) {
    this.#native = native;
    this.#runtime = runtime;
  }

  /** Calls back once, in a later turn of the event loop, when the port has data. */
  park(port: NativeSubscriber, onReady: () => void): void {
    const watcher = this.#watcher ?? this.#open();
    this.#parked.set(port, onReady);
    this.#attached.add(port);
    const status = this.#native.symbols.qipc_waiter_arm(this.#waiter, port.handle);
    if (status < 0) {
      this.#parked.delete(port);
      throw this.#native.error(status, "park on a port");
    }
    if (status === ARMED) {
      watcher.ref();
    } else {
      queueMicrotask(() => this.#wake(port));
    }
  }

  unpark(port: NativeSubscriber): void {
    if (this.#parked.delete(port)) this.#rest();
  }

  quieten(port: NativeSubscriber): void {
    if (this.#parked.has(port) || !this.#attached.delete(port)) return;
    this.#native.symbols.qipc_waiter_disarm(this.#waiter, port.handle);
  }

  /** Calls back once, in a later turn of the event loop, when the word has another value than this. */
  parkRing(ring: NativeRing, word: RingWord, expected: number, onChange: () => void): void {
    const watcher = this.#watcher ?? this.#open();
    const { buffer, byteOffset } = ring.table;
    const table = new Int32Array(buffer, byteOffset + WORD_OFFSETS[word], 1);
    this.#native.check(
      this.#native.symbols.qipc_waiter_arm_ring(this.#waiter, ring.handle, word, expected),
      "park at a ring",
    );
    this.#rings.add({ ring, word, table, expected, onChange });
    watcher.ref();
  }

  unparkRing(ring: NativeRing, word: RingWord): void {
    for (const park of this.#rings) {
      if (park.ring !== ring || park.word !== word) continue;
      this.#rings.delete(park);
      this.#native.symbols.qipc_waiter_disarm_ring(this.#waiter, ring.handle, word);
    }
    this.#rest();
  }

  forgetRing(ring: NativeRing): void {
    for (const word of [RING_DATA, RING_ROOM] as const) this.unparkRing(ring, word);
  }

  forget(port: NativeSubscriber): void {
    this.unpark(port);
    this.quieten(port);
  }

  close(): void {
    this.#parked.clear();
    this.#attached.clear();
    this.#rings.clear();
    if (this.#watcher === undefined) return;
    this.#native.symbols.qipc_waiter_close(this.#waiter);
    this.#watcher.close();
    this.#watcher = undefined;
  }

  #open(): Watcher {
    const { symbols, result, resultWords } = this.#native;
    this.#native.check(symbols.qipc_waiter_open(this.#runtime, result.native), "open a waiter");
    this.#waiter = resultWords[0];
    this.#watcher = this.#native.watch(resultWords[1], () => this.#readable());
    return this.#watcher;
  }

  #readable(): void {
    // Cleared before the ports are asked, so that what arrives after the question sends a byte of its own.
    this.#native.symbols.qipc_waiter_clear(this.#waiter);
    for (const port of [...this.#parked.keys()]) {
      // A wake-up can be late, for data that were read before this port was parked, and has disarmed the port all the same.
      if (this.#native.symbols.qipc_waiter_arm(this.#waiter, port.handle) !== ARMED) this.#wake(port);
    }
    for (const park of [...this.#rings]) {
      if (!this.#rings.has(park) || loadWord(park.table, 0) === park.expected) continue;
      this.#rings.delete(park);
      this.#rest();
      park.onChange();
    }
  }

  #wake(port: NativeSubscriber): void {
    const onReady = this.#parked.get(port);
    if (onReady === undefined) return;
    this.#parked.delete(port);
    this.#rest();
    onReady();
  }

  #rest(): void {
    if (this.#parked.size === 0 && this.#rings.size === 0) this.#watcher?.unref();
  }
}
