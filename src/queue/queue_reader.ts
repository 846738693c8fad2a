// SPDX-License-Identifier: Apache-2.0
import { bindBlock, type Block, type BlockOwner } from "../block/block.ts";
import { readSequence } from "../block/header.ts";
import { BLOCK_SIZE } from "../block/layout.ts";
import { Window } from "../block/window.ts";
import type { RingOrigin } from "../transport/transport.ts";
import { QueueHistory } from "./queue_history.ts";
import { QUEUE_CAPACITY_MAX } from "./queue_name.ts";
import type { QueuePort } from "./queue_port.ts";
import type { QueuePortDemand, QueuePorts } from "./queue_ports.ts";
import type { WindowTable } from "./window_table.ts";

/** Tokens of blocks in memory of their own begin here and go down; such a block needs nothing given back. */
const PRIVATE_TOKEN_FIRST = -1;
const UNKNOWN = -1;

/** A broadcaster whose blocks from one on are read elsewhere. */
export interface OtherWay {
  readonly origin: RingOrigin;
  readonly from: number;
}

/** One subscriber's place on a queue port: what it has read, lost and holds. */
export class QueueReader implements BlockOwner {
  /** Blocks that may wait for this reader before it loses the oldest. */
  readonly capacity: number;
  readonly #port: QueuePort;
  readonly #history: QueueHistory | undefined;
  #cursor: number;
  /** Blocks before this serial number were published before this reader came. */
  #joinedAt = 0;
  /** By source: the sequence that its next block should have. */
  readonly #expected: number[] = [];
  /** By source: the sequence after the last one that was lost. */
  readonly #missedUntil: number[] = [];
  /** What earlier ports of the same subscriber have led to expect, by what tells sources apart on every port. */
  readonly #heard: ReadonlyMap<string, number>;
  #missed = 0;
  #gaps = 0;
  #corrupt = 0;
  #privateToken = PRIVATE_TOKEN_FIRST;
  /** Slots that blocks are bound to. */
  #boundSlots = 0;
  // Of the block that was bound last.
  #window: Window | undefined;
  #offset = 0;
  #source = 0;
  #token = 0;
  readonly #parked = new Set<() => void>();
  #closed = false;

  /**
   * Joins a port.
   *
   * @param ports The ports of the runtime.
   * @param windows Its windows.
   * @param demand The stream, and how it is to be read.
   * @param heard By source identity, the sequences that are next after what was read through ports that are gone.
   */
  constructor(ports: QueuePorts, windows: WindowTable, demand: QueuePortDemand, heard: ReadonlyMap<string, number>) {
    const capacity = Math.min(demand.capacity, QUEUE_CAPACITY_MAX);
    const { port, isNew } = ports.acquire({ ...demand, capacity });
    this.#port = port;
    this.#heard = heard;
    this.capacity = capacity;
    this.#cursor = port.head;
    if (!isNew && demand.history > 0) {
      // Before the history is asked for, so that nothing can fall between it and what this reader is given live.
      port.addReader(this);
      try {
        while (port.fill() > 0);
        this.#joinedAt = port.head;
        this.#history = fetchHistory(ports, windows, demand, port);
        while (port.fill() > 0);
        this.#history.endWhereLogBegins(port, this.#cursor);
        this.#skipPast();
      } catch (error) {
        this.close();
        throw error;
      }
      return;
    }
    // What is queued natively was published before this reader came: it belongs to the others.
    while (!isNew && port.fill() > 0);
    this.#cursor = port.head;
    port.addReader(this);
  }

