// SPDX-License-Identifier: Apache-2.0
import { SubscriberLimitError } from "../errors.ts";
import { fence, loadWord, loadWordAfter } from "../transport/words.ts";
import { NO_ENTRY, RING_ROOM, type Transport, type TransportRing } from "../transport/transport.ts";
import * as layout from "./layout.ts";
import { NO_HEAD, type RingView } from "./ring_view.ts";

const CHANGES = layout.TABLE_OFFSET_CHANGES >>> 2;
const ENTRIES_USED = layout.TABLE_OFFSET_ENTRIES_USED >>> 2;
const ROOM_WORD = layout.TABLE_OFFSET_ROOM_WORD >>> 2;
const ENTRIES = layout.TABLE_HEADER_BYTES >>> 2;
const ENTRY_WORDS = layout.TABLE_ENTRY_BYTES >>> 2;
const STATE = layout.ENTRY_OFFSET_STATE >>> 2;
const CURSOR = layout.ENTRY_OFFSET_CURSOR >>> 2;
const HEARTBEAT = layout.ENTRY_OFFSET_HEARTBEAT_MS >>> 2;
const SUBSCRIBERS = layout.ENTRY_OFFSET_SUBSCRIBERS >>> 2;
const START_TIME = layout.ENTRY_OFFSET_START_TIME >>> 2;
const PID_NAMESPACE = layout.ENTRY_OFFSET_PID_NAMESPACE >>> 2;

/** This Worker's entry in the reader table of a ring: what the writer waits for, and counts. */
export class TableEntry {
  readonly #transport: Transport;
  readonly #ring: TransportRing;
  readonly #view: RingView;
  readonly #table: Int32Array;
  readonly #status: number;
  #index = NO_ENTRY;
  /** The index of its first word. */
  #at = 0;
  /** The state that it has as long as it is ours. */
  #state = 0;

  /** @param gating Whether the writer has to wait for this reader. */
  constructor(transport: Transport, ring: TransportRing, view: RingView, gating: boolean) {
    this.#transport = transport;
    this.#ring = ring;
    this.#view = view;
    this.#table = view.table;
    this.#status = gating ? layout.ENTRY_GATING : layout.ENTRY_OBSERVING;
  }

  get gates(): boolean {
    return this.#status === layout.ENTRY_GATING;
  }

