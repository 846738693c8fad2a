// SPDX-License-Identifier: Apache-2.0
import { BlockVerifier } from "../block/block_checksum.ts";
import { loadWord } from "../transport/words.ts";
import { RING_DATA, type RingNews, type Transport, type TransportRing } from "../transport/transport.ts";
import { BlockCopies } from "./block_copies.ts";
import * as layout from "./layout.ts";
import type { RingReader } from "./ring_reader.ts";
import { elapsedMs, RingView } from "./ring_view.ts";
import { TableEntry } from "./table_entry.ts";

const DATA_WORD = layout.TABLE_OFFSET_DATA_WORD >>> 2;

/** A writer's process gives a sign of life at least so often. */
const BEAT_PERIOD_MS_MAX = 100;

/** What the writer of a ring is doing. */
export type RingState = "live" | "stale" | "ended";

/** One ring and the readers of a Worker that share it: one mapping, one entry in its table, one cache of copies. */
export class RingPort {
  readonly view: RingView;
  readonly copies: BlockCopies;
  readonly verifier: BlockVerifier;
  readonly news: RingNews;
  /** This Worker's entry, or null where it may not write to the table. */
  readonly entry: TableEntry | null;
  readonly #transport: Transport;
  readonly #ring: TransportRing;
  readonly #stream: string;
  readonly #pollIntervalMs: number;
  readonly #onEmpty: () => void;
  readonly #readers: RingReader[] = [];
  /** The cursor in the table, and how many readers are there. */
  #published = 0;
  #slowest = 0;
  readonly #parked = new Map<RingReader, () => void>();
  #isParked = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writerGone = false;
  #closed = false;

  /**
   * Attaches to a ring.
   *
   * @param observe Whether to read a lossless ring without making its writer wait.
   * @param pollIntervalMs How often to look while parked where the table cannot be written to.
   * @param onEmpty Told when the last reader has left and the ring was let go.
   */
  constructor(
    transport: Transport,
    news: RingNews,
    stream: string,
    observe: boolean,
    pollIntervalMs: number,
    onEmpty: () => void,
  ) {
    const action = `attach to a ring of stream ${JSON.stringify(stream)}`;
    const ring = transport.attachRing(news.epochLow, news.epochHigh);
    try {
      this.view = new RingView(action, ring, false);
      this.view.requireEpoch(action, news.epochLow, news.epochHigh);
    } catch (error) {
      ring.close();
      throw error;
    }
    this.news = news;
    this.verifier = new BlockVerifier(transport.checksums);
    this.copies = new BlockCopies(this.view, this.verifier);
    this.entry = ring.tableWritable ? new TableEntry(transport, ring, this.view, this.view.lossless && !observe) : null;
    this.#transport = transport;
    this.#ring = ring;
    this.#stream = stream;
    this.#pollIntervalMs = pollIntervalMs;
    this.#onEmpty = onEmpty;
  }

  /** Whether the writer waits for this Worker's readers. */
  get gates(): boolean {
    return this.entry?.gates ?? false;
  }

