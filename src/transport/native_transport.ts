// SPDX-License-Identifier: Apache-2.0
import type { NativeStack } from "../ffi/library.ts";
import { Native } from "../ffi/native.ts";
import { RuntimeClosedError } from "../errors.ts";
import { NativeChecksums } from "./native_checksums.ts";
import { NativePublisher } from "./native_publisher.ts";
import { NativeRing } from "./native_ring.ts";
import { NativeRingFinder } from "./native_ring_finder.ts";
import { NativeSubscriber } from "./native_subscriber.ts";
import { Parker } from "./parker.ts";
import type {
  MappedWindow,
  PortEntry,
  PortName,
  PublisherSettings,
  RingFinder,
  RingSettings,
  StreamName,
  SubscriberSettings,
  Transport,
  TransportPublisher,
  TransportRing,
  TransportState,
  TransportSubscriber,
} from "./transport.ts";

const STATE_ATTACHED = 1;
const STATUS_BUFFER_TOO_SMALL = -4;
const PORTS_BYTES = 65536;
const NAME_OFFSET = 16;

/** A window, and the connection that it belongs to. */
interface NativeWindow extends MappedWindow {
  readonly generation: number;
}

/** A stack behind the C ABI of `qipc.h`, connected. */
export class NativeTransport implements Transport {
  readonly stack: NativeStack;
  readonly name: string;
  readonly hasPorts = true;
  readonly clockSinceNs: (low: number, high: number) => number;
  readonly checksums: NativeChecksums;
  readonly #native: Native;
  readonly #handle: number;
  readonly #parker: Parker;
  readonly #mapped = new Map<number, NativeWindow>();
  #generation = 0;
  #closed = false;

  /**
   * Connects.
   *
   * @param stack The stack.
   * @param options The lines that `qipc_runtime_open` takes.
   * @param libraryPath Where the native library is, or undefined to look for it.
   */
  constructor(stack: NativeStack, options: string, libraryPath?: string) {
    this.stack = stack;
    const native = Native.load(stack, libraryPath);
    this.#native = native;
    this.checksums = new NativeChecksums(native);
    this.clockSinceNs = native.symbols.qipc_clock_since_ns;
    const text = native.text(options);
    native.check(
      native.symbols.qipc_runtime_open(text.native, text.length, native.result.native),
      `open a runtime on ${stack}`,
    );
    this.#handle = native.resultWords[0];
    this.name = new TextDecoder().decode(new Uint8Array(native.result.buffer, NAME_OFFSET, native.resultWords[1]));
    this.#parker = new Parker(native, this.#handle);
  }

  get state(): TransportState {
    if (this.#closed) return "closed";
    const status = this.#native.symbols.qipc_runtime_state(this.#handle, this.#native.result.native);
    if (status < 0) return "closed";
    this.#generation = this.#native.resultWords[1]!;
    return this.#native.resultWords[0] === STATE_ATTACHED ? "attached" : "detached";
  }

  get generation(): number {
    return this.#generation;
  }

  mapWindow(id: number): MappedWindow {
    const known = this.#mapped.get(id);
    if (known !== undefined) return known;
    // Asked first: a window that is gone meanwhile cannot be mapped, one that goes later is of this generation.
    void this.state;
    const generation = this.#generation;
    const { symbols, result, resultView, resultWords } = this.#native;
    this.#native.check(symbols.qipc_window_map(this.#handle, id, result.native), "map a window of block memory");
    const writable = resultWords[4] === 1;
    const buffer = this.#native.alias(resultView.getBigUint64(0, true), Number(resultView.getBigUint64(8, true)));
    const mapped = { buffer, writable, generation };
    this.#mapped.set(id, mapped);
    return mapped;
  }

  retireWindows(): void {
    const generation = this.#generation;
    for (const [id, window] of this.#mapped) {
      if (window.generation === generation) continue;
      this.#mapped.delete(id);
      if (!window.buffer.detached) window.buffer.transfer(0);
      this.#native.symbols.qipc_window_unmap(id);
    }
  }

  openPublisher(name: PortName, settings: PublisherSettings): TransportPublisher {
    this.#requireOpen("open a publisher");
    return new NativePublisher(this.#native, this.#handle, name, settings);
  }

  openSubscriber(name: PortName, settings: SubscriberSettings): TransportSubscriber {
    this.#requireOpen("open a subscriber");
    return new NativeSubscriber(this.#native, this.#handle, this.#parker, name, settings);
  }

  createRing(name: StreamName, settings: RingSettings): TransportRing {
    this.#requireOpen("make a ring");
    return NativeRing.create(this.#native, this, this.#handle, this.#parker, name, settings);
  }

  attachRing(epochLow: number, epochHigh: number): TransportRing {
    this.#requireOpen("attach to a ring");
    return NativeRing.attach(this.#native, this, this.#handle, this.#parker, epochLow, epochHigh);
  }

  findRings(name: StreamName): RingFinder {
    this.#requireOpen("look for rings");
    return new NativeRingFinder(this, name);
  }

  clockMs(): number {
    return this.#native.symbols.qipc_clock_ms();
  }

  yieldThread(): void {
    this.#native.symbols.qipc_thread_yield();
  }

  pinThread(cpu: number): void {
    this.#native.check(this.#native.symbols.qipc_thread_pin(cpu), `pin this thread to CPU ${cpu}`);
  }

  ports(): PortEntry[] {
    this.#requireOpen("list streams");
    const { symbols, result, resultWords } = this.#native;
    for (let bytes = PORTS_BYTES;;) {
      const scratch = this.#native.scratch(bytes);
      const status = symbols.qipc_runtime_streams(this.#handle, scratch.native, bytes, result.native);
      if (status === STATUS_BUFFER_TOO_SMALL) {
        bytes = Math.max(bytes * 2, resultWords[1]);
        continue;
      }
      this.#native.check(status, "list streams");
      return decodePorts(scratch.buffer, resultWords[0]);
    }
  }

  bindNuma(): number {
    this.#requireOpen("bind block memory to a NUMA node");
    const status = this.#native.symbols.qipc_runtime_bind_numa(this.#handle, this.#native.result.native);
    this.#native.check(status, "bind block memory to a NUMA node");
    return this.#native.resultWords[1];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parker.close();
    const { symbols } = this.#native;
    const status = symbols.qipc_runtime_close(this.#handle);
    for (const id of this.#mapped.keys()) symbols.qipc_window_unmap(id);
    this.#native.check(status, "close a runtime");
  }

  #requireOpen(action: string): void {
    if (this.#closed) throw new RuntimeClosedError(action);
  }
}

function decodePorts(buffer: ArrayBuffer, count: number): PortEntry[] {
  const view = new DataView(buffer);
  // A name may begin with what would be taken for a byte order mark and left out.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const ports: PortEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const size = view.getUint32(at, true);
    let text = at + 20;
    const next = (lengthAt: number): string => {
      const length = view.getUint16(lengthAt, true);
      const name = decoder.decode(new Uint8Array(buffer, text, length));
      text += length;
      return name;
    };
    ports.push({
      publishers: view.getUint32(at + 4, true),
      subscribers: view.getUint32(at + 8, true),
      service: next(at + 12),
      stream: next(at + 14),
      event: next(at + 16),
      lossyPublishers: view.getUint16(at + 18, true),
    });
    at += size;
  }
  return ports;
}