  /** Whether the writer has given this reader up. */
  get dropped(): boolean {
    return loadWordAfter(this.#table, this.#at + STATE) !== this.#state;
  }

  /** Throws when the ring has as many subscribers as it may. */
  requirePlace(action: string): void {
    const table = this.#table;
    let count = 0;
    for (let entry = this.#view.entriesUsed - 1; entry >= 0; entry--) {
      const at = ENTRIES + entry * ENTRY_WORDS;
      const status = loadWord(table, at + STATE) & layout.ENTRY_STATUS_MASK;
      if (status === layout.ENTRY_GATING || status === layout.ENTRY_OBSERVING) {
        count += loadWord(table, at + SUBSCRIBERS) >>> 0;
      }
    }
    const limit = this.#view.maxSubscribers;
    if (count >= limit) throw new SubscriberLimitError(action, { value: count + 1, limit });
  }

  /**
   * Takes an entry.
   *
   * @param wanted Where reading is to begin.
   * @param subscribers How many read through it.
   * @returns Where reading can begin: later than wanted where the writer was about to overwrite that.
   * @throws {SubscriberLimitError} When no entry is free.
   */
  join(action: string, wanted: number, subscribers: number): number {
    const table = this.#table;
    const first = this.#nearHead(wanted);
    const { entryCount } = this.#view;
    for (let entry = 0; entry < entryCount; entry++) {
      const at = ENTRIES + entry * ENTRY_WORDS;
      const state = loadWord(table, at + STATE);
      if ((state & layout.ENTRY_STATUS_MASK) !== layout.ENTRY_FREE) continue;
      const claimed = (state + layout.ENTRY_GENERATION_STEP + layout.ENTRY_CLAIMED) | 0;
      if (!this.#claim(at, state, claimed)) continue;
      this.#index = entry;
      this.#at = at;
      this.#fill(first, subscribers);
      this.#state = (claimed - layout.ENTRY_CLAIMED + this.#status) | 0;
      // Not a plain store: whoever thought us dead meanwhile may have given the entry to another.
      if (Atomics.compareExchange(table, at + STATE, claimed, this.#state) !== claimed) continue;
      this.#ring.keepEntry(entry);
      return this.settle(first, Infinity);
    }
    throw new SubscriberLimitError(action, {
      value: entryCount + 1,
      limit: entryCount,
      condition: "the ring's table of readers has no free entry",
    });
  }

  /**
   * Makes sure of a place to begin at, which may lie before the cursor. Until it is found the cursor is one less: that keeps the
   * writer from the block whose loss cannot be ruled out, and tells it that this reader has yet to look at the head.
   *
   * @param others The cursor of those who read through this entry already, which stays where it is.
   * @returns The nearest place that is safe.
   */
  settle(wanted: number, others: number): number {
    if (!this.gates) return wanted;
    const table = this.#table;
    const first = this.#nearHead(wanted);
    Atomics.store(table, this.#at + CURSOR, (first - 1) | 0);
    Atomics.add(table, CHANGES, 1);
    fence();
    // The head after the writer can know of us: if it did not yet look for the block with this number, that is the last one
    // that it writes without. So what lies a capacity behind may be overwritten now, and nothing after it.
    const head = this.#view.head();
    const safe = head === NO_HEAD ? first : Math.max(first, head - this.#view.capacity + 1);
    this.publish(Math.min(safe, others));
    return safe;
  }

  /** Everything before this sequence has been read. */
  publish(cursor: number): void {
    const table = this.#table;
    // A full barrier with what follows: the writer raises its flag, looks at the cursors and goes to sleep.
    Atomics.store(table, this.#at + CURSOR, cursor | 0);
    if ((loadWordAfter(table, ROOM_WORD) & 1) !== 0) this.#ring.wake(RING_ROOM);
  }

  /** How many subscribers read through this entry. */
  setSubscribers(count: number): void {
    Atomics.store(this.#table, this.#at + SUBSCRIBERS, count);
  }

  /** Gives the entry back. */
  leave(): void {
    if (this.#index === NO_ENTRY) return;
    const table = this.#table;
    this.#ring.keepEntry(NO_ENTRY);
    const generation = this.#state & ~layout.ENTRY_STATUS_MASK;
    for (const status of [this.#status, layout.ENTRY_DROPPED]) {
      const state = generation | status;
      // Its place may be another reader's by now, if the writer's side took us for dead.
      if (Atomics.compareExchange(table, this.#at + STATE, state, generation) === state) break;
    }
    this.#index = NO_ENTRY;
    if (!this.gates) return;
    Atomics.add(table, CHANGES, 1);
    if ((loadWord(table, ROOM_WORD) & 1) !== 0) this.#ring.wake(RING_ROOM);
  }

  /** A cursor is the low half of a sequence: one that lies 2^32 blocks back would pass for a near one. */
  #nearHead(wanted: number): number {
    const head = this.#view.head();
    return head === NO_HEAD ? wanted : Math.max(wanted, head - this.#view.capacity);
  }

  /** The claim and whose it is, at once: a claim of one who is gone is to be told from that of one who is slow. */
  #claim(at: number, state: number, claimed: number): boolean {
    const both = this.#view.tableLongs;
    const { pid } = this.#ring.identity;
    const before = Atomics.load(both, at >>> 1);
    if (Number(BigInt.asIntN(32, before)) !== state) return false;
    const after = BigInt.asIntN(64, (BigInt(pid) << 32n) | BigInt.asUintN(32, BigInt(claimed)));
    return Atomics.compareExchange(both, at >>> 1, before, after) === before;
  }

  #fill(wanted: number, subscribers: number): void {
    const table = this.#table;
    const at = this.#at;
    const { startTimeLow, startTimeHigh, namespaceLow, namespaceHigh } = this.#ring.identity;
    table[at + CURSOR] = this.gates ? wanted - 1 : wanted;
    table[at + HEARTBEAT] = this.#transport.clockMs();
    table[at + SUBSCRIBERS] = subscribers;
    table[at + START_TIME] = startTimeLow;
    table[at + START_TIME + 1] = startTimeHigh;
    table[at + PID_NAMESPACE] = namespaceLow;
    table[at + PID_NAMESPACE + 1] = namespaceHigh;
    const used = this.#index + 1;
    for (;;) {
      const before = loadWord(table, ENTRIES_USED);
      if ((before >>> 0) >= used || Atomics.compareExchange(table, ENTRIES_USED, before, used) === before) return;
    }
  }
}