  /** The serial number of the next block to read, in the port's log. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Whether it left its port. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Of the block that was bound last: where it lies. */
  get window(): Window {
    return this.#window!;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Of the block that was bound last: what it is to be given back by. */
  get token(): number {
    return this.#token;
  }

  get missedBlocks(): number {
    return this.#missed;
  }

  get gaps(): number {
    return this.#gaps;
  }

  get corruptBlocks(): number {
    return this.#corrupt;
  }

  /** Broadcasters that blocks came from, by what tells them apart on every port. */
  get heardSources(): string[] {
    return Object.keys(this.#expected).map((source) => this.#port.sources.identity(Number(source)));
  }

  /** By source identity: the sequence that comes next. */
  get heard(): Map<string, number> {
    const heard = new Map(this.#heard);
    this.#expected.forEach((sequence, source) => heard.set(this.#port.sources.identity(source), sequence));
    return heard;
  }

  get foreignChunks(): number {
    return this.#port.foreignChunks;
  }

  /** Whether the stack took the port away. */
  get lost(): boolean {
    return this.#port.lost;
  }

  /** The stack has taken the port away, or will not serve it any more. */
  forsake(): void {
    this.#port.forsake();
  }

  /**
   * Binds the next block that is not corrupt; no copy.
   *
   * @param block The block to bind; it has to be released before the next one is bound to it.
   * @param owner Who is told of its release, and has to hand that on to this reader.
   * @param ownerToken What the owner knows it by, where that is not `token`.
   * @returns Whether there was one.
   */
  next(block: Block, owner: BlockOwner = this, ownerToken?: number): boolean {
    while (this.#history !== undefined && this.#history.remaining > 0) {
      if (this.#nextOfHistory(block, owner, ownerToken)) return true;
    }
    const port = this.#port;
    for (;;) {
      if ((this.#cursor === port.head && port.fill() === 0) || port.lost) return false;
      const serial = this.#cursor++;
      if (port.waitsForRoom) port.wake();
      const slot = port.slotAt(serial);
      const window = port.windowOf(slot);
      const offset = port.offsetOf(slot);
      const source = port.sourceAt(serial);
      const isSound = port.isSound(serial);
      const sequence = isSound ? readSequence(window, offset) : Infinity;
      if (this.#history !== undefined && this.#history.isPast(source, sequence, serial < this.#joinedAt)) {
        port.pass(slot);
        continue;
      }
      if (!isSound) {
        this.#loseCorrupt(source);
        port.pass(slot);
        continue;
      }
      this.#account(source, sequence);
      port.hold(slot);
      this.#boundSlots++;
      this.#bind(block, window, offset, source, owner, slot, ownerToken);
      return true;
    }
  }

  /** Binds the next block for a user who may hold it long: zero-copy while that robs nobody, else to a copy. */
  nextForLong(block: Block, owner: BlockOwner, ownerToken: number): boolean {
    const robs = this.#port.holdsUsedUp;
    if (!this.next(block, owner, ownerToken)) return false;
    if (robs && this.#token >= 0) this.#moveToCopy(block, owner, ownerToken);
    return true;
  }

  /** The sequence that the next block of this origin should have, or -1 when none came from it. */
  expectedOf(origin: RingOrigin): number {
    const source = this.#port.sources.find(origin.low, origin.high);
    return source < 0 ? UNKNOWN : this.#expected[source] ?? UNKNOWN;
  }

  /**
   * Passes what comes next as long as it is read by another way: it counts neither as read nor as missed.
   *
   * @returns Whether a block comes next that is not.
   */
  skip(others: readonly OtherWay[]): boolean {
    if ((this.#history?.remaining ?? 0) > 0) return true;
    const port = this.#port;
    while (!port.lost && (this.#cursor < port.head || port.fill() > 0)) {
      const source = port.sourceAt(this.#cursor);
      const slot = port.slotAt(this.#cursor);
      const sequence = readSequence(port.windowOf(slot), port.offsetOf(slot));
      const isOther = others.some(({ origin, from }) =>
        sequence >= from && port.sources.find(origin.low, origin.high) === source
      );
      if (!isOther) return true;
      this.#cursor++;
      port.pass(slot);
    }
    return false;
  }

  /** Whether blocks of the port are in somebody's hands: it must not be left before they are given back. */
  get inUse(): boolean {
    return this.#boundSlots > 0;
  }

  /** Passes all that waits: it is lost, as with the end of this reader, and so is not counted as missed. */
  passAll(): void {
    const port = this.#port;
    while (this.#cursor < port.head || port.fill() > 0) port.pass(port.slotAt(this.#cursor++));
  }

  releaseBlock(token: number): void {
    if (token >= 0) this.#boundSlots--;
    // A reader may be closed by the very handler that reads its block, which the port's other readers need back.
    if (token >= 0 && (!this.#port.closed || this.#port.lost)) this.#port.unhold(token);
  }

  /**
   * What was taken is this process's until it is given back, or until the stack takes the port away: it does so with one whose process
   * stood still, and others may have its memory then.
   */
  isBlockIntact(): boolean {
    return !this.#port.lost;
  }

  /** The block that is given back was not intact. */
  tore(): void {
    this.#missed++;
    this.#gaps++;
  }

  hasData(): boolean {
    if (this.#closed) return false;
    if ((this.#history?.remaining ?? 0) > 0) return true;
    return !this.#port.lost && (this.#cursor < this.#port.head || this.#port.hasData());
  }

  /** Blocks the thread until there is data or the time is over. */
  wait(timeoutMs: number): boolean {
    return this.hasData() || this.#port.wait(timeoutMs);
  }

  /** Calls back once in the event loop when there is data; several loops of one subscriber may wait at once. */
  park(onReady: () => void): void {
    this.#parked.add(onReady);
    if (this.#parked.size === 1) this.#port.park(this, () => this.#wake());
  }

  /** Takes a park back. */
  unpark(onReady: () => void): void {
    if (this.#parked.delete(onReady) && this.#parked.size === 0) this.#port.unpark(this);
  }

  quieten(): void {
    this.#port.quieten();
  }

  /** Loses what is over the capacity, oldest first. The gap shows in the sequence of the next block. */
  enforceCapacity(): void {
    const oldest = this.#port.head - this.capacity;
    while (this.#cursor < oldest) this.#port.pass(this.#port.slotAt(this.#cursor++));
  }

  /** Leaves the port. Blocks still held must be released before. */
  close(): void {
    if (this.#closed) return;
    while (this.#cursor < this.#port.head) this.#port.pass(this.#port.slotAt(this.#cursor++));
    this.#closed = true;
    this.#port.removeReader(this);
  }

  /** Passes the queued blocks that belong to the past, as far as no block of this reader lies between them. */
  #skipPast(): void {
    const port = this.#port;
    while (this.#cursor < this.#joinedAt) {
      const slot = port.slotAt(this.#cursor);
      const isSound = port.isSound(this.#cursor);
      const sequence = isSound ? readSequence(port.windowOf(slot), port.offsetOf(slot)) : Infinity;
      if (!this.#history!.isPast(port.sourceAt(this.#cursor), sequence, true)) return;
      this.#cursor++;
      port.pass(slot);
    }
  }

  #wake(): void {
    const callbacks = [...this.#parked];
    this.#parked.clear();
    for (const callback of callbacks) callback();
  }

  #nextOfHistory(block: Block, owner: BlockOwner, ownerToken: number | undefined): boolean {
    const history = this.#history!;
    const { source, isSound } = history;
    const window = history.shift();
    if (!isSound) {
      this.#loseCorrupt(source);
      return false;
    }
    this.#account(source, readSequence(window, 0));
    this.#bind(block, window, 0, source, owner, this.#privateToken--, ownerToken);
    return true;
  }

  /** Binds the block that was bound last to a copy instead, and gives the original back. */
  #moveToCopy(block: Block, owner: BlockOwner, ownerToken: number): void {
    const original = this.#token;
    const copy = Window.allocate(BLOCK_SIZE);
    copy.bytes.set(this.#window!.bytes.subarray(this.#offset, this.#offset + BLOCK_SIZE));
    this.#bind(block, copy, 0, this.#source, owner, this.#privateToken--, ownerToken);
    this.releaseBlock(original);
  }

  #bind(
    block: Block,
    window: Window,
    offset: number,
    source: number,
    owner: BlockOwner,
    token: number,
    ownerToken: number = token,
  ): void {
    this.#window = window;
    this.#offset = offset;
    this.#source = source;
    this.#token = token;
    const { sources } = this.#port;
    bindBlock(block, window, offset, sources.epochLow(source), sources.epochHigh(source), owner, ownerToken);
  }

  #account(source: number, sequence: number): void {
    const expected = this.#expected[source] ?? this.#heard.get(this.#port.sources.identity(source)) ?? UNKNOWN;
    if (expected !== UNKNOWN && sequence > expected) {
      this.#miss(source, expected, sequence - expected);
    }
    this.#expected[source] = sequence + 1;
  }

  /** A block of this source is not what was written, its sequence included: the one that was expected, unless others are lost too. */
  #loseCorrupt(source: number): void {
    this.#corrupt++;
    const expected = this.#expected[source] ?? UNKNOWN;
    this.#miss(source, expected, 1);
    if (expected !== UNKNOWN) this.#expected[source] = expected + 1;
  }

  /** So many blocks from a sequence on are lost. Those that follow upon others that were lost make no new gap. */
  #miss(source: number, from: number, blocks: number): void {
    this.#missed += blocks;
    if (from !== this.#missedUntil[source]) this.#gaps++;
    this.#missedUntil[source] = from + blocks;
  }
}

function fetchHistory(
  ports: QueuePorts,
  windows: WindowTable,
  demand: QueuePortDemand,
  port: QueuePort,
): QueueHistory {
  const native = ports.openForHistory(demand);
  try {
    return new QueueHistory(native, windows, port);
  } finally {
    native.close();
  }
}