  /** Whether its memory is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes a reader in, and returns where it can begin: what it wants, or later where that is about to be overwritten. */
  addReader(reader: RingReader, wanted: number): number {
    const action = `subscribe to stream ${JSON.stringify(this.#stream)}`;
    const { entry } = this;
    entry?.requirePlace(action);
    const isFirst = this.#readers.length === 0;
    let start = wanted;
    if (entry !== null) {
      if (isFirst) start = entry.join(action, wanted, 1);
      else {
        entry.setSubscribers(this.#readers.length + 1);
        // What lies before the cursor of the others is not protected yet.
        if (wanted < this.#published) start = entry.settle(wanted, this.#published);
      }
    }
    this.#readers.push(reader);
    this.copies.share(this.#readers.length);
    if (isFirst || start < this.#published) {
      this.#published = start;
      this.#slowest = 1;
    } else if (start === this.#published) {
      this.#slowest++;
    }
    return start;
  }

  /** Takes a reader out. The last one lets the ring go. */
  removeReader(reader: RingReader): void {
    const index = this.#readers.indexOf(reader);
    if (index < 0) return;
    this.#readers.splice(index, 1);
    this.unpark(reader);
    if (this.#readers.length > 0) {
      this.entry?.setSubscribers(this.#readers.length);
      this.copies.share(this.#readers.length);
      if (this.gates) this.#publishSlowest();
      return;
    }
    this.entry?.leave();
    this.closeUnread();
  }

  /** Lets the ring go when nobody reads it. */
  closeUnread(): void {
    if (this.#closed || this.#readers.length > 0) return;
    this.#closed = true;
    // Before the memory is gone, which tells whether the ring has ended.
    this.#onEmpty();
    this.view.detach();
    this.#ring.close();
  }

  /** A reader does not need any longer what lies between the two sequences. */
  moved(from: number, to: number): void {
    if (this.#readers.length === 1) {
      this.#published = to;
      this.entry!.publish(to);
      return;
    }
    if (from === this.#published && --this.#slowest === 0) this.#publishSlowest();
  }

  /** The writer gave this Worker up: registers anew. Readers that were overtaken meanwhile are told where to go on. */
  rejoin(): void {
    const entry = this.entry!;
    entry.leave();
    const oldest = this.#oldestGate();
    const safe = entry.join(`subscribe to stream ${JSON.stringify(this.#stream)}`, oldest, this.#readers.length);
    for (const reader of this.#readers) reader.wasDropped(safe);
    this.#publishSlowest();
  }

  /** What the writer is doing; asks the system at most once in a heartbeat interval of a silent writer. */
  get state(): RingState {
    if (this.#writerGone || this.view.closed) return "ended";
    const silent = elapsedMs(this.view.heartbeatMs, this.#transport.clockMs());
    if (silent <= Math.max(this.view.heartbeatIntervalMs, BEAT_PERIOD_MS_MAX * 2)) return "live";
    if (this.#ring.writerAlive()) return "stale";
    this.#writerGone = true;
    return "ended";
  }

  /** Whether the writer has closed, or is known to have died. */
  get isKnownEnded(): boolean {
    return this.#writerGone || this.view.closed;
  }

  /** Whether the writer has closed or died, asked for now. */
  isEnded(): boolean {
    this.#writerGone ||= this.view.closed || !this.#ring.writerAlive();
    return this.#writerGone;
  }

  /** Blocks the thread until the reader has data, the time is over, or somebody else was woken. */
  wait(reader: RingReader, timeoutMs: number): void {
    if (!this.view.tableWritable) {
      this.#ring.wait(RING_DATA, loadWord(this.view.table, DATA_WORD), Math.min(timeoutMs, this.#pollIntervalMs));
      return;
    }
    const expected = this.#arm();
    if (!reader.takeBearings()) this.#ring.wait(RING_DATA, expected, timeoutMs);
  }

  /** Calls a reader back when data come. One park serves all readers of the Worker. */
  park(reader: RingReader, onReady: () => void): void {
    this.#parked.set(reader, onReady);
    if (!this.view.tableWritable) {
      this.#timer ??= setTimeout(() => this.#lookWhileParked(), this.#pollIntervalMs);
      return;
    }
    if (!this.#isParked) {
      this.#isParked = true;
      this.#ring.park(RING_DATA, this.#arm(), () => this.#woken());
    }
    // The flag is up: what comes after this look lowers it.
    if (!reader.takeBearings()) return;
    queueMicrotask(() => {
      if (this.#parked.get(reader) !== onReady) return;
      this.unpark(reader);
      onReady();
    });
  }

  unpark(reader: RingReader): void {
    if (!this.#parked.delete(reader) || this.#parked.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isParked) return;
    this.#isParked = false;
    this.#ring.unpark(RING_DATA);
  }

  /** Raises the flag that asks the writer to wake; returns the value that the word has until then. */
  #arm(): number {
    const { table } = this.view;
    for (;;) {
      const word = loadWord(table, DATA_WORD);
      if ((word & 1) !== 0) return word;
      // An exchange, so that it is a full barrier: data are looked for after the flag can be seen.
      if (Atomics.compareExchange(table, DATA_WORD, word, word | 1) === word) return word | 1;
    }
  }

  #woken(): void {
    this.#isParked = false;
    const callbacks = [...this.#parked.values()];
    this.#parked.clear();
    for (const callback of callbacks) callback();
  }

  #lookWhileParked(): void {
    this.#timer = undefined;
    for (const reader of this.#parked.keys()) {
      if (reader.hasData()) return this.#woken();
    }
    this.#timer = setTimeout(() => this.#lookWhileParked(), this.#pollIntervalMs);
  }

  #oldestGate(): number {
    let oldest = Infinity;
    for (const reader of this.#readers) oldest = Math.min(oldest, reader.gate);
    return oldest;
  }

  #publishSlowest(): void {
    const oldest = this.#oldestGate();
    this.#slowest = 0;
    for (const reader of this.#readers) if (reader.gate === oldest) this.#slowest++;
    this.#published = oldest;
    this.entry!.publish(oldest);
  }
}
