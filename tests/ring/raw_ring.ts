// SPDX-License-Identifier: Apache-2.0
// Rings of the memory stack from below: a runtime whose memory a test can reach, and rings whose words it can set by hand.
import { writeDescription } from "../../src/block/header.ts";
import { FLAG_LENGTH, OFFSET_DATA } from "../../src/block/layout.ts";
import { Window } from "../../src/block/window.ts";
import * as layout from "../../src/ring/layout.ts";
import { RingWriter } from "../../src/ring/ring_writer.ts";
import { MemoryTransport } from "../../src/transport/memory_transport.ts";
import type { RingSettings, TransportRing } from "../../src/transport/transport.ts";
import { MarketDataType, Runtime } from "../../mod.ts";
import { payload } from "../conformance/tools.ts";
import { NO_ORIGIN } from "../memory/rings.ts";

/** The service of a default configuration. */
const SERVICE = "QAULTRA";
/** Bytes of a block's data. */
const LENGTH = 64;

const SETTINGS: RingSettings = {
  capacity: 16,
  entries: 16,
  maxSubscribers: 16,
  lossless: false,
  heartbeatIntervalMs: 1000,
  readerTimeoutMs: 1000,
  firstSequence: 0,
};

/** A runtime of the memory stack, and the transport below it. */
export interface MemoryStand extends Disposable {
  readonly runtime: Runtime;
  readonly transport: MemoryTransport;
}

/** Opens a runtime of the memory stack. */
export function openMemory(): MemoryStand {
  const runtime = Runtime.open({ stack: "memory" });
  const transport = MemoryTransport.attach(runtime.handle);
  return {
    runtime,
    transport,
    [Symbol.dispose](): void {
      runtime.close();
      transport.close();
    },
  };
}

/** The memory of a ring, as anybody who may write it sees it. */
export class RingMemory {
  /** The words of the data segment and of the reader table. */
  readonly data: Uint32Array;
  readonly table: Uint32Array;
  readonly capacity: number;
  readonly #window: Window;

  constructor({ data, table }: Pick<TransportRing, "data" | "table">) {
    this.data = new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    this.table = new Uint32Array(table.buffer, table.byteOffset, table.byteLength / 4);
    this.capacity = this.data[layout.RING_OFFSET_CAPACITY / 4]!;
    this.#window = new Window(data.buffer, true, data.byteOffset, data.byteLength);
  }

  /** The ring of a broadcaster. */
  static of(transport: MemoryTransport, epoch: bigint): RingMemory {
    return new RingMemory(transport.attachRing(Number(epoch & 0xffffffffn), Number(epoch >> 32n)));
  }

  /** The index of the first word of the slot of a sequence. */
  slot(sequence: number): number {
    return (layout.RING_HEADER_BYTES + (sequence % this.capacity) * layout.RING_SLOT_BYTES) / 4;
  }

  /** The index of the first word of an entry. */
  entry(index: number): number {
    return (layout.TABLE_HEADER_BYTES + index * layout.TABLE_ENTRY_BYTES) / 4;
  }

  /** What the head says, a number beyond 2^53 included. */
  get head(): number {
    return this.data[layout.RING_OFFSET_HEAD_HIGH_LAST / 4]! * 2 ** 32 + this.data[layout.RING_OFFSET_HEAD_LOW / 4]!;
  }

  setHead(head: number): void {
    const high = Math.floor(head / 2 ** 32);
    this.data[layout.RING_OFFSET_HEAD_HIGH_FIRST / 4] = high;
    this.data[layout.RING_OFFSET_HEAD_LOW / 4] = head % 2 ** 32;
    this.data[layout.RING_OFFSET_HEAD_HIGH_LAST / 4] = high;
  }

  /** Stores the block with this sequence in its slot, whole. */
  setBlock(sequence: number): void {
    const at = this.slot(sequence);
    const words = this.data;
    words[at] = sequence % 2 ** 32;
    words[at + 1] = Math.floor(sequence / 2 ** 32);
    new Uint8Array(words.buffer, words.byteOffset + at * 4 + OFFSET_DATA, LENGTH).set(payload(sequence, LENGTH));
    writeDescription(this.#window, at * 4, 1, MarketDataType.Unknown, FLAG_LENGTH, LENGTH, LENGTH, 0);
  }

  /** What a writer leaves that has committed all blocks below `head`, and has prepared the next slot if it does that. */
  runTo(head: number, isPrepared: boolean = true): void {
    for (let sequence = head - this.capacity; sequence < head; sequence++) this.setBlock(sequence);
    if (isPrepared) this.data[this.slot(head)] = (head - 1) % 2 ** 32;
    this.setHead(head);
  }

  /** Gives the reader of an entry up, as a keeper does. */
  drop(index: number): void {
    const at = this.entry(index) + layout.ENTRY_OFFSET_STATE / 4;
    this.table[at] = (this.table[at]! & ~layout.ENTRY_STATUS_MASK) | layout.ENTRY_DROPPED;
    Atomics.add(this.table, layout.TABLE_OFFSET_DROPPED_READERS / 4, 1);
    Atomics.add(this.table, layout.TABLE_OFFSET_CHANGES / 4, 1);
  }
}

/** A ring that is announced on a stream, and its writer. */
export class RawRing {
  readonly memory: RingMemory;
  readonly #transport: MemoryTransport;
  readonly #ring: TransportRing;
  readonly #stream: string;
  #writer: RingWriter;

  constructor(transport: MemoryTransport, stream: string, settings: Partial<RingSettings> = {}) {
    this.#transport = transport;
    this.#stream = stream;
    this.#ring = transport.createRing({ service: SERVICE, stream }, { ...SETTINGS, ...settings });
    this.memory = new RingMemory(this.#ring);
    this.#writer = new RingWriter(transport, this.#ring, stream);
    this.#ring.announce(NO_ORIGIN);
  }

  get nextSequence(): number {
    return this.#writer.sequence;
  }

  /** Writes blocks, up to `count` of them as far as there is room; returns how many. */
  send(count: number): number {
    const writer = this.#writer;
    for (let sent = 0; sent < count; sent++) {
      if (writer.claim() < 0) return sent;
      writer.window.dataView(writer.offset + OFFSET_DATA, LENGTH).set(payload(writer.sequence, LENGTH));
      writer.commit(LENGTH, 1, MarketDataType.Unknown, LENGTH, 0);
    }
    return count;
  }

  /** Takes the sequence of a block that was lost before; false when there is no room. */
  skip(): boolean {
    return this.#writer.skip();
  }

  /** As if the writer had written all blocks below `head` meanwhile; it goes on from there. */
  runTo(head: number, isPrepared?: boolean): void {
    const { memory } = this;
    memory.runTo(head, isPrepared);
    memory.data[layout.RING_OFFSET_FIRST_SEQUENCE / 4] = head % 2 ** 32;
    memory.data[layout.RING_OFFSET_FIRST_SEQUENCE / 4 + 1] = Math.floor(head / 2 ** 32);
    this.#writer = new RingWriter(this.#transport, this.#ring, this.#stream);
  }

  close(): void {
    this.#ring.close();
  }
}
