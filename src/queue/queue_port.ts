// SPDX-License-Identifier: Apache-2.0
import { BlockVerifier } from "../block/block_checksum.ts";
import { hasTrailer, readEpochHigh, readEpochLow } from "../block/header.ts";
import { BLOCK_SIZE } from "../block/layout.ts";
import { Window } from "../block/window.ts";
import { DaemonGoneError } from "../errors.ts";
import {
  TAKE_ENTRY_WORDS,
  TAKE_MAX,
  TAKE_OFFSET,
  TAKE_ORIGIN_HIGH,
  TAKE_ORIGIN_LOW,
  TAKE_SLOT,
  TAKE_WINDOW,
  type Transport,
  type TransportSubscriber,
} from "../transport/transport.ts";
import type { QueueReader } from "./queue_reader.ts";
import { QueueSources } from "./queue_sources.ts";
import type { WindowTable } from "./window_table.ts";

/** Chunks that one native port can have taken at once. */
const NATIVE_SLOTS = TAKE_MAX;
/** Blocks that were moved to private memory because all native slots were taken, at the most. */
const SPILL_SLOTS = 256;
const SLOTS = NATIVE_SLOTS + SPILL_SLOTS;
/** Unread blocks are at most SLOTS, so a log of twice that never overwrites one. */
const LOG_SIZE = SLOTS * 2;
const LOG_MASK = LOG_SIZE - 1;
/** What is known of a block: its broadcaster wrote it so, or not. */
const UNKNOWN = 0;
const SOUND = 1;
const CORRUPT = 2;
/** Blocks moved at once when slots run out, so that the search for the oldest is not made for each block. */
const SPILL_BATCH = 32;
/** Native chunks that user code may hold zero-copy through one port; further holds are copies, so that others go on. */
export const ZERO_COPY_HOLDS_MAX = 192;

/**
 * One native port and the readers of a Worker that share it.
 *
 * Blocks are taken once, into a log; each reader has its own place in the log. A block is given back when every reader that
 * was there when it came has passed it and nobody holds it.
 */
export class QueuePort {
  readonly sources: QueueSources = new QueueSources();
  readonly #native: TransportSubscriber;
  readonly #windows: WindowTable;
  readonly #transport: Transport;
  /** By source. */
  readonly #verifiers: BlockVerifier[] = [];
  readonly #lossless: boolean;
  readonly #readers: QueueReader[] = [];
  readonly #onEnd: () => void;

  // The log: block `serial` lies at `serial & LOG_MASK`.
  readonly #logSlot: Int32Array = new Int32Array(LOG_SIZE);
  readonly #logSource: Int32Array = new Int32Array(LOG_SIZE);
  readonly #logSound: Int8Array = new Int8Array(LOG_SIZE);
  #head = 0;

  // The slots: native ones first, then private ones.
  readonly #slotWindow: (Window | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #slotOffset: Int32Array = new Int32Array(SLOTS);
  /** Readers that have not passed the block in this slot, and holds of it. */
  readonly #slotUses: Int32Array = new Int32Array(SLOTS);
  /** Blocks bound to the block in this slot: it cannot be moved. */
  readonly #slotHolds: Int32Array = new Int32Array(SLOTS);
  #nativeUsed = 0;
  #nativeHeld = 0;
  #spillFree: number[] = [];
  #spillWindow: Window | undefined;
  #holds = 0;
  #closed = false;
  #lost = false;

  /** Either all of them wait for data, or all wait for the room that a slower reader has to make. */
  readonly #parked = new Map<QueueReader, () => void>();
  #waitsForRoom = false;

  constructor(
    transport: Transport,
    native: TransportSubscriber,
    windows: WindowTable,
    lossless: boolean,
    onEnd: () => void,
  ) {
    this.#transport = transport;
    this.#native = native;
    this.#windows = windows;
    this.#lossless = lossless;
    this.#onEnd = onEnd;
  }

  /** The serial number that the next block gets. */
  get head(): number {
    return this.#head;
  }

  get foreignChunks(): number {
    return this.#native.foreignChunks;
  }

  /** Whether zero-copy holds are used up. */
  get holdsUsedUp(): boolean {
    return this.#nativeHeld >= ZERO_COPY_HOLDS_MAX;
  }

  /** Whether the last reader left it: everything was given back. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Whether the stack took the native port away. Nothing more comes, and what was taken and not read is lost: the memory may be
   * another's by now.
   */
  get lost(): boolean {
    return this.#lost;
  }

  /** Blocks bound to blocks of this port: while there are any its memory has to stay mapped. */
  get holds(): number {
    return this.#holds;
  }

  /** The memory of the native port is of a connection that is over. */
  forsake(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#onEnd();
  }

