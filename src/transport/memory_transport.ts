// SPDX-License-Identifier: Apache-2.0
import {
  ArgumentError,
  ConfigError,
  NameEmptyError,
  NameTooLongError,
  RingCapacityError,
  RingEntryError,
  RingGoneError,
  RuntimeClosedError,
  UnsupportedError,
} from "../errors.ts";
import { ARENA_BYTES_MAX, ARENA_BYTES_MIN, ARENA_BYTES_STEP, isArenaSize, MemoryArena } from "./memory_arena.ts";
import { MemoryClock } from "./memory_clock.ts";
import { MemoryDirectory } from "./memory_directory.ts";
import { MemoryFinder } from "./memory_finder.ts";
import type { MemoryHandle } from "./memory_handle.ts";
import { MemoryHeartbeat } from "./memory_heartbeat.ts";
import { MemoryParker } from "./memory_parker.ts";
import { type MemoryPlace, MemoryRing } from "./memory_ring.ts";
import { CAPACITY_MAX, CAPACITY_MIN, dataBytesOf, ENTRIES_MAX, tableBytesOf, writeRing } from "./memory_ring_header.ts";
import { checkName, NAME_BYTES_MAX, nameBytes } from "./names.ts";
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

/** The name of this stack. */
export const MEMORY_STACK = "memory";
/** How much memory the rings of a runtime may take together where nothing is said. What is not used is not taken. */
export const ARENA_BYTES_DEFAULT = 2 ** 30;

/** How long the thread sleeps to let another one go on. */
const YIELD_MS = 0.001;
const OPEN = "open a runtime";

/** How the memory of a runtime is made. */
export interface MemoryOptions {
  /** The runtime's name, of 1 to 100 bytes; default: one that is unique. */
  readonly name?: string | undefined;
  /** The most memory that its rings may take together: a multiple of 65536 from 1 MiB to 4 GiB; default 1 GiB. */
  readonly bytes?: number | undefined;
}

/**
 * The stack without a daemon, a library or a permission: rings in memory that the Workers of one process share.
 *
 * The first Worker makes it, the others attach to it by its handle. It belongs to one Worker; close it before that ends, because
 * nobody can tell a Worker that was terminated from one that computes, and what it had open would stay.
 */
export class MemoryTransport implements Transport {
  readonly stack = MEMORY_STACK;
  readonly name: string;
  /** There are rings only. */
  readonly hasPorts = false;
  readonly hasLosslessQueue = false;
  /** Its memory is shared by Workers, which no library is given, and there may be none. */
  readonly checksums = null;
  /** Memory of its own is never lost. */
  readonly generation = 0;
  readonly clockSinceNs: (low: number, high: number) => number;

  readonly #place: MemoryPlace;
  readonly #open = new Set<MemoryRing | MemoryFinder>();
  readonly #idle = new Int32Array(new SharedArrayBuffer(4));
  #closed = false;