  addReader(reader: QueueReader): void {
    this.#readers.push(reader);
  }

  /** Takes a reader out, which has passed all blocks and holds none. The last one closes the port. */
  removeReader(reader: QueueReader): void {
    const index = this.#readers.indexOf(reader);
    if (index < 0) return;
    this.#readers.splice(index, 1);
    this.unpark(reader);
    if (this.#waitsForRoom) this.wake();
    if (this.#readers.length > 0) return;
    this.#closed = true;
    this.#native.close();
    if (!this.#lost) this.#onEnd();
  }

  /** Takes what the native queue has into the log; returns how many blocks came. */
  fill(): number {
    const room = this.#lossless ? this.#roomOfReaders() : NATIVE_SLOTS;
    if (room <= 0) return 0;
    let free = NATIVE_SLOTS - this.#nativeUsed;
    if (free === 0) free = this.#spill();
    const count = free === 0 ? 0 : this.#take(Math.min(free, room));
    if (count === 0) return 0;
    if (!this.#lossless) {
      for (const reader of this.#readers) reader.enforceCapacity();
    }
    // What a parked reader waits for is in the log now, where the native port no longer tells of it.
    if (this.#parked.size > 0) {
      this.#native.unpark();
      this.wake();
    }
    return count;
  }

  slotAt(serial: number): number {
    return this.#logSlot[serial & LOG_MASK];
  }

  sourceAt(serial: number): number {
    return this.#logSource[serial & LOG_MASK];
  }

  /** Whether a block is what its broadcaster wrote, as far as it has a checksum. Found out once for all readers. */
  isSound(serial: number): boolean {
    const index = serial & LOG_MASK;
    let sound = this.#logSound[index]!;
    if (sound === UNKNOWN) {
      const slot = this.#logSlot[index]!;
      sound = this.accepts(this.#logSource[index]!, this.windowOf(slot), this.offsetOf(slot)) ? SOUND : CORRUPT;
      this.#logSound[index] = sound;
    }
    return sound === SOUND;
  }

  /** Whether a block of this source may be handed out. */
  accepts(source: number, window: Window, offset: number): boolean {
    return (this.#verifiers[source] ??= new BlockVerifier(this.#transport.checksums)).accepts(window, offset);
  }

  windowOf(slot: number): Window {
    return this.#slotWindow[slot]!;
  }

  offsetOf(slot: number): number {
    return this.#slotOffset[slot];
  }

  /** A block is bound to this slot. */
  hold(slot: number): void {
    this.#holds++;
    if (this.#slotHolds[slot]++ === 0 && slot < NATIVE_SLOTS) this.#nativeHeld++;
  }

  /** The block bound to this slot was released. */
  unhold(slot: number): void {
    this.#holds--;
    if (--this.#slotHolds[slot] === 0 && slot < NATIVE_SLOTS) this.#nativeHeld--;
    this.pass(slot);
  }

  /** One reader is done with the block in this slot. */
  pass(slot: number): void {
    if (--this.#slotUses[slot] > 0) return;
    if (slot >= NATIVE_SLOTS) {
      this.#spillFree.push(slot);
      return;
    }
    this.#nativeUsed--;
    this.#release(slot);
  }

  /** Whether a reader that has read the whole log would find more. */
  hasData(): boolean {
    if (this.#lost || this.#isStalled()) return false;
    try {
      return this.#native.hasData();
    } catch (error) {
      this.#lose(error);
      return false;
    }
  }

  wait(timeoutMs: number): boolean {
    // While this thread sleeps no other reader of it could make room.
    return !this.#isStalled() && this.#ask((native) => native.wait(timeoutMs));
  }

  /** Whether readers wait until another one has read, and are to be woken then. */
  get waitsForRoom(): boolean {
    return this.#waitsForRoom;
  }

  /** Calls a reader back when data come. One native park serves all readers. */
  park(reader: QueueReader, onReady: () => void): void {
    this.#parked.set(reader, onReady);
    if (this.#isStalled()) this.#waitsForRoom = true;
    else if (this.#parked.size === 1) this.#ask((native) => (native.park(() => this.wake()), true));
  }

  unpark(reader: QueueReader): void {
    if (!this.#parked.delete(reader) || this.#parked.size > 0) return;
    this.#waitsForRoom = false;
    this.#native.unpark();
  }

  /** Lets every parked reader look again. */
  wake(): void {
    const callbacks = [...this.#parked.values()];
    this.#parked.clear();
    this.#waitsForRoom = false;
    for (const callback of callbacks) callback();
  }

  /** A reader is so busy that being woken helps nobody and costs the publisher. */
  quieten(): void {
    if (this.#parked.size === 0) this.#native.quieten();
  }

  /** Takes chunks into the log; 0 when the stack has none, or has taken the port or its memory away. */
  #take(max: number): number {
    if (this.#lost) return 0;
    try {
      const count = this.#native.take(max);
      for (let index = 0; index < count; index++) this.#append(index * TAKE_ENTRY_WORDS);
      return count;
    } catch (error) {
      this.#lose(error);
      return 0;
    }
  }

  #ask(question: (native: TransportSubscriber) => boolean): boolean {
    if (this.#lost) return false;
    try {
      return question(this.#native);
    } catch (error) {
      this.#lose(error);
      return false;
    }
  }

  #release(slot: number): void {
    if (this.#lost) return;
    try {
      this.#native.release(slot);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** The daemon died and this process has left its memory, or it took this process for dead: that is no fault of the reader. */
  #lose(error: unknown): void {
    if (!(error instanceof DaemonGoneError)) throw error;
    this.forsake();
  }

  #append(at: number): void {
    const entries = this.#native.entries;
    const slot = entries[at + TAKE_SLOT];
    const window = this.#windows.get(entries[at + TAKE_WINDOW]);
    const offset = entries[at + TAKE_OFFSET];
    this.#nativeUsed++;
    this.#slotWindow[slot] = window;
    this.#slotOffset[slot] = offset;
    this.#slotUses[slot] = this.#readers.length;
    const index = this.#head & LOG_MASK;
    this.#logSlot[index] = slot;
    this.#logSound[index] = UNKNOWN;
    this.#logSource[index] = this.identify(
      window,
      offset,
      entries[at + TAKE_ORIGIN_LOW],
      entries[at + TAKE_ORIGIN_HIGH],
    );
    this.#head++;
  }

  /** The source of a block, which is told the epoch when the block says it. */
  identify(window: Window, offset: number, originLow: number, originHigh: number): number {
    const sources = this.sources;
    const source = sources.find(originLow, originHigh);
    if (source >= 0 && sources.knowsEpoch(source)) return source;
    if (!hasTrailer(window, offset) || !new BlockVerifier(this.#transport.checksums).accepts(window, offset)) {
      return source >= 0 ? source : sources.addOrigin(originLow, originHigh);
    }
    const epochLow = readEpochLow(window, offset);
    const epochHigh = readEpochHigh(window, offset);
    if (source < 0) return sources.addOriginWithEpoch(originLow, originHigh, epochLow, epochHigh);
    sources.learnEpoch(source, epochLow, epochHigh);
    return source;
  }

  /** Whether nothing can be taken, because the slowest reader of a lossless port has as much unread as it may have. */
  #isStalled(): boolean {
    return this.#lossless && this.#roomOfReaders() <= 0;
  }

  /** How many blocks every reader can take in without losing one. */
  #roomOfReaders(): number {
    let room = NATIVE_SLOTS;
    for (const reader of this.#readers) room = Math.min(room, reader.capacity - (this.#head - reader.cursor));
    return room;
  }

  /**
   * All native slots are taken: moves the oldest unread blocks that nobody holds to private memory, so that readers that keep
   * up go on and those that do not lose nothing early. Returns how many native slots became free.
   */
  #spill(): number {
    let oldest = this.#head;
    for (const reader of this.#readers) oldest = Math.min(oldest, reader.cursor);
    let freed = 0;
    for (let serial = oldest; serial < this.#head && freed < SPILL_BATCH; serial++) {
      const index = serial & LOG_MASK;
      const slot = this.#logSlot[index];
      if (slot >= NATIVE_SLOTS || this.#slotUses[slot] === 0 || this.#slotHolds[slot] > 0) continue;
      const target = this.#takeSpillSlot();
      if (target < 0) break;
      const from = this.#slotOffset[slot];
      this.#spillWindow!.bytes.set(
        this.#slotWindow[slot]!.bytes.subarray(from, from + BLOCK_SIZE),
        this.#slotOffset[target],
      );
      this.#slotUses[target] = this.#slotUses[slot];
      this.#logSlot[index] = target;
      this.#slotUses[slot] = 0;
      this.#nativeUsed--;
      this.#release(slot);
      freed++;
    }
    return freed;
  }

  #takeSpillSlot(): number {
    if (this.#spillWindow === undefined) {
      this.#spillWindow = Window.allocate(SPILL_SLOTS * BLOCK_SIZE);
      for (let index = 0; index < SPILL_SLOTS; index++) {
        this.#slotWindow[NATIVE_SLOTS + index] = this.#spillWindow;
        this.#slotOffset[NATIVE_SLOTS + index] = index * BLOCK_SIZE;
        this.#spillFree.push(NATIVE_SLOTS + index);
      }
    }
    return this.#spillFree.pop() ?? -1;
  }
}