  private constructor(arena: MemoryArena) {
    this.name = arena.name;
    const heartbeat = new MemoryHeartbeat(() => this.clockMs());
    // Who asks for the time lives, even if it broadcasts in a loop that never comes back to the timers.
    this.clockSinceNs = new MemoryClock(() => heartbeat.beat()).sinceNs;
    this.#place = {
      arena,
      directory: new MemoryDirectory(arena),
      parker: new MemoryParker(arena.words),
      heartbeat,
    };
  }

  /**
   * Makes the memory of a runtime.
   *
   * @param options Its name and size.
   * @throws {ConfigError} When the size is out of its range.
   * @throws {SharedMemoryTooSmallError} When the process may not reserve so much.
   */
  static create(options: MemoryOptions = {}): MemoryTransport {
    const { name = uniqueName(), bytes = ARENA_BYTES_DEFAULT } = options;
    const length = nameBytes(checkName(OPEN, name));
    if (length === 0) throw new NameEmptyError(OPEN);
    if (length > NAME_BYTES_MAX) throw new NameTooLongError(OPEN, { value: length, limit: NAME_BYTES_MAX });
    if (!isArenaSize(bytes)) {
      const range = `a multiple of ${ARENA_BYTES_STEP} from ${ARENA_BYTES_MIN} to ${ARENA_BYTES_MAX}`;
      throw new ConfigError(OPEN, { value: bytes, condition: `bytes must be ${range}`, remedy: `give bytes ${range}` });
    }
    return new MemoryTransport(MemoryArena.create(OPEN, bytes, name));
  }

  /**
   * Joins the memory that another Worker, or this one, has made.
   *
   * @param handle What its `handle` was, as `postMessage` delivers it.
   * @throws {ArgumentError} When it is no handle, or one of another version of this module.
   */
  static attach(handle: unknown): MemoryTransport {
    return new MemoryTransport(MemoryArena.attach(OPEN, handle));
  }

  /** What other Workers attach to. */
  get handle(): MemoryHandle {
    return this.#place.arena.handle;
  }

  get state(): TransportState {
    return this.#closed ? "closed" : "attached";
  }

  createRing(name: StreamName, settings: RingSettings): TransportRing {
    const action = "make a ring";
    this.#requireOpen(action);
    checkSettings(action, settings);
    const { arena, directory } = this.#place;
    const { capacity, entries, lossless } = settings;
    const entry = directory.createRing(action, name, lossless, dataBytesOf(capacity), tableBytesOf(entries));
    writeRing(arena.buffer, entry, name, settings, Date.now());
    directory.publish(entry.index);
    const ring = new MemoryRing(this.#place, entry, true, this.#forget);
    ring.beat(settings.heartbeatIntervalMs);
    this.#open.add(ring);
    return ring;
  }

  attachRing(epochLow: number, epochHigh: number): TransportRing {
    const action = "attach a ring";
    this.#requireOpen(action);
    const entry = this.#place.directory.attachRing(epochLow, epochHigh);
    if (entry === null) throw new RingGoneError(action);
    const ring = new MemoryRing(this.#place, entry, false, this.#forget);
    this.#open.add(ring);
    return ring;
  }

  findRings(name: StreamName): RingFinder {
    const action = "look for rings";
    this.#requireOpen(action);
    const finder = new MemoryFinder(this.#place, this.#place.directory.openFinder(action, name), this.#forget);
    this.#open.add(finder);
    return finder;
  }

  clockMs(): number {
    // The clock of all Workers; the monotonic one begins anew in each.
    return Date.now() % 2 ** 32;
  }

  yieldThread(): void {
    Atomics.wait(this.#idle, 0, 0, YIELD_MS);
  }

  pinThread(cpu: number): void {
    throw new UnsupportedError(`pin this thread to CPU ${cpu}`, {
      condition: "the memory stack has no native library that could do it",
    });
  }

  ports(): PortEntry[] {
    this.#requireOpen("list streams");
    return this.#place.directory.ports();
  }

  /** Nobody can leave anything behind here that others would find. */
  heal(): boolean {
    this.#requireOpen("heal a stream");
    return false;
  }

  openPublisher(_name: PortName, _settings: PublisherSettings): TransportPublisher {
    throw noQueueLane("open a publisher");
  }

  openSubscriber(_name: PortName, _settings: SubscriberSettings): TransportSubscriber {
    throw noQueueLane("open a subscriber");
  }

  mapWindow(_id: number): MappedWindow {
    throw noQueueLane("map a window of block memory");
  }

  retireWindows(): void {}

  bindNuma(): number {
    throw new UnsupportedError("bind block memory to a NUMA node", {
      condition: "the memory stack has its rings in memory that the JavaScript runtime allocates",
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const one of [...this.#open]) one.close();
    this.#place.parker.close();
  }

  readonly #forget = (one: MemoryRing | MemoryFinder): void => void this.#open.delete(one);

  #requireOpen(action: string): void {
    if (this.#closed) throw new RuntimeClosedError(action);
  }
}

function checkSettings(action: string, { capacity, entries, firstSequence }: RingSettings): void {
  const fits = Number.isInteger(capacity) && capacity >= CAPACITY_MIN && capacity <= CAPACITY_MAX;
  if (!fits || (capacity & (capacity - 1)) !== 0) {
    throw new RingCapacityError(action, { value: capacity, limit: CAPACITY_MAX });
  }
  if (!Number.isInteger(entries) || entries < 1 || entries > ENTRIES_MAX) {
    throw new RingEntryError(action, { value: entries, limit: ENTRIES_MAX });
  }
  if (!Number.isSafeInteger(firstSequence) || firstSequence < 0) {
    throw new ArgumentError(action, {
      value: firstSequence,
      limit: Number.MAX_SAFE_INTEGER,
      condition: "the first sequence must be an integer from 0 to 2^53 - 1",
    });
  }
}

function noQueueLane(action: string): UnsupportedError {
  return new UnsupportedError(action, {
    condition: "the memory stack has no queue lane",
    remedy: 'use lane: "ring" or "auto"',
  });
}

function uniqueName(): string {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return `memory-${random!.toString(16).padStart(8, "0")}`;
}
